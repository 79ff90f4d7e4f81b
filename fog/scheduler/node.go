package scheduler

import (
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// NodeID names a node. It is the identifier of the device behind it.
type NodeID string

// NodeState says whether a node may be given work.
type NodeState string

// The states of a node.
const (
	// NodeUp takes work.
	NodeUp NodeState = "up"
	// NodeClosed keeps what it runs and takes nothing new; Node.Reasons says why.
	NodeClosed NodeState = "closed"
	// NodeDown is gone: what it ran goes back to the queue.
	NodeDown NodeState = "down"
)

// Capacity is what a node has in total.
type Capacity struct {
	MilliCPU int64 // thousandths of a core
	MemoryMB int64
	MilliGPU int64 // thousandths of a device
}

// ExecutorWASM and ExecutorGPU are the executors that the scheduler itself knows of.
const (
	ExecutorWASM = "wasm"
	ExecutorGPU  = "gpu"
)

// Node is a place where attempts can run. A stored Node's slices and maps are replaced, not written to.
type Node struct {
	ID     NodeID
	Tenant principal.Tenant
	Owner  principal.Account // is paid
	State  NodeState
	// Drained nodes take nothing new, by an operator's wish. It is set by SetDrain alone: saving a node keeps it.
	Drained bool
	// Reasons are the sentences that say why the node is closed or down.
	Reasons   []string
	Capacity  Capacity
	Executors []string
	// Trust is 0..1.
	Trust  float64
	Labels map[string]string
	// Speed is relative to the node on which estimates hold; zero counts as 1.
	Speed float64
	// Source is the version of the device that the node follows. A node with an older one than stored is ignored.
	Source int64
	// Updated is when the node was last saved or drained.
	Updated time.Time
	// Version counts the saves and drains, from 1; the store counts.
	Version int64
}
