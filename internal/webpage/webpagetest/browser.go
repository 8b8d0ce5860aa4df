// Package webpagetest opens HTML reports in a Chromium, for tests.
package webpagetest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/queuedyno/queuedyno/internal/servertest"
)

// Browser is a Chromium with one page. Script errors, console messages and requests for
// anything but the page fail its test. Its methods are not safe for concurrent use.
type Browser struct {
	t    testing.TB
	ctx  context.Context
	file string
}

// Start starts a Chromium without a page, which ends with the test. The test is skipped
// where none is installed.
func Start(t testing.TB) *Browser {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	return &Browser{t: t, file: file, ctx: Chromium(t, "file://"+file)}
}

// Chromium is the context of the only tab of a Chromium that ends with the test. A script
// error, a message on the console, and a request for anything but an address that begins
// with one of those fail the test, which is skipped where no Chromium is installed.
func Chromium(t testing.TB, allowed ...string) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		servertest.Missing(t, "chromium", errors.New("no Chromium is installed"))
	}
	ctx, end := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 900))...)
	t.Cleanup(end)
	return Tab(t, ctx, allowed...)
}

// Tab opens another tab of the Chromium of a context, watched in the same way.
func Tab(t testing.TB, ctx context.Context, allowed ...string) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("script error: %+v", e.ExceptionDetails)
		case *runtime.EventConsoleAPICalled:
			t.Errorf("console: %+v", e.Args)
		case *network.EventRequestWillBeSent:
			if !slices.ContainsFunc(allowed, func(prefix string) bool { return strings.HasPrefix(e.Request.URL, prefix) }) {
				t.Errorf("the page asked for %s", e.Request.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// Show opens a page from disk. When it returns, the page is drawn.
func (b *Browser) Show(page []byte) {
	b.t.Helper()
	if err := os.WriteFile(b.file, page, 0o644); err != nil {
		b.t.Fatal(err)
	}
	b.Do(chromedp.Navigate("file://" + b.file))
}

// Do carries out steps one after another.
func (b *Browser) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// Look sets the size of the screen, and what CSS is asked for: dark or light colours,
// and the media screen or print. When it returns, the page is drawn anew.
func (b *Browser) Look(width, height int, scheme, media string) {
	b.t.Helper()
	b.Do(chromedp.EmulateViewport(int64(width), int64(height)))
	look := emulation.SetEmulatedMediaParams{Media: media, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, look); err != nil {
		b.t.Fatal(err)
	}
	// What is drawn anew because its size changed is drawn in the frame after that in which
	// the change is noticed; the expression is evaluated once a frame.
	Wait[bool](b, `(window.framesSinceLook = (window.framesSinceLook ?? 0) + 1) > 3 && delete window.framesSinceLook`)
}

// Eval is the value of an expression in the page.
func Eval[T any](b *Browser, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// Wait waits until an expression in the page has a value that is true, and returns it.
func Wait[T any](b *Browser, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Poll[T](expression))
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}
