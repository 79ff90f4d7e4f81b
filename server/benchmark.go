package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/benchmark"
)

func (s *Server) mountBenchmark() {
	route(s, "benchmark", huma.Operation{
		OperationID: "benchmark-data", Method: http.MethodGet, Path: "/api/benchmarks/data", Summary: "The latest sample",
		Description: "While a benchmark runs its figures are live; else they are those of the last one.",
	}, s.benchmarkData)
	route(s, "benchmark", huma.Operation{
		OperationID: "start-benchmark", Method: http.MethodPost, Path: "/api/benchmarks/start", Summary: "Start a benchmark of this machine",
		Description: "One runs at a time; it ends by itself.", Errors: []int{http.StatusConflict},
	}, s.startBenchmark)
	route(s, "benchmark", huma.Operation{
		OperationID: "stop-benchmark", Method: http.MethodPost, Path: "/api/benchmarks/stop", Summary: "Stop a benchmark",
		Errors: []int{http.StatusNotFound},
	}, s.stopBenchmark)
}

type benchmarkReply struct {
	Timestamp          int64   `json:"timestamp" doc:"When the sample was taken, milliseconds since 1970."`
	Latency            float64 `json:"latency" doc:"Round trip over loopback, milliseconds; 0 before the first latency benchmark."`
	Throughput         float64 `json:"throughput" doc:"Bytes over loopback, megabit a second; 0 before the first throughput benchmark."`
	CPUUsage           float64 `json:"cpuUsage" doc:"CPU in use on this machine, percent."`
	MemoryUsage        float64 `json:"memoryUsage" doc:"Memory in use on this machine, percent."`
	NetworkUtilization float64 `json:"networkUtilization" doc:"Network in use, percent."`
}

func (s *Server) benchmarkData(context.Context, *struct{}) (*benchmarkReply, error) {
	return encodeSample(s.fog.Benchmark.Data()), nil
}

func encodeSample(d benchmark.Sample) *benchmarkReply {
	return &benchmarkReply{
		Timestamp: d.Timestamp.UnixMilli(), Latency: d.Latency, Throughput: d.Throughput,
		CPUUsage: d.CPU, MemoryUsage: d.Memory, NetworkUtilization: d.Network,
	}
}

type startInput struct {
	Body struct {
		Type     string  `json:"type" doc:"latency, throughput or stress."`
		Duration float64 `json:"duration,omitempty" minimum:"0" maximum:"3600" doc:"How long it runs, seconds; absent or 0: 60."`
	} `nameHint:"StartRequest"`
}

type benchmarkDone struct {
	Success     bool   `json:"success" doc:"Always true."`
	BenchmarkID string `json:"benchmarkId" doc:"Identifier of the benchmark."`
	Type        string `json:"type" doc:"latency, throughput or stress."`
	Status      string `json:"status" enum:"running" doc:"It runs now."`
}

func (s *Server) startBenchmark(ctx context.Context, in *startInput) (*benchmarkDone, error) {
	run, err := s.fog.Benchmark.Start(ctx, benchmark.Type(in.Body.Type), seconds(in.Body.Duration))
	if err != nil {
		return nil, err
	}
	return &benchmarkDone{Success: true, BenchmarkID: run.ID, Type: string(run.Type), Status: "running"}, nil
}

type stopInput struct {
	ID   string `query:"benchmark_id" doc:"Identifier of the benchmark; absent: the one that runs. A value in the body wins."`
	Body *struct {
		ID string `json:"benchmark_id,omitempty" doc:"Identifier of the benchmark; absent: the one that runs."`
	} `nameHint:"StopRequest"`
}

type benchmarkStopped struct {
	Success     bool   `json:"success" doc:"Always true."`
	BenchmarkID string `json:"benchmarkId" doc:"Identifier of the benchmark."`
	Status      string `json:"status" enum:"stopped" doc:"It has stopped."`
}

func (s *Server) stopBenchmark(ctx context.Context, in *stopInput) (*benchmarkStopped, error) {
	id := in.ID
	if in.Body != nil && in.Body.ID != "" {
		id = in.Body.ID
	}
	run, err := s.fog.Benchmark.Stop(ctx, id)
	if err != nil {
		return nil, err
	}
	return &benchmarkStopped{Success: true, BenchmarkID: run.ID, Status: "stopped"}, nil
}
