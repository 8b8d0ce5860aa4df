package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/result"
)

// second is a snapshot of a second with that p99 and so many notified jobs.
func second(p engine.Progress, p99, notified int64) engine.Snapshot {
	return engine.Snapshot{Progress: p, Headline: metric.EndToEnd, Rows: []result.Second{{
		ElapsedS: p.Elapsed.Seconds(), LengthS: 1, Notified: notified, Stages: map[metric.Stage]*result.SecondStage{metric.EndToEnd: {P99NS: &p99}},
	}}}
}

// drawn is a display on a terminal of that size, and what it writes.
func drawn(columns, rows int, color bool) (*display, *bytes.Buffer) {
	var b bytes.Buffer
	c := console.New(&b, func(string) string { return "" })
	c.Live = true
	return &display{console: c, name: "steady", size: func() (int, int) { return columns, rows }, blocks: true, color: color}, &b
}

func TestADisplayShowsTheLastMinuteAndWhatIsWrong(t *testing.T) {
	t.Parallel()
	g, _ := drawn(80, 24, false)
	var s engine.Snapshot
	for i := range int64(4) {
		s = second(halfWay(), (i+1)*1e6, 1000-i)
		s.Thresholds = []result.Threshold{{Expr: "lost == 0", Passed: true}, {Expr: "end_to_end.p99 < 3ms", Reason: "4 ms is over it"}, {Expr: "x", Undecided: true}}
		s.Trouble = []string{"a", "b", "c", "d", "e"}
		g.show(s)
	}
	want := []string{
		"steady [===   ] 5s/10s  1,000 of 1,000 jobs/s  backlog 10  p50 312µs  p99 1.2ms",
		"left     about 5s",
		"p99 now  4ms      ▃▅▇█  1ms to 4ms",
		"jobs/s   997      ████  997 to 1,000",
		"failing  end_to_end.p99 < 3ms: 4 ms is over it",
		"trouble  a", "trouble  b", "trouble  c", "trouble  and 2 more",
	}
	if got := strings.Join(g.lines(s, 80, 24), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the display is\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if got := g.lines(s, 80, 4); len(got) != 3 {
		t.Errorf("on a terminal of 4 rows the display has %d lines, want 3", len(got))
	}
}

func TestADisplayOfFewJobsASecondShowsTheQuantileThatTheyCarry(t *testing.T) {
	t.Parallel()
	g, _ := drawn(80, 24, false)
	var s engine.Snapshot
	for range 3 {
		s = second(halfWay(), 0, 50)
		s.Rows[0].Stages[metric.EndToEnd] = &result.SecondStage{Count: 50, P50NS: new(int64(2e6))}
		g.show(s)
	}
	if got := g.lines(s, 80, 24)[2]; got != "p50 now  2ms      ███  2ms to 2ms" {
		t.Errorf("the line of the latency is %q", got)
	}
}

var colours = regexp.MustCompile(`\x1b\[\d*m`)

// Whatever there is to say, no line is as wide as the terminal, and there are fewer than
// it has rows: what wraps or scrolls cannot be redrawn.
func TestADisplayNeverWraps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		columns, rows := rapid.IntRange(20, 200).Draw(t, "columns"), rapid.IntRange(1, 50).Draw(t, "rows")
		g, b := drawn(columns, rows, rapid.Bool().Draw(t, "color"))
		g.name = rapid.SampledFrom([]string{"s", "steady", strings.Repeat("long", 60), "待ち行列の試験", "a\x1b[2J\n"}).Draw(t, "name")
		text := rapid.StringOfN(rapid.RuneFrom([]rune("ab 0<>\x1b\n\t日🐘")), 0, 300, -1)
		var s engine.Snapshot
		for range rapid.IntRange(1, 80).Draw(t, "seconds") {
			p := engine.Progress{Phase: "window", Elapsed: time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "elapsed")), Total: time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "total")), Jobs: rapid.Int64Range(0, 1e9).Draw(t, "jobs"), Sent: rapid.Int64Range(0, 1e9).Draw(t, "sent")}
			s = second(p, rapid.Int64Range(0, 1e13).Draw(t, "p99"), rapid.Int64Range(0, 1e9).Draw(t, "notified"))
			s.Trouble = rapid.SliceOfN(text, 0, 5).Draw(t, "trouble")
			s.Thresholds = []result.Threshold{{Expr: text.Draw(t, "expr"), Reason: text.Draw(t, "reason")}}
			g.show(s)
		}
		lines := g.lines(s, columns, rows)
		if len(lines) > max(1, rows-1) {
			t.Fatalf("%d lines on a terminal of %d rows", len(lines), rows)
		}
		for _, line := range lines {
			if plain := colours.ReplaceAllString(line, ""); console.Fit(plain, columns-1) != plain {
				t.Fatalf("on %d columns: %q", columns, line)
			}
		}
		if strings.Count(b.String(), "\x1b[2J") > 0 {
			t.Fatal("a text cleared the screen")
		}
	})
}

func TestColoursAreOnlyWhereTheyAreWanted(t *testing.T) {
	t.Parallel()
	for _, color := range []bool{false, true} {
		g, b := drawn(80, 24, color)
		s := second(halfWay(), 1e6, 1000)
		s.Trouble = []string{"a"}
		g.show(s)
		if got := strings.Contains(b.String(), "\x1b[33mtrouble\x1b[0m "); got != color {
			t.Errorf("color %t: the display is %q", color, b.String())
		}
	}
	for env, want := range map[string][2]bool{"": {true, true}, "NO_COLOR=1": {true, false}, "LANG=C": {false, true}, "LC_ALL=de_DE.UTF-8": {true, true}, "LANG=en_US.utf8": {true, true}} {
		var b bytes.Buffer
		p := &program{environ: []string{env}, stderr: &b, console: console.New(&b, func(string) string { return "" })}
		if p.display("x", false) != nil {
			t.Error("there is a display without a terminal")
		}
		p.console.Live = true
		if g := p.display("x", false); g.blocks != want[0] || g.color != want[1] {
			t.Errorf("with %q: blocks %t and color %t, want %v", env, g.blocks, g.color, want)
		}
		if p.display("x", true).color {
			t.Error("--no-color has colours")
		}
	}
}

func TestTheTimeThatIsLeft(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p     engine.Progress
		left  time.Duration
		known bool
	}{
		{engine.Progress{Elapsed: 4 * time.Second, Total: 10 * time.Second}, 6 * time.Second, true},
		{engine.Progress{Elapsed: 4 * time.Second, Jobs: 100, Sent: 25}, 12 * time.Second, true},
		{engine.Progress{Elapsed: 4 * time.Second, Jobs: 100, Sent: 25, Total: 10 * time.Second}, 6 * time.Second, true},
		{engine.Progress{Elapsed: 14 * time.Second, Total: 10 * time.Second}, 0, true},
		{engine.Progress{Elapsed: 4 * time.Second, Jobs: 100}, 0, false},
		{engine.Progress{Elapsed: 4 * time.Second}, 0, false},
		{engine.Progress{Elapsed: 14 * time.Second, Total: 10 * time.Second, Phase: "drain"}, 0, false},
	} {
		if left, known := timeLeft(c.p); left != c.left || known != c.known {
			t.Errorf("timeLeft(%+v) = %v, %t, want %v, %t", c.p, left, known, c.left, c.known)
		}
	}
}
