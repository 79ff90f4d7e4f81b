package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/server"
)

const (
	arraysPath = "/api/scheduler/arrays"
	anArray    = `{"name":"frames","sla_tier":"silver","cpu_required":1,"memory_required":0.5,"count":5,"args":["--frame={index}","{{index}}"]}`
)

// submitArray posts an array and returns its path.
func (a *api) submitArray(body string) string {
	a.Helper()
	got := a.ok("POST", jobsPath, body)
	require.NotEmpty(a, got["arrayId"])
	require.Equal(a, got["jobId"], got["arrayId"], "an array is named like its first job")
	return arraysPath + "/" + got["arrayId"].(string)
}

func TestArrayIsSubmittedAsAWhole(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.submit(aJob)
	got := a.ok("POST", jobsPath, anArray)
	assert.EqualValues(t, 5, got["count"])
	array := got["arrayId"].(string)

	page := a.ok("GET", jobsPath+"?array="+array+"&limit=3", "")
	assert.EqualValues(t, 5, page["total"], "of the array")
	assert.EqualValues(t, 5, page["filtered"])
	require.Len(t, page["jobs"], 3)
	rest := a.ok("GET", jobsPath+"?array="+array+"&limit=3&cursor="+page["next"].(string), "")
	seen := map[any]bool{}
	for _, row := range append(page["jobs"].([]any), rest["jobs"].([]any)...) {
		job := a.ok("GET", jobsPath+"/"+row.(map[string]any)["id"].(string), "")
		assert.Equal(t, array, job["array"])
		assert.Equal(t, array, job["group"], "an array is a group unless it names another")
		assert.EqualValues(t, 5, job["count"])
		seen[job["index"]] = true
	}
	assert.Equal(t, map[any]bool{0.0: true, 1.0: true, 2.0: true, 3.0: true, 4.0: true}, seen)
	assert.EqualValues(t, 6, a.ok("GET", jobsPath, "")["total"])
	assert.EqualValues(t, 0, a.ok("GET", jobsPath+"?array=nothing", "")["total"])

	names := a.ok("GET", arraysPath+"/"+array+"/jobs?limit=3", "")
	require.Len(t, names["ids"], 3)
	more := a.ok("GET", arraysPath+"/"+array+"/jobs?limit=3&cursor="+names["next"].(string), "")
	require.Empty(t, more["next"])
	assert.EqualValues(t, 5, more["total"])
	for i, id := range append(names["ids"].([]any), more["ids"].([]any)...) {
		assert.EqualValues(t, i, a.ok("GET", jobsPath+"/"+id.(string), "")["index"], "by their index")
	}

	single := a.ok("POST", jobsPath, strings.Replace(aJob, "{", `{"count":1,`, 1))
	assert.NotContains(t, single, "arrayId")
	assert.NotContains(t, single, "count")
}

func TestArrayChanges(t *testing.T) {
	a := newAPI(t, server.Config{})
	path := a.submitArray(anArray)
	counts := func(reply map[string]any) map[string]float64 {
		out := map[string]float64{}
		for status, n := range reply["jobs"].(map[string]any) {
			if n != 0.0 {
				out[status] = n.(float64)
			}
		}
		return out
	}
	first := strings.Replace(path, arraysPath, jobsPath, 1)
	a.ok("DELETE", first, "")
	require.Equal(t, map[string]float64{"queued": 4, "cancelled": 1}, counts(a.ok("GET", path, "")))
	for _, step := range []struct{ change, status string }{
		{"pause", "paused"}, {"resume", "queued"}, {"PAUSED", "paused"}, {"cancel", "cancelled"},
	} {
		want := map[string]float64{"cancelled": 1}
		want[step.status] += 4
		got := a.ok("PATCH", path, `{"status":"`+step.change+`"}`)
		require.Equal(t, want, counts(got), step.change)
		require.Equal(t, want, counts(a.ok("GET", path, "")), "the next GET sees it")
	}
	array := a.ok("GET", path, "")
	require.Equal(t, map[string]any{"cancelled": 5.0}, array["states"])
	require.Equal(t, "frames", array["name"])
	require.Equal(t, "operator", array["owner"])
	a.refused(http.StatusConflict, "PATCH", path, `{"status":"pause"}`)
	a.refused(http.StatusConflict, "DELETE", path, "")
	a.refused(http.StatusUnprocessableEntity, "PATCH", path, `{"status":"burn"}`)

	other := a.submitArray(anArray)
	require.Equal(t, map[string]float64{"cancelled": 5}, counts(a.ok("DELETE", other, "")))
}

func TestWhatIsNoArray(t *testing.T) {
	a := newAPI(t, server.Config{})
	single := strings.Replace(a.submit(aJob), jobsPath, arraysPath, 1)
	for _, path := range []string{single, arraysPath + "/nothing"} {
		a.refused(http.StatusNotFound, "GET", path, "")
		a.refused(http.StatusNotFound, "PATCH", path, `{"status":"cancel"}`)
		a.refused(http.StatusNotFound, "DELETE", path, "")
	}
	for _, count := range []string{"-1", "10001", "1.5", `"3"`} {
		a.refused(http.StatusUnprocessableEntity, "POST", jobsPath, strings.Replace(anArray, `"count":5`, `"count":`+count, 1))
	}
}
