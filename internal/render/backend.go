package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/mask"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// noRedis is the kind of a Redis that a run did not have.
const noRedis = "none"

// againstWords say what a run ran against: the user's API, the Redis, the Postgres, those
// that there were.
func againstWords(s scenario.Scenario, redis result.Redis, postgres *result.Postgres) string {
	stored := when(s.Entry.Kind == scenario.EntryPostgres, "Postgres")
	if postgres != nil {
		stored = postgresWords(postgres)
	}
	return joined(" and ",
		when(s.Entry.Kind == scenario.EntryHTTP, mask.URL(s.Entry.HTTP.URL)),
		when(redis.Kind != noRedis, redisWords(redis)),
		stored,
	)
}

// postgresWords say which server it was.
func postgresWords(p *result.Postgres) string {
	return serverWords(p.Kind, p.Address, "Postgres", p.Version)
}

// entryWords say how jobs come in, and who hears of their ends: the parts of the pools
// besides the consumers.
func entryWords(s scenario.Scenario) (in, out []string) {
	switch s.Entry.Kind {
	case scenario.EntryHTTP:
		in = []string{number.Plural(s.Entry.HTTP.Connections, "connection") + " to the API"}
	case scenario.EntryPostgres:
		in = []string{number.Plural(s.Producers, "producer"), number.Plural(s.Entry.Postgres.Connections, "connection") + " to Postgres"}
	default:
		in = []string{number.Plural(s.Producers, "producer")}
	}
	if s.Notify != jobqueue.NoNotify && !blackBox(s) {
		out = append(out, number.Plural(s.Subscribers, "subscriber"))
	}
	if s.Exit.Given() {
		out = append(out, number.Plural(s.Exit.WebSocket.Clients, "WebSocket client"))
	}
	return in, out
}

// blackBox reports whether only WebSocket clients see the ends of the jobs.
func blackBox(s scenario.Scenario) bool { return s.Exit.Given() && s.Subscribers == 0 }

// endWords say when a job is over.
func endWords(s scenario.Scenario) string {
	switch w := s.Exit.WebSocket; {
	case s.Exit.Given() && w.PerTenant() && s.Tenants.Count > 1:
		return "the last WebSocket client of its tenant read its end"
	case s.Exit.Given() && w.Clients > 1:
		return fmt.Sprintf("the last of %s WebSocket clients read its end", number.Count(int64(w.Clients)))
	case s.Exit.Given():
		return "the WebSocket client read its end"
	case s.Notify == jobqueue.NoNotify:
		return "its work was done: there are no notifications"
	}
	return "its notification arrived"
}

// summed are the stages of a run that add up to end_to_end for each job. Of external
// workers, RUNNING is the only moment in between; jobs without it have from_send.
func summed(r *result.Result) []metric.Stage {
	all := []metric.Stage{metric.Lateness, metric.Store, metric.Queue, metric.WorkTime, metric.Save, metric.Notify, metric.Broadcast}
	switch s := r.Scenario; {
	case s.External && r.Stages[metric.Pickup] != nil && r.Stages[metric.Running] != nil:
		all = []metric.Stage{metric.Pickup, metric.Running, metric.Broadcast}
	case s.External:
		all = []metric.Stage{metric.Lateness, metric.FromSend}
	}
	return slices.DeleteFunc(all, func(stage metric.Stage) bool { return r.Stages[stage] == nil })
}

// sumWords is end_to_end as a sum, empty where the result has no stages for it.
func sumWords(r *result.Result) string {
	stages := summed(r)
	if len(stages) < 2 || r.Stages[metric.EndToEnd] == nil {
		return ""
	}
	var names []string
	for _, stage := range stages {
		names = append(names, string(stage))
	}
	words := "Per job, `end_to_end = " + strings.Join(names, " + ") + "`"
	if stages[0] == metric.Pickup {
		words += " where its worker reported RUNNING"
	}
	if r.Stages[metric.Request] != nil {
		words += "; `request` overlaps these stages"
	}
	return words + "."
}

// counterWords are the name and the meaning of a counter in this run.
func counterWords(s scenario.Scenario, row ledger.Row) (name, counts string) {
	name, counts = row.Name, row.Counts
	switch row.Counter {
	case ledger.Sent:
		switch s.Entry.Kind {
		case scenario.EntryHTTP:
			counts = "due, and handed to the connections to the API"
		case scenario.EntryPostgres:
			counts = "due, and handed to the connections to Postgres"
		}
	case ledger.Acked:
		switch s.Entry.Kind {
		case scenario.EntryHTTP:
			counts = "accepted by the API: its answer had an id"
		case scenario.EntryPostgres:
			counts = "row inserted and push acknowledged"
		}
	case ledger.Published:
		if s.Entry.Kind == scenario.EntryPostgres && !s.External {
			counts = "row updated and publish acknowledged"
		}
	case ledger.Notified:
		switch {
		case s.Notify == jobqueue.NoNotify:
			return arrivedWord(s), "work done; nothing is published in this run"
		case blackBox(s):
			counts = "end read by every WebSocket client that should read it"
		case s.Exit.Given():
			counts = "end seen by every subscriber, and read by every WebSocket client that should read it"
		}
	case ledger.OutOfOrder:
		if s.Exit.Given() {
			counts = "ends read after that of a later job, counted by every client; some are normal with more than one worker"
		}
	}
	return name, counts
}

// legMeaning says in words where a job of that leg was lost in this run.
func legMeaning(s scenario.Scenario, l result.Leg) string {
	if s.Entry.Kind == scenario.EntryHTTP {
		switch l {
		case ledger.LegUnsent:
			return "due, but never requested: the run stopped first"
		case ledger.LegRefused:
			return "not accepted by the API: no connection, an answer without success, or one without an id"
		case ledger.LegUnacknowledged:
			return "requested; the API did not answer, and the job's end was never seen"
		case ledger.LegInQueue:
			return "accepted by the API; still in the list at the end"
		case ledger.LegUnfinished:
			return "accepted by the API, and not in the list at the end; the job's end was never seen"
		}
	}
	return l.Meaning()
}

// postgresFacts are names and values of the database, in the order of a reader's
// questions.
func postgresFacts(p *result.Postgres) facts {
	table := p.Table
	if p.Created {
		table += " (created for the run, and dropped after it)"
	}
	all := facts{{"server", postgresWords(p)}, {"table", table}, {"pool", poolOf(p)}, {"statements", statementsOf(p)}}
	all.some("on the server", activityOf(p))
	if p.Reconnects > 0 {
		all.add("reconnects", number.Count(p.Reconnects))
	}
	for _, name := range settingsOf(p) {
		all.add(name, p.Settings[name])
	}
	return all
}

// poolOf says how busy the connections were.
func poolOf(p *result.Postgres) string {
	words := number.Plural(p.Connections, "connection")
	if p.Busy != nil {
		words += ", " + number.Percent(*p.Busy) + " busy on average"
	}
	return words + fmt.Sprintf(", at most %s busy at once", number.Count(p.MaxBusy))
}

// statementsOf says how many statements there were, and how long they waited.
func statementsOf(p *result.Postgres) string {
	words := number.Plural(p.Statements, "statement")
	if p.Waits == 0 {
		return words + ", none waited for a connection"
	}
	return words + fmt.Sprintf(", %s waited for a connection, %s in all", number.Count(p.Waits), number.Duration(float64(p.Waited)))
}

// activityOf says what the server was busy with, empty where that is unknown.
func activityOf(p *result.Postgres) string {
	if p.Active == nil {
		return ""
	}
	words := number.Digits(*p.Active) + " active statements on average (pg_stat_activity)"
	names := sortedKeys(p.WaitsFor)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(p.WaitsFor[b], p.WaitsFor[a]) })
	var waits []string
	for _, name := range names {
		waits = append(waits, number.Digits(p.WaitsFor[name])+" for "+name)
	}
	if len(waits) > 0 {
		words += "; waiting: " + strings.Join(waits, ", ")
	}
	return words
}

// decisiveSettings are those on which the time of a commit depends most.
func decisiveSettings() []string { return []string{"fsync", "synchronous_commit"} }

// settingsOf are the names of the settings, the decisive ones first.
func settingsOf(p *result.Postgres) []string {
	decisive := slices.DeleteFunc(decisiveSettings(), func(name string) bool { return p.Settings[name] == "" })
	others := slices.DeleteFunc(sortedKeys(p.Settings), func(name string) bool { return slices.Contains(decisive, name) })
	return append(decisive, others...)
}

// postgres writes lines on the database.
func (t *page) postgres(p *result.Postgres) {
	if p == nil {
		return
	}
	words := []string{poolOf(p), statementsOf(p), when(p.Reconnects > 0, number.Plural(p.Reconnects, "reconnect")), activityOf(p)}
	for _, name := range decisiveSettings() {
		words = append(words, when(p.Settings[name] != "", name+" "+p.Settings[name]))
	}
	t.para(bold, "Postgres ", when(p.Version != "", p.Version+": ")+joined("; ", words...))
}

// postgres writes a section on the database.
func (m *sheet) postgres(p *result.Postgres) {
	if p != nil {
		m.para("## Postgres")
		m.facts(postgresFacts(p))
	}
}

// entryFacts are names and values of the entry and the exit of a run.
func entryFacts(s scenario.Scenario) (all facts) {
	if h := s.Entry.HTTP; s.Entry.Kind == scenario.EntryHTTP {
		all.add("API", fmt.Sprintf("%s %s, %s, timeout %s", h.Method, mask.URL(h.URL), number.Plural(h.Connections, "connection"), number.Span(h.Timeout)))
	}
	if w := s.Exit.WebSocket; s.Exit.Given() {
		all.add("WebSocket", fmt.Sprintf("%s, %s", mask.URL(w.URL), number.Plural(w.Clients, "client")))
	}
	return all
}
