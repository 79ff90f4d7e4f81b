package agent_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/agent"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// ways are how a server can fail for a while.
var ways = map[string]func(w http.ResponseWriter, r *http.Request){
	"500":            func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	"503 with cause": func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusServiceUnavailable, "starting") },
	"a reset":        func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"a redirect": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://elsewhere.test/", http.StatusBadGateway)
	},
	"silence": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	"too many": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3")
		refuse(w, http.StatusTooManyRequests, "slow down")
	},
	"a proxy's page": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("<html>"))
	},
	"an endless page": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write(make([]byte, 10<<20))
	},
}

// TestServerFails: whatever a server does for a while, the job is done and reported once it has recovered.
func TestServerFails(t *testing.T) {
	t.Parallel()
	for way, fail := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, func(s *stage, _ *agent.Config) {
					s.guests.script = ok
					s.fault = func(w http.ResponseWriter, r *http.Request) bool {
						if s.count(r.Method+r.URL.Path) > 3 {
							return false
						}
						fail(w, r)
						return true
					}
				})
				s.offer("a")
				for len(s.reported("a")) == 0 {
					time.Sleep(time.Second)
				}
				synctest.Wait()
				require.Empty(t, s.reported("a")[0].Class)
				require.Equal(t, int64(1), s.agent.Status().Done)
				require.Len(t, s.guests.runs(), 1)
				s.finish()
			})
		})
	}
}

// TestBeatGarbage: an answer to a beat that makes no sense is as good as none.
func TestBeatGarbage(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":      "",
		"no JSON":      "<html>hello</html>",
		"cut off":      `{"success":true,"directive":{"nextSec`,
		"another type": `{"directive":[1,2,3]}`,
		"no directive": `{"success":true}`,
		"a long text":  `{"directive":{"nextSeconds":1,"desired":"run"},"x":"` + strings.Repeat("x", 5<<20) + `"}`,
		"deep nesting": strings.Repeat("[", 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, func(s *stage, _ *agent.Config) {
					s.guests.script = ok
					s.fault = func(w http.ResponseWriter, r *http.Request) bool {
						if !strings.HasSuffix(r.URL.Path, "/heartbeat") || s.count("beat") > 3 {
							return false
						}
						_, _ = w.Write([]byte(text))
						return true
					}
				})
				s.offer("a")
				time.Sleep(10 * time.Second)
				synctest.Wait()
				require.Len(t, s.reported("a"), 1)
				s.finish()
			})
		})
	}
}

// TestOldToken: a result that nobody wants any more is not repeated.
func TestOldToken(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusConflict, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusForbidden} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, func(s *stage, _ *agent.Config) {
					s.guests.script = ok
					s.fault = func(w http.ResponseWriter, r *http.Request) bool {
						if !strings.HasSuffix(r.URL.Path, "/result") {
							return false
						}
						s.count("tries")
						refuse(w, status, "not yours")
						return true
					}
				})
				s.offer("a")
				time.Sleep(time.Minute)
				synctest.Wait()
				require.Equal(t, 2, s.count("tries"), "one try, and this question")
				require.Equal(t, int64(1), s.agent.Status().Dropped)
				require.Zero(t, s.agent.Status().Held)
				s.finish()
			})
		})
	}
}

// TestAnswerLost: the server takes a result and its answer is lost; the same result comes again.
func TestAnswerLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(s *stage, _ *agent.Config) { s.guests.script = ok })
		s.change(func() {
			s.fault = func(_ http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/result") {
					return false
				}
				s.mu.Lock()
				s.fault = nil
				s.mu.Unlock()
				s.ServeHTTP(discard{}, r)
				panic(http.ErrAbortHandler)
			}
		})
		s.offer("a")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Len(t, s.reported("a"), 2)
		require.Equal(t, s.reported("a")[0], s.reported("a")[1])
		require.Equal(t, int64(1), s.agent.Status().Done)
		s.finish()
	})
}

// discard is a response that gets lost.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// TestPersist: a result that cannot be delivered is let go of in the end.
func TestPersist(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(s *stage, cfg *agent.Config) {
			cfg.Persist = time.Minute
			s.guests.script = ok
			s.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/result") {
					return false
				}
				w.WriteHeader(http.StatusInternalServerError)
				return true
			}
		})
		s.offer("a")
		time.Sleep(50 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, s.agent.Status().Held, "its lease is renewed meanwhile")
		time.Sleep(15 * time.Second)
		synctest.Wait()
		require.Zero(t, s.agent.Status().Held)
		require.Equal(t, int64(1), s.agent.Status().Dropped)
		s.finish()
	})
}

// TestOutputRefused: files that the server does not want make a failure, not a result without files.
func TestOutputRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(s *stage, _ *agent.Config) {
			s.guests.script = ok
			s.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodPut {
					return false
				}
				refuse(w, http.StatusRequestEntityTooLarge, "over quota")
				return true
			}
		})
		s.offer("a")
		synctest.Wait()
		got := s.reported("a")
		require.Len(t, got, 1)
		require.Equal(t, "infra", got[0].Class)
		require.Contains(t, got[0].Reason, "over quota")
		require.Empty(t, got[0].Outputs)
		s.finish()
	})
}

// TestForgotten: a server that has lost its devices gets this one back, with what it holds.
func TestForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		s.offer("a")
		synctest.Wait()
		s.change(func() {
			s.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/api/idle-compute/devices" {
					s.mu.Lock()
					s.fault = nil
					s.mu.Unlock()
					return false
				}
				refuse(w, http.StatusNotFound, "no such device")
				return true
			}
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, s.enrolled, 2)
		require.Len(t, s.lastBeat().Held, 1)
		s.finish()
	})
}

// TestOutdatedBoot: a server that has heard a later beat than ours, from before this agent's time, is given a new boot.
func TestOutdatedBoot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(s *stage, _ *agent.Config) {
			s.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/heartbeat") || s.count("beat") > 1 {
					return false
				}
				refuse(w, http.StatusConflict, "replayed")
				return true
			}
		})
		time.Sleep(time.Second)
		synctest.Wait()
		require.Len(t, s.beats, 1)
		require.Equal(t, uint64(1), s.beats[0].Seq)
		s.finish()
	})
}

// TestRefusedAtStart: a server that does not want the device ends the agent, with what it said.
func TestRefusedAtStart(t *testing.T) {
	t.Parallel()
	for status, kind := range map[int]fault.Kind{
		http.StatusUnauthorized: fault.Denied, http.StatusForbidden: fault.Denied, http.StatusUnprocessableEntity: fault.Invalid,
		http.StatusNotFound: fault.NotFound, http.StatusConflict: fault.Conflict,
	} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, func(s *stage, _ *agent.Config) {
					s.fault = func(w http.ResponseWriter, _ *http.Request) bool {
						refuse(w, status, "go away")
						return true
					}
				})
				err := <-s.ended
				require.Equal(t, kind, fault.KindOf(err))
				require.ErrorContains(t, err, "go away")
				s.stop()
			})
		})
	}
}

// TestHastyServer: a server that answers long polls at once and with nothing is asked less and less often.
func TestHastyServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(s *stage, _ *agent.Config) {
			s.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/heartbeat") {
					return false
				}
				s.count("beat")
				answer(w, map[string]any{"directive": idle.Directive{Desired: idle.Run, Eligible: true, NextSeconds: 5}})
				return true
			}
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		count := s.count("beat")
		require.Less(t, count, 25)
		require.Greater(t, count, 10)
		s.finish()
	})
}

// TestNeverTooFast: news do not make a device beat faster than servers allow.
func TestNeverTooFast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(s *stage, _ *agent.Config) { s.guests.script = ok })
		for range 200 {
			s.offer("a" + strconv.Itoa(len(s.guests.runs())))
			time.Sleep(5 * time.Millisecond)
		}
		synctest.Wait()
		for i := 1; i < len(s.beats); i++ {
			require.GreaterOrEqual(t, s.beats[i].at.Sub(s.beats[i-1].at), 24*time.Millisecond)
		}
		s.finish()
	})
}

// TestDownloadResumes: a download that breaks goes on where it was.
func TestDownloadResumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ranges []string
		s := start(t, func(s *stage, _ *agent.Config) { s.guests.script = ok })
		blob := make([]byte, 100_000)
		for i := range blob {
			blob[i] = byte(i >> 8)
		}
		module := s.put(blob)
		s.change(func() {
			s.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodGet || len(ranges) > 2 {
					return false
				}
				if ranges = append(ranges, r.Header.Get("Range")); len(ranges) > 2 {
					return false
				}
				if len(ranges) == 1 { // announces all, sends a part
					w.Header().Set("Content-Length", "100000")
					_, _ = w.Write(blob[:40_000])
				} else { // does not obey the range, and breaks again
					w.Header().Set("Content-Length", "100000")
					_, _ = w.Write(blob[:10_000])
				}
				return true
			}
			s.offers = append(s.offers, idle.Offer{Attempt: "a", Module: module})
		})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{"", "bytes=40000-", "bytes=10000-"}, ranges)
		require.Len(t, s.reported("a"), 1)
		require.Empty(t, s.reported("a")[0].Class)
		s.finish()
	})
}

// TestFetchedOnce: attempts that need the same blob wait for one download, and later ones find it.
func TestFetchedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(s *stage, _ *agent.Config) {
			s.guests.script = ok
			s.fault = func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet {
					s.count("get")
					time.Sleep(time.Second)
				}
				return false
			}
		})
		s.offer("a", "b", "c")
		time.Sleep(5 * time.Second)
		s.offer("d")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Equal(t, int64(4), s.agent.Status().Done)
		require.Equal(t, 2, s.count("get"), "one download, and this question")
		s.finish()
	})
}

// TestSpoilt: a blob that turns out to be wrong is fetched anew for the next attempt.
func TestSpoilt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(s *stage, _ *agent.Config) {
			s.guests.script = func(worker.Job) *worker.Outcome {
				return &worker.Outcome{Class: worker.ClassInfra, Reason: "module: digest mismatch"}
			}
			s.fault = func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet {
					s.count("get")
				}
				return false
			}
		})
		s.offer("a")
		time.Sleep(time.Second)
		s.offer("b")
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, "infra", s.reported("b")[0].Class)
		require.Equal(t, 3, s.count("get"), "two downloads, and this question")
		s.finish()
	})
}

// TestCacheBounded: blobs that no attempt needs go, longest unused first; those that one needs stay, whatever the bound.
func TestCacheBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := start(t, func(_ *stage, cfg *agent.Config) { cfg.CacheBytes, cfg.DataDir = 250, dir })
		kept := func() (names []string) {
			entries, err := os.ReadDir(filepath.Join(dir, "blobs"))
			require.NoError(t, err)
			for _, e := range entries {
				names = append(names, e.Name())
			}
			return names
		}
		var digests []string
		for i := range 4 {
			digests = append(digests, s.put(make([]byte, 100+i)))
			s.change(func() {
				s.offers = append(s.offers, idle.Offer{Attempt: strconv.Itoa(i), Module: digests[i]})
			})
			time.Sleep(time.Second)
			synctest.Wait()
		}
		require.Len(t, kept(), 4, "four attempts need them")
		for _, run := range s.guests.runs() {
			run.finish(*ok(worker.Job{}))
			time.Sleep(time.Second)
			synctest.Wait()
		}
		require.ElementsMatch(t, digests[2:], kept())
		s.finish()
	})
}
