package agent_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/agent"
	"github.com/fogcompute/fogcompute/fog/idle/sensor"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

// hub is a server in memory. It keeps what it was told, and misbehaves on request.
type hub struct {
	t *testing.T

	mu        sync.Mutex // guards what follows
	enrolled  []map[string]any
	beats     []beat
	results   map[string][]result // by attempt
	blobs     map[string][]byte
	offers    []idle.Offer // to hand out
	cancel    []string     // to cancel with the next answer
	evictAt   time.Time    // of all that is held; zero is never
	desired   idle.Desired
	forbidden bool // the server's opinion: not eligible
	news      chan struct{}
	counts    map[string]int
	// fault, if set, may answer a request in the hub's place.
	fault func(w http.ResponseWriter, r *http.Request) (handled bool)
}

type beat struct {
	Boot      string      `json:"boot"`
	Seq       uint64      `json:"seq"`
	Held      []idle.Held `json:"held"`
	Take      int         `json:"take"`
	Wait      float64     `json:"wait_seconds"`
	Bye       bool        `json:"bye"`
	Battery   *float64    `json:"battery"`
	Telemetry struct {
		CPUForeign *float64 `json:"cpu_foreign"`
		UserIdle   *float64 `json:"user_idle_seconds"`
	} `json:"telemetry"`
	at time.Time
}

type result struct {
	Token   int64  `json:"token"`
	Node    string `json:"node"`
	Exit    int    `json:"exit_code"`
	Stdout  []byte `json:"stdout"`
	Stderr  []byte `json:"stderr"`
	Outputs []struct {
		Path   string `json:"path"`
		SHA256 string `json:"sha256"`
		Bytes  int64  `json:"bytes"`
	} `json:"outputs"`
	CPU    float64 `json:"cpu_seconds"`
	Class  string  `json:"class"`
	Reason string  `json:"reason"`
}

func newHub(t *testing.T) *hub {
	return &hub{t: t, results: map[string][]result{}, blobs: map[string][]byte{}, desired: idle.Run, news: make(chan struct{}, 1), counts: map[string]int{}}
}

// count returns how often it has been called with a key.
func (h *hub) count(key string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[key]++
	return h.counts[key]
}

// put stores a blob and returns its digest.
func (h *hub) put(data []byte) string {
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	h.change(func() { h.blobs[digest] = data })
	return digest
}

// change changes the hub and lets long polls look again.
func (h *hub) change(do func()) {
	h.mu.Lock()
	do()
	h.mu.Unlock()
	select {
	case h.news <- struct{}{}:
	default:
	}
}

// offer hands out attempts with some module.
func (h *hub) offer(ids ...string) {
	module := h.put([]byte("a module"))
	h.change(func() {
		for _, id := range ids {
			h.offers = append(h.offers, idle.Offer{Attempt: id, Token: 7, Job: "job", Module: module, MaxRuntimeSeconds: 60})
		}
	})
}

// ServeHTTP implements http.Handler.
func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	fault := h.fault
	h.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	if r.Header.Get("Fog-Protocol") != "1" {
		h.t.Errorf("%s %s without the protocol's version", r.Method, r.URL.Path)
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case r.URL.Path == "/api/idle-compute/devices":
		var body map[string]any
		require.NoError(h.t, json.NewDecoder(r.Body).Decode(&body))
		h.change(func() { h.enrolled = append(h.enrolled, body) })
		answer(w, map[string]any{"success": true})
	case strings.HasSuffix(r.URL.Path, "/heartbeat"):
		h.beat(w, r)
	case strings.HasSuffix(r.URL.Path, "/result"):
		var body result
		require.NoError(h.t, json.NewDecoder(r.Body).Decode(&body))
		h.change(func() { h.results[parts[3]] = append(h.results[parts[3]], body) })
		answer(w, map[string]any{"success": true})
	case strings.HasPrefix(r.URL.Path, "/api/blobs/") && r.Method == http.MethodPut:
		data, err := io.ReadAll(r.Body)
		require.NoError(h.t, err)
		require.Equal(h.t, parts[2], h.put(data))
		answer(w, map[string]any{"success": true})
	case strings.HasPrefix(r.URL.Path, "/api/blobs/"):
		h.mu.Lock()
		data, ok := h.blobs[parts[2]]
		h.mu.Unlock()
		if !ok {
			refuse(w, http.StatusNotFound, "no such blob")
			return
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(data)))
	default:
		refuse(w, http.StatusNotFound, r.URL.Path)
	}
}

// beat answers a beat; a long poll waits for news.
func (h *hub) beat(w http.ResponseWriter, r *http.Request) {
	b := beat{at: time.Now()}
	require.NoError(h.t, json.NewDecoder(r.Body).Decode(&b))
	h.mu.Lock()
	h.beats = append(h.beats, b)
	told := h.evictAt
	h.mu.Unlock()
	deadline := time.After(time.Duration(b.Wait * float64(time.Second)))
	for {
		h.mu.Lock()
		d := idle.Directive{NextSeconds: 5, Desired: h.desired, Eligible: !h.forbidden}
		d.Cancel, h.cancel = h.cancel, nil
		d.Renewed = h.renewed(&b)
		n := min(b.Take, len(h.offers))
		d.Offers, h.offers = slices.Clone(h.offers[:n]), slices.Clone(h.offers[n:])
		wait := b.Take > 0 && b.Wait > 0 && n == 0 && len(d.Cancel) == 0 && h.desired == idle.Run && !h.forbidden && told.Equal(h.evictAt)
		h.mu.Unlock()
		if !wait {
			answer(w, map[string]any{"success": true, "directive": d})
			return
		}
		select {
		case <-h.news:
		case <-deadline:
			h.mu.Lock()
			d.NextSeconds, d.Renewed = 0, h.renewed(&b)
			h.mu.Unlock()
			answer(w, map[string]any{"success": true, "directive": d})
			return
		case <-r.Context().Done():
			return
		}
	}
}

// renewed are the leases of what a device holds. The lock is held.
func (h *hub) renewed(b *beat) []idle.Lease {
	leases := make([]idle.Lease, len(b.Held))
	for i, held := range b.Held {
		leases[i] = idle.Lease{Attempt: held.Attempt, Token: held.Token}
		if !h.evictAt.IsZero() { // the server's clock is a day ahead of the device's
			leases[i].EvictAt, leases[i].EvictSeconds = h.evictAt.Add(24*time.Hour), time.Until(h.evictAt).Seconds()
		}
	}
	return leases
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"detail": detail})
}

// RoundTrip implements http.RoundTripper: the agent and the hub share a bubble in which time is simulated.
func (h *hub) RoundTrip(r *http.Request) (*http.Response, error) {
	done := make(chan *http.Response, 1)
	go func() {
		defer func() {
			if recover() != nil { // http.ErrAbortHandler: the connection breaks
				done <- nil
			}
		}()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		done <- w.Result()
	}()
	select {
	case resp := <-done:
		if resp == nil {
			return nil, errors.New("connection reset by peer")
		}
		return resp, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// bodies runs guests as a test wants it.
type bodies struct {
	mu      sync.Mutex // guards what follows
	started []*body
	script  func(worker.Job) *worker.Outcome // nil, or a nil result: the guest runs until the test ends it
	err     error
	trimmed int
	hungry  float64 // cores that each guest uses
}

// body is one guest under way.
type body struct {
	job  worker.Job
	done chan struct{}

	mu        sync.Mutex // guards what follows
	out       *worker.Outcome
	suspended bool
	calls     []string
	since     time.Time // it runs
	used      time.Duration
}

func (b *bodies) Start(_ context.Context, job worker.Job) (agent.Execution, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return nil, b.err
	}
	run := &body{job: job, done: make(chan struct{}), since: time.Now()}
	b.started = append(b.started, run)
	if b.script != nil {
		if out := b.script(job); out != nil {
			run.finish(*out)
		}
	}
	return run, nil
}

func (b *bodies) Trim() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trimmed++
}

// CPU is that of guests that use one core each while they run.
func (b *bodies) CPU() time.Duration {
	if b.hungry == 0 {
		return 0
	}
	sum := time.Duration(0)
	for _, r := range b.runs() {
		r.mu.Lock()
		sum += r.used
		if !r.suspended {
			sum += time.Since(r.since)
		}
		r.mu.Unlock()
	}
	return time.Duration(float64(sum) * b.hungry)
}

func (*bodies) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// runs returns the guests so far.
func (b *bodies) runs() []*body {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.started)
}

// finish ends the guest; the first end counts.
func (r *body) finish(out worker.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.out == nil {
		r.out = &out
		close(r.done)
	}
}

func (r *body) note(call string, suspended bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.suspended != suspended {
		r.calls = append(r.calls, call)
		if suspended {
			r.used += time.Since(r.since)
		}
		r.since = time.Now()
	}
	r.suspended = suspended
	return nil
}

func (r *body) Suspend() error { return r.note("suspend", true) }

func (r *body) Resume() error { return r.note("resume", false) }

func (r *body) Kill(class worker.Class, reason string) {
	r.finish(worker.Outcome{Class: class, Reason: reason})
}

func (r *body) Done() <-chan struct{} { return r.done }

func (r *body) Outcome() worker.Outcome {
	<-r.done
	r.mu.Lock()
	defer r.mu.Unlock()
	return *r.out
}

func (r *body) paused() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.suspended
}

// stage is a hub, a device that nobody uses, and guests that a test controls.
type stage struct {
	*hub
	guests *bodies
	sensor *sensor.Fake
	agent  *agent.Agent
	stop   context.CancelFunc
	ended  chan error
}

// start runs an agent in a bubble.
func start(t *testing.T, change func(*stage, *agent.Config)) *stage {
	t.Helper()
	s := &stage{hub: newHub(t), guests: &bodies{}, sensor: &sensor.Fake{}, ended: make(chan error, 1)}
	cfg := agent.Config{
		Server: "http://hub.test", Key: "secret", ID: "device-1", DataDir: t.TempDir(), HTTP: s.hub, Executor: s.guests, Sensor: s.sensor,
		Capacity: agent.Capacity{MilliCPU: 2000, MemoryMB: 1024},
	}
	began := time.Now()
	cfg.Clocks = func() sensor.Moment { // in a bubble the machine's own clocks run on
		since := time.Since(began) + time.Second
		return sensor.Moment{Wall: time.Now(), Awake: since, Boot: since}
	}
	s.away()
	if change != nil {
		change(s, &cfg)
	}
	var err error
	s.agent, err = agent.New(cfg)
	require.NoError(t, err)
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		s.ended <- s.agent.Run(ctx)
	}()
	t.Cleanup(func() { // also when the test has failed half way
		s.stop()
		<-gone
	})
	return s
}

// away makes the device one that may be harvested, back one whose memory others want... by its user.
func (s *stage) away() {
	s.sensor.Set(idle.Telemetry{CPUForeign: idle.Some(0.1), MemFreeMB: idle.Some(4096.0), UserIdle: idle.Some(time.Hour)}, nil)
}

func (s *stage) back() {
	s.sensor.Set(idle.Telemetry{CPUForeign: idle.Some(0.99), MemFreeMB: idle.Some(4096.0), UserIdle: idle.Some(time.Second)}, nil)
}

// finish stops the agent and waits for it.
func (s *stage) finish() {
	s.t.Helper()
	s.stop()
	require.NoError(s.t, <-s.ended)
}

// lastBeat returns the newest beat.
func (s *stage) lastBeat() beat {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.beats[len(s.beats)-1]
}
