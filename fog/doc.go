// Package fog opens a fog compute house: jobs are submitted, placed on idle
// devices, run there in a sandbox, checked, and paid from a ledger that always
// sums to zero.
//
// A program opens the house, talks to its engines and closes it:
//
//	house, err := fog.Open(ctx, fog.Config{DataDir: "data"})
//	if err != nil { ... }
//	defer house.Close()
//	jobs, err := house.Scheduler.Submit(ctx, []scheduler.Submission{{Name: "hello", Tier: "gold"}})
//
// The engines stand side by side and do not know each other:
//
//	scheduler   jobs, attempts, nodes: who runs what, and is it done?
//	tokenomics  the ledger: who pays whom, exactly once
//	idle        devices: who may be harvested now, and why not
//	blob        bytes by their digest: modules, inputs, outputs
//	benchmark   what this machine does, measured
//
// wire.go introduces them to each other; flow.go carries what has happened in
// one engine to the others. Every engine can be used without this package.
//
// # Units
//
// Times are time.Time in UTC and time.Duration. Tokens are integers of base
// units, 1e-6 FOG. CPU is thousandths of a core, work is CPU-seconds, memory is
// MiB. An identifier has a type of its own.
//
// # Errors
//
// Every error has a kind (KindOf): what it means to a caller, and to HTTP, is
// decided by the kind alone. Detail is the text that may be shown to a client.
package fog
