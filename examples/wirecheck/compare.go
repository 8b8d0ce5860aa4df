package main

import (
	"fmt"
	"io"
	"slices"
)

// How far the report may be above the wire. queuedyno stamps a job before the
// write and after the message was parsed; packets are stamped in the kernel, in
// between. What lies outside of them is the cost of two system calls and of
// waking the subscriber.
const (
	limitP50    = 40_000 // nanoseconds
	limitP99    = 50_000 // nanoseconds, or
	limitP99Per = 10     // one in so many of the wire's p99, whichever is larger
)

// below is how far the report may be below the wire: not at all, but for the
// histogram's last digit and the rounding of stamps. No job can have taken less
// time than lies between its packets.
func below(wire int64) int64 { return 1000 + wire/1000 }

// comparison is one run seen from both sides.
type comparison struct {
	run, scenario, rate, verdict string
	jobs                         int // of the window, every one of them seen
	lines                        []line
}

// line is one quantile; all values are in nanoseconds.
type line struct {
	name                  string
	wire, reported, limit int64
}

func (l line) agrees() bool {
	return l.reported-l.wire <= l.limit && l.wire-l.reported <= below(l.wire)
}

// compare compares the jobs of the window. It wraps [errInconclusive] when the
// capture does not have all of them.
func compare(r *result, seen *sightings) (*comparison, error) {
	var lasted []int64
	for n := r.first; n < r.first+r.Window.Scheduled; n++ {
		job := seen.jobs[n]
		switch {
		case job == nil || job.pushed == 0 || job.published == 0 || job.delivered == 0:
			return nil, fmt.Errorf("%w: job %d of run %q was completed, and the capture does not have all of its packets", errInconclusive, n, r.Run.ID)
		case job.pushed > job.published || job.published > job.delivered:
			return nil, fmt.Errorf("%w: the packets of job %d are stamped in an impossible order", errInconclusive, n)
		}
		lasted = append(lasted, job.delivered-job.pushed)
	}
	if len(lasted) == 0 {
		return nil, fmt.Errorf("%w: no job in the window", errInconclusive)
	}
	slices.Sort(lasted)
	p50, p99 := nearestRank(lasted, 50), nearestRank(lasted, 99)
	return &comparison{
		run: r.Run.ID, scenario: r.Run.Scenario, rate: r.Scenario.Load.Rate, verdict: r.Validity.Verdict,
		jobs: len(lasted),
		lines: []line{
			{"p50", p50, r.p50NS, limitP50},
			{"p99", p99, r.p99NS, max(limitP99, p99/limitP99Per)},
		},
	}, nil
}

// nearestRank is the value of rank ceil(percent/100 * N) of N sorted values.
func nearestRank(sorted []int64, percent int) int64 {
	return sorted[(len(sorted)*percent+99)/100-1]
}

func (c *comparison) agrees() bool {
	for _, l := range c.lines {
		if !l.agrees() {
			return false
		}
	}
	return true
}

// print writes the comparison for people.
func (c *comparison) print(w io.Writer) error {
	fmt.Fprintf(w, "run %s of %q at %s, validity: %s\n", c.run, c.scenario, c.rate, c.verdict)
	fmt.Fprintf(w, "%d jobs in the window, the LPUSH, PUBLISH and message of each found in the capture\n\n", c.jobs)
	const row = "%9s%14s%14s%14s%20s"
	fmt.Fprintf(w, row+"\n", "from_send", "on the wire", "reported", "difference", "limit")
	for _, l := range c.lines {
		says := "ok"
		if !l.agrees() {
			says = "DIFFERS"
		}
		fmt.Fprintf(w, row+"  %s\n", l.name, micros("%.1f", l.wire), micros("%.1f", l.reported),
			micros("%+.1f", l.reported-l.wire), fmt.Sprintf("%+.1f … %s", -float64(below(l.wire))/1000, micros("%+.1f", l.limit)), says)
	}
	verdict := "pass: the report is what the wire shows"
	if !c.agrees() {
		verdict = "fail: the report is not what the wire shows"
	}
	_, err := fmt.Fprintf(w, "\n%s\n", verdict)
	return err
}

func micros(format string, ns int64) string {
	return fmt.Sprintf(format+" µs", float64(ns)/1000)
}
