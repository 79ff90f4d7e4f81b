package server_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/server"
)

const browserAccepts = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

func TestRoot(t *testing.T) {
	a := newAPI(t, server.Config{})
	got := a.ok("GET", "/", "")
	require.ElementsMatch(t, []string{"name", "version", "status", "endpoints", "documentation"}, slices.Collect(maps.Keys(got)))
	require.Equal(t, fog.Version, got["version"])
	require.Equal(t, "healthy", got["status"])
	require.Contains(t, got["endpoints"], "/api/scheduler/jobs")
	require.Contains(t, got["endpoints"], "/ws/metrics")
	require.Equal(t, http.StatusOK, a.do("GET", got["documentation"].(string), "").status)
	require.Equal(t, "application/json; charset=utf-8", a.do("GET", "/", "", "Accept", "application/json").header.Get("Content-Type"))

	html := a.do("GET", "/", "", "Accept", browserAccepts)
	require.Equal(t, http.StatusOK, html.status)
	require.Equal(t, "text/html; charset=utf-8", html.header.Get("Content-Type"))
	require.Contains(t, html.header.Values("Vary"), "Accept")
	a.refused(http.StatusMethodNotAllowed, "POST", "/", "{}")
}

// TestPages holds what every page keeps to: a policy that lets nothing in from outside and nothing inline, and addresses that
// all exist on this server.
func TestPages(t *testing.T) {
	a := newAPI(t, server.Config{})
	inline := regexp.MustCompile(`(?i)<script[^>]*>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`)
	address := regexp.MustCompile(`(?:src|href)="([^"]+)"`)
	for _, path := range []string{"/", "/docs", "/redoc"} {
		page := a.do("GET", path, "", "Accept", browserAccepts)
		require.Equal(t, http.StatusOK, page.status)
		policy := page.header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'")
		require.Contains(t, policy, "script-src 'self';")
		require.Contains(t, policy, "frame-ancestors 'none'")
		require.NotContains(t, policy, "unsafe")
		require.NotContains(t, policy, "http")
		require.Equal(t, "nosniff", page.header.Get("X-Content-Type-Options"))
		require.Equal(t, "no-cache", page.header.Get("Cache-Control"))
		require.Empty(t, inline.FindString(page.body), path)

		found := address.FindAllStringSubmatch(page.body, -1)
		require.NotEmpty(t, found)
		for _, m := range found {
			if strings.HasPrefix(m[1], "#") {
				continue
			}
			require.Regexp(t, "^/[^/]?", m[1], "an address of this server")
			require.Equal(t, http.StatusOK, a.do("GET", m[1], "").status, m[1])
		}

		again := a.do("GET", path, "", "Accept", browserAccepts, "If-None-Match", page.header.Get("ETag"))
		require.Equal(t, http.StatusNotModified, again.status)
		require.Empty(t, again.body)
		head := a.do("HEAD", path, "", "Accept", browserAccepts)
		require.Equal(t, http.StatusOK, head.status)
	}
}

// assetsOf returns the addresses of all embedded files, from the source folder.
func assetsOf(t *testing.T, a *api) (own string, files map[string]string) {
	t.Helper()
	page := a.do("GET", "/", "", "Accept", browserAccepts).body
	own = regexp.MustCompile(`/assets/[0-9a-f]{12}/`).FindString(page)
	require.NotEmpty(t, own)
	files = map[string]string{}
	walk := func(folder, address string) {
		entries, err := os.ReadDir(folder)
		require.NoError(t, err)
		for _, e := range entries {
			files[address+strings.TrimSuffix(e.Name(), ".gz")] = folder + e.Name()
		}
	}
	walk("web/app/", own)
	packages, err := os.ReadDir("web/third_party")
	require.NoError(t, err)
	for _, p := range packages {
		if p.IsDir() {
			walk("web/third_party/"+p.Name()+"/", "/assets/"+p.Name()+"/")
		}
	}
	return own, files
}

func TestAssets(t *testing.T) {
	a := newAPI(t, server.Config{})
	own, files := assetsOf(t, a)
	require.Contains(t, files, own+"app.js")
	require.Contains(t, files, "/assets/redoc-2.5.4/LICENSE", "licences are shipped")
	kinds := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
	for address, file := range files {
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		if strings.HasSuffix(file, ".gz") {
			want = unzip(t, want)
		}
		plain := a.do("GET", address, "", "Accept-Encoding", "br, gzip;q=0")
		require.Equal(t, http.StatusOK, plain.status, address)
		require.Equal(t, string(want), plain.body, address)
		require.Empty(t, plain.header.Get("Content-Encoding"))
		packed := a.do("GET", address, "", "Accept-Encoding", "gzip, deflate, br")
		require.Equal(t, "gzip", packed.header.Get("Content-Encoding"))
		require.Equal(t, string(want), string(unzip(t, []byte(packed.body))), address)
		require.Equal(t, "public, max-age=31536000, immutable", packed.header.Get("Cache-Control"))
		require.Equal(t, "Accept-Encoding", packed.header.Get("Vary"))
		for end, kind := range kinds {
			if strings.HasSuffix(address, end) {
				require.Equal(t, kind, packed.header.Get("Content-Type"), address)
			}
		}
		require.Equal(t, http.StatusNotModified, a.do("GET", address, "", "If-None-Match", packed.header.Get("ETag")).status)
	}
	for _, path := range []string{own, own + "none.js", "/assets/", "/assets/../server.go", own + "..%2fpages%2findex.html", "/assets/third_party/fetch.sh"} {
		a.refused(http.StatusNotFound, "GET", path, "")
	}
}

func unzip(t *testing.T, packed []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	plain, err := io.ReadAll(r)
	require.NoError(t, err)
	return plain
}

// TestThirdParty holds the committed files to their list, and to asking nobody for anything by themselves.
func TestThirdParty(t *testing.T) {
	list, err := os.ReadFile("web/third_party/SHA256SUMS")
	require.NoError(t, err)
	listed := map[string]bool{}
	for line := range strings.Lines(string(list)) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ./")
		require.True(t, ok)
		content, err := os.ReadFile("web/third_party/" + name)
		require.NoError(t, err)
		got := sha256.Sum256(content)
		require.Equal(t, sum, hex.EncodeToString(got[:]), name)
		listed["web/third_party/"+name] = true
		if strings.HasSuffix(name, ".gz") {
			plain := string(unzip(t, content))
			require.NotContains(t, plain[max(0, len(plain)-300):], "sourceMappingURL", name)
			require.NotContains(t, plain, "cdn.redoc.ly", name)
		}
	}
	_, files := assetsOf(t, newAPI(t, server.Config{}))
	for _, file := range files {
		require.True(t, listed[file] || strings.HasPrefix(file, "web/app/"), "%s is not listed", file)
	}
}

// TestScripts keeps our own scripts from the ways in which data becomes code or markup.
func TestScripts(t *testing.T) {
	entries, err := os.ReadDir("web/app")
	require.NoError(t, err)
	bad := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\("style|https?://`)
	for _, e := range entries {
		text, err := os.ReadFile("web/app/" + e.Name())
		require.NoError(t, err)
		if strings.HasSuffix(e.Name(), ".js") {
			require.Empty(t, bad.FindString(string(text)), e.Name())
		}
		require.LessOrEqual(t, bytes.Count(text, []byte("\n")), 500, e.Name())
	}
}

// feedOf connects to the metrics feed of a server that runs for one test.
func feedOf(t *testing.T, config server.Config, header http.Header) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	s, err := server.New(house(t, fog.Config{}), config)
	require.NoError(t, err)
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-ended) })
	for {
		conn, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(web.URL, "http")+"/ws/metrics", header)
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
		} else if res != nil && res.StatusCode == http.StatusServiceUnavailable {
			continue // the feed is about to start
		}
		return conn, res, err
	}
}

func TestMetricsFeed(t *testing.T) {
	conn, res, err := feedOf(t, server.Config{}, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, res.StatusCode)
	var frame map[string]any
	require.NoError(t, conn.ReadJSON(&frame))
	require.Equal(t, "metrics_update", frame["type"])
	require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`, frame["timestamp"])
	want := map[string][]string{
		"betanet": {"active_nodes", "connections", "latency_ms", "packets"}, "p2p": {"connected_peers", "messages_sent", "messages_received"},
		"scheduler": {"pending", "running", "total"}, "idle_compute": {"total_devices", "harvesting"},
		"tokenomics": {"total_supply", "stakers"}, "privacy": {"circuits"}, "data": {"throughput"},
	}
	delete(frame, "type")
	delete(frame, "timestamp")
	require.ElementsMatch(t, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(frame)))
	for part, fields := range want {
		require.ElementsMatch(t, fields, slices.Collect(maps.Keys(frame[part].(map[string]any))), part)
	}
	require.EqualValues(t, 1_000_000, frame["tokenomics"].(map[string]any)["total_supply"], "the genesis")
	require.NoError(t, conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"ping"}`)))
	for {
		var answer map[string]any
		require.NoError(t, conn.ReadJSON(&answer))
		if answer["type"] == "pong" {
			break
		}
	}
}

func TestMetricsFeedRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		config server.Config
		header http.Header
		want   int
	}{
		"foreign origin": {header: http.Header{"Origin": {"https://evil.example"}}, want: http.StatusForbidden},
		"foreign host":   {header: http.Header{"Host": {"evil.example"}}, want: http.StatusMisdirectedRequest},
		"no key":         {config: server.Config{Keys: []server.KeyHash{server.HashKey("fog_secret")}}, want: http.StatusUnauthorized},
		"control panel":  {header: http.Header{"Origin": {"http://localhost:3000"}}, want: http.StatusSwitchingProtocols},
	} {
		t.Run(name, func(t *testing.T) {
			_, res, _ := feedOf(t, c.config, c.header)
			require.NotNil(t, res)
			require.Equal(t, c.want, res.StatusCode)
			if c.want == http.StatusSwitchingProtocols {
				return
			}
			var problem map[string]any
			require.NoError(t, json.NewDecoder(res.Body).Decode(&problem))
			require.NotEmpty(t, problem["detail"])
			require.Equal(t, "application/problem+json", res.Header.Get("Content-Type"))
		})
	}
	plain := newAPI(t, server.Config{}).do("GET", "/ws/metrics", "")
	plain.problem(t, http.StatusUpgradeRequired)
	require.Equal(t, "websocket", plain.header.Get("Upgrade"))
}
