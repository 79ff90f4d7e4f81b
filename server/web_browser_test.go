package server_test

import (
	"bufio"
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
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

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

// site is a server on a port of this machine.
type site struct {
	house *fog.Fog
	url   string
	stop  func()
}

// serveAt serves a house at an address until stop is called or the test ends.
func serveAt(t *testing.T, h *fog.Fog, address string, keys ...server.KeyHash) *site {
	t.Helper()
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	s, err := server.New(h, server.Config{Keys: keys})
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
	s.submit(t, `{"name":"impossible array","sla_tier":"gold","cpu_required":1,"memory_required":400,"count":2}`)

	t.Run("dashboard", func(t *testing.T) { testDashboard(t, browser, s, open) })
	t.Run("phone", func(t *testing.T) { testPhone(t, browser, s) })
	t.Run("dark", func(t *testing.T) { testThemes(t, browser, s) })
	t.Run("docs", func(t *testing.T) { testDocs(t, browser, s) })
	t.Run("redoc", func(t *testing.T) { testRedoc(t, browser, s) })
	t.Run("key", func(t *testing.T) { testKey(t, browser, h) })
	t.Run("reconnection", func(t *testing.T) { testReconnection(t, browser, h) })
}

// testDashboard uses the page as a person without a mouse does.
func testDashboard(t *testing.T, browser chrome, s *site, open func()) {
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
	b.waitFor(why + `.querySelector(".because").textContent.includes("no device of this fleet can ever take it")`)
	eval[bool](b, why+`.querySelector("button").focus() ?? true`)
	b.press(" ")
	b.waitFor(`document.querySelector("#jobs-rows .panel:not([hidden]) .why li") !== null`)
	require.Contains(t, eval[string](b, `document.querySelector("#jobs-rows .why").textContent`), "gpu")
	require.Equal(t, "true", eval[string](b, `document.activeElement.getAttribute("aria-expanded")`))
	const array = `[...document.querySelectorAll("#jobs-rows tr")].find((row) => row.textContent.includes("impossible array"))`
	eval[bool](b, array+`.querySelector("button").click() ?? true`)
	b.waitFor(array + `.nextElementSibling.textContent.includes("of 2, 0 completed, 0 running")`)
	b.shoot("dashboard-running")
	require.True(t, eval[bool](b, why+`.querySelector("img") === null`), "names are text")
	require.True(t, eval[bool](b, `document.querySelector("#jobs-rows img") === null && document.body.innerText.includes("<img src=x onerror=alert(1)> broken")`))
	require.True(t, eval[bool](b, `document.querySelector("#devices-list b") === null`))

	// And what came out.
	open()
	b.waitFor(`document.getElementById("sample-status").textContent.startsWith("Done in ")`)
	b.waitFor(`document.querySelectorAll("#payouts-rows tr").length > 0 && document.getElementById("tokens-paid").textContent !== "0"`)
	b.showsPicture(guest.Tile{Width: 256, Height: 256, W: 256, H: 256, MaxIter: 1500, CX: -0.7453, CY: 0.1127, Scale: 0.012})
	eval[bool](b, `(() => { const p = document.querySelector("[name=palette]"); p.value = "mist"; return p.dispatchEvent(new Event("change", {bubbles: true})); })()`)
	b.waitFor(`/^[\d,]+$/.test(document.getElementById("plans-searches").textContent) && /ms$/.test(document.getElementById("plans-time").textContent)`)
	require.True(b, eval[bool](b, `[...document.querySelectorAll("#jobs-rows tr:not(.panel)")].every((row) =>
		row.querySelector(".badge").textContent !== "completed" || row.querySelector(".because").textContent === "")`), "what is over does not wait")
	b.fits(1280)
	b.shoot("dashboard-light")
	b.clean(s.url)
}

// showsPicture requires that the canvas holds the very picture that this machine computes.
func (b *tab) showsPicture(whole guest.Tile) {
	b.Helper()
	pgm, _ := whole.Render()
	sum := sha256.Sum256(pgm[len(pgm)-whole.W*whole.H:])
	require.Equal(b, hex.EncodeToString(sum[:]), eval[string](b, `(async () => {
		const canvas = document.getElementById("picture");
		const points = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.filter((_, i) => i % 4 === 0);
		const sum = await crypto.subtle.digest("SHA-256", points);
		return [...new Uint8Array(sum)].map((b) => b.toString(16).padStart(2, "0")).join("");
	})()`))
}

func testPhone(t *testing.T, browser chrome, s *site) {
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

func testThemes(t *testing.T, browser chrome, s *site) {
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

func testDocs(t *testing.T, browser chrome, s *site) {
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

func testRedoc(t *testing.T, browser chrome, s *site) {
	b := openTab(t, browser, 1280, 900, "light")
	b.do(chromedp.Navigate(s.url + "/redoc"))
	b.waitFor(`document.querySelectorAll("#redoc h2").length > 10`)
	b.shoot("redoc")
	b.clean(s.url)
}

// testKey opens the page of a server that asks for a key, which a browser's dialogue sends as a password: once for the page,
// and from then on by itself.
func testKey(t *testing.T, browser chrome, h *fog.Fog) {
	key := server.NewKey()
	s := serveAt(t, h, "127.0.0.1:0", server.HashKey(key))
	b := openTab(t, browser, 800, 600, "light")
	asked := b.answerDialogues(key)
	b.do(chromedp.Navigate(s.url + "/"))
	b.waitFor(`document.getElementById("live").dataset.state === "live"`)
	b.waitFor(`document.querySelectorAll("#jobs-rows tr").length > 0 && document.querySelectorAll("#devices-list > li").length > 0`)
	require.EqualValues(t, 1, asked.Load(), "dialogues")
	b.clean(s.url)
}

// testReconnection stops the server under an open page and starts it again.
func testReconnection(t *testing.T, browser chrome, h *fog.Fog) {
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
	for _, complaint := range b.complaints() { // a request may be under way, or have a connection, when the server goes
		require.Regexp(t, "ERR_CONNECTION_(REFUSED|RESET|CLOSED)|ERR_EMPTY_RESPONSE", complaint, "only the lost server")
	}
}

// TestBrowserOnFogd runs the sample on the program as it is shipped: SQLite, the local agent, WebAssembly in workers.
func TestBrowserOnFogd(t *testing.T) {
	browser := openBrowser(t)
	folder := t.TempDir()
	build := exec.Command("go", "build", "-o", folder, "./fogd")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	fogd := exec.Command(filepath.Join(folder, "fogd"), "--port", "0", "--data-dir", filepath.Join(folder, "data"), "--log-level", "error")
	fogd.Stderr = os.Stderr
	says, err := fogd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, fogd.Start())
	t.Cleanup(func() {
		require.NoError(t, fogd.Process.Signal(os.Interrupt))
		require.NoError(t, fogd.Wait())
	})
	var url string
	for lines := bufio.NewScanner(says); url == "" && lines.Scan(); {
		url = regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(lines.Text())
	}
	require.NotEmpty(t, url, "fogd says where it answers")

	b := openTab(t, browser, 1280, 900, "light")
	b.do(chromedp.Navigate(url + "/"))
	b.waitFor(`document.getElementById("live").dataset.state === "live"`)
	eval[bool](b, `(() => { const f = document.getElementById("sample").elements; f.size.value = "256"; f.palette.value = "grey"; f.side.value = "2"; return true; })()`)
	b.do(chromedp.Focus(chromedp.CSS("#sample-go")))
	b.press(" ")
	b.waitFor(`document.getElementById("sample-status").textContent.startsWith("Done in ")`)
	b.showsPicture(guest.Tile{Width: 256, Height: 256, W: 256, H: 256, MaxIter: 1500, CX: -0.7453, CY: 0.1127, Scale: 0.012})
	b.waitFor(`document.querySelectorAll("#payouts-rows tr").length === 4 && document.querySelectorAll("#devices-list > li").length === 1`)
	b.shoot("dashboard-fogd")
	b.clean(url)
}
