package server_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fogcompute/fogcompute/server"
)

// benchmark measures the whole chain, access line included, without the network.
func benchmark(b *testing.B, method, path, body string, jobs int) {
	a := newAPI(b, server.Config{Logger: slog.New(slog.NewJSONHandler(io.Discard, nil))})
	for range jobs {
		a.submit(aJob)
	}
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), method, path, strings.NewReader(body))
		r.Host = "localhost"
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body.String())
		}
	}
}

func BenchmarkHealth(b *testing.B) { benchmark(b, http.MethodGet, "/health", "", 0) }
func BenchmarkList(b *testing.B)   { benchmark(b, http.MethodGet, jobsPath, "", 100) }
func BenchmarkSubmit(b *testing.B) {
	benchmark(b, http.MethodPost, jobsPath, strings.Replace(aJob, "{", `{"duration_estimate":0.001,`, 1), 0)
}
