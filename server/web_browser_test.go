package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/guest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/server"
)

// chromium finds the browser, or skips the test; under CI it must be there.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "no Chromium to look at the pages with: on Debian, apt-get install chromium"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// tab is a browser tab that writes down what goes wrong in it.
type tab struct {
	*testing.T
	ctx context.Context

	mu       sync.Mutex // guards the lists
	wrong    []string   // errors and warnings on the console
	requests []string   // addresses that the page asked
}

// openBrowser starts a browser with a fresh profile, in which no name and no other machine can be reached.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
	)...)
	t.Cleanup(stop)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(closeBrowser)
	require.NoError(t, chromedp.Do(ctx))
	return ctx
}

// openTab opens a tab of the given size. All that happens in it must be done within two minutes.
func openTab(t *testing.T, browser context.Context, width, height int64, theme string, more ...chromedp.EmulateViewportOption) *tab {
	t.Helper()
	b := &tab{T: t}
	ctx, closeTab := chromedp.NewContext(browser, chromedp.WithListener(b.hear))
	t.Cleanup(closeTab)
	require.NoError(t, chromedp.Do(ctx))
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	b.ctx = ctx
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	require.NoError(t, err)
	_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
	})
	require.NoError(t, err)
	b.do(chromedp.EmulateViewport(width, height, more...))
	return b
}

// hear writes down complaints and requests.
func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.wrong = append(b.wrong, fmt.Sprintf("%s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			text := string(e.Type)
			for _, arg := range e.Args {
				text += fmt.Sprintf(" %s%s", arg.Value, arg.Description)
			}
			b.wrong = append(b.wrong, text)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			b.wrong = append(b.wrong, e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	require.NoError(b, chromedp.Do(b.ctx, steps...))
}

// eval returns the value of an expression in the page; a promise is waited for.
func eval[T any](b *tab, expression string) T {
	b.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(b, err, expression)
	return value
}

// waitFor asks until an expression is true in the page. It asks from outside: the page's policy forbids scripts made of text.
func (b *tab) waitFor(expression string) {
	b.Helper()
	patience := time.NewTimer(45 * time.Second)
	defer patience.Stop()
	for !eval[bool](b, "Boolean("+expression+")") {
		select {
		case <-patience.C:
			b.shoot("failure")
			b.Fatalf("never true: %s\nconsole: %q\npage: %s", expression, b.complaints(), eval[string](b, "document.body.innerText"))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// press sends keys to whatever has the focus.
func (b *tab) press(keys string) {
	b.Helper()
	b.do(chromedp.KeyEvent(keys))
}

func (b *tab) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.wrong)
}

// clean requires that nothing went wrong and that nobody but the server was asked.
func (b *tab) clean(origin string) {
	b.Helper()
	require.Empty(b, b.complaints(), "console")
	b.mu.Lock()
	defer b.mu.Unlock()
	require.NotEmpty(b, b.requests)
	for _, url := range b.requests {
		own := strings.HasPrefix(url, origin+"/") || strings.HasPrefix(url, "data:") || strings.HasPrefix(url, "blob:"+origin)
		require.True(b, own, "the page asked %s", url)
	}
}

// fits requires that the page does not scroll sideways, and names what sticks out.
func (b *tab) fits() {
	b.Helper()
	wide := eval[string](b, `[...document.querySelectorAll("body *")].filter((e) =>
		e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll, .hidden")).map((e) => e.outerHTML.slice(0, 60)).join("\n")`)
	require.LessOrEqual(b, eval[int](b, "document.documentElement.scrollWidth"), eval[int](b, "innerWidth"), "wider than the window: %s", wide)
}

// shoot keeps a picture of the whole page among the artefacts of the test.
func (b *tab) shoot(name string) {
	b.Helper()
	layout, err := chromedp.Call(b.ctx, page.GetLayoutMetrics, cdp.Empty{})
	require.NoError(b, err)
	beyond := true
	picture, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: &beyond,
		Clip:                  &page.Viewport{Width: layout.CSSContentSize.Width, Height: min(layout.CSSContentSize.Height, 5000), Scale: 1},
	})
	require.NoError(b, err)
	folder := os.Getenv("FOG_TEST_ARTEFACTS")
	if folder == "" {
		folder = filepath.Join("..", "test-artifacts")
	}
	require.NoError(b, os.MkdirAll(folder, 0o755))
	require.NoError(b, os.WriteFile(filepath.Join(folder, name+".png"), picture.Data, 0o644))
}

// site is a server on a port of this machine.
type site struct {
	house *fog.Fog
	url   string
	stop  func()
}

// serveAt serves a house at an address until stop is called or the test ends.
func serveAt(t *testing.T, h *fog.Fog, address string) *site {
	t.Helper()
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	s, err := server.New(h, server.Config{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	stop := sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return &site{h, "http://" + l.Addr().String(), stop}
}

// render is what a fake device does with a tile: it computes the guest's very bytes, and stores them.
func render(h *fog.Fog) fogtest.Compute {
	return func(o idle.Offer) (*scheduler.Result, scheduler.Class, string) {
		if len(o.Args) != 10 {
			return nil, scheduler.ClassJob, "the module trapped: unreachable executed"
		}
		n := func(i int) int { v, _ := strconv.Atoi(o.Args[i]); return v }
		f := func(i int) float64 { v, _ := strconv.ParseFloat(o.Args[i], 64); return v }
		tile := guest.Tile{Width: n(0), Height: n(1), X: n(2), Y: n(3), W: n(4), H: n(5), MaxIter: n(6), CX: f(7), CY: f(8), Scale: f(9)}
		if err := tile.Validate(); err != nil {
			return nil, scheduler.ClassJob, err.Error()
		}
		begun := time.Now()
		pgm, summary := tile.Render()
		sum := sha256.Sum256(pgm)
		digest := hex.EncodeToString(sum[:])
		if _, err := h.Blob.Put(context.Background(), blob.Digest(digest), bytes.NewReader(pgm), int64(len(pgm))); err != nil {
			return nil, scheduler.ClassInfra, err.Error()
		}
		took := time.Since(begun).Seconds()
		return &scheduler.Result{
			Stdout: []byte(summary), CPUSeconds: took, WallSeconds: took,
			Outputs: []scheduler.Output{{Path: guest.Output, SHA256: digest, Bytes: int64(len(pgm))}},
		}, "", ""
	}
}

// fleet gives a house three devices that work and three that may not.
func fleet(t *testing.T, h *fog.Fog) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var devices sync.WaitGroup
	for i, id := range []idle.DeviceID{"workstation", "render-box", "attic-server"} {
		d := fogtest.Join(t, h, fogtest.Device{ID: id, Cores: float64(2 + 2*i), Take: 2, Compute: render(h)})
		devices.Go(func() { d.Run(ctx) })
	}
	t.Cleanup(func() { cancel(); devices.Wait() })
	for _, d := range []struct {
		id        idle.DeviceID
		kind      idle.DeviceType
		name      string
		telemetry idle.Telemetry
	}{
		{"pixel", idle.Android, "Ada's phone", idle.Telemetry{Battery: idle.Some(23.0), Charging: idle.Some(false), TempC: idle.Some(31.0)}},
		{"ipad", idle.IOS, "<b>Kitchen</b> tablet", idle.Telemetry{Battery: idle.Some(88.0), Charging: idle.Some(true), TempC: idle.Some(54.0)}},
		{"laptop", idle.Desktop, "Grace's laptop", idle.Telemetry{Battery: idle.Some(61.0), Charging: idle.Some(true), CPUForeign: idle.Some(0.93)}},
	} {
		_, err := h.Idle.Register(ctx, idle.Enrolment{
			ID: d.id, Type: d.kind, Name: d.name, Platform: "test", CPUCores: 8, MemoryMB: 8192, Battery: d.telemetry.Battery, Charging: d.telemetry.Charging,
		})
		require.NoError(t, err)
		_, err = h.Idle.Heartbeat(ctx, []idle.Beat{{Device: d.id, Boot: "b", Seq: 1, Telemetry: d.telemetry, Protocol: true}})
		require.NoError(t, err)
	}
}

// submit posts a job over HTTP.
func (s *site) submit(t *testing.T, body string) {
	t.Helper()
	res, err := http.Post(s.url+"/api/scheduler/jobs", "application/json", strings.NewReader(body)) //nolint:noctx // a test
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
}

func TestBrowser(t *testing.T) {
	browser := openBrowser(t)
	h := house(t, fogConfig())
	fleet(t, h)
	s := serveAt(t, h, "127.0.0.1:0")
	s.submit(t, `{"name":"<img src=x onerror=alert(1)> broken","sla_tier":"bronze","cpu_required":1,"memory_required":0.1,"args":["nonsense"]}`)
	s.submit(t, `{"name":"train a large model","sla_tier":"platinum","cpu_required":2,"memory_required":4,"gpu_required":4}`)

	t.Run("dashboard", func(t *testing.T) { testDashboard(t, browser, s) })
	t.Run("dark", func(t *testing.T) {
		b := openTab(t, browser, 1280, 900, "dark")
		b.do(chromedp.Navigate(s.url + "/"))
		b.waitFor(`document.querySelectorAll("#payouts-rows tr").length > 0 && document.getElementById("live").dataset.state === "live"`)
		b.shoot("dashboard-dark")
		b.clean(s.url)
	})
	t.Run("phone", func(t *testing.T) {
		b := openTab(t, browser, 360, 740, "light", chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait)
		b.do(chromedp.Navigate(s.url + "/"))
		b.waitFor(`document.querySelectorAll("#jobs-rows tr").length > 0 && document.getElementById("live").dataset.state === "live"`)
		b.fits()
		b.do(chromedp.Click(chromedp.CSS("#jobs-rows button")))
		b.waitFor(`document.querySelector("#jobs-rows .panel:not([hidden]) .facts") !== null`)
		b.fits()
		b.shoot("dashboard-phone")
		b.clean(s.url)
	})
	t.Run("docs", func(t *testing.T) {
		b := openTab(t, browser, 1280, 900, "light")
		b.do(chromedp.Navigate(s.url + "/docs"))
		b.waitFor(`document.querySelectorAll(".opblock").length > 10`)
		b.shoot("docs")
		b.clean(s.url)
	})
	t.Run("redoc", func(t *testing.T) {
		b := openTab(t, browser, 1280, 900, "light")
		b.do(chromedp.Navigate(s.url + "/redoc"))
		b.waitFor(`document.querySelectorAll("#redoc h2").length > 10`)
		b.shoot("redoc")
		b.clean(s.url)
	})
}

func testDashboard(t *testing.T, browser context.Context, s *site) {
	b := openTab(t, browser, 1280, 900, "light")
	b.do(chromedp.Navigate(s.url + "/"))
	b.waitFor(`document.getElementById("live").dataset.state === "live"`)
	b.waitFor(`document.querySelectorAll("#devices-list li").length >= 6`)
	b.do(chromedp.Focus(chromedp.CSS("select[name=view]")))
	b.press("\t\t\t\t") // size, level, colours, number of jobs
	require.Equal(t, "side", eval[string](b, "document.activeElement.name"))
	b.press("\r") // Enter in a form submits it
	b.waitFor(`document.getElementById("sample-status").textContent.startsWith("Done in ")`)
	b.waitFor(`document.querySelectorAll("#payouts-rows tr").length > 0`)
	b.shoot("dashboard-light")
	fmt.Println(eval[string](b, `document.getElementById("sample-status").textContent`))
	b.clean(s.url)
}
