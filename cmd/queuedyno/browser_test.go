//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

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
