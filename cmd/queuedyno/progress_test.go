package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/number"
)

func halfWay() engine.Progress {
	return engine.Progress{
		Phase: "window", Elapsed: 5 * time.Second, Total: 10 * time.Second, Sent: 5000, Notified: 4990, Backlog: 10,
		OfferedPerS: 1000, AchievedPerS: 999.7, P50: 312_400, P99: 1_204_000,
	}
}

func TestProgressLineShowsHowFarAndHowFast(t *testing.T) {
	t.Parallel()
	got := progressLine("steady", halfWay(), 120)
	want := "steady [==========          ] 5s/10s  1,000 of 1,000 jobs/s  backlog 10  p50 312µs  p99 1.2ms"
	if got != want {
		t.Errorf("progressLine() = %q, want %q", got, want)
	}
}

func TestProgressLineKeepsItsFiguresOnANarrowTerminal(t *testing.T) {
	t.Parallel()
	for columns, want := range map[int]string{
		80: "steady [===   ] 5s/10s  1,000 of 1,000 jobs/s  backlog 10  p50 312µs  p99 1.2ms",
		60: "steady 5s/10s  1,000 of 1,000 jobs/s  backlog 10  p50 312µs",
		10: "steady 5s/10s",
	} {
		if got := progressLine("steady", halfWay(), columns); got != want {
			t.Errorf("progressLine(%d columns) = %q, want %q", columns, got, want)
		}
	}
}

func TestProgressLineOfAClosedLoopClaimsNoOfferedRate(t *testing.T) {
	t.Parallel()
	p := engine.Progress{Phase: "warmup", Elapsed: 2 * time.Second, Jobs: 2000, Sent: 500, AchievedPerS: 12345}
	got := progressLine("ceiling", p, 120)
	want := "ceiling [=====               ] 2s 500/2,000 jobs warmup  12,345 jobs/s  backlog 0"
	if got != want {
		t.Errorf("progressLine() = %q, want %q", got, want)
	}
}

// Whatever the figures are, the line fits the terminal whenever its least part
// does: a line that wraps cannot be redrawn.
func TestProgressLineFitsTheTerminal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := engine.Progress{
			Phase:        rapid.SampledFrom([]string{"warmup", "window", "drain"}).Draw(t, "phase"),
			Elapsed:      time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "elapsed")),
			Total:        time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "total")),
			Jobs:         rapid.Int64Range(0, 1e12).Draw(t, "jobs"),
			Sent:         rapid.Int64Range(0, 1e12).Draw(t, "sent"),
			Backlog:      rapid.Int64Range(0, 1e12).Draw(t, "backlog"),
			Errors:       rapid.Int64Range(0, 1e12).Draw(t, "errors"),
			OfferedPerS:  rapid.Float64Range(0, 1e8).Draw(t, "offered"),
			AchievedPerS: rapid.Float64Range(0, 1e8).Draw(t, "achieved"),
			P50:          time.Duration(rapid.Int64Range(0, 1e13).Draw(t, "p50")),
			P99:          time.Duration(rapid.Int64Range(0, 1e13).Draw(t, "p99")),
		}
		columns := rapid.IntRange(1, 300).Draw(t, "columns")
		least := len([]rune("steady " + howFar(p)))
		if got := len([]rune(progressLine("steady", p, columns))); got >= columns && got > least {
			t.Fatalf("progressLine(%d columns) has %d", columns, got)
		}
		if f, ok := fraction(p); ok && (f < 0 || f > 1) {
			t.Fatalf("fraction() = %v", f)
		}
	})
}

func TestWithoutATerminalALineComesEveryFiveSeconds(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	g := progress{console: console.New(&b, func(string) string { return "" }), name: "steady"}
	p := halfWay()
	for s := range 21 {
		p.Elapsed = time.Duration(s)*time.Second + 3*time.Millisecond
		g.show(p)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("20 s of progress are %d lines, want 4:\n%s", len(lines), b.String())
	}
	want := "queuedyno: steady  5s/10s  1,000 of 1,000 jobs/s  backlog 10  p50 312µs  p99 1.2ms"
	if lines[0] != want {
		t.Errorf("the first line is %q, want %q", lines[0], want)
	}
	if strings.ContainsAny(b.String(), "\r\x1b") {
		t.Errorf("control characters without a terminal: %q", b.String())
	}
}

func TestThousandsAndShort(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := number.Count(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		999: "999ns", 1234: "1.23µs", 999_600: "1ms", 123_456_789: "123ms", 12_345_678_901: "12.3s", 61_234_000_000: "1m1.2s",
	} {
		if got := console.Short(d); got != want {
			t.Errorf("short(%d) = %q, want %q", d, got, want)
		}
	}
}
