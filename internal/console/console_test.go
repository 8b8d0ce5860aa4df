package console

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/problem"
)

func noEnv(string) string { return "" }

func TestNoMessageHoldsAPassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"redis://me:geheim@host:6379/0", "redis://:geheim@host", "rediss://geheim@host",
		"redis://:ge/heim@host", "redis://:ge@heim@host", "see redis://me:geheim@host, and rediss://x:geheim@y",
	} {
		var b bytes.Buffer
		c := New(&b, noEnv)
		c.Note("note %s", url)
		c.Verbatim(url)
		c.Fail("run", &problem.Failure{Problems: problem.List{{What: url, Hint: "use " + url}}})
		if got := b.String(); strings.Contains(got, "geheim") || strings.Contains(got, "heim@") {
			t.Errorf("console wrote %q", got)
		}
		if !strings.Contains(b.String(), "host") && !strings.Contains(b.String(), "y") {
			t.Errorf("console left nothing of %q: %q", url, b.String())
		}
	}
}

func TestTheExamplesInRemediesStay(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"give it as redis://:password@host:port", "write redis://user:password@localhost:6379/0"} {
		if got := Redact(s); got != s {
			t.Errorf("redact(%q) = %q", s, got)
		}
	}
}

func TestEachURLOfAListKeepsItsHost(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"redis://u:geheim@a:1,redis://v:geheim@b:2":       "redis://***@a:1,redis://***@b:2",
		"rediss://:ge,heim@a:1/0,redis://:ge@heim@b":      "rediss://***@a:1/0,redis://***@b",
		"redis://:ge,redis://heim@a":                      "redis://***@a",
		"x=redis://a:1,redis://:geheim@b":                 "x=redis://***@b",
		"redis://:password@a:1,redis://user:password@b:2": "redis://:password@a:1,redis://user:password@b:2",
	} {
		if got := Redact(s); got != want {
			t.Errorf("redact(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestFailSaysEveryFaultAndEachRemedyOnce(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	c := New(&b, noEnv)
	c.Quiet = true // errors are still printed
	c.Fail("run", &problem.Failure{Problems: problem.List{{What: "a", Hint: "do x"}, {What: "b", Hint: "do x"}, {What: "c"}}})
	want := "queuedyno: run: a\nhint: do x\nqueuedyno: run: b\nqueuedyno: run: c\n"
	if b.String() != want {
		t.Errorf("fail wrote %q, want %q", b.String(), want)
	}
}

func TestALineNeverStandsBehindADrawnOne(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	c := New(&b, noEnv)
	c.Live = true
	c.Draw("half way")
	c.Note("stopping")
	c.Wipe()
	if got, want := b.String(), "\r\x1b[Khalf way\r\x1b[Kqueuedyno: stopping\n"; got != want {
		t.Errorf("console wrote %q, want %q", got, want)
	}
}

func TestQuietSilencesNotesAndProgress(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	c := New(&b, noEnv)
	c.Quiet, c.Live = true, true
	c.Note("note")
	c.Warn("warning", "remedy")
	c.Draw("line")
	c.Wipe()
	if b.Len() != 0 {
		t.Errorf("a quiet console wrote %q", b.String())
	}
}

func TestOnlyATerminalIsLive(t *testing.T) {
	t.Parallel()
	if New(new(bytes.Buffer), noEnv).Live {
		t.Error("a console on a buffer is live")
	}
	if got := Width(new(bytes.Buffer)); got != 80 {
		t.Errorf("width of a buffer = %d, want 80", got)
	}
}

func TestSeveralLinesAreDrawnInTheirPlace(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	c := New(&b, noEnv)
	c.Live = true
	c.Draw("one", "two", "three")
	c.Draw("uno")
	c.Draw("eins", "zwei")
	c.Note("done")
	want := "\r\x1b[Kone\ntwo\nthree" + "\r\x1b[K\x1b[1A\x1b[K\x1b[1A\x1b[Kuno" + "\r\x1b[Keins\nzwei" + "\r\x1b[K\x1b[1A\x1b[Kqueuedyno: done\n"
	if got := b.String(); got != want {
		t.Errorf("console wrote %q, want %q", got, want)
	}
}

func TestFitLeavesNothingThatMovesTheCursor(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"plain": "plain", "longer than ten": "longer tha", "a\x1b[2Jb\r\nc\td": "a [2Jb  c ", "日本語のキュー": "日本語のキ", "e\u0301e\u0301": "e\u0301e\u0301", "🐘🐘🐘🐘🐘🐘": "🐘🐘🐘🐘🐘", "a\u202eb": "a b",
	} {
		if got := Fit(line, 10); got != want {
			t.Errorf("Fit(%q, 10) = %q, want %q", line, got, want)
		}
	}
	if got := Fit("x", 0); got != "" {
		t.Errorf("Fit of no columns = %q", got)
	}
}

func TestASparklineHasALetterForEachValue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []float64
		blocks bool
		want   string
	}{
		{[]float64{0, 1, 4, 8}, true, "▁▂▅█"},
		{[]float64{8, math.NaN(), 8}, true, "█ █"},
		{[]float64{0, 0}, true, "▁▁"},
		{[]float64{math.NaN()}, true, " "},
		{[]float64{0, 8}, false, "_#"},
		{nil, true, ""},
	} {
		if got := Sparkline(c.values, c.blocks); got != c.want {
			t.Errorf("Sparkline(%v, %t) = %q, want %q", c.values, c.blocks, got, c.want)
		}
	}
}
