package scheduler

import "github.com/fogcompute/fogcompute/fog/internal/journal"

// Fact says that a job changed in a way that others act upon; it is stored in the same transaction as the change.
type Fact = journal.Fact

// TopicSettle is the topic of the fact that is written when a job becomes vested, failed, cancelled, expired or refused.
// Its ID is the job's and its Version the job's version then.
const TopicSettle journal.Topic = "scheduler.settle"
