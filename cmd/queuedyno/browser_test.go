//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// chromium starts a browser. A script error, a message on the console, and a request for
// anything but an address that begins with one of those fail the test.
func chromium(t *testing.T, allowed ...string) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		redistest.Missing(t, "chromium", errors.New("no Chromium is installed"))
	}
	ctx, end := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900))...)
	t.Cleanup(end)
	return tab(t, ctx, allowed...)
}

// tab opens another tab of the browser of a context.
func tab(t *testing.T, ctx context.Context, allowed ...string) context.Context {
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

func act(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// until waits until an expression is true in the page.
func until(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(0))); err != nil {
		t.Fatalf("%s did not come true: %v", expression, err)
	}
}

func value[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// looksRight looks at a page on wide and narrow screens, in the light and in the dark. With
// PAGE_PICTURES it writes pictures of the page to that directory, to be looked at.
func looksRight(t *testing.T, ctx context.Context) {
	t.Helper()
	ground := map[string]string{}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int{1280, 390} {
			act(t, ctx, chromedp.EmulateViewport(int64(width), 844))
			look := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
			if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, look); err != nil {
				t.Fatal(err)
			}
			if wide := value[int](t, ctx, `document.documentElement.scrollWidth`); wide > width {
				t.Errorf("the page is %d pixels wide on a screen of %d", wide, width)
			}
			if dir := os.Getenv("PAGE_PICTURES"); dir != "" {
				picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%s-%d.png", t.Name(), scheme, width)), picture, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			ground[scheme] = value[string](t, ctx, `getComputedStyle(document.body).backgroundColor + getComputedStyle(document.querySelector('.live')).backgroundColor`)
		}
	}
	if ground["light"] == ground["dark"] {
		t.Errorf("the page is %s in the light and in the dark", ground["dark"])
	}
}

// upTo are those values of a page that are not later than the last of others.
func upTo(others, values map[string]float64) map[string]float64 {
	second := func(key string) (x float64) {
		_, _ = fmt.Sscan(key[strings.LastIndexByte(key, ' ')+1:], &x)
		return x
	}
	last := 0.0
	for key := range others {
		last = max(last, second(key))
	}
	out := map[string]float64{}
	for key, v := range values {
		if second(key) <= last {
			out[key] = v
		}
	}
	return out
}
