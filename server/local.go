package server

import (
	"io"
	"net/http"
	"sync"
)

// Local returns a transport that hands requests straight to this server's handler, in this process: for an agent or a
// client that lives beside the house, with no socket in between. The request's URL needs a loopback name as its host.
func (s *Server) Local() http.RoundTripper { return local{s.Handler()} }

type local struct{ handler http.Handler }

// RoundTrip runs the handler in a goroutine of its own, which ends with the request's context or when the answer is
// written or its body closed.
func (l local) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:0"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	out, body := io.Pipe()
	w := &localWriter{header: http.Header{}, body: body, begun: make(chan struct{})}
	go l.answer(w, in)
	select {
	case <-w.begun:
		return &http.Response{
			Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: w.sent, Body: out, ContentLength: -1, Request: r,
		}, nil
	case <-r.Context().Done():
		_ = out.CloseWithError(r.Context().Err()) // the handler's next write ends it
		return nil, r.Context().Err()
	}
}

// answer runs the handler. One that gives up half way (http.ErrAbortHandler) breaks the body off, as a connection would.
func (l local) answer(w *localWriter, r *http.Request) {
	broken := http.ErrAbortHandler
	defer func() {
		if cause := recover(); cause != nil && cause != any(http.ErrAbortHandler) {
			panic(cause)
		}
		w.WriteHeader(http.StatusOK)      // a handler that wrote nothing has answered
		_ = w.body.CloseWithError(broken) // never fails
		_ = r.Body.Close()                // the handler has read what it wanted
	}()
	l.handler.ServeHTTP(w, r)
	broken = nil
}

// localWriter passes an answer on as it is written.
type localWriter struct {
	header http.Header
	body   *io.PipeWriter
	once   sync.Once
	begun  chan struct{} // closed when status and sent are set
	status int
	sent   http.Header
}

func (w *localWriter) Header() http.Header { return w.header }

func (w *localWriter) WriteHeader(status int) {
	if status < http.StatusOK {
		return // an interim answer
	}
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.begun)
	})
}

func (w *localWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

func (w *localWriter) Flush() { w.WriteHeader(http.StatusOK) }
