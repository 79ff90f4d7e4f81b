package scheduler

import "github.com/fogcompute/fogcompute/fog/internal/journal"

// Fact says that a job changed in a way that others act upon; it is stored in the same transaction as the change.
type Fact = journal.Fact

// TopicSettle is the topic of the fact that is written when a job becomes vested, failed, cancelled, expired or refused.
// Its ID is the job's and its Version the job's version then.
const TopicSettle journal.Topic = "scheduler.settle"

// TopicJudge is the topic of the fact that is written, if there is a Config.Auditor, when results were judged: compared with each other, or
// believed alone by an adaptive rule. Its ID is the job's and its Version the job's version then.
const TopicJudge journal.Topic = "scheduler.judge"

// The steps that Config.Step is told of, each after its commit. StepHold and StepAsk follow the answer of the
// escrow and of the auditor instead, before it is stored.
const (
	StepSubmit   = "scheduler.submit"
	StepHold     = "scheduler.hold"
	StepQueue    = "scheduler.queue"
	StepRelease  = "scheduler.release"
	StepSchedule = "scheduler.schedule"
	StepPlace    = "scheduler.place"
	StepLease    = "scheduler.lease"
	StepRenew    = "scheduler.renew"
	StepProgress = "scheduler.progress"
	StepReport   = "scheduler.report"
	StepAsk      = "scheduler.ask"
	StepAudit    = "scheduler.audit"
	StepValidate = "scheduler.validate"
	StepVest     = "scheduler.vest"
	StepCancel   = "scheduler.cancel"
	StepPause    = "scheduler.pause"
	StepResume   = "scheduler.resume"
	StepLose     = "scheduler.lose"
	StepTimer    = "scheduler.timer"
	StepMove     = "scheduler.move"
	StepEvict    = "scheduler.evict"
	StepReprieve = "scheduler.reprieve"
	StepWithdraw = "scheduler.withdraw"
)

// Steps lists every step.
func Steps() []string {
	return []string{
		StepSubmit, StepHold, StepQueue, StepRelease, StepSchedule, StepPlace, StepLease, StepRenew, StepProgress, StepReport,
		StepAsk, StepAudit, StepValidate, StepVest, StepCancel, StepPause, StepResume, StepLose, StepTimer, StepMove,
		StepEvict, StepReprieve, StepWithdraw,
	}
}
