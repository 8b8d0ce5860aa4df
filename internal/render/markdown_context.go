package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/result"
)

// maxTimelineRows is how many rows of the timeline a page takes; more are in
// timeline.csv.
const maxTimelineRows = 30

func (m *sheet) time(r *result.Result) {
	m.para("## Over time")
	headline := r.Scenario.Headline()
	m.para("![Rates, backlog and %s over time](%s)", headlineWords(headline), overTimeFile)
	if len(r.Timeline) == 0 {
		m.para("The run ended within its first second.")
		return
	}
	if words := peakWords(r); words != "" {
		m.para("%s.", capital(words))
	}
	if words := rowWords(r); words != "" {
		m.para("%s", words)
	}
	rows := bySecond(r.Timeline)
	if len(rows) < len(r.Timeline) || len(rows) > maxTimelineRows {
		m.para("The %s rows of the timeline are in [%s](%s).", number.Count(int64(len(r.Timeline))), timelineFile, timelineFile)
	}
	if len(rows) > maxTimelineRows {
		return
	}
	var shown []float64
	for _, s := range rows {
		if e := s.Stages[headline]; e != nil {
			for _, p := range []*int64{e.P50NS, e.P99NS, e.MaxNS} {
				if p != nil {
					shown = append(shown, float64(*p))
				}
			}
		}
	}
	u, one := tableUnit(limitUnit(r), headlineOf(r), shown...)
	if !one {
		u = commonUnit(shown...)
	}
	in := func(p *int64) string { return number.Of(whole(p), u.In) }
	t := table{
		head: []string{"until, s", "phase", "offered", "sent", "notified", "backlog", "backlog max", "queue", "p50, " + u.Name, "p99, " + u.Name, "max, " + u.Name},
		left: 0, words: map[int]bool{1: true},
	}
	for _, s := range rows {
		e := s.Stages[headline]
		if e == nil {
			e = &result.SecondStage{}
		}
		queue := number.Of(whole(s.QueueLen), number.Plain)
		t.rows = append(t.rows, []string{fmt.Sprintf("%.3f", s.ElapsedS), escape(s.Phase), number.Count(s.Offered), number.Count(s.Sent), number.Count(s.Notified),
			number.Count(s.Backlog), number.Count(s.Peak()), queue, in(e.P50NS), in(e.P99NS), in(e.MaxNS)})
	}
	if r.Observed != nil {
		t.drop("offered", "sent", "backlog", "backlog max") // unknown, or the same as the queue
		t.rename("notified", "ended")
		m.table(t)
		m.para("Jobs that ended in each second; queue is the length at the second's end. " +
			"Times are running of the jobs that ended in that second, n/a if there are too few for the quantile.")
		return
	}
	m.table(t)
	m.para("Jobs in each second; backlog is sent and not yet notified at the second's end, backlog max the maximum within the second, queue the last answer to LLEN. " +
		"Latencies are end_to_end of the jobs that completed in that second, n/a if there are too few for the quantile.")
}

func (m *sheet) method(r *result.Result) {
	m.para("## How these figures were made")
	if r.Observed != nil {
		m.observedMethod(r)
		return
	}
	m.para("Every job has a due time, which depends only on its number and never moves. Latency counts from the due time, " +
		"so a stall of the generator or the server shows in the jobs that had to wait.")
	m.meanings(r)
	if words := sumWords(r); words != "" {
		m.para("%s", words)
	}
	m.para("The window is the schedule from %s to %s. A job belongs to it by its due time: warm-up is excluded, and jobs of the window that arrive during the drain count.",
		number.Span(time.Duration(r.Window.FromNS)), number.Span(time.Duration(r.Window.ToNS)))
	m.para("Quantiles are nearest rank over all jobs that were due in the window. A job that never arrived counts as infinitely late. " +
		"A quantile among those, or with fewer than ten jobs above it, is n/a. Histograms have three significant digits.")
}

// meanings lists what the measured stages mean.
func (m *sheet) meanings(r *result.Result) {
	var items []string
	for _, s := range measured(r) {
		items = append(items, fmt.Sprintf("`%s`: %s", s, meaning(s)))
	}
	m.list(items)
}

// environmentFacts are names and values: what was run, on what, and why it ended.
func environmentFacts(r *result.Result) facts {
	var all facts
	add := func(name, value string) { all.add(name, cmp.Or(value, number.None)) }
	add("run", r.Run.ID)
	add("started", stamp(r.Run.StartedAt))
	add("ended", stamp(r.Run.EndedAt))
	add("stopped because", stopreason.Words(r))
	add("seed", fmt.Sprint(r.Run.Seed))
	for _, k := range sortedKeys(r.Run.Tags) {
		add("tag "+k, r.Run.Tags[k])
	}
	all.some("worker", r.Run.Worker)
	all = append(all, entryFacts(r.Scenario)...)
	if r.Redis.Kind != noRedis {
		add("Redis", redisWords(r.Redis))
	}
	for _, k := range sortedKeys(r.Redis.Config) {
		add("config "+k, cmp.Or(r.Redis.Config[k], "(empty)"))
	}
	add("host", strings.Trim(fmt.Sprintf("%s/%s %s", r.Host.OS, r.Host.Arch, r.Host.Kernel), " /"))
	add("CPU", strings.TrimSpace(fmt.Sprintf("%s %s, GOMAXPROCS %d", number.Plural(r.Host.CPUs, "CPU"), r.Host.CPUModel, r.Host.GOMAXPROCS)))
	all.some("CPU limit", limitWords(r.Host))
	if r.Host.MemoryBytes > 0 {
		add("memory", number.Digits(float64(r.Host.MemoryBytes)/(1<<30))+" GiB")
	}
	add("queuedyno", strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Tool.Version, r.Tool.Commit, r.Tool.Go)))
	return all
}

func (m *sheet) environment(r *result.Result) {
	m.para("## Environment")
	m.facts(environmentFacts(r))
	if len(r.Scalars) == 0 {
		return
	}
	s := table{head: []string{"other figures", "value"}, left: 1}
	for _, k := range sortedKeys(r.Scalars) {
		s.add(code(k), scalar(k, r.Scalars[k]))
	}
	m.table(s)
}

func (m *sheet) server(r *result.Result) {
	if len(r.Server.Commands) == 0 && len(r.Server.Deltas) == 0 {
		return
	}
	m.para("## What the server counted")
	if len(r.Server.Commands) > 0 {
		t := table{head: []string{"command", "calls", "time, µs", "µs per call", "failed", "rejected"}, left: 1}
		names := sortedKeys(r.Server.Commands)
		slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(r.Server.Commands[b].USec, r.Server.Commands[a].USec) })
		for _, name := range names {
			c := r.Server.Commands[name]
			t.add(code(name), number.Count(c.Calls), number.Count(c.USec), number.Digits(c.USecPerCall), number.Count(c.Failed), number.Count(c.Rejected))
		}
		m.table(t)
	}
	if len(r.Server.Deltas) > 0 {
		t := table{head: []string{"INFO field", "change"}, left: 1}
		for _, name := range sortedKeys(r.Server.Deltas) {
			t.add(code(name), number.Plain(r.Server.Deltas[name]))
		}
		m.table(t)
	}
}

// scalar is a figure with the unit that its name implies; the names are those
// of the metrics.
func scalar(name string, p *float64) string {
	m, err := metric.Lookup(name)
	switch {
	case p == nil || !number.Finite(*p):
		return number.None
	case err == nil && m.Kind == metric.Duration:
		return number.Duration(*p)
	case strings.HasSuffix(name, "_rate"):
		return number.Rate(*p) + " jobs/s"
	case strings.HasPrefix(name, "backlog"):
		return number.Plain(*p) + " jobs"
	default:
		return number.Plain(*p)
	}
}

// machineWords are the kind of a host.
func machineWords(h result.Host) string {
	return fmt.Sprintf("%s/%s, %s × %s", h.OS, h.Arch, number.Count(int64(h.CPUs)), h.CPUModel)
}

// hostWords are what this host lets a run use.
func hostWords(h result.Host) string {
	words := fmt.Sprintf("%s, GOMAXPROCS %d", number.Plural(h.CPUs, "CPU"), h.GOMAXPROCS)
	switch {
	case h.CPULimit > 0:
		words += fmt.Sprintf(", CPU limit %.3g (%s)", h.CPULimit, h.CPULimitSource)
	case h.CPULimitUnknown != "":
		words += ", CPU limit unknown"
	}
	return words
}

// limitWords are the CPU limit of this process, empty when it has none.
func limitWords(h result.Host) string {
	return joined("; ",
		when(h.CPULimit > 0, fmt.Sprintf("%.3g CPUs, set in %s", h.CPULimit, h.CPULimitSource)),
		when(h.CPULimitUnknown != "", "not known: "+h.CPULimitUnknown),
	)
}

func stamp(t time.Time) string {
	return when(!t.IsZero(), t.UTC().Format("2006-01-02 15:04:05.000 UTC"))
}
