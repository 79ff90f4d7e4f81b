package server_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/server"
)

// aDemandingJob says everything that a submission can say about its place.
const aDemandingJob = `{"name":"train","sla_tier":"gold","cpu_required":1,"memory_required":1,"gpu_required":0.5,"executor":"gpu",
	"disk_required":2.5,"bandwidth_required":100,"data_at":"eu","priority":-7,"group":"night","gang":true,"constraints":{
		"require":[{"key":"zone","op":"in","values":["a","b"]},{"key":"ssd","op":"exists"}],
		"prefer":[{"key":"zone","op":"in","values":["a"],"weight":-20}],
		"tolerate":[{"key":"spot"},{"key":"slow","value":"yes"}],"spread":[{"key":"owner","max":2}],"together":"zone"}}`

func TestSubmissionKeepsWhatItSays(t *testing.T) {
	a := newAPI(t, server.Config{})
	job := a.ok("GET", a.submit(aDemandingJob), "")
	for field, want := range map[string]any{
		"executor": "gpu", "gpu": 0.5, "disk": 2.5, "bandwidth": 100.0, "dataAt": "eu", "priority": -7.0, "group": "night", "gang": true,
		"array": nil, "index": 0.0, "count": 0.0, "boost": 0.0, "deadline": nil, "after": []any{},
		"constraints": map[string]any{
			"require": []any{
				map[string]any{"key": "zone", "op": "in", "values": []any{"a", "b"}}, map[string]any{"key": "ssd", "op": "exists"},
			},
			"prefer":   []any{map[string]any{"key": "zone", "op": "in", "values": []any{"a"}, "weight": -20.0}},
			"tolerate": []any{map[string]any{"key": "spot"}, map[string]any{"key": "slow", "value": "yes"}},
			"spread":   []any{map[string]any{"key": "owner", "max": 2.0}},
			"together": "zone",
		},
	} {
		assert.Equal(t, want, job[field], field)
	}
	plain := a.ok("GET", a.submit(aJob), "")
	assert.Equal(t, map[string]any{}, plain["constraints"])
	assert.Equal(t, "wasm", plain["executor"])
}

func TestMemoryComesBackAsItWasGiven(t *testing.T) {
	a := newAPI(t, server.Config{})
	for _, gb := range []string{"0.1", "0.25", "0.123", "1", "1.5", "3.999", "12.7", "511.999"} {
		body := strings.NewReplacer(`"memory_required":1,`, `"memory_required":`+gb+`,`).Replace(aDemandingJob)
		job := a.ok("GET", a.submit(body), "")
		want, err := strconv.ParseFloat(gb, 64)
		require.NoError(t, err)
		assert.InDelta(t, want, job["memory"], 0, "exactly")
	}
}

// TestTheAnswerSaysWhatThePageSays: the start that a submission is told is the one that the job's own page shows.
func TestTheAnswerSaysWhatThePageSays(t *testing.T) {
	a := newAPI(t, server.Config{})
	answer := a.ok("POST", jobsPath, aJob)
	page := a.ok("GET", jobsPath+"/"+answer["jobId"].(string), "")
	assert.Nil(t, answer["estimatedStartTime"], "there is no node: nobody knows")
	assert.Equal(t, page["estimatedStartTime"], answer["estimatedStartTime"])
}

func TestEmptyListsAreAbsentOnes(t *testing.T) {
	a := newAPI(t, server.Config{})
	first := a.submit(aJob, "Idempotency-Key", "once")
	again := strings.Replace(aJob, "{", `{"after":[],"constraints":{"require":[],"prefer":[],"tolerate":[],"spread":[]},"count":0,`, 1)
	assert.Equal(t, first, a.submit(again, "Idempotency-Key", "once"), "the same submission in more words")
}

func TestJobsThatComeAfterOthers(t *testing.T) {
	a := newAPI(t, server.Config{})
	first := a.ok("POST", jobsPath, aJob)["jobId"].(string)
	after := func(more string) string {
		return strings.Replace(aJob, "{", `{"after":[{"job":"`+first+`"`+more+`}],`, 1)
	}
	answer := a.ok("POST", jobsPath, after(""))
	assert.Equal(t, "pending", answer["status"])
	assert.Nil(t, answer["estimatedStartTime"], "nobody knows when the first one ends")
	next := jobsPath + "/" + answer["jobId"].(string)
	cleanUp := a.submit(after(`,"when":"failure"`))
	job := a.ok("GET", next, "")
	assert.Equal(t, "blocked", job["state"])
	assert.Equal(t, []any{map[string]any{"job": first, "when": "success"}}, job["after"])
	require.Equal(t, "awaiting_jobs", job["waiting"].([]any)[0].(map[string]any)["code"])

	a.ok("DELETE", jobsPath+"/"+first, "")
	a.eventually("what cannot come true any more is cancelled, the other goes on", func() bool {
		return a.ok("GET", next, "")["status"] == "cancelled" && a.ok("GET", cleanUp, "")["state"] == "queued"
	})
}

func TestSubmissionsThatCannotBe(t *testing.T) {
	a := newAPI(t, server.Config{})
	for field, more := range map[string]string{
		"disk_required":      `"disk_required":1e9`,
		"bandwidth_required": `"bandwidth_required":-1`,
		"executor":           `"executor":"../sh"`,
		"group":              `"group":"` + strings.Repeat("g", 129) + `"`,
		"data_at":            `"data_at":"` + strings.Repeat("g", 129) + `"`,
		"priority":           `"priority":1001`,
		"after":              `"after":[{"job":"nobody"}]`,
		"constraints":        `"constraints":{"require":[{"key":"zone","op":"in"}]}`,
	} {
		p := a.refused(http.StatusUnprocessableEntity, "POST", jobsPath, strings.Replace(aJob, "{", "{"+more+",", 1))
		assert.Contains(t, p["detail"], field)
	}
	for _, more := range []string{
		`"after":[{"job":"#0"}]`, `"after":[{"job":""}]`, `"after":[{"job":"x","when":"soon"}]`, `"after":[{}]`, `"count":"many"`,
		`"constraints":{"require":[{"key":"zone","op":"like"}]}`, `"constraints":{"spread":[{"key":"node","max":0}]}`,
		`"constraints":{"prefer":[{"key":"zone","op":"exists","weight":101}]}`, `"constraints":{"tolerate":[{"key":""}]}`,
		`"constraints":{"together":"` + strings.Repeat("g", 129) + `"}`, `"priority":1.5`, `"gang":"yes"`,
	} {
		a.refused(http.StatusUnprocessableEntity, "POST", jobsPath, strings.Replace(aJob, "{", "{"+more+",", 1))
	}
	assert.EqualValues(t, 0, a.ok("GET", jobsPath, "")["total"], "nothing was stored")
}
