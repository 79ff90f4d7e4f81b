package agent

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// protocol is the version of the device protocol that this agent speaks.
const protocol = "1"

// Bounds of the conversation with a server that may be slow, broken or hostile.
const (
	maxAnswer  = 4 << 20 // of a directive, which may carry many offers
	maxOffers  = 1024    // of one directive that are looked at: more than any device asks for
	maxProblem = 16 << 10
	patience   = 30 * time.Second // for an answer that is not a long poll
)

// client speaks the device protocol with one server.
type client struct {
	http   *http.Client
	server string
	key    string
	id     string
}

// newClient prepares the connections. It follows no redirects: the key is for this server only.
func newClient(cfg *Config) (*client, error) {
	transport := cfg.HTTP
	if transport == nil {
		t := &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: cfg.Wait + patience,
			IdleConnTimeout:       90 * time.Second,
			MaxIdleConnsPerHost:   16,
			MaxConnsPerHost:       64,
			ForceAttemptHTTP2:     true,
		}
		if cfg.CA != "" {
			pem, err := os.ReadFile(cfg.CA)
			if err != nil {
				return nil, fmt.Errorf("agent: certificates: %w", err)
			}
			pool := x509.NewCertPool()
			if !pool.AppendCertsFromPEM(pem) {
				return nil, fault.Field("agent.config", "CA", "no certificate in %s", cfg.CA)
			}
			t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		}
		transport = t
	}
	refuse := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{http: &http.Client{Transport: transport, CheckRedirect: refuse}, server: cfg.Server, key: cfg.Key, id: cfg.ID}, nil
}

// register enrols the device, or updates it.
func (c *client) register(ctx context.Context, e *enrolment) error {
	return c.post(ctx, patience, "/api/idle-compute/devices", e, nil)
}

// beat sends a sign of life and returns the directive.
func (c *client) beat(ctx context.Context, b *beat) (*idle.Directive, error) {
	var answer beaten
	patient := patience + duration(b.Wait, time.Hour)
	if err := c.post(ctx, patient, "/api/idle-compute/devices/"+url.PathEscape(c.id)+"/heartbeat", b, &answer); err != nil {
		return nil, err
	}
	if answer.Directive == nil {
		return nil, fault.New(fault.Unavailable, "agent.beat", "the server's answer has no directive")
	}
	return answer.Directive.read(maxOffers)
}

// report sends the result of an attempt.
func (c *client) report(ctx context.Context, attempt string, r *report) error {
	return c.post(ctx, patience, "/api/scheduler/attempts/"+url.PathEscape(attempt)+"/result", r, nil)
}

// post sends JSON and reads JSON. An answer may be nil: what the server says then does not matter.
func (c *client) post(ctx context.Context, patient time.Duration, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("agent: encode: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	req, err := c.request(ctx, http.MethodPost, path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return unavailable(err)
	}
	if len(data) > maxAnswer {
		return fault.Newf(fault.Unavailable, "agent.http", "the server's answer has more than %d bytes", maxAnswer)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return unavailable(fmt.Errorf("the server's answer makes no sense: %w", err))
	}
	return nil
}

// put stores a blob.
func (c *client) put(ctx context.Context, digest string, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, patience+time.Duration(len(data)>>15)*time.Second) // 32 KiB/s at least
	defer cancel()
	req, err := c.request(ctx, http.MethodPut, "/api/blobs/"+digest, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := c.do(req)
	if err != nil {
		return err
	}
	return drain(resp)
}

// get opens a blob from an offset. It says whether the server obeyed the offset, and how many bytes follow; -1 if it does not say.
func (c *client) get(ctx context.Context, digest string, offset int64) (body io.ReadCloser, partial bool, size int64, err error) {
	req, err := c.request(ctx, http.MethodGet, "/api/blobs/"+digest, nil)
	if err != nil {
		return nil, false, 0, err
	}
	if offset > 0 {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(offset, 10)+"-")
	}
	resp, err := c.do(req)
	if err != nil {
		return nil, false, 0, err
	}
	return resp.Body, resp.StatusCode == http.StatusPartialContent, resp.ContentLength, nil
}

// request prepares a request of the protocol.
func (c *client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.server+path, body)
	if err != nil {
		return nil, fmt.Errorf("agent: request: %w", err)
	}
	req.Header.Set("Fog-Protocol", protocol)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "fogcompute-agent")
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	return req, nil
}

// do sends a request and turns everything but success into an error of the kind that the status stands for.
func (c *client) do(req *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(req)
	if unknown := (x509.UnknownAuthorityError{}); errors.As(err, &unknown) {
		err = fmt.Errorf("%w: a server that made its certificate itself needs it named here (-ca, Config.CA)", err)
	}
	if err != nil {
		return nil, unavailable(err)
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	var p problem
	data, _ := io.ReadAll(io.LimitReader(resp.Body, maxProblem)) // the status says enough
	if json.Unmarshal(data, &p) != nil || p.Detail == "" {
		p.Detail = http.StatusText(resp.StatusCode)
	}
	return nil, &refusal{
		status: resp.StatusCode, after: retryAfter(resp.Header.Get("Retry-After")),
		err: fault.Newf(kindOf(resp.StatusCode), "agent.http", "%s %s: %d: %.300s", req.Method, req.URL.Path, resp.StatusCode, p.Detail),
	}
}

// refusal is an answer of the server that is not success.
type refusal struct {
	status int
	after  time.Duration // the server asks for so much patience; 0: it does not say
	err    error
}

func (r *refusal) Error() string { return r.err.Error() }

func (r *refusal) Unwrap() error { return r.err }

// kindOf is the kind that a status stands for.
func kindOf(status int) fault.Kind {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusUnsupportedMediaType, http.StatusMethodNotAllowed:
		return fault.Invalid
	case http.StatusUnauthorized, http.StatusForbidden:
		return fault.Denied
	case http.StatusNotFound, http.StatusGone:
		return fault.NotFound
	case http.StatusConflict:
		return fault.Conflict
	case http.StatusRequestEntityTooLarge:
		return fault.TooLarge
	case http.StatusTooManyRequests:
		return fault.Limited
	default:
		return fault.Unavailable
	}
}

// passing reports whether an error may go away by itself, so that the same request is worth repeating.
func passing(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.Limited:
		return true
	default:
		return false
	}
}

// unavailable marks an error of the network as passing.
func unavailable(err error) error {
	return &fault.Error{Kind: fault.Unavailable, Op: "agent.http", Err: err}
}

// retryAfter reads the header of that name, in seconds.
func retryAfter(text string) time.Duration {
	seconds, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return duration(float64(seconds), time.Minute)
}

// drain reads the rest of a small answer so that the connection can be used again.
func drain(resp *http.Response) error {
	_, _ = io.CopyN(io.Discard, resp.Body, maxProblem) // the answer is known already
	return resp.Body.Close()
}

// backoff is how long to wait before the n-th repetition, from 0: doubling from a fifth of a second to half a minute, and up to half
// of it less at random so that a fleet does not come back in step. A server that asks for more gets it.
func backoff(n int, err error) time.Duration {
	d := 200 * time.Millisecond << min(n, 10)
	d = min(d, 30*time.Second)
	d -= time.Duration(rand.Int64N(int64(d)/2 + 1))
	var r *refusal
	if errors.As(err, &r) {
		d = max(d, r.after)
	}
	return d
}

// sleep waits; it returns false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
