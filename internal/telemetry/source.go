package telemetry

import (
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/result"
)

// Source holds the latest figures of one scenario. It is safe for concurrent use.
// Putting figures in takes less than half a millisecond of CPU time for each stage: they
// become metrics only when those are asked for, and the goroutine that asks does the work.
type Source struct {
	scenario string
	began    time.Time

	refreshing sync.Mutex // guards refresh, and is held while it runs
	refresh    func()

	mu               sync.Mutex // guards what follows
	stages           map[metric.Stage]*series
	events, lost     map[string]int64
	backlog, offered *float64 // nil until they are known
	judged           bool     // a verdict is possible
	verdict          string
}

func newSource(scenario string, began time.Time, stages []metric.Stage) *Source {
	s := &Source{
		scenario: strings.ToValidUTF8(scenario, "\uFFFD"), began: began,
		stages: map[metric.Stage]*series{}, events: map[string]int64{}, lost: map[string]int64{},
	}
	for _, stage := range stages {
		s.stages[stage] = newSeries()
	}
	return s
}

// Refresh has f called before the metrics are shown, never twice at once. It is for
// figures that are kept elsewhere, and puts them into the source.
func (s *Source) Refresh(f func()) {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	s.refresh = f
}

// Count sets one counter of the ledger.
func (s *Source) Count(c ledger.Counter, n int64) {
	if row, shown := ledger.RowOf(c); shown {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events[row.Key] = n
	}
}

// Counted sets all counters of a run that goes on, and the legs whose losses are known
// by then. From the first call on, the run can have a verdict.
func (s *Source) Counted(t ledger.Totals) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judged = true
	for _, row := range ledger.Rows() {
		s.events[row.Key] = t[row.Counter]
	}
	for _, leg := range ledger.Legs() {
		n := int64(0)
		if leg.Counted >= 0 {
			n = t[leg.Counted]
		}
		if leg.Always || n > 0 {
			s.lost[leg.Key] = n
		}
	}
}

// Backlog sets how many jobs wait; nil means that it is not known.
func (s *Source) Backlog(jobs *int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.backlog = nil
	if jobs != nil {
		s.backlog = new(float64(*jobs))
	}
}

// Offered sets the rate at which jobs come due.
func (s *Source) Offered(perS float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offered = &perS
}

// Interval adds what one stage took in an interval.
func (s *Source) Interval(iv latency.Interval) { s.series(iv.Stage).merge(iv.Histogram) }

// Whole replaces all that is known of a stage. It copies the histogram.
func (s *Source) Whole(stage metric.Stage, h *latency.Histogram) { s.series(stage).replace(h) }

// Ended sets the final figures of a run: those of its result. What is put in after
// that is ignored.
func (s *Source) Ended(r *result.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judged, s.verdict = true, r.Validity.Verdict
	for _, row := range ledger.Rows() {
		s.events[row.Key] = r.Ledger.Count(row.Key)
	}
	for leg, n := range r.Ledger.LostByLeg {
		s.lost[string(leg)] = n
	}
	if s.offered != nil {
		s.offered = new(float64)
	}
	for _, one := range s.stages {
		one.end()
	}
}

func (s *Source) series(stage metric.Stage) *series {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.stages[stage]
	if one == nil {
		one = newSeries()
		s.stages[stage] = one
	}
	return one
}

// collect hands every figure on as a metric.
func (s *Source) collect(d *descs, ch chan<- prometheus.Metric) {
	s.refreshing.Lock()
	if s.refresh != nil {
		s.refresh()
	}
	s.refreshing.Unlock()

	s.mu.Lock()
	stages, events, lost := maps.Clone(s.stages), maps.Clone(s.events), maps.Clone(s.lost)
	backlog, offered, judged, verdict := s.backlog, s.offered, s.judged, s.verdict
	s.mu.Unlock()

	put := func(desc *prometheus.Desc, m prometheus.Metric, err error) {
		if err != nil {
			m = prometheus.NewInvalidMetric(desc, err)
		}
		ch <- m
	}
	for stage, one := range stages {
		m, err := one.distribution().metric(d.stage, s.began, s.scenario, string(stage))
		put(d.stage, m, err)
	}
	counts := func(desc *prometheus.Desc, all map[string]int64) {
		for key, n := range all {
			m, err := prometheus.NewConstMetricWithCreatedTimestamp(desc, prometheus.CounterValue, float64(n), s.began, s.scenario, key)
			put(desc, m, err)
		}
	}
	counts(d.jobs, events)
	counts(d.lost, lost)
	gauge := func(desc *prometheus.Desc, v float64, labels ...string) {
		m, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, v, append([]string{s.scenario}, labels...)...)
		put(desc, m, err)
	}
	if backlog != nil {
		gauge(d.backlog, *backlog)
	}
	if offered != nil {
		gauge(d.offered, *offered)
	}
	if judged {
		for _, one := range []string{result.Valid, result.Suspect, result.Invalid} {
			v := 0.0
			if one == verdict {
				v = 1
			}
			gauge(d.validity, v, one)
		}
	}
}

// series is the distribution of one stage so far.
type series struct {
	mu    sync.Mutex
	h     *latency.Histogram // nil when the run has ended
	final distribution       // then
}

func newSeries() *series { return &series{h: latency.New()} }

func (s *series) merge(h *latency.Histogram) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.h != nil {
		s.h.Merge(h)
	}
}

func (s *series) replace(h *latency.Histogram) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.h != nil {
		s.h.Reset()
		s.h.Merge(h)
	}
}

func (s *series) distribution() distribution {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.h == nil {
		return s.final
	}
	return distributionOf(s.h)
}

// end keeps the distribution and lets the histogram go.
func (s *series) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.h != nil {
		s.final, s.h = distributionOf(s.h), nil
	}
}
