//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/live"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/webpage/webpagetest"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

var liveAddress = regexp.MustCompile(`live page at (http://\S+/)`)

// awaitPage waits for the address of the live page.
func (c *command) awaitPage(t *testing.T) string {
	t.Helper()
	c.await(t, "live page at ")
	return liveAddress.FindStringSubmatch(c.said[len(c.said)-1])[1]
}

// charted are all rows that the charts over time of a page hold, by chart, variant,
// series and second.
const charted = `(() => {
  const all = {};
  for (const figure of document.querySelectorAll('figure.chart')) {
    const axes = queuedyno.drawn.get(figure);
    if (!axes || axes.chart.kind !== 'time') continue;
    for (const v of axes.chart.variants) for (const s of v.series) s.y.forEach((y, i) => {
      if (y !== null) all[[axes.chart.id, v.name, s.name, axes.chart.x[i]].join(' ')] = y;
    });
  }
  return all;
})()`

// rowsOf is how many rows a page has by now.
const rowsOf = `([...document.querySelectorAll('figure.chart')].map((f) => queuedyno.drawn.get(f)).find((a) => a && a.chart.id === 'rates')?.chart.x.length || 0)`

const atLast = `document.querySelector('.live').dataset.state === 'end'`

// pageText are all figures of the tables of a page, and its sentences.
const pageText = `[...document.querySelectorAll('article h1, article .answer, article .reasons li, article td, article th')].map((e) => e.textContent)`

// withRows reports whether the document of which the title begins with the words has
// rows of a run.
func withRows(words string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('article')].some((a) => a.querySelector('h1').textContent.startsWith(%q) &&
		[...a.querySelectorAll('figure.chart')].some((f) => queuedyno.drawn.get(f)?.chart.id === 'rates' && queuedyno.drawn.get(f).chart.x.length > 1))`, words)
}

// A comparison shows the run of each side as it goes on and what it came to. At the end, what
// is left is the comparison.
func TestTheLivePageOfAComparisonShowsTheRunsOfBothSides(t *testing.T) {
	t.Parallel()
	ctx := webpagetest.Chromium(t, "http://127.0.0.1:") // a slow host takes long to start it, and must not miss the first runs
	c := start(t, "compare", "quick", "-d", "4s", "-r", "200", "--redis", "embedded", "--idle", "0s", "--candidate-args", "--work 2ms", "--live", "--name", "c")
	act(t, ctx, chromedp.Navigate(c.awaitPage(t)))
	base, candidate := withRows("baseline, pair "), withRows("candidate, pair ")
	until(t, ctx, `[...document.querySelectorAll('.badge')].filter((e) => e.textContent === 'running').length === 2 && (`+base+" || "+candidate+")")
	until(t, ctx, base+" && "+candidate)
	// Then the next run of one of them takes the place of its last one. On a busy host that is
	// the same pair again.
	const goesOn = `[...document.querySelectorAll('article[id^=report] .badge')].filter((e) => e.textContent === 'running').length`
	until(t, ctx, goesOn+" === 1")
	until(t, ctx, goesOn+" === 2 && ("+base+" || "+candidate+")")
	looksRight(t, ctx)
	c.signal(t, os.Interrupt)
	until(t, ctx, atLast)
	if got := value[string](t, ctx, `[...document.querySelectorAll('h1')].map((e) => e.textContent).join('; ')`); got != "baseline against candidate" {
		t.Errorf("at the end the page shows %q, want the comparison alone", got)
	}
	if code := c.end(t); code != problem.Interrupted {
		t.Errorf("exit code %d, want %d:\n%s", code, problem.Interrupted, strings.Join(c.said, "\n"))
	}
	if c.stdout.Len() == 0 || strings.Contains(c.stdout.String(), `"state"`) {
		t.Errorf("standard output is %q, want the comparison", c.stdout.String())
	}
}

func TestTheLivePageOfASearchShowsTheTrialThatGoesOn(t *testing.T) {
	t.Parallel()
	c := start(t, "capacity", "quick", "--redis", "embedded", "--trial", "10s", "--budget", "5m", "--live", "--name", "c")
	url := c.awaitPage(t)
	ctx := webpagetest.Chromium(t, url)
	act(t, ctx, chromedp.Navigate(url))
	until(t, ctx, `document.querySelectorAll('article[id^=report]').length === 2 && `+withRows("quick"))
	until(t, ctx, `[...document.querySelectorAll('figure.chart')].some((f) => queuedyno.drawn.get(f)?.chart.id === 'trials')`)
	looksRight(t, ctx)
	c.signal(t, os.Interrupt)
	until(t, ctx, atLast)
	if got := value[string](t, ctx, `[...document.querySelectorAll('h1')].map((e) => e.textContent).join('; ')`); got != "Capacity of quick" {
		t.Errorf("at the end the page shows %q, want the search alone", got)
	}
	c.end(t)
}

// A page that is opened early and one that is opened late show the same rows. When the
// run has ended both are its report, and need no server.
func TestTheLivePageShowsTheRunAndBecomesItsReport(t *testing.T) {
	t.Parallel()
	c := start(t, "run", "quick", "-d", "10m", "-r", "200", "--redis", "embedded", "--live", "--threshold", "end_to_end.p50 < 1ns", "--out", "results", "--name", "r", "--allow-invalid")
	url := c.awaitPage(t)
	early := webpagetest.Chromium(t, url, "file://"+c.dir)
	act(t, early, chromedp.Navigate(url))
	until(t, early, rowsOf+" >= 2")
	if got := value[string](t, early, `document.querySelector('.badge').textContent`); got != "running" {
		t.Errorf("the badge says %q, want running", got)
	}
	until(t, early, `document.querySelector('.reasons')?.textContent.includes('end_to_end.p50 < 1ns')`)

	// What a viewer has chosen stays while rows are added.
	act(t, early, chromedp.Evaluate[chromedp.Void](`document.querySelector('.key').click()`), chromedp.Focus(".plot"), chromedp.KeyEvent(kb.ArrowRight))
	held := value[string](t, early, `document.querySelector('.at').textContent`)

	late, leaves := webpagetest.Tab(t, early, url), webpagetest.Tab(t, early, url)
	act(t, leaves, chromedp.Navigate(url))
	until(t, leaves, rowsOf+" >= 3")
	if err := chromedp.Cancel(leaves); err != nil {
		t.Fatal(err)
	}
	until(t, early, rowsOf+" >= 7")
	act(t, late, chromedp.Navigate(url))
	until(t, late, rowsOf+" >= 7")
	came := value[map[string]float64](t, late, charted)
	until(t, early, fmt.Sprintf("%s >= %d", rowsOf, value[int](t, late, rowsOf)))
	if diff := cmp.Diff(came, upTo(came, value[map[string]float64](t, early, charted))); diff != "" || len(came) < 50 {
		t.Errorf("the rows of %d values (-late +early):\n%s", len(came), diff)
	}
	if got := value[string](t, early, `document.querySelector('.at').textContent`); got != held || held == "" {
		t.Errorf("the crosshair stands %q, and stood %q", got, held)
	}
	if got := value[string](t, early, `document.querySelector('.key').getAttribute('aria-pressed') + document.activeElement.matches('.plot')`); got != "falsetrue" {
		t.Errorf("a hidden series and the focus did not stay: %s", got)
	}

	looksRight(t, late)
	c.signal(t, os.Interrupt)
	if code := c.end(t); code != problem.Interrupted {
		t.Fatalf("exit code %d; it said:\n%s", code, strings.Join(c.said, "\n"))
	}
	dir := filepath.Join(c.dir, "results", "r")
	res, err := store.LoadAs[*result.Result](dir)
	if err != nil {
		t.Fatal(err)
	}
	report := webpagetest.Tab(t, early, "file://"+dir)
	act(t, report, chromedp.Navigate("file://"+filepath.Join(dir, "report.html")))
	want, rows := value[[]string](t, report, pageText), value[map[string]float64](t, report, charted)
	for name, ctx := range map[string]context.Context{"early": early, "late": late} {
		until(t, ctx, atLast)
		if diff := cmp.Diff(want, value[[]string](t, ctx, pageText)); diff != "" {
			t.Errorf("the %s page (-report.html +page):\n%s", name, diff)
		}
		if diff := cmp.Diff(rows, value[map[string]float64](t, ctx, charted)); diff != "" {
			t.Errorf("the rows of the %s page (-report.html +page):\n%s", name, diff)
		}
		act(t, ctx, chromedp.Focus(".plot"), chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent(kb.ArrowRight))
		if got := value[string](t, ctx, `document.querySelector('.at').textContent`); !strings.HasPrefix(got, "at ") {
			t.Errorf("without its server the crosshair of the %s page stands %q", name, got)
		}
	}
	const figures = `[...document.querySelectorAll('figure.chart')].map((f) => JSON.parse(f.querySelector('script').textContent).id).join(' ')`
	for name, ctx := range map[string]context.Context{"report": report, "early": early, "late": late} {
		if got := value[string](t, ctx, figures); got != "latency heat percentiles stages rates backlog jobs usage" {
			t.Errorf("the %s page has the charts %s", name, got)
		}
	}
	last := res.Timeline[len(res.Timeline)-1]
	var notified float64
	for _, row := range res.Timeline {
		notified += float64(row.Notified)
	}
	if got := rows[fmt.Sprintf("backlog  sent and not yet notified, highest %v", last.ElapsedS)]; got != float64(last.Peak()) {
		t.Errorf("the page's last backlog is %v, the result's %d", got, last.Peak())
	}
	if notified != float64(res.Ledger.Notified) {
		t.Errorf("the rows have %v notified jobs, the ledger %d", notified, res.Ledger.Notified)
	}
}

// The page goes on to the next run, and keeps what was before.
func TestTheLivePageGoesOnToTheNextRun(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "two.yaml")
	two := "version: 1\nscenarios:\n  first:\n    load: {rate: 50/s, duration: 2s}\n  second:\n    load: {rate: 50/s, duration: 10m}\n"
	if err := os.WriteFile(file, []byte(two), 0o666); err != nil {
		t.Fatal(err)
	}
	c := start(t, "run", "first", "second", "--file", file, "--redis", "embedded", "--live", "127.0.0.1:0", "--out", "results", "--allow-invalid")
	url := c.awaitPage(t)
	ctx := webpagetest.Chromium(t, url)
	act(t, ctx, chromedp.Navigate(url))
	until(t, ctx, `document.querySelectorAll('article[id^=report]').length === 2`)
	if got := value[string](t, ctx, `[...document.querySelectorAll('article[id^=report] h1')].map((e) => e.textContent).join(' ')`); got != "first second" {
		t.Errorf("the page shows %q, want first second", got)
	}
	if got := value[string](t, ctx, `document.querySelector('#report0 .badge').textContent`); got == "running" {
		t.Error("the first run has ended, and its badge says running")
	}
	if got := value[string](t, ctx, `[...document.querySelectorAll('.overview tr')].map((r) => r.children.length).join(' ')`); got != "9 9 9" {
		t.Errorf("the rows of the table of both runs have %s cells, want 9 each", got)
	}
	c.signal(t, os.Interrupt)
	until(t, ctx, atLast)
	if got := value[int](t, ctx, `[...document.querySelectorAll('.badge')].filter((e) => e.textContent === 'running').length`); got != 0 {
		t.Errorf("%d runs seem to go on after the end", got)
	}
	c.end(t)
}

func TestATakenPortIsRefusedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	first := start(t, "run", "quick", "-d", "10m", "--redis", "embedded", "--live", "--out", "results")
	url := first.awaitPage(t)
	port := strings.TrimSuffix(url[strings.LastIndexByte(url, ':')+1:], "/")
	second := start(t, "run", "quick", "--redis", "embedded", "--live", "127.0.0.1:"+port, "--out", "results")
	if code := second.end(t); code != problem.CouldNotRun {
		t.Errorf("exit code %d, want %d", code, problem.CouldNotRun)
	}
	if said := strings.Join(second.said, "\n"); !strings.Contains(said, "127.0.0.1:"+port+" is taken") || strings.Contains(said, "jobs/s") {
		t.Errorf("it said:\n%s", said)
	}
	if _, err := os.Stat(filepath.Join(second.dir, "results")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("results: %v, want nothing there", err)
	}
	if answer, err := http.Get(url); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("the first page: %v", err)
	} else {
		answer.Body.Close()
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.end(t)
}

func TestAnAddressMayFollowTheFlag(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"run a --live :8080 b": "run a --live=:8080 b", "run --live a": "run --live a", "run --live": "run --live", "run --live=:1 :2": "run --live=:1 :2",
		"run --live 127.0.0.1:0": "run --live=127.0.0.1:0", "run -- --live :1": "run -- --live :1", "run --live -r 5": "run --live -r 5",
	} {
		if got := strings.Join(withAddress(strings.Fields(text)), " "); got != want {
			t.Errorf("withAddress(%q) = %q, want %q", text, got, want)
		}
	}
}

// A run that is shown in the place of another begins with an empty page.
func TestTheRowsOfATrialAreNotAddedToThoseBefore(t *testing.T) {
	t.Parallel()
	a, err := live.ParseAddress(live.Loopback)
	if err != nil {
		t.Fatal(err)
	}
	l := &livePage{hub: live.NewHub("trials")}
	if l.server, err = live.Listen(t.Context(), a, l.hub); err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get(l.server.URL() + "events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	show := l.snapshots("trial")
	for range 2 {
		s := scenario.Scenario{Name: "trial", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: 2500 * time.Millisecond}}
		if _, err := engine.Run(t.Context(), s, memory.New(), engine.Options{NoProbes: true, Snapshot: show}); err != nil {
			t.Fatal(err)
		}
	}
	go l.close()
	var events []string
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			events = append(events, name)
		}
	}
	wholes := 0
	for _, name := range events {
		if name == "whole" {
			wholes++
		}
	}
	if wholes < 2 || events[len(events)-1] != "end" {
		t.Errorf("two runs in one place sent %q, want each to begin with whole", events)
	}
}

// A run whose page another process serves writes its seconds, with every row, and no report.
func TestARunForAnotherProcessWritesItsSeconds(t *testing.T) {
	t.Parallel()
	c := startWith(t, []string{secondsVariable + "=1"}, "run", "quick", "-r", "100", "-d", "6s", "--redis", "embedded", "--name", "r", "--allow-invalid")
	c.end(t)
	res, err := store.LoadAs[*result.Result](filepath.Join(c.dir, "results", "r"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []result.Second
	seconds := 0
	r := live.Reader{Show: func(s live.Second) {
		seconds++
		rows = append(rows, s.Rows...)
		if s.ID != res.Run.ID || s.Facts.Run.Scenario != "quick" || s.State == "" {
			t.Errorf("second %d is %q of %+v", seconds, s.State, s.Facts.Run)
		}
	}}
	if _, err := r.Write(c.stdout.Bytes()); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(c.stdout.String(), "\n"); lines != seconds || seconds < 3 {
		t.Errorf("%d lines on standard output hold %d seconds, want one in each", lines, seconds)
	}
	if diff := cmp.Diff(res.Timeline, rows, cmpopts.IgnoreFields(result.Second{}, "BacklogMax", "Lost")); diff != "" {
		t.Errorf("rows (-result +seconds):\n%s", diff)
	}
}
