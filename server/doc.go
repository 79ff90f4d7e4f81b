// Package server puts a house of engines (package fog) on the network: the REST interface described at
// /openapi.json, the WebSocket feed of metrics, the documentation pages and the dashboard.
//
// Every handler does three things: decode, call one method of an engine, encode. What the engines decide is decided
// there; what this package owns is the edge: who may talk to us (auth.go), what an error looks like on the wire
// (errors.go), whether an engine can answer at all (ready.go), and how long anyone may take (serve.go).
//
// # Files
//
// A file is named after the engine whose routes it holds: scheduler.go, scheduler_jobs.go, idle.go, blob.go,
// tokenomics.go, benchmark.go, and so on. Each begins with a method mount… that lists its routes. What changes the ledger is
// registered by move (tokenomics_key.go): its Idempotency-Key becomes the key of the ledger, and a repeated request is answered
// from the movement that it made, as the first time.
//
// # Goroutines
//
// New and Handler start none. Serve starts one that accepts connections and one that runs the hub (hub.go), and returns
// after both have ended. A device's beat that is held open has one that ends with it (held), as a wait for events has; so
// has a request through Local.
package server
