package fog_test

import (
	"context"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
)

// gate stands between a house and its PostgreSQL. While it is frozen
// connections stay open and nothing comes through, as from a machine that hangs.
type gate struct {
	URL string

	listener net.Listener
	backend  string
	copiers  sync.WaitGroup

	mu     sync.Mutex // guards what follows
	thaw   *sync.Cond
	frozen bool
	conns  []net.Conn
}

// newGate opens a gate in front of a fresh database.
func newGate(t *testing.T) *gate {
	t.Helper()
	u, err := url.Parse(dbtest.PostgresURL(t))
	require.NoError(t, err)
	folder := u.Query().Get("host")
	if folder == "" {
		t.Skip("the server of FOG_TEST_DATABASE_URL is not reached by a socket")
	}
	g := &gate{backend: filepath.Join(folder, ".s.PGSQL.5432")}
	g.thaw = sync.NewCond(&g.mu)
	g.listener, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	u.Host = g.listener.Addr().String()
	u.RawQuery = "sslmode=disable"
	g.URL = u.String()
	g.copiers.Go(g.accept)
	t.Cleanup(g.close)
	return g
}

func (g *gate) accept() {
	for {
		in, err := g.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("unix", g.backend)
		if err != nil {
			_ = in.Close()
			continue
		}
		g.mu.Lock()
		g.conns = append(g.conns, in, out)
		g.mu.Unlock()
		g.copiers.Go(func() { g.copy(in, out) })
		g.copiers.Go(func() { g.copy(out, in) })
	}
}

// copy passes bytes on until one end is closed.
func (g *gate) copy(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		g.pass()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass waits while the gate is frozen.
func (g *gate) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.frozen {
		g.thaw.Wait()
	}
}

func (g *gate) freeze(frozen bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.frozen = frozen
	g.thaw.Broadcast()
}

func (g *gate) close() {
	_ = g.listener.Close()
	g.freeze(false)
	g.mu.Lock()
	for _, c := range g.conns {
		_ = c.Close()
	}
	g.mu.Unlock()
	g.copiers.Wait()
}

// TestFrozenDatabase: a PostgreSQL that neither answers nor goes away is seen to
// be down, and its house can be closed; one that comes back is taken up again.
func TestFrozenDatabase(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	house, err := fog.Open(t.Context(), fog.Config{DatabaseURL: g.URL, DataDir: t.TempDir(), Idle: idle.Config{BeatRate: -1}})
	require.NoError(t, err)
	device := fogtest.Join(t, house, fogtest.Device{ID: "d1"})
	finish(t, house, []*fogtest.Device{device}, submit(t.Context(), t, house, job("before")).ID)

	g.freeze(true)
	soon(t, func() bool { return house.Ready("scheduler") != nil }, "it must be noticed")
	assert.Equal(t, "the database does not answer", fog.Detail(house.Ready("scheduler")))
	g.freeze(false)
	soon(t, func() bool { return house.Health().State == fog.Healthy }, "it must be noticed")
	finish(t, house, []*fogtest.Device{device}, submit(t.Context(), t, house, job("after")).ID)

	work, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	group.Go(func() { device.Run(work) })
	load := &load{house: house, ended: make(chan struct{})}
	group.Go(func() { load.run(work) })
	soon(t, func() bool { return load.acknowledged() > 3 }, "there must be some load")
	g.freeze(true)
	began := time.Now()
	require.Error(t, house.Close())
	assert.Less(t, time.Since(began), 15*time.Second)
	g.close() // what was left behind ends with the connections
}
