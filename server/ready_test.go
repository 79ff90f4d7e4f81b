package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/server"
)

// Every route of an engine that the house was built without says so, whatever it is sent.
func TestWhatIsLeftOutSaysSo(t *testing.T) {
	doc := readDocument(t)
	place := regexp.MustCompile(`\{[^}]*\}`)
	for engine, prefix := range map[string]string{"scheduler": "/api/scheduler/", "tokenomics": "/api/tokenomics/", "idle": "/api/idle-compute/"} {
		a := serveHouse(t, house(t, fog.Config{Leave: []string{engine}}), server.Config{})
		asked := 0
		for path, operations := range doc.Paths {
			if !strings.HasPrefix(path, prefix) {
				continue
			}
			for method := range operations {
				asked++
				got := a.do(strings.ToUpper(method), place.ReplaceAllString(path, "x"), "{")
				require.Equal(t, http.StatusServiceUnavailable, got.status, "%s %s: %s", method, path, got.body)
				assert.Regexp(t, "left out of this house|not part of this build", got.body, "%s %s", method, path)
			}
		}
		assert.GreaterOrEqual(t, asked, 8, engine)
	}
}
