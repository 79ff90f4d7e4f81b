//go:build linux

package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/guest"
)

// TestReadme does what the README shows with curl, with a server that runs jobs on its own machine.
func TestReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	type request struct{ path, body string }
	var shown []request
	body := regexp.MustCompile(`-d '([^']*)'`)
	for _, m := range regexp.MustCompile(`curl -s localhost:8000(\S+)((?:\\\n|'[^']*'|[^'\n])*)`).FindAllStringSubmatch(string(text), -1) {
		r := request{path: m[1]}
		if b := body.FindStringSubmatch(m[2]); b != nil {
			r.body = b[1]
		}
		shown = append(shown, r)
	}
	require.Len(t, shown, 7)
	f := serveFogd(t, "FOG_HARVEST=true")
	jobs := 0
	for _, r := range shown {
		if r.body == "" {
			f.get(t, r.path, &struct{}{})
			continue
		}
		var reply struct{ JobID string }
		status, err := f.try("POST", r.path, json.RawMessage(r.body), &reply)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status, r.path)
		if reply.JobID == "" {
			continue
		}
		jobs++
		j := f.end(t, reply.JobID)
		require.Equal(t, "completed", j.Status, "%+v", j)
		picture, summary := guest.Whole(512, 512).Render()
		assert.Equal(t, summary, string(j.Result.Stdout))
		require.Len(t, j.Result.Outputs, 1)
		assert.Equal(t, digestOf(picture), j.Result.Outputs[0].SHA256, "it really computed")
		f.audit(t, reply.JobID)
	}
	assert.Equal(t, 1, jobs)
}
