package server_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/server"
)

// row is one line of the contract: a request and the exact fields of its answer. Fields in braces are those of an
// object, or of the first element of a list. A + marks a field of ours that older clients do not know.
type row struct {
	method, path, body, fields string
}

func contractRows(job, array, device, proposal string) []row {
	const scheduleFields = "+id +name +owner +status +spec +zone +overlap +catchUp +next +last +lastJob +lastError +fired +skipped" +
		" +template{name sla cpu memory gpu disk bandwidth executor durationEstimate maxRuntime dataSizeMb dataAt trust priority group count gang maxPrice" +
		" constraints* after* task{module args inputs stdin output seed maxMemoryMb maxOutputBytes maxStdoutBytes}}"
	const arrayCounts = "pending queued running completed paused cancelled failed refused expired deleted"
	const proposalFields = "id title description proposer status votesFor votesAgainst createdAt" +
		" +kind +actions* +counting +steps{action by* from until} +nextAt +endedAt +votesAbstain +votesVeto +turnout +voters +quorum +quorate +power" +
		" +snapshot +threshold +vetoFrom +voterCap +openedAt +endsAt +extended +deposit +deposited +executableAt +basedOn +version"
	const slashFields = "+id +operator +kind +at +points +harmed +loss +detail +status +openedAt +nextAt +appeal +verdict +applied" +
		" +taken +compensated +insured +burned"
	const movementFields = "movement at op key owner creator hold memo detail postings{account kind amount balance}"
	const slashPath = "/api/tokenomics/slashes/s"
	const jobFields = "id name status sla cpu memory gpu node submitted started completed progress eta"
	return []row{
		{"GET", "/health", "", "status readiness composite_health version initialized" +
			" services{dao scheduler edge harvest fog_coordinator onion vpn_coordinator p2p betanet bitchat} service_details{dao{engine status cause} scheduler* edge* harvest* fog_coordinator* onion* vpn_coordinator* p2p* betanet* bitchat*}" +
			" +parts{name status cause} +parked_facts"},
		{"GET", "/ready", "", "status"},
		{"GET", "/api/dashboard/stats", "", "betanet{mixnodes activeConnections packetsProcessed status}" +
			" bitchat{activePeers messagesDelivered encryptionStatus meshHealth}" +
			" benchmarks{avgLatency throughput networkUtilization cpuUsage memoryUsage}" +
			" idle{totalDevices harvestingDevices computeHours} tokenomics{totalSupply activeStakers}" +
			" privacy{activeCircuits circuitHealth}"},
		{"GET", "/api/tokenomics/stats", "", "totalSupply circulatingSupply stakedTokens activeStakers proposalsActive proposalsTotal" +
			" marketCap stakingAPR tokens{totalSupply circulatingSupply marketCap price +currency}" +
			" dao{proposals activeVotes totalVoters treasuryBalance} marketplace{activeListings totalVolume avgPrice trades24h +prices{cpuSecond gpuSecond memoryGbSecond transferGb}}" +
			" rewards{totalEarned computeRewards stakingRewards governanceRewards}"},
		{"GET", "/api/tokenomics/balance", "", "address balance +held staked rewards total updated_at"},
		{"GET", "/api/tokenomics/balance?address=nobody", "", "address balance +held staked rewards total updated_at"},
		{"POST", "/api/tokenomics/transfer", `{"to":"ann","amount":1}`, "+success +from +to +amount"},
		{"POST", "/api/tokenomics/stake", `{"address":"operator","amount":"1000"}`, "success address stakedAmount totalStaked +operator"},
		{"POST", "/api/tokenomics/unstake", `{"address":"operator","amount":1e-6}`, "success address unstakedAmount totalStaked +operator +unstakeId"},
		{"GET", "/api/tokenomics/rewards?address=operator", "", "address pendingRewards rewardsRate"},
		{"POST", "/api/tokenomics/claim", `{}`, "+success +address +claimedAmount"},
		{"POST", "/api/tokenomics/compound", `{}`, "+success +address +operator +stakedAmount +totalStaked"},
		{"GET", "/api/tokenomics/proposals", "", "proposals{" + proposalFields + "} +next"},
		{"GET", "/api/tokenomics/proposals/" + proposal, "", proposalFields},
		{"POST", "/api/tokenomics/proposals", aProposal, "success proposalId"},
		{"POST", "/api/tokenomics/vote", `{"proposal_id":"` + proposal + `","voter":"operator","vote":true}`, "success proposalId vote"},
		{"GET", "/api/tokenomics/proposals/" + proposal + "/votes", "", "+votes{voter vote power person reason movement} +next"},
		{"POST", "/api/tokenomics/proposals/" + proposal + "/cancel", "", "+success +proposalId +status"},
		{"POST", "/api/tokenomics/delegate", `{"delegates":[{"address":"ann","points":5000}]}`, "+success +address +delegates{address points}"},
		{"POST", "/api/tokenomics/redelegate", `{"to":"lamp","amount":1}`, "+success +address +from +to +amount"},
		{"GET", "/api/tokenomics/stakes", "", "+address +positions{operator staked pending unbonding*} +staked +power +totalPower +delegates{address points}"},
		{"POST", "/api/tokenomics/cancel-unstake", `{"unstake_id":"leaving"}`, "+success +address +operator +stakedAmount +totalStaked"},
		{"GET", "/api/tokenomics/pools", "", "+pools{operator staked slashes*} +next"},
		{"GET", "/api/tokenomics/slashes", "", "+slashes{" + slashFields + "} +next"},
		{"GET", slashPath, "", slashFields},
		{"POST", slashPath + "/appeal", `{"operator":"operator","detail":"no"}`, "+success +slashId +status"},
		{"POST", slashPath + "/uphold", "", "+success +slashId +status"},
		{"POST", "/api/tokenomics/slashes/t/dismiss", `{"detail":"well"}`, "+success +slashId +status"},
		{"GET", "/api/tokenomics/parameters", "", "+parameters{key doc unit value default version emergency} +version +inForce"},
		{"GET", "/api/tokenomics/entries", "", "+entries{movement at op key kind amount balance hold memo} +next"},
		{"GET", "/api/tokenomics/movements?after=0", "", "+movements{" + movementFields + "} +next"},
		{"GET", "/api/tokenomics/receipt?op=unstake&key=leaving", "", "+movement{" + movementFields + "} +data +proof{seq leaf index count proof* previous header{first last at root} hash}"},
		{"GET", "/api/tokenomics/head", "", "+last +hash"},
		{"POST", "/api/tokenomics/verify", "", "+whole +last +hash +disagreements*"},
		{"GET", "/api/scheduler/stats", "", "totalJobs runningJobs pendingJobs completedJobs queueLength avgWaitTime" +
			" slaCompliance{platinum gold silver bronze} resourceUtilization{cpu memory gpu} optimizationScore" +
			" jobs{queued running completed failed} nsga{generationsRun paretoFront convergenceRate +searches +moves}" +
			" sla{platinum{count compliance +states*} gold{count compliance +states*} silver{count compliance +states*} bronze{count compliance +states*}}" +
			" performance{avgPlacementTime resourceUtilization costEfficiency}"},
		{"GET", "/api/scheduler/jobs", "", "jobs{" + jobFields + "} total filtered +next"},
		{"POST", "/api/scheduler/jobs", aJob, "success jobId status estimatedStartTime sla +price +quote"},
		{"POST", "/api/scheduler/jobs", `{"name":"array","sla_tier":"gold","cpu_required":1,"memory_required":1,"count":2}`,
			"success jobId status estimatedStartTime sla +price +quote +arrayId +count"},
		{"GET", "/api/scheduler/jobs/" + job, "", jobFields + " logs +state +reason +waiting{code text nodes} +estimatedStartTime +trust +price +quote +owner +attempts*" +
			" +executor +disk +bandwidth +dataAt +deadline +priority +boost +group +array +index +count +gang +constraints* +after*"},
		{"GET", "/api/scheduler/arrays/" + array, "", "+id +name +owner +count +jobs{" + arrayCounts + "} +states*"},
		{"GET", "/api/scheduler/arrays/" + array + "/jobs", "", "+ids* +total +next"},
		{"PATCH", "/api/scheduler/arrays/" + array, `{"status":"pause"}`, "+success +arrayId +jobs{" + arrayCounts + "}"},
		{"DELETE", "/api/scheduler/arrays/" + array, "", "+success +arrayId +jobs{" + arrayCounts + "}"},
		{"PUT", "/api/scheduler/quotas", `{"quotas":[{"owner":"alice","weight":2,"most":{"cpu":4},"max_queued":100}]}`, "+success +set"},
		{"GET", "/api/scheduler/quotas", "", "+quotas{owner weight most{cpu memory gpu disk bandwidth} maxQueued updated} +total"},
		{"PATCH", "/api/scheduler/jobs/" + job, `{"status":"pause"}`, "success jobId status"},
		{"DELETE", "/api/scheduler/jobs/" + job, "", "success jobId status"},
		{"GET", "/api/scheduler/nodes", "", "nodes{id status cpu memory gpu load trust" +
			" +disk +bandwidth +speed +owner +drained +labels* +taints* +reasons*} total"},
		{"PATCH", "/api/scheduler/nodes/" + device, `{"drained":false,"labels":{"zone":"a"}}`, "+success +nodeId"},
		{"GET", "/api/scheduler/events?after=0", "", "+events{seq at job array owner status state version} +next"},
		{"PUT", "/api/scheduler/schedules/nightly", aSchedule, "+success +scheduleId +status +next"},
		{"GET", "/api/scheduler/schedules", "", "+schedules{" + scheduleFields + "} +total"},
		{"GET", "/api/scheduler/schedules/nightly", "", scheduleFields},
		{"PATCH", "/api/scheduler/schedules/nightly", `{"status":"pause"}`, "+success +scheduleId +status +next"},
		{"DELETE", "/api/scheduler/schedules/nightly", "", "+success +scheduleId +status +next"},
		{"PUT", "/api/scheduler/reservations/demo", `{"owner":"alice","nodes":["other"],"until":"2100-01-01T00:00:00Z"}`, "+success +id"},
		{"GET", "/api/scheduler/reservations", "", "+reservations{id owner nodes* until} +total"},
		{"DELETE", "/api/scheduler/reservations/demo", "", "+success +id"},
		{"GET", "/api/idle-compute/stats", "", "totalDevices activeDevices harvestingDevices idleDevices" +
			" totalResources{cpu memory avgBattery} harvestMetrics{tasksCompleted totalComputeHours efficiency}" +
			" deviceTypes{android ios desktop +server} devices{total active charging thermal_throttle}" +
			" compute{totalCPU totalGPU totalMemory utilizationRate} harvest{tasksCompleted computeHoursCollected energyEfficiency}" +
			" mobile{android ios batteryHealthAvg}"},
		{"GET", "/api/idle-compute/devices", "", "devices{id name platform type status battery charging cpu memory temperature" +
			" cpuContribution tasksCompleted lastSeen +eligible +reasons*} total +next"},
		{"POST", "/api/idle-compute/devices", aDevice, "success deviceId status"},
		{"GET", "/api/idle-compute/devices/" + device, "", "id type status capabilities{cpu memory battery charging temperature}" +
			" stats{tasksCompleted computeHours uptime} lastSeen +eligible +reasons*"},
		{"POST", "/api/idle-compute/devices/" + device + "/heartbeat", `{"battery":70}`, "success deviceId acknowledged" +
			" +directive{nextSeconds desired eligible reasons* renewed* cancel* offers*}"},
		{"POST", "/api/idle-compute/heartbeats", `{"beats":[{"device_id":"` + device + `"}]}`,
			"+success +results{deviceId acknowledged directive* status detail}"},
		{"DELETE", "/api/idle-compute/devices/" + device, "", "success deviceId status"},
		{"GET", "/api/benchmarks/data", "", "timestamp latency throughput cpuUsage memoryUsage networkUtilization"},
		{"POST", "/api/benchmarks/start", `{"type":"latency","duration":1}`, "success benchmarkId type status"},
		{"POST", "/api/benchmarks/stop", "", "success benchmarkId status"},
		{"PUT", "/api/blobs/" + emptyDigest, "", "+success +sha256 +bytes"},
	}
}

// emptyDigest is the SHA-256 of nothing.
const emptyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestContractFields(t *testing.T) {
	a := newAPI(t, server.Config{})
	device := "phone"
	a.ok("POST", "/api/tokenomics/stake", `{"amount":1001}`)
	a.ok("POST", "/api/tokenomics/unstake", `{"amount":1}`, "Idempotency-Key", "leaving")
	for _, slash := range []string{"s", "t"} {
		a.ok("POST", "/api/tokenomics/slashes", aSlash(), "Idempotency-Key", slash)
	}
	a.ok("POST", "/api/idle-compute/devices", aDevice)
	a.ok("POST", "/api/idle-compute/devices/"+device+"/heartbeat", `{"battery":80,"is_charging":true}`)
	job, _ := a.ok("POST", "/api/scheduler/jobs", aJob)["jobId"].(string)
	a.eventually("the device is a node", func() bool { return a.ok("GET", "/api/scheduler/nodes", "")["total"].(float64) > 0 })
	array, _ := a.ok("POST", "/api/scheduler/jobs", anArray)["arrayId"].(string)
	for _, r := range contractRows(job, array, device, a.proposes(aProposal)) {
		t.Run(r.method+" "+r.path, func(t *testing.T) {
			compareFields(t, r.path, parseFields(r.fields), a.ok(r.method, r.path, r.body))
		})
	}
}

// fields is a tree of field names. A nil subtree is not looked into.
type fields map[string]fields

// parseFields reads "a b{c d} e*": e* is an object or list whose inside is not compared.
func parseFields(text string) fields {
	out, _ := readFields(strings.NewReplacer("{", " { ", "}", " } ").Replace(text))
	return out
}

func readFields(text string) (fields, string) {
	out, last := fields{}, ""
	for text != "" {
		var word string
		word, text, _ = strings.Cut(strings.TrimLeft(text, " "), " ")
		switch word {
		case "":
		case "{":
			out[last], text = readFields(text)
		case "}":
			return out, text
		default:
			last = strings.TrimPrefix(strings.TrimSuffix(word, "*"), "+")
			out[last] = nil
		}
	}
	return out, ""
}

// compareFields checks that an object has exactly these fields, all the way down.
func compareFields(t *testing.T, where string, want fields, got any) {
	t.Helper()
	if list, ok := got.([]any); ok {
		require.NotEmpty(t, list, "%s is empty: its elements cannot be compared", where)
		got = list[0]
	}
	object, ok := got.(map[string]any)
	require.True(t, ok, "%s is %T, not an object", where, got)
	assert.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(object)), "fields of %s", where)
	for name, inside := range want {
		if inside != nil {
			compareFields(t, where+"."+name, inside, object[name])
		}
	}
}

func TestAbsentEnginesAnswerWithTheirCause(t *testing.T) {
	a := newAPI(t, server.Config{})
	for _, r := range []struct{ method, path, body string }{
		{"GET", "/api/betanet/status", ""},
		{"POST", "/api/betanet/deploy", `{"node_type":"mixnode"}`},
		{"GET", "/api/privacy/stats", ""},
		{"GET", "/api/privacy/circuits", ""},
		{"GET", "/api/p2p/stats", ""},
		{"POST", "/api/scheduler/attempts/x.0.1/checkpoint", `{}`},
	} {
		p := a.refused(http.StatusServiceUnavailable, r.method, r.path, r.body)
		assert.Contains(t, p["detail"], "not part of this build", r.path)
	}
	services := a.ok("GET", "/health", "")["services"].(map[string]any)
	for service, state := range map[string]string{
		"betanet": "unavailable", "onion": "unavailable", "p2p": "unavailable", "scheduler": "healthy", "dao": "healthy", "edge": "healthy",
	} {
		assert.Equal(t, state, services[service], service)
	}
}
