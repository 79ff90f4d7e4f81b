package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
)

func TestHubKeepsItsPhase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		f := newFeed(t, func(context.Context) (any, error) {
			// The first is gathered for the new client. The fourth takes 2.3 periods, so it misses two ticks.
			if calls.Add(1) == 4 {
				time.Sleep(2300 * time.Millisecond)
			} else {
				time.Sleep(170 * time.Millisecond)
			}
			return calls.Load(), nil
		}, hubConfig{})
		start := time.Now()
		conn := f.connect()
		require.Equal(t, "1", next(t, conn))
		require.Equal(t, 170*time.Millisecond, time.Since(start), "the first client waits for no tick")
		for _, at := range []float64{1.17, 2.17, 5.3, 6.17, 7.17, 8.17} {
			next(t, conn)
			require.InDelta(t, at, time.Since(start).Seconds(), 1e-9)
		}
		for range 1000 {
			next(t, conn)
		}
		require.InDelta(t, 1008.17, time.Since(start).Seconds(), 1e-9, "no drift")
	})
}

func TestHubGathersOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		f := newFeed(t, func(context.Context) (any, error) { return calls.Add(1), nil }, hubConfig{})
		time.Sleep(10 * time.Second)
		require.Zero(t, calls.Load(), "nobody listens: nothing is gathered")
		conns := []*websocket.Conn{f.connect(), f.connect(), f.connect()}
		for i := 1; i <= 5; i++ {
			for _, conn := range conns {
				require.Equal(t, fmt.Sprint(i), next(t, conn), "every client sees each frame once")
			}
		}
		require.EqualValues(t, 5, calls.Load())
	})
}

func TestHubSendsSnapshotOnConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(t, count(), hubConfig{})
		first := f.connect()
		next(t, first)
		next(t, first) // at 1 s
		time.Sleep(400 * time.Millisecond)
		begun := time.Now()
		again := f.connect()
		require.Equal(t, "2", next(t, again), "the current frame")
		require.Zero(t, time.Since(begun), "at once")
		require.Equal(t, "3", next(t, again))
		require.Equal(t, 600*time.Millisecond, time.Since(begun), "then on the common phase")
	})
}

func TestHubDropsBlockedClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(t, count(), hubConfig{})
		reader := f.connect()
		next(t, reader)
		f.connect() // never reads: the pipe blocks its first frame
		begun := time.Now()
		for time.Since(begun) < 5*time.Second {
			last := time.Now()
			next(t, reader)
			require.LessOrEqual(t, time.Since(last), time.Second, "nobody waits for the blocked one")
		}
		require.Equal(t, hubStats{Clients: 1, Frames: 6, Dropped: 1}, f.hub.Stats(), "gone within 5 s")
	})
}

func TestHubDropsTrickleReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(t, count(), hubConfig{})
		slow := f.connect()
		begun := time.Now()
		for { // one frame every 2.4 s never trips the write deadline
			if _, _, err := slow.ReadMessage(); err != nil {
				break
			}
			time.Sleep(2400 * time.Millisecond)
		}
		synctest.Wait()
		require.Less(t, time.Since(begun), 15*time.Second)
		require.Equal(t, hubStats{Clients: 0, Frames: f.hub.Stats().Frames, Dropped: 1}, f.hub.Stats())
	})
}

func TestHubDropsSilentClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(t, count(), hubConfig{})
		conn := f.connect()
		conn.SetPingHandler(func(string) error { return nil }) // no pong
		begun := time.Now()
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				break
			}
		}
		require.InDelta(t, 22.5, time.Since(begun).Seconds(), 0.1)
	})
}

func TestHubAnswersPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(t, count(), hubConfig{})
		conn := f.connect()
		next(t, conn)
		for _, text := range []string{
			`{"type":"subscribe","rooms":["scheduler"]}`, `{"type":"unknown"}`, `{}`, `[1]`, `garbage`, "\x00\xff", ``, `{"type":5}`,
			`{"type":"ping"}`,
		} {
			require.NoError(t, conn.WriteMessage(websocket.TextMessage, []byte(text)))
		}
		require.NoError(t, conn.WriteMessage(websocket.BinaryMessage, []byte{1, 2}))
		require.Equal(t, `{"type":"pong"}`, next(t, conn))
		require.Equal(t, "2", next(t, conn), "garbage changes nothing")
	})
}

func TestHubDropsTalker(t *testing.T) {
	for name, talk := range map[string]func(*websocket.Conn) error{
		"without end": func(c *websocket.Conn) error {
			for range 200 {
				if err := c.WriteMessage(websocket.TextMessage, []byte(`{"type":"x"}`)); err != nil {
					return err
				}
			}
			return nil
		},
		"long": func(c *websocket.Conn) error {
			return c.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("x", maxFrame+1)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFeed(t, count(), hubConfig{})
				conn := f.connect()
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					for {
						if _, _, err := conn.ReadMessage(); err != nil {
							return
						}
					}
				}()
				_ = talk(conn) // the socket may close under it
				<-ended
				synctest.Wait()
				require.Zero(t, f.hub.Stats().Clients)
			})
		})
	}
}

func TestHubSkipsFramesThatCannotBeGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		var calls atomic.Int64
		f := newFeed(t, func(ctx context.Context) (any, error) {
			switch n := calls.Add(1); n {
			case 2:
				return nil, errors.New("no figures")
			case 3:
				<-ctx.Done() // a gather is cut off after one period
				return nil, ctx.Err()
			default:
				return n, nil
			}
		}, hubConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		begun := time.Now()
		conn := f.connect()
		require.Equal(t, "1", next(t, conn))
		require.Equal(t, "4", next(t, conn))
		require.Equal(t, 4*time.Second, time.Since(begun))
		require.Equal(t, 1, strings.Count(log.String(), "no figures"))
		require.Equal(t, 1, strings.Count(log.String(), "sent again"))
	})
}

func TestHubGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(t, count(), hubConfig{})
		polite, blocked := f.connect(), f.connect()
		next(t, polite)
		begun := time.Now()
		go func() { _ = f.stop() }()
		_, _, err := polite.ReadMessage()
		require.True(t, websocket.IsCloseError(err, websocket.CloseGoingAway), "%v", err)
		require.NoError(t, f.stop())
		require.LessOrEqual(t, time.Since(begun), 3*time.Second)
		require.Zero(t, f.hub.Stats().Clients)
		_, answer, err := f.dialer.Dial(f.url, nil)
		require.Error(t, err)
		require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
		_ = blocked.Close()
	})
}
