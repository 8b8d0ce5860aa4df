package doctor

import (
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/scenario"
)

const (
	// shortest is the window below which one stall decides all quantiles, and short that
	// below which a warm-up or a drift cannot be seen.
	shortest = time.Second
	short    = 5 * time.Second
	// sure is by how much a load must exceed what a short trial managed, which on a busy host
	// is half of what the next trial manages, to be beyond this host.
	sure = 2.0
)

// scenario judges one scenario, which has its defaults.
func (j *judge) scenario(s scenario.Scenario) {
	from := len(j.checks)
	j.thresholds(s)
	j.window(s)
	j.load(s)
	j.workers(s)
	for i := range j.checks[from:] {
		j.checks[from+i].Scenario = s.Name
	}
}

func (j *judge) thresholds(s scenario.Scenario) {
	doubts := s.Unanswerable()
	if len(doubts) == 0 {
		j.ok("file.thresholds", fmt.Sprintf("%s can be decided", number.Plural(len(s.Thresholds), "threshold")))
	}
	for _, doubt := range doubts {
		j.find("file.thresholds", Invalid, doubt,
			"the threshold stays undecided, and the run exits with code 4",
			"make the load longer as shown, or use a lower quantile")
	}
}

func (j *judge) window(s scenario.Scenario) {
	w := s.Window()
	if w <= 0 {
		j.unknown("file.window", "how long the load takes is not known before it is run")
		return
	}
	level, means := Note, "a warm-up that is too short, or a drift, cannot be seen in it"
	if w < shortest {
		level, means = Suspect, "one stall of the host or the Redis decides its quantiles, and the next run gives others"
	}
	j.hold("file.window", w < short, level, w.Seconds(), short.Seconds(), "s",
		fmt.Sprintf("the measured window is %s", number.Span(w)), means,
		"use a longer duration or more jobs, at least 5s after the warm-up")
}

// load holds the highest rate against what this host can send.
func (j *judge) load(s scenario.Scenario) {
	peak := s.Schedule().PeakRate()
	switch {
	case !s.Load.Open():
		j.ok("file.load", "the load has no rate to keep")
		return
	case j.f.Sending == nil || j.f.Sending.Rate <= 0:
		j.unknown("file.load", "how much this host can send was not measured")
		return
	}
	most := j.f.Sending.Rate
	level, means := Suspect, "there is little or no reserve: jobs may be sent late"
	if peak > sure*most {
		level, means = Invalid, "the generator cannot keep the schedule, and the run is invalid"
	}
	limit := usage.AtLimit * most
	j.hold("file.load", peak > limit, level, peak, limit, "jobs/s",
		fmt.Sprintf("the load is up to %s jobs/s, and this host managed %s jobs/s that do nothing", number.Rate(peak), number.Rate(most)), means,
		"use a lower rate, a larger batch, a machine with more CPUs, or several hosts (--shard)")
}

// workers holds the load against what the workers of the run can carry.
func (j *judge) workers(s scenario.Scenario) {
	length := s.Load.Duration.Seconds()
	if s.External || !s.Load.Open() || s.Work.Time == 0 || length <= 0 || s.Consumers == 0 {
		return
	}
	rate := s.Schedule().Expected(s.Load.Duration) / length
	if s.Load.Jobs > 0 {
		rate = min(rate, s.Load.Rate.Float()) // it may end early
	}
	use := rate * s.Work.Time.Seconds() / float64(s.Consumers)
	j.hold("file.workers", use > 1, Note, use, 1, "ratio",
		fmt.Sprintf("the load takes %s of the time of %s", usage.Percent(use), number.Plural(s.Consumers, "worker")),
		"the backlog grows all the time, so latencies depend on how long the run is",
		"use more consumers or a lower rate, unless an overload is what you measure")
}
