package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/number"
)

// progress shows how a run goes on: one redrawn line on a terminal, and without
// one a plain line every few seconds, so that the log of a CI job shows signs
// of life and does not fill up.
type progress struct {
	console *console.Console
	name    string
	columns int
	said    time.Duration
}

// plainEvery is the time between two plain lines.
const plainEvery = 5 * time.Second

func (g *progress) show(p engine.Progress) {
	if g.console.Live {
		g.console.Draw(progressLine(g.name, p, g.columns))
		return
	}
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
