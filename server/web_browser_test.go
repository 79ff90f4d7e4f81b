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

// fits requires that the page does not scroll sideways in a window of the given width, and names what sticks out.
func (b *tab) fits(width int) {
	b.Helper()
	wide := eval[string](b, fmt.Sprintf(`[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > %d + 1 &&
		e.parentElement.closest(".scroll, .hidden, pre") === null).map((e) => e.outerHTML.slice(0, 80)).join("\n")`, width))
	require.LessOrEqual(b, eval[int](b, "document.documentElement.scrollWidth"), width, "wider than the window: %s", wide)
}

// shoot keeps a picture of the whole page among the artefacts of the test.
func (b *tab) shoot(name string) {
	b.Helper()
	eval[bool](b, `scrollTo({top: 0, behavior: "instant"}) ?? true`)
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

// render is what a fake device does with a tile: it computes the guest's very bytes and stores them.
func render(h *fog.Fog) fogtest.Compute {
	return func(o idle.Offer) (*scheduler.Result, scheduler.Class, string) {
		tile, err := orderedTile(o.Args)
		if err != nil {
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

// lend runs a device with room for two jobs until ctx ends. While the gate is closed it beats, and its tiles do not end.
func lend(ctx context.Context, d *fogtest.Device, gate <-chan struct{}) {
	held := 0
	for ctx.Err() == nil {
		d.Take = 2 - held
		offers, err := d.Fetch(ctx, 100*time.Millisecond)
		if err != nil {
			continue
		}
		held = len(offers)
		for _, o := range offers {
			if _, err := orderedTile(o.Args); err == nil && !isClosed(gate) {
				continue
			}
			if _, err := d.Report(ctx, o); err == nil {
				held--
			}
		}
	}
}

func isClosed(gate <-chan struct{}) bool {
	select {
	case <-gate:
		return true
	default:
		return false
	}
}

// orderedTile reads the arguments of the guest.
func orderedTile(args []string) (guest.Tile, error) {
	var t guest.Tile
	_, err := fmt.Sscan(strings.Join(args, " "), &t.Width, &t.Height, &t.X, &t.Y, &t.W, &t.H, &t.MaxIter, &t.CX, &t.CY, &t.Scale)
	if err != nil {
		return t, fmt.Errorf("the arguments are not those of a tile: %w", err)
	}
	return t, t.Validate()
}

// fleet gives a house three devices that work while the gate is open, and three that may not.
func fleet(t *testing.T, h *fog.Fog, gate <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var devices sync.WaitGroup
	for i, id := range []idle.DeviceID{"workstation", "render-box", "attic-server"} {
		d := fogtest.Join(t, h, fogtest.Device{ID: id, Cores: float64(2 + 2*i), Take: 2, Compute: render(h)})
		devices.Go(func() { lend(ctx, d, gate) })
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
	gate := make(chan struct{})
	open := sync.OnceFunc(func() { close(gate) })
	fleet(t, h, gate)
	t.Cleanup(open) // before the devices are waited for
	s := serveAt(t, h, "127.0.0.1:0")
	s.submit(t, `{"name":"<img src=x onerror=alert(1)> broken","sla_tier":"bronze","cpu_required":1,"memory_required":0.1,"args":["nonsense"]}`)
	s.submit(t, `{"name":"train a large model","sla_tier":"platinum","cpu_required":2,"memory_required":4,"gpu_required":4}`)

	t.Run("dashboard", func(t *testing.T) { testDashboard(t, browser, s, open) })
	t.Run("phone", func(t *testing.T) { testPhone(t, browser, s) })
	t.Run("dark", func(t *testing.T) { testThemes(t, browser, s) })
	t.Run("docs", func(t *testing.T) { testDocs(t, browser, s) })
	t.Run("redoc", func(t *testing.T) { testRedoc(t, browser, s) })
	t.Run("reconnection", func(t *testing.T) { testReconnection(t, browser, h) })
}

// testDashboard uses the page as a person without a mouse does.
func testDashboard(t *testing.T, browser context.Context, s *site, open func()) {
	b := openTab(t, browser, 1280, 900, "light")
	b.do(chromedp.Navigate(s.url + "/"))
	b.waitFor(`document.getElementById("live").dataset.state === "live"`)
	b.waitFor(`document.querySelectorAll("#devices-list > li").length === 6`)
	b.press("\t")
	require.Equal(t, "Skip to content", eval[string](b, "document.activeElement.textContent"))
	b.focusOn(`document.activeElement.name === "size"`)
	b.press("2") // the size whose name begins so
	b.focusOn(`document.activeElement.name === "palette"`)
	b.press("A") // as computed
	b.focusOn(`document.activeElement.name === "side"`)
	b.press("\r") // Enter submits the form
	require.Equal(t, "Submit 16 jobs", eval[string](b, `document.getElementById("sample-go").textContent`))

	// While the devices are at it: what runs, what waits and why.
	b.waitFor(`Number(document.getElementById("jobs-running").textContent) > 0 && document.title.includes("running")`)
	b.focusOn(`document.activeElement.id === "jobs-more"`)
	b.press("\r")
	b.waitFor(`document.querySelectorAll("#jobs-rows [data-status=running]").length > 0`)
	b.waitFor(`document.querySelectorAll("#devices-list [data-status=harvesting]").length > 0`)
	b.waitFor(`document.getElementById("sample-status").textContent.includes("running")`)
	const why = `[...document.querySelectorAll("#jobs-rows tr")].find((row) => row.textContent.includes("train a large model"))`
	b.waitFor(why)
	eval[bool](b, why+`.querySelector("button").focus() ?? true`)
	b.press(" ")
	b.waitFor(`document.querySelector("#jobs-rows .panel:not([hidden]) .why li") !== null`)
	require.Contains(t, eval[string](b, `document.querySelector("#jobs-rows .why").textContent`), "gpu")
	require.Equal(t, "true", eval[string](b, `document.activeElement.getAttribute("aria-expanded")`))
	b.shoot("dashboard-running")
	require.True(t, eval[bool](b, why+`.querySelector("img") === null`), "names are text")
	require.True(t, eval[bool](b, `document.querySelector("#jobs-rows img") === null && document.body.innerText.includes("<img src=x onerror=alert(1)> broken")`))
	require.True(t, eval[bool](b, `document.querySelector("#devices-list b") === null`))

	// And what came out.
	open()
	b.waitFor(`document.getElementById("sample-status").textContent.startsWith("Done in ")`)
	b.waitFor(`document.querySelectorAll("#payouts-rows tr").length > 0 && document.getElementById("tokens-paid").textContent !== "0"`)
	tile := guest.Tile{Width: 256, Height: 256, W: 256, H: 256, MaxIter: 1500, CX: -0.7453, CY: 0.1127, Scale: 0.012}
	pgm, _ := tile.Render()
	sum := sha256.Sum256(pgm[len(pgm)-256*256:])
	require.Equal(t, hex.EncodeToString(sum[:]), eval[string](b, `(async () => {
		const points = document.getElementById("picture").getContext("2d").getImageData(0, 0, 256, 256).data.filter((_, i) => i % 4 === 0);
		const sum = await crypto.subtle.digest("SHA-256", points);
		return [...new Uint8Array(sum)].map((b) => b.toString(16).padStart(2, "0")).join("");
	})()`), "the picture is the one that this machine computes")
	eval[bool](b, `(() => { const p = document.querySelector("[name=palette]"); p.value = "mist"; return p.dispatchEvent(new Event("change", {bubbles: true})); })()`)
	b.fits(1280)
	b.shoot("dashboard-light")
	b.clean(s.url)
}

// focusOn presses the tabulator key until the focus is where a condition says.
func (b *tab) focusOn(condition string) {
	b.Helper()
	for range 60 {
		if eval[bool](b, condition) {
			return
		}
		b.press("\t")
	}
	b.Fatalf("the keyboard does not lead to %s", condition)
}

func testPhone(t *testing.T, browser context.Context, s *site) {
	b := openTab(t, browser, 360, 740, "light", chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait)
	b.do(chromedp.Navigate(s.url + "/"))
	b.waitFor(`document.querySelectorAll("#jobs-rows tr").length > 0 && document.getElementById("live").dataset.state === "live"`)
	b.waitFor(`document.querySelectorAll("#payouts-rows tr").length > 0 && document.querySelectorAll("#devices-list > li").length > 0`)
	b.fits(360)
	eval[bool](b, `document.querySelector("#jobs-rows button").click() ?? true`)
	b.waitFor(`document.querySelector("#jobs-rows .panel:not([hidden]) .facts") !== null`)
	b.fits(360)
	small := eval[string](b, `[...document.querySelectorAll("button, select, nav a")].filter((e) => e.offsetParent && e.offsetHeight < 30).map((e) => e.outerHTML).join()`)
	require.Empty(t, small, "too small for a finger")
	b.shoot("dashboard-phone")
	b.clean(s.url)
}

func testThemes(t *testing.T, browser context.Context, s *site) {
	b := openTab(t, browser, 1280, 900, "dark")
	page := func() string { return eval[string](b, "getComputedStyle(document.body).backgroundColor") }
	b.do(chromedp.Navigate(s.url + "/"))
	b.waitFor(`document.querySelectorAll("#payouts-rows tr").length > 0 && document.getElementById("live").dataset.state === "live"`)
	dark := page()
	b.shoot("dashboard-dark")
	eval[bool](b, `document.getElementById("theme").click() ?? true`)
	light := page()
	require.NotEqual(t, dark, light, "light was chosen")
	b.do(chromedp.Navigate(s.url + "/"))
	require.Equal(t, light, page(), "the choice is kept")
	require.Equal(t, "Theme: light", eval[string](b, `document.getElementById("theme").textContent`))
	eval[bool](b, `document.getElementById("theme").click() ?? true`)
	require.Equal(t, dark, page())
	b.clean(s.url)
}

func testDocs(t *testing.T, browser context.Context, s *site) {
	b := openTab(t, browser, 1280, 900, "light")
	b.do(chromedp.Navigate(s.url + "/docs"))
	b.waitFor(`document.querySelectorAll(".opblock").length > 10`)
	b.shoot("docs")
	eval[bool](b, `document.querySelector("[id$=-health] .opblock-summary-control").click() ?? true`)
	b.waitFor(`document.querySelector("button.execute")`)
	eval[bool](b, `document.querySelector("button.execute").click() ?? true`)
	b.waitFor(`document.querySelector(".live-responses-table tbody .response-col_status")?.textContent.startsWith("200")`)
	b.clean(s.url)
}

func testRedoc(t *testing.T, browser context.Context, s *site) {
	b := openTab(t, browser, 1280, 900, "light")
	b.do(chromedp.Navigate(s.url + "/redoc"))
	b.waitFor(`document.querySelectorAll("#redoc h2").length > 10`)
	b.shoot("redoc")
	b.clean(s.url)
}

// testReconnection stops the server under an open page and starts it again.
func testReconnection(t *testing.T, browser context.Context, h *fog.Fog) {
	s := serveAt(t, h, "127.0.0.1:0")
	b := openTab(t, browser, 800, 600, "light")
	b.do(chromedp.Navigate(s.url + "/"))
	b.waitFor(`document.getElementById("live").dataset.state === "live"`)
	s.stop()
	b.waitFor(`document.getElementById("live").dataset.state === "waiting" && !document.getElementById("live-retry").hidden`)
	require.Equal(t, "Connection lost, trying again", eval[string](b, `document.getElementById("live-text").textContent`))
	b.waitFor(`document.getElementById("jobs-error").textContent === "The server does not answer."`)
	serveAt(t, h, strings.TrimPrefix(s.url, "http://"))
	b.waitFor(`document.getElementById("live").dataset.state === "live"`)
	b.waitFor(`document.getElementById("jobs-error").textContent === ""`)
	for _, complaint := range b.complaints() {
		require.Contains(t, complaint, "ERR_CONNECTION_REFUSED", "only the lost server")
	}
}
