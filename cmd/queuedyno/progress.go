package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/scenario"
)

// progress shows how a run goes on without a terminal: a plain line every few seconds,
// so that the log of a CI job shows signs of life and does not fill up. A terminal has a
// [display].
type progress struct {
	console *console.Console
	name    string
	said    time.Duration
}

// plainEvery is the time between two plain lines.
const plainEvery = 5 * time.Second

func (g *progress) show(p engine.Progress) {
	if p.Elapsed/plainEvery > g.said/plainEvery {
		g.said = p.Elapsed
		g.console.Note("%s", strings.Join(append([]string{g.name, howFar(p)}, figures(p)...), "  "))
	}
}

// progressLine is the line for a terminal of so many columns. The bar takes what
// the figures leave; where there is not enough room, the last figures go.
func progressLine(name string, p engine.Progress, columns int) string {
	// The last column stays free: a full line would wrap on some terminals.
	room := columns - 1
	line := howFar(p)
	for _, figure := range figures(p) {
		longer := line + "  " + figure
		if length(name+" "+longer) > room {
			break
		}
		line = longer
	}
	const shortest, longest = 5, 20
	bar := min(room-length(name+" [] "+line), longest)
	done, known := fraction(p)
	if !known || bar < shortest {
		return name + " " + line
	}
	full := int(done * float64(bar))
	return name + " [" + strings.Repeat("=", full) + strings.Repeat(" ", bar-full) + "] " + line
}

func length(s string) int { return utf8.RuneCountInString(s) }

// fraction is how much of the load is done, 0 to 1; false when neither time nor
// a number of jobs says so.
func fraction(p engine.Progress) (float64, bool) {
	var done float64
	switch {
	case p.Jobs > 0:
		done = float64(p.Sent) / float64(p.Jobs)
		if p.Total > 0 { // whichever is reached first ends the load
			done = max(done, p.Elapsed.Seconds()/p.Total.Seconds())
		}
	case p.Total > 0:
		done = p.Elapsed.Seconds() / p.Total.Seconds()
	default:
		return 0, false
	}
	return min(max(done, 0), 1), true
}

func howFar(p engine.Progress) string {
	s := p.Elapsed.Round(time.Second).String()
	if p.Total > 0 {
		s += "/" + p.Total.String()
	}
	if p.Jobs > 0 {
		s += fmt.Sprintf(" %s/%s jobs", number.Count(p.Sent), number.Count(p.Jobs))
	}
	if p.Phase == "warmup" || p.Phase == "drain" {
		s += " " + p.Phase
	}
	return s
}

func figures(p engine.Progress) []string {
	rate := number.Count(console.Round(p.AchievedPerS))
	if p.OfferedPerS > 0 {
		rate += " of " + number.Count(console.Round(p.OfferedPerS))
	}
	out := []string{rate + " jobs/s", "backlog " + number.Count(p.Backlog)}
	if p.P50 > 0 {
		out = append(out, "p50 "+console.Short(p.P50))
	}
	if p.P99 > 0 {
		out = append(out, "p99 "+console.Short(p.P99))
	}
	if p.Errors > 0 {
		out = append(out, number.Count(p.Errors)+" errors")
	}
	return out
}

// display is how a run goes on, drawn on a terminal: how far it is, the time that is left,
// the last minute of its p99 and of its rate, and what is not as it should be.
type display struct {
	console *console.Console
	name    string
	size    func() (columns, rows int)
	// blocks allows block elements in the sparklines, and color ANSI colours.
	blocks, color bool

	// rate and latency, by quantile, are of the last seconds, NaN where one is missing.
	rate    []float64
	latency [3][]float64
}

// quantiles are those of the latency, in the order of preference: a second of few jobs
// has no p99.
var quantiles = [3]string{"p99", "p90", "p50"}

// minute is how many seconds a sparkline shows.
const minute = 60

// display is the display of a run, nil without a terminal.
func (p *program) display(name string, noColor bool) *display {
	if !p.console.Live {
		return nil
	}
	return &display{
		console: p.console, name: name, size: func() (int, int) { return console.Size(p.stderr) },
		blocks: p.utf8(), color: !noColor && p.getenv("NO_COLOR") == "",
	}
}

// utf8 reports whether the locale is one of UTF-8. Where none is set, it is.
func (p *program) utf8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := p.getenv(name); v != "" {
			return strings.Contains(strings.ReplaceAll(strings.ToLower(v), "-", ""), "utf8")
		}
	}
	return true
}

// show draws a snapshot.
func (g *display) show(s engine.Snapshot) {
	var length, jobs float64
	now := [3]float64{math.NaN(), math.NaN(), math.NaN()}
	for _, row := range s.Rows {
		length, jobs = length+row.LengthS, jobs+float64(row.Notified)
		if e := row.Stages[s.Headline]; e != nil {
			for i, ns := range []*int64{e.P99NS, e.P90NS, e.P50NS} {
				if ns != nil {
					now[i] = float64(*ns)
				}
			}
		}
	}
	if length > 0.5 { // the last one of a run may be too short for a rate
		g.rate = last(append(g.rate, jobs/length), minute)
		for i := range now {
			g.latency[i] = last(append(g.latency[i], now[i]), minute)
		}
	}
	columns, rows := g.size()
	g.console.Draw(g.lines(s, columns, rows)...)
}

// lines are the lines for a terminal of that size. None wraps: the last column stays
// free, since a full line would wrap on some terminals.
func (g *display) lines(s engine.Snapshot, columns, rows int) []string {
	lines := []string{progressLine(g.name, s.Progress, columns)}
	if left, known := timeLeft(s.Progress); known {
		lines = append(lines, "left     about "+left.String())
	}
	name, latency := g.carried()
	lines = append(lines,
		g.spark(name+" now", latency, columns, func(v float64) string { return console.Short(time.Duration(v)) }),
		g.spark("jobs/s", g.rate, columns, func(v float64) string { return number.Count(console.Round(v)) }),
	)
	var failing []string
	for _, t := range s.Thresholds {
		if t.Failed() {
			failing = append(failing, t.Expr+": "+t.Reason)
		}
	}
	lines = append(lines, some("failing", failing)...)
	lines = append(lines, some("trouble", s.Trouble)...)
	lines = lines[:max(1, min(len(lines), rows-1))]
	for i, line := range lines {
		lines[i] = g.colored(console.Fit(line, columns-1))
	}
	return lines
}

// carried is the first of the quantiles that most seconds have.
func (g *display) carried() (name string, values []float64) {
	for i, name := range quantiles {
		missing := 0
		for _, v := range g.latency[i] {
			if math.IsNaN(v) {
				missing++
			}
		}
		if 2*missing < len(g.latency[i]) {
			return name, g.latency[i]
		}
	}
	return quantiles[0], g.latency[0]
}

// spark is a sparkline with what it shows last, and between which values it lies.
func (g *display) spark(name string, values []float64, columns int, show func(float64) string) string {
	known := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(known) == 0 {
		return fmt.Sprintf("%-8s n/a", name)
	}
	now := "n/a"
	if v := values[len(values)-1]; !math.IsNaN(v) {
		now = show(v)
	}
	head := fmt.Sprintf("%-8s %-8s ", name, now)
	tail := fmt.Sprintf("  %s to %s", show(slices.Min(known)), show(slices.Max(known)))
	room := columns - 1 - length(head) - length(tail)
	if room < minute/4 {
		tail, room = "", columns-1-length(head)
	}
	return head + console.Sparkline(last(values, min(max(room, 0), minute)), g.blocks) + tail
}

// maxSome is how many of several lines of one kind are shown.
const maxSome = 3

// some are the first of several lines, and how many more there are.
func some(name string, all []string) []string {
	var out []string
	for i, one := range all {
		if i == maxSome {
			out = append(out, fmt.Sprintf("%-8s and %d more", name, len(all)-i))
			break
		}
		out = append(out, fmt.Sprintf("%-8s %s", name, one))
	}
	return out
}

// colored colours the name of a line that says what is wrong.
func (g *display) colored(line string) string {
	for name, code := range map[string]string{"failing": "31", "trouble": "33"} {
		if rest, is := strings.CutPrefix(line, name+" "); is && g.color {
			return "\x1b[" + code + "m" + name + "\x1b[0m " + rest
		}
	}
	return line
}

// last are the last n values.
func last[T any](values []T, n int) []T { return values[max(0, len(values)-n):] }

// timeLeft is how long the load still takes, as far as that is known.
func timeLeft(p engine.Progress) (time.Duration, bool) {
	done, known := fraction(p)
	if !known || p.Phase == "drain" {
		return 0, false
	}
	byTime := p.Total - p.Elapsed
	if p.Jobs == 0 {
		return max(0, byTime).Round(time.Second), true
	}
	if done <= 0 {
		return 0, false
	}
	left := time.Duration(float64(p.Elapsed) * (1 - done) / done)
	if p.Total > 0 {
		left = min(left, byTime)
	}
	return max(0, left).Round(time.Second), true
}

// entryInBrief is how jobs come in by HTTP, and where their ends are seen.
func entryInBrief(s scenario.Scenario, server *target.Servers) string {
	words := number.Plural(s.Entry.HTTP.Connections, "connection") + " to " + s.Entry.HTTP.URL
	if server.HasRedis() {
		words += ", notifications on " + server.Address()
	}
	if s.Exit.Given() {
		words += ", " + number.Plural(s.Exit.WebSocket.Clients, "WebSocket client")
	}
	return words
}

// consumersInBrief is who does the work.
func consumersInBrief(s scenario.Scenario) string {
	if s.External {
		return "external consumers"
	}
	return number.Plural(s.Consumers, "consumer")
}
