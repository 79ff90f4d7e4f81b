package server_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
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

// chrome is a browser under way.
type chrome struct{ context.Context }

// openBrowser starts a browser with a fresh profile, in which no name and no other machine can be reached.
func openBrowser(t *testing.T) chrome {
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
	return chrome{ctx}
}

// openTab opens a tab of the given size. All that happens in it must be done within two minutes.
func openTab(t *testing.T, browser chrome, width, height int64, theme string, more ...chromedp.EmulateViewportOption) *tab {
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
	eval[bool](b, `(scrollTo({top: 0, behavior: "instant"}), true)`)
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

// answerDialogues gives the key as password to every dialogue of the browser, and counts them.
func (b *tab) answerDialogues(key string) *atomic.Int64 {
	b.Helper()
	yes, asked := true, new(atomic.Int64)
	requests, dialogues := chromedp.Events(b.ctx, fetch.RequestPaused), chromedp.Events(b.ctx, fetch.AuthRequired)
	_, err := chromedp.Call(b.ctx, fetch.Enable, fetch.EnableParams{HandleAuthRequests: &yes})
	require.NoError(b, err)
	go func() {
		for e, err := range requests {
			if err != nil {
				return
			}
			_, _ = chromedp.Call(b.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: e.RequestID}) // the tab may be closed
		}
	}()
	go func() {
		for e, err := range dialogues {
			if err != nil {
				return
			}
			asked.Add(1)
			_, _ = chromedp.Call(b.ctx, fetch.ContinueWithAuth, fetch.ContinueWithAuthParams{RequestID: e.RequestID, AuthChallengeResponse: &fetch.AuthChallengeResponse{
				Response: fetch.AuthChallengeResponseResponseProvideCredentials, Username: "operator", Password: key,
			}})
		}
	}()
	return asked
}
