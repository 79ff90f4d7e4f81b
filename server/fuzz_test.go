package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/fogcompute/fogcompute/server"
)

// hostile are bodies that any endpoint must survive.
func hostile() []string {
	return []string{
		"", "{", "null", "[]", `""`, "0", "{}", `{"":null}`, `{"name":1e999}`, `{"amount":NaN}`, "\xff\xfe", `{"a":"\u0000"}`, `{"a":"\ud800"}`,
		`{"name":{"name":{"name":{}}}}`, `{"NAME":"x","name":"y"}`, `{"token":9223372036854775808}`, `{"token":-1.5}`, "{}{}", "// {}",
	}
}

// fuzzBody sends bodies to one endpoint: whatever they hold, the answer is a JSON object, and an error is a problem
// that is the client's fault.
func fuzzBody(f *testing.F, method, path string, seeds ...string) {
	f.Helper()
	for _, seed := range append(hostile(), seeds...) {
		f.Add(seed)
	}
	a := newAPI(f, server.Config{})
	a.ok("POST", devicesPath, aDevice)
	a.ok("POST", stakePath, `{"amount":2000}`)
	job, array := a.submit(aJob), a.submitArray(anArray)
	switch path {
	case "/job":
		path = job
	case "/array":
		path = array
	case "/proposal/deposit", "/proposal/cancel":
		path = proposalsPath + "/" + a.proposes(aProposal) + strings.TrimPrefix(path, "/proposal")
	}
	f.Fuzz(func(t *testing.T, body string) {
		a := &api{t, a.handler, a.house}
		got := a.do(method, path, body, "Fog-Protocol", "1")
		if got.status == 200 {
			got.object(t)
			return
		}
		if got.status >= 500 {
			t.Fatalf("%d for %q: %s", got.status, body, got.body)
		}
		got.problem(t, got.status)
		if !json.Valid([]byte(got.body)) {
			t.Fatalf("not JSON: %q", got.body)
		}
	})
}

func FuzzSubmit(f *testing.F) {
	fuzzBody(f, "POST", jobsPath, aJob,
		`{"name":"x","sla_tier":"bronze","cpu_required":64,"memory_required":512,"gpu_required":8,"duration_estimate":1e308,"data_size_mb":1e308}`,
		`{"name":"x","sla_tier":"gold","cpu_required":1,"memory_required":1,"trust":"quorum:2/3","deadline":"9999-12-31T23:59:59Z","seed":18446744073709551615}`,
		`{"name":"x","sla_tier":"gold","cpu_required":1,"memory_required":1,"args":["\u0000"],"inputs":[{"path":"../x","sha256":"`+emptyDigest+`"}]}`,
		aDemandingJob, anArray,
		`{"name":"x","sla_tier":"gold","cpu_required":1,"memory_required":1,"count":10000,"disk_required":1e308,"bandwidth_required":1e308,"executor":"?"}`,
		`{"name":"x","sla_tier":"gold","cpu_required":1,"memory_required":1,"constraints":{"require":null,"prefer":[{}],"spread":[{"key":"node","max":0}]}}`,
		`{"name":"x","sla_tier":"gold","cpu_required":1,"memory_required":1,"after":[{"job":"#0"},{"job":"@k","when":"soon"},{"job":"\u0000"}]}`)
}

func FuzzChangeArray(f *testing.F) {
	fuzzBody(f, "PATCH", "/array", `{"status":"pause"}`, `{"status":"resume"}`, `{"status":"CANCEL"}`, `{"status":""}`)
}

func FuzzQuotas(f *testing.F) {
	fuzzBody(f, "PUT", "/api/scheduler/quotas", `{"quotas":[{"owner":"alice","weight":2,"most":{"cpu":4,"memory":8,"gpu":1,"disk":10,"bandwidth":100},"max_queued":10}]}`,
		`{"quotas":[{"owner":"alice","weight":1e-308,"most":{"cpu":1e308},"max_queued":9223372036854775807}]}`,
		`{"quotas":[{"owner":"a"},{"owner":"a"}]}`, `{"quotas":[null]}`, `{"quotas":[{"owner":"\u0000","most":null}]}`)
}

func FuzzChangeJob(f *testing.F) {
	fuzzBody(f, "PATCH", "/job", `{"status":"pause"}`, `{"status":"resume"}`, `{"status":"PAUSED"}`, `{"status":""}`)
}

func FuzzSchedule(f *testing.F) {
	fuzzBody(f, "PUT", "/api/scheduler/schedules/nightly", aSchedule,
		`{"spec":"@hourly","template":{"name":"x","sla_tier":"gold","cpu_required":1,"memory_required":1},"catch_up":1e308,"zone":"../etc/passwd"}`,
		`{"spec":"0 0 30 2 *","template":{"name":"x","sla_tier":"gold","cpu_required":1,"memory_required":1}}`,
		`{"spec":"* * * * *","zone":"Local","template":null}`, `{"spec":"*/0 1-0 , ? \u0000","template":{}}`)
}

func FuzzChangeSchedule(f *testing.F) {
	fuzzBody(f, "PATCH", "/api/scheduler/schedules/nightly", `{"status":"pause"}`, `{"status":"RESUME"}`, `{"status":""}`)
}

func FuzzRegister(f *testing.F) {
	fuzzBody(f, "POST", devicesPath, aDevice,
		`{"device_id":"a","device_type":"server","cpu_cores":1,"memory_mb":512,"labels":{"a":"b"},"executors":["wasm"],"policy":{"cpu":{"start":0.5,"stop":0.8,"unknown":"allow"}}}`,
		`{"device_id":"a","device_type":"server","cpu_cores":1,"memory_mb":512,"policy":{"battery":{"start":1e308,"stop":-1e308,"unknown":"deny"},"dwell_seconds":1e308}}`)
}

func FuzzHeartbeat(f *testing.F) {
	fuzzBody(f, "POST", devicesPath+"/phone/heartbeat",
		`{"battery":50,"is_charging":true,"boot":"b","seq":1,"telemetry":{"cpu_foreign":0.1,"user_idle_seconds":1e308,"temp_c":null},"held":[{"attempt":"a.0.1","token":1}],"take":1}`,
		`{"boot":"b","seq":18446744073709551615,"bye":true}`)
}

func FuzzHeartbeats(f *testing.F) {
	fuzzBody(f, "POST", "/api/idle-compute/heartbeats", `{"beats":[{"device_id":"phone","boot":"b","seq":1}]}`, `{"beats":[{},{},null]}`)
}

func FuzzProgress(f *testing.F) {
	fuzzBody(f, "POST", "/api/scheduler/attempts/a.0.1/progress", `{"token":1,"fraction":0.5}`)
}

func FuzzResult(f *testing.F) {
	fuzzBody(f, "POST", "/api/scheduler/attempts/a.0.1/result",
		`{"token":1,"node":"n","exit_code":0,"stdout":"aGVsbG8=","stderr":"","outputs":[{"path":"tile.pgm","sha256":"`+emptyDigest+`","bytes":0}],"cpu_seconds":1,"wall_seconds":1}`,
		`{"token":1,"class":"device","reason":"the worker died"}`)
}

func FuzzBenchmarkStop(f *testing.F) {
	fuzzBody(f, "POST", "/api/benchmarks/stop", `{"benchmark_id":"x"}`)
}

func FuzzBenchmarkStart(f *testing.F) {
	fuzzBody(f, "POST", "/api/benchmarks/start", `{"type":"beauty"}`, `{"type":"stress","duration":1e308}`, `{"type":"stress","duration":-1}`)
}

func FuzzTransfer(f *testing.F) {
	fuzzBody(f, "POST", transferPath, `{"to":"ann","amount":1}`, `{"from":"operator","to":"operator","amount":"1e-6","memo":"\u0000"}`, `{"to":"ann","amount":1e308}`)
}

func FuzzStake(f *testing.F) {
	fuzzBody(f, "POST", stakePath, `{"amount":1}`, `{"address":"operator","operator":"lamp","amount":"1000000000"}`, `{"amount":{"value":1}}`)
}

func FuzzUnstake(f *testing.F) {
	fuzzBody(f, "POST", unstakePath, `{"amount":1}`, `{"address":"operator","operator":"operator","amount":0.0000001}`)
}

func FuzzPropose(f *testing.F) {
	fuzzBody(f, "POST", proposalsPath, aProposal, aBudget, strings.Replace(aBudget, `"250ms"`, "null", 1),
		strings.Replace(aProposal, "{", `{"kind":"treasury_allocation","actions":[{"pay":{"to":"ann","amount":1}},{},null],`, 1),
		strings.Replace(aProposal, "{", `{"kind":"agent_deployment","actions":[{"set":{"key":"agents.deployment","value":{"a":[1,null]}}}],`, 1))
}

func FuzzVote(f *testing.F) {
	fuzzBody(f, "POST", votePath, `{"proposal_id":"1","vote":true}`, `{"proposal_id":1,"vote":"veto","reason":"\u0000"}`, `{"proposal_id":9223372036854775808,"vote":false}`)
}

func FuzzDeposit(f *testing.F) {
	fuzzBody(f, "POST", "/proposal/deposit", `{"amount":1}`, `{"depositor":"ann","amount":"1e-6"}`)
}

func FuzzCancelProposal(f *testing.F) {
	fuzzBody(f, "POST", "/proposal/cancel", `{"account":"operator","reason":"no"}`, `{"account":"\u0000"}`)
}

func FuzzDelegate(f *testing.F) {
	fuzzBody(f, "POST", delegatePath, `{"delegates":[{"address":"ann","points":1}]}`, `{"address":"operator","delegates":[null,{}]}`, `{"delegates":[]}`)
}

func FuzzRedelegate(f *testing.F) {
	fuzzBody(f, "POST", redelegatePath, `{"to":"lamp","amount":1}`, `{"from":"lamp","to":"lamp","amount":"1"}`)
}

func FuzzCancelUnstake(f *testing.F) {
	fuzzBody(f, "POST", cancelPath, `{"unstake_id":"k"}`, `{"address":"\u001f","unstake_id":"\u001f"}`)
}

func FuzzAccuse(f *testing.F) {
	fuzzBody(f, "POST", slashesPath, aSlash(), `{"operator":"operator","kind":"sla","at":"0000-01-01T00:00:00Z","points":1}`,
		`{"operator":"operator","kind":"sla","at":"9999-12-31T23:59:59.999999999Z","points":10000,"loss":"1e15"}`)
}

func FuzzAppeal(f *testing.F) {
	fuzzBody(f, "POST", slashesPath+"/s/appeal", `{"operator":"operator","detail":"no"}`)
}

func FuzzCompound(f *testing.F) {
	fuzzBody(f, "POST", compoundPath, `{"operator":"lamp"}`, `{"address":"rewards"}`)
}

func FuzzAbsent(f *testing.F) {
	a := newAPI(f, server.Config{})
	for _, seed := range hostile() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		a := &api{t, a.handler, a.house}
		a.refused(503, "POST", "/api/betanet/deploy", body)
	})
}
