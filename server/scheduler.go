package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func (s *Server) mountScheduler() {
	route(s, "scheduler", huma.Operation{
		OperationID: "scheduler-stats", Method: http.MethodGet, Path: "/api/scheduler/stats", Summary: "Jobs and nodes in numbers",
	}, s.schedulerStats)
	s.mountJobs()
	s.mountArrays()
	s.mountQuotas()
	s.mountSchedules()
	s.mountEvents()
	s.mountNodes()
	s.mountReservations()
	s.mountAttempts()
}

type schedulerReply struct {
	TotalJobs           int64               `json:"totalJobs" doc:"Jobs ever submitted."`
	RunningJobs         int64               `json:"runningJobs" doc:"Jobs that run."`
	PendingJobs         int64               `json:"pendingJobs" doc:"Jobs that have not begun."`
	CompletedJobs       int64               `json:"completedJobs" doc:"Jobs whose result is accepted."`
	QueueLength         int64               `json:"queueLength" doc:"Jobs that wait for a device."`
	AvgWaitTime         float64             `json:"avgWaitTime" doc:"Mean time from submission to start, seconds; 0 before the first start."`
	SLACompliance       tierShares          `json:"slaCompliance" doc:"Share of each level's finished jobs that completed in its time, percent."`
	ResourceUtilization resourceShares      `json:"resourceUtilization" doc:"Share of the fleet's capacity that is taken."`
	OptimizationScore   float64             `json:"optimizationScore" doc:"Share of all finished jobs that completed in their level's time, each counted by its level's weight, percent."`
	Jobs                jobCounts           `json:"jobs" doc:"Jobs by what has become of them."`
	NSGA                nsgaReply           `json:"nsga" doc:"The multi-objective optimiser of this server."`
	SLA                 map[string]tierInfo `json:"sla" doc:"Each level's jobs and compliance, by its name."`
	Performance         performanceReply    `json:"performance" doc:"How well the scheduler does."`
}

type tierShares struct {
	Platinum float64 `json:"platinum" doc:"Percent; 0 before the first finished."`
	Gold     float64 `json:"gold" doc:"Percent; 0 before the first finished."`
	Silver   float64 `json:"silver" doc:"Percent; 0 before the first finished."`
	Bronze   float64 `json:"bronze" doc:"Percent; 0 before the first finished."`
}

type resourceShares struct {
	CPU    float64 `json:"cpu" doc:"Percent of all cores."`
	Memory float64 `json:"memory" doc:"Percent of all memory."`
	GPU    float64 `json:"gpu" doc:"Percent of all GPUs; 0 without any."`
}

type jobCounts struct {
	Queued    int64 `json:"queued" doc:"Have not begun."`
	Running   int64 `json:"running" doc:"Run."`
	Completed int64 `json:"completed" doc:"Have an accepted result."`
	Failed    int64 `json:"failed" doc:"Failed, expired or could not be paid."`
}

type nsgaReply struct {
	Searches        int64   `json:"searches" doc:"Searches for a better plan since the server started."`
	Moves           int64   `json:"moves" doc:"Attempts that were put on another node because of them."`
	GenerationsRun  int64   `json:"generationsRun" doc:"Generations of NSGA-II since the server started; 0 while local search alone has the budget."`
	ParetoFront     int64   `json:"paretoFront" doc:"Plans on the latest front."`
	ConvergenceRate float64 `json:"convergenceRate" doc:"Share of its score that the latest search saved against the greedy plan, percent."`
}

type tierInfo struct {
	Count      int64            `json:"count" doc:"Jobs ever submitted at this level."`
	Compliance float64          `json:"compliance" doc:"Share of its finished jobs that completed in its time, percent; 0 before the first."`
	States     map[string]int64 `json:"states" doc:"Its jobs that have not ended, by the exact state of the scheduler's machine; states without jobs are absent."`
}

type performanceReply struct {
	AvgPlacementTime    float64 `json:"avgPlacementTime" doc:"Mean time in the queue before a placement, milliseconds; 0 before the first."`
	ResourceUtilization float64 `json:"resourceUtilization" doc:"Share of all cores that is taken, percent."`
	CostEfficiency      float64 `json:"costEfficiency" doc:"CPU-seconds of accepted results for each FOG paid; 0 before the first payment."`
}

func (s *Server) schedulerStats(ctx context.Context, _ *struct{}) (*schedulerReply, error) {
	stats, err := s.fog.Scheduler.Stats(ctx)
	if err != nil {
		return nil, err
	}
	return encodeSchedulerStats(&stats), nil
}

func encodeSchedulerStats(stats *scheduler.Stats) *schedulerReply {
	by := countWords(stats.States)
	cpu, memory, gpu := stats.Utilisation()
	waiting := by["pending"] + by["queued"]
	reply := &schedulerReply{
		TotalJobs: stats.Total, RunningJobs: by["running"], PendingJobs: waiting, CompletedJobs: by["completed"],
		QueueLength: by["queued"], AvgWaitTime: stats.AvgWait.Seconds(),
		ResourceUtilization: resourceShares{CPU: 100 * cpu, Memory: 100 * memory, GPU: 100 * gpu},
		OptimizationScore:   100 * stats.Compliance(),
		Jobs: jobCounts{
			Queued: waiting, Running: by["running"], Completed: by["completed"], Failed: by["failed"] + by["expired"] + by["refused"],
		},
		NSGA: nsgaReply{
			Searches: stats.Optimiser.Searches, Moves: stats.Optimiser.Moves,
			GenerationsRun: stats.Optimiser.Generations, ParetoFront: int64(stats.Optimiser.Front), ConvergenceRate: 100 * stats.Optimiser.Gain,
		},
		SLA: map[string]tierInfo{},
		Performance: performanceReply{
			AvgPlacementTime:    float64(stats.AvgPlacement.Microseconds()) / 1000,
			ResourceUtilization: 100 * cpu,
			CostEfficiency:      perFOG(stats.CPUSeconds, stats.Spent),
		},
	}
	for tier, t := range stats.Tiers {
		reply.SLA[string(tier)] = tierInfo{Count: t.Count, Compliance: 100 * t.Compliance(), States: countStates(stats.Open[tier])}
	}
	reply.SLACompliance = tierShares{
		Platinum: reply.SLA["platinum"].Compliance, Gold: reply.SLA["gold"].Compliance,
		Silver: reply.SLA["silver"].Compliance, Bronze: reply.SLA["bronze"].Compliance,
	}
	return reply
}

// countStates leaves out the states without jobs.
func countStates(states map[scheduler.State]int64) map[string]int64 {
	out := make(map[string]int64, len(states))
	for state, n := range states {
		if n > 0 {
			out[string(state)] = n
		}
	}
	return out
}

// countWords counts jobs by the word that clients know for their state.
func countWords(states map[scheduler.State]int64) map[string]int64 {
	by := map[string]int64{}
	for state, n := range states {
		by[statusWord(state)] += n
	}
	return by
}

// perFOG divides a quantity by a price.
func perFOG(quantity float64, price scheduler.Price) float64 {
	if price <= 0 {
		return 0
	}
	return quantity / (float64(price) / 1e6)
}
