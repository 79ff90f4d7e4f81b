package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// torn is a store that somebody has changed a balance in.
type torn struct{ tokenomics.Store }

func (s torn) Snapshot(ctx context.Context, read func(tokenomics.Moment) error) error {
	return s.Store.Snapshot(ctx, func(m tokenomics.Moment) error { return read(richer{m}) })
}

// richer shows a balance that no posting explains.
type richer struct{ tokenomics.Moment }

func (r richer) Lines(ctx context.Context, after int64, limit int) ([]tokenomics.LineChange, error) {
	lines, err := r.Moment.Lines(ctx, after, limit)
	for i := range lines {
		if lines[i].Kind == tokenomics.KindAvailable {
			lines[i].Balance++
		}
	}
	return lines, err
}

func verifies(t *testing.T, s *Server) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/api/tokenomics/verify", nil)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// A ledger that disagrees with itself is told so, and what with; it is read for one at a time.
func TestVerifyTellsWhatDisagrees(t *testing.T) {
	s := opened(t, fog.Config{Tokenomics: tokenomics.Config{Store: torn{tokenomics.NewMemory(nil)}}})
	_, err := s.fog.Tokenomics.Stats(t.Context()) // the genesis
	require.NoError(t, err)
	w := verifies(t, s)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	assert.Contains(t, w.Body.String(), `"whole":false`)
	assert.Contains(t, w.Body.String(), "operator")

	s.verifying.Lock()
	w = verifies(t, s)
	s.verifying.Unlock()
	assert.Equal(t, http.StatusTooManyRequests, w.Code)
	assert.NotEmpty(t, w.Header().Get("Retry-After"))
	assert.Equal(t, http.StatusOK, verifies(t, s).Code)
}
