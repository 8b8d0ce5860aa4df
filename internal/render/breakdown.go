package render

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/webpage"
	"github.com/queuedyno/queuedyno/result"
)

// dimensions are the keys of a breakdown that have parts, in the order in which reports
// show them.
func dimensions(r *result.Result) []string {
	return slices.DeleteFunc([]string{"step", "queue", "tenant"}, func(d string) bool { return len(r.Breakdown[d]) == 0 })
}

// partsWords is what a dimension is called above its table.
func partsWords(d string) string {
	return map[string]string{"step": "by step of the load", "queue": "by queue, in the order of priority", "tenant": "by tenant"}[d]
}

// partTable is a row a part: what was due and what became of it, and
// end_to_end in one unit for all rows.
func partTable(d string, parts []result.Part) table {
	columns := []string{"p50", "p90", "p99", "max"}
	var shown []float64
	for _, p := range parts {
		shown = append(shown, shownOf(figuresOf(p.EndToEnd), columns)...)
	}
	var late []float64
	for _, p := range parts {
		if v := figuresOf(p.Lateness).P99NS; d == "step" && v != nil {
			late = append(late, float64(*v))
		}
	}
	headline := 0.0
	if len(shown) > 0 {
		headline = shown[0]
	}
	u, one := tableUnit("", headline, append(late, shown...)...)
	if !one {
		u = commonUnit(shown...)
	}
	t := table{head: []string{d, "scheduled", "sent", "lost"}, left: 1}
	for _, c := range columns {
		t.head = append(t.head, c+" "+u.Name)
	}
	if d == "step" {
		t.head = append(t.head, "late p99")
		if one {
			t.head[len(t.head)-1] += " " + u.Name
		}
	}
	for _, p := range parts {
		row := []string{p.Name, number.Count(p.Scheduled), number.Count(p.Sent), number.Count(p.Lost)}
		s := figuresOf(p.EndToEnd)
		for _, c := range columns {
			row = append(row, t.figure(s.Figure(c), u.In, inShort(s, c)))
		}
		if late := figuresOf(p.Lateness); d == "step" {
			written := number.Duration
			if one {
				written = u.In
			}
			row = append(row, t.figure(whole(late.P99NS), written, inShort(late, "p99")))
		}
		t.add(row...)
	}
	return t
}

// inShort is the reason for which a figure is missing, without the numbers that
// differ from part to part.
func inShort(s *result.StageSummary, name string) string {
	switch code := s.Missing[name].Code; {
	case code == result.TooFewJobs, code == "" && s.Count == 0:
		return "too few jobs in this part"
	case code == result.NeverArrived, code == result.NotHeard:
		return "it falls among jobs that never arrived"
	}
	return missing(s, name)
}

// briefly are the parts that a terminal shows: of many tenants the first ones
// and the others.
func briefly(d string, parts []result.Part) []result.Part {
	const most = 10
	if d != "tenant" || len(parts) <= most+1 {
		return parts
	}
	return parts[:most]
}

// breakdown shows the parts of the window on the terminal.
func (t *page) breakdown(r *result.Result) {
	for _, d := range dimensions(r) {
		parts := r.Breakdown[d]
		t.heading("end_to_end " + partsWords(d))
		t.table(partTable(d, briefly(d, parts)))
		if left := len(parts) - len(briefly(d, parts)); left > 0 {
			t.para(noInk, "", fmt.Sprintf("%d more are in report.md and %s.", left, breakdownFile))
		}
	}
}

func (m *sheet) breakdown(r *result.Result) {
	for _, d := range dimensions(r) {
		m.para("## End to end %s", partsWords(d))
		m.table(partTable(d, r.Breakdown[d]).columns(escape))
	}
}

// breakdownCSV writes a row for each step, queue and tenant of a result.
// Durations are in nanoseconds, a null is an empty cell.
func breakdownCSV(r *result.Result) (string, error) {
	head := []string{"run_id", "validity", "by", "name", "from_ns", "to_ns", "scheduled", "sent", "completed", "lost", "abandoned"}
	for _, stage := range []metric.Stage{metric.Lateness, metric.EndToEnd} {
		for _, f := range figures() {
			head = append(head, string(stage)+"_"+column(f)+"_ns")
		}
	}
	rows := [][]string{head}
	whole := func(n int64) string { return strconv.FormatInt(n, 10) }
	for _, d := range dimensions(r) {
		for _, p := range r.Breakdown[d] {
			row := []string{
				r.Run.ID, r.Validity.Verdict, d, p.Name, whole(p.FromNS), whole(p.ToNS),
				whole(p.Scheduled), whole(p.Sent), whole(p.Completed), whole(p.Lost), whole(p.Abandoned),
			}
			for _, s := range []*result.StageSummary{p.Lateness, p.EndToEnd} {
				for _, f := range figures() {
					row = append(row, cell(figuresOf(s).Figure(f)))
				}
			}
			rows = append(rows, row)
		}
	}
	return asCSV("breakdown", rows)
}

// mostNamed is how many lost jobs a report names.
const mostNamed = 20

// lostJobs names the first of the jobs that were lost.
func (m *sheet) lostJobs(l result.Ledger) {
	if len(l.LostJobs) == 0 {
		return
	}
	t := table{head: []string{"lost job", "leg"}, left: 2}
	for _, j := range l.LostJobs[:min(len(l.LostJobs), mostNamed)] {
		t.add(code(j.ID), code(string(j.Leg)))
	}
	m.table(t)
	if n := len(l.LostJobs); n > mostNamed || int64(n) < l.Lost {
		m.para("These are the first; result.json names %s of them.", number.Count(int64(n)))
	}
}

// recoveryWords is how long a backlog took to go away, empty where none was made.
func recoveryWords(r *result.Result) string {
	v, has := r.Scalars["recovery"]
	if !has {
		return ""
	}
	since := "the beginning"
	if h := r.Scenario.Hold; h.For > 0 {
		since = fmt.Sprintf("the end of the hold at %s", number.Span(h.From+h.For))
	}
	if v == nil {
		return "the queue did not empty again after " + since
	}
	return fmt.Sprintf("the queue was empty again, except for jobs in progress, %s after %s", number.Span(time.Duration(*v).Round(10*time.Millisecond)), since)
}

// shardTable is a row for each of those shards: what became of its jobs, how slow they were,
// and how its clock stood.
func shardTable(r *result.Result, shards []result.ShardResult) table {
	t := table{head: []string{"shard", "jobs", "lost", "late p99", "p50", "p99", "max", "clock", "±", "validity"}, left: 1}
	for _, s := range shards {
		row := []string{strconv.Itoa(s.Run.Shard.Index), number.Count(s.Window.Scheduled), number.Count(s.Ledger.Lost)}
		late, all := figuresOf(s.Stages[metric.Lateness]), figuresOf(s.Stages[r.Scenario.Headline()])
		for _, one := range []struct {
			of   *result.StageSummary
			name string
			ns   *int64
		}{{late, "p99", late.P99NS}, {all, "p50", all.P50NS}, {all, "p99", all.P99NS}, {all, "max", all.MaxNS}} {
			row = append(row, t.figure(whole(one.ns), number.Duration, inShort(one.of, one.name)))
		}
		if c := s.Run.Shard.Clock; c != nil {
			row = append(row, number.Duration(float64(c.OffsetNS)), number.Duration(float64(c.UncertaintyNS)))
		} else {
			row = append(row, "", "")
		}
		t.add(append(row, s.Validity.Verdict)...)
	}
	return t
}

// shardNote says how to read the table.
const shardNote = "The quantiles are those of each shard's own jobs. clock is by how much the clock of the server was ahead of the shard's, and ± how uncertain that is."

// slowestShards are those that a terminal shows: of many, the ones with the highest p99 in
// the order of their numbers.
func slowestShards(r *result.Result) []result.ShardResult {
	const most = 20
	all := slices.Clone(r.Fleet.Shards)
	if len(all) <= most {
		return all
	}
	p99 := func(s result.ShardResult) int64 {
		if v := figuresOf(s.Stages[r.Scenario.Headline()]).P99NS; v != nil {
			return *v
		}
		return math.MaxInt64 // not known: worth a look
	}
	slices.SortStableFunc(all, func(a, b result.ShardResult) int { return cmp.Compare(p99(b), p99(a)) })
	all = all[:most]
	slices.SortFunc(all, func(a, b result.ShardResult) int { return cmp.Compare(a.Run.Shard.Index, b.Run.Shard.Index) })
	return all
}

func (t *page) shards(r *result.Result) {
	if r.Fleet == nil {
		return
	}
	shown := slowestShards(r)
	t.heading("shards")
	t.table(shardTable(r, shown))
	if left := len(r.Fleet.Shards) - len(shown); left > 0 {
		t.para(noInk, "", fmt.Sprintf("These are the slowest; %d more are in report.md.", left))
	}
	t.para(noInk, "", shardNote)
}

func (m *sheet) shards(r *result.Result) {
	if r.Fleet == nil {
		return
	}
	m.para("## Shards")
	m.table(shardTable(r, r.Fleet.Shards))
	m.para("%s", shardNote)
}

// shardSection shows the shards that a result was merged from.
func shardSection(r *result.Result) webpage.Section {
	if r.Fleet == nil {
		return webpage.Section{}
	}
	return webpage.Section{ID: "shards", Title: "Shards", Note: shardNote, Tables: []webpage.Table{shardTable(r, r.Fleet.Shards).web("")}}
}
