package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/watch"
)

// lookLine is a look in one line.
func lookLine(l watch.Look) string {
	parts := append([]string{seconds(l.ElapsedS)}, rates(l)...)
	parts = append(parts, "backlog "+backlog(l))
	if t := times(l.RunningRecent); t != "" {
		parts = append(parts, "running ("+recently(l)+") "+t)
	} else if t := times(l.WorkRecent); t != "" {
		parts = append(parts, "work ("+recently(l)+") "+t)
	}
	return strings.Join(append(parts, oddities(l)...), "  ")
}

// recently is the time that the recent times of a look are of.
func recently(l watch.Look) string { return "last " + seconds(l.RecentS) }

// picture is a look in the lines that are drawn on a terminal, always as many.
func picture(l watch.Look) []string {
	heard := fmt.Sprintf("%s: %s, %s in all", recently(l), plural(int(l.RunningRecent.Count), "job"), thousands(l.Running.Count))
	if l.Alone > 0 {
		heard += fmt.Sprintf(", %s without RUNNING", thousands(l.Alone))
	}
	return []string{
		"for      " + seconds(l.ElapsedS),
		"updates  " + strings.Join(rates(l), "  "),
		"backlog  " + backlog(l),
		"running  " + orNone(times(l.RunningRecent)) + "  (" + heard + ")",
		"work     " + orNone(times(l.WorkRecent)) + "  (" + recently(l) + ")",
		"odd      " + orNone(strings.Join(oddities(l), "  ")),
	}
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// rates are the updates of each status per second.
func rates(l watch.Look) []string {
	perS := func(n int64, what string) string {
		if l.SpanS <= 0 {
			return "0 " + what + "/s"
		}
		return thousands(round(float64(n)/l.SpanS)) + " " + what + "/s"
	}
	return []string{perS(l.Span.Running, "RUNNING"), perS(l.Span.Completed, "COMPLETED"), perS(l.Span.Failed, "FAILED")}
}

// backlog is the length of the queue, where it goes, and when it gets there.
func backlog(l watch.Look) string {
	switch {
	case l.Backlog == nil:
		return "not known"
	case l.TrendPerS == nil:
		return thousands(*l.Backlog)
	}
	slope := round(*l.TrendPerS)
	var says []string
	if slope > 0 {
		says = append(says, fmt.Sprintf("+%s/s", thousands(slope)))
	} else if slope < 0 {
		says = append(says, thousands(slope)+"/s")
	}
	if l.DrainS != nil && *l.Backlog > 0 {
		// Rounded up: what is left is not gone in no time.
		says = append(says, "empty in "+seconds(math.Ceil(*l.DrainS)))
	}
	if len(says) == 0 {
		return thousands(*l.Backlog)
	}
	return fmt.Sprintf("%s (%s)", thousands(*l.Backlog), strings.Join(says, ", "))
}

// times are the quantiles that there are.
func times(t watch.Times) string {
	var parts []string
	for _, q := range []struct {
		name string
		ns   *int64
	}{{"p50", t.P50NS}, {"p90", t.P90NS}, {"p99", t.P99NS}, {"max", t.MaxNS}} {
		if q.ns != nil {
			parts = append(parts, q.name+" "+short(time.Duration(*q.ns)))
		}
	}
	return strings.Join(parts, " ")
}

// oddities are what should not be.
func oddities(l watch.Look) []string {
	var parts []string
	for _, odd := range []struct {
		n    int64
		what string
	}{
		{l.Total.Unreadable, "unreadable"}, {l.Total.Other, "of another status"},
		{l.Forgotten, "not paired"},
	} {
		if odd.n > 0 {
			parts = append(parts, thousands(odd.n)+" "+odd.what)
		}
	}
	if l.Gaps > 0 {
		parts = append(parts, plural(int(l.Gaps), "gap"))
	}
	return parts
}

// totals is what was seen in all.
func totals(l watch.Look) string {
	parts := []string{fmt.Sprintf("%s in %s: %s RUNNING, %s COMPLETED, %s FAILED", plural(int(l.Total.Messages()), "update"), seconds(l.ElapsedS),
		thousands(l.Total.Running), thousands(l.Total.Completed), thousands(l.Total.Failed))}
	if l.Backlog != nil {
		parts = append(parts, "backlog "+thousands(*l.Backlog))
	} else {
		parts = append(parts, "backlog not known: "+l.Trouble)
	}
	if t := times(l.Running); t != "" {
		parts = append(parts, "running (all) "+t)
	}
	if t := times(l.Work); t != "" {
		parts = append(parts, "work (all) "+t)
	}
	parts = append(parts, oddities(l)...)
	if l.NotUnderstood != nil {
		parts = append(parts, "the first that was not understood: "+l.NotUnderstood.String())
	}
	return strings.Join(parts, "; ")
}

// seconds is a time in whole seconds.
func seconds(s float64) string {
	return time.Duration(round(s) * int64(time.Second)).String()
}
