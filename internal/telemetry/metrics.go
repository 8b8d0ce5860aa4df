// Package telemetry shows the figures of a run to other programs while it goes on: as
// Prometheus metrics on an address, and as OTLP metrics at the endpoint that the
// standard variables name. Both show one registry, so that they cannot differ.
//
// It measures nothing. The code that measures puts figures into a [Source]; they become
// metrics when they are asked for. Begin reading at [Metrics].
package telemetry

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/queuedyno/queuedyno/internal/metric"
)

// Metrics are the figures of this process: those of its sources, and those of the Go
// runtime and the process itself. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	descs    descs

	mu      sync.Mutex
	sources []*Source // in the order in which they were added
}

// descs describe the metrics of a source.
type descs struct {
	stage, jobs, lost, backlog, offered, validity *prometheus.Desc
}

// New returns the metrics of a process without sources.
func New() *Metrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("queuedyno_"+name, help, append([]string{"scenario"}, labels...), nil)
	}
	m := &Metrics{registry: prometheus.NewRegistry(), descs: descs{
		stage:    desc("stage_seconds", "Duration of a stage, of the jobs of the measured window.", "stage"),
		jobs:     desc("jobs_total", "Jobs by what happened to them: the counters of the ledger.", "event"),
		lost:     desc("lost_jobs_total", "Lost jobs by the leg that lost them.", "leg"),
		backlog:  desc("backlog_jobs", "Jobs that were sent and are not over."),
		offered:  desc("offered_jobs_per_second", "Rate at which jobs came due in the last second."),
		validity: desc("validity", "1 for the verdict on the run once there is one, otherwise 0.", "verdict"),
	}}
	m.registry.MustRegister(collector{m}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Add begins the figures of a scenario, which all carry its name. The stages have
// distributions from the beginning; others get theirs with their first values. A name
// that was added before begins again from zero.
func (m *Metrics) Add(scenario string, stages ...metric.Stage) *Source {
	s := newSource(scenario, time.Now(), stages)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sources = slices.DeleteFunc(m.sources, func(old *Source) bool { return old.scenario == s.scenario })
	m.sources = append(m.sources, s)
	return s
}

// collector hands the figures of all sources to the registry.
type collector struct{ m *Metrics }

var _ prometheus.Collector = collector{}

func (c collector) Describe(ch chan<- *prometheus.Desc) {
	d := &c.m.descs
	for _, one := range []*prometheus.Desc{d.stage, d.jobs, d.lost, d.backlog, d.offered, d.validity} {
		ch <- one
	}
}

func (c collector) Collect(ch chan<- prometheus.Metric) {
	c.m.mu.Lock()
	sources := slices.Clone(c.m.sources)
	c.m.mu.Unlock()
	for _, s := range sources {
		s.collect(&c.m.descs, ch)
	}
}
