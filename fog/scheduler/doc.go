// Package scheduler decides which node runs which job, and carries each job from its submission to its accepted result.
//
// A Submission becomes a Job. A job has as many slots as its Trust asks for replicas, and each slot is filled by attempts,
// one after another, on nodes of different owners. Nodes fetch their attempts with Claim under a lease and a fencing
// token, renew the lease by claiming again, and hand in the result with Report. Once enough equal results are there the job is
// validated, and after a window it vests: it may be paid. The two state machines are drawn at State and AttemptState.
//
// Every decision is a pure function of a stored record, the time and an input. The engine loads records, decides, and
// commits with a compare-and-set on each record's version, many callers to one commit; whoever decided on an older
// version decides again. So several servers may work on one store. Only planning, which must know the whole fleet, is done
// by one server at a time: the holder of the duty DutyPlan, whose fence every plan carries.
//
// The package needs nothing but the standard library. It keeps its rows behind the port Store: Memory in this package, or
// schedulerdb for PostgreSQL and SQLite. What it asks of others are the ports Pricer and Escrow; what it tells others are
// the facts of TopicSettle.
//
// # Units
//
// Cores and GPUs are counted in thousandths, memory in megabytes of 2^20 bytes, prices in base units of 1e-6 FOG.
package scheduler
