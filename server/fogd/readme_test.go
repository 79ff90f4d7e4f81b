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
	for _, m := range regexp.MustCompile(`curl [^\n]*localhost:8000(\S+)(?:[^\n]*\\\n\s*-d '([^']*)')?`).FindAllStringSubmatch(string(text), -1) {
		shown = append(shown, request{m[1], m[2]})
	}
	require.GreaterOrEqual(t, len(shown), 3)
	f := serveFogd(t, "FOG_HARVEST=true")
	posted := 0
	for _, r := range shown {
		if r.body == "" {
			f.get(t, r.path, &struct{}{})
			continue
		}
		posted++
		var reply struct{ JobID string }
		status, err := f.try("POST", r.path, json.RawMessage(r.body), &reply)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
		j := f.end(t, reply.JobID)
		require.Equal(t, "completed", j.Status, "%+v", j)
		picture, summary := guest.Whole(512, 512).Render()
		assert.Equal(t, summary, string(j.Result.Stdout))
		require.Len(t, j.Result.Outputs, 1)
		assert.Equal(t, digestOf(picture), j.Result.Outputs[0].SHA256, "it really computed")
		f.audit(t, reply.JobID)
	}
	assert.Equal(t, 1, posted)
}
