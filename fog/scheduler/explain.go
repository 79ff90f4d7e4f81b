package scheduler

// Code names a reason why a job waits.
type Code string

// The reasons. Those that count nodes say how many nodes they rule out.
const (
	CodeAwaitingFunds  Code = "awaiting_funds"    // the payer's funds are not held yet
	CodePaused         Code = "paused"            // its owner paused it
	CodeBackOff        Code = "back_off"          // it failed and is tried again later
	CodeNoNodes        Code = "no_nodes"          // the fleet is empty
	CodeAllDown        Code = "all_nodes_down"    // the fleet is down as a whole
	CodeNodeDown       Code = "node_down"         // nodes that are down
	CodeDrained        Code = "drained"           // nodes that an operator drained
	CodeIneligible     Code = "device_ineligible" // nodes that may not take work now, with their own reasons
	CodeNoExecutor     Code = "no_executor"       // nodes that cannot run this kind of program
	CodeCPUNever       Code = "cpu_never"         // nodes with too few cores in total
	CodeMemoryNever    Code = "memory_never"
	CodeGPUNever       Code = "gpu_never"
	CodeCPUBusy        Code = "cpu_busy" // nodes with too few free cores now
	CodeMemoryBusy     Code = "memory_busy"
	CodeGPUBusy        Code = "gpu_busy"
	CodeOwnDevice      Code = "own_device"      // nodes of the job's own owner: nobody pays himself
	CodeReplicaThere   Code = "replica_there"   // nodes of an owner who has another replica of the job
	CodeFailedThere    Code = "failed_there"    // nodes of an owner on whose node the job failed, while others could take it
	CodeDistinctOwners Code = "distinct_owners" // its trust needs more distinct owners than could ever take it
	CodeNeverHere      Code = "never_here"      // no node of this fleet can ever take it
	CodeNextRound      Code = "next_round"      // a node could take it: it is placed in a coming round
	CodeAwaitingPickUp Code = "awaiting_pickup" // placed, and not fetched by its node yet
	CodeWorking        Code = "working"         // every slot is at work
)

// Reason is one reason why a job waits, for programs (Code, Nodes) and for people (Text).
type Reason struct {
	Code Code   `json:"code"`
	Text string `json:"text"`
	// Nodes is the number of nodes that the reason rules out; zero where it is not about nodes.
	Nodes int `json:"nodes,omitempty"`
}

// Explanation says why a job is where it is.
type Explanation struct {
	Job   JobID
	State State
	// Reasons are all that apply, the decisive ones first; empty once the job is final.
	Reasons []Reason
}
