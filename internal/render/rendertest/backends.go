package rendertest

import (
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// backendMedians are those of the stages of an entry or an exit, in nanoseconds.
func backendMedians() map[metric.Stage]int64 {
	all := Medians()
	maps.Copy(all, map[metric.Stage]int64{
		metric.Store: 840_000, metric.Save: 620_000, metric.Request: 2_650_000, metric.Pickup: 3_680_000,
		metric.Running: 7_080_000, metric.Broadcast: 826_000, metric.EndToEnd: 11_700_000, metric.FromSend: 11_600_000,
	})
	return all
}

// The stages of such runs, each set built once; see [Usual].
var (
	storedStages    = sync.OnceValue(func() stages { return backendStages(stored()) })
	requestedStages = sync.OnceValue(func() stages { return backendStages(requested()) })
	blackBoxStages  = sync.OnceValue(func() stages { return backendStages(blackBox()) })
)

func backendStages(s scenario.Scenario) stages {
	out := stages{}
	for _, stage := range s.Measured() {
		out[stage] = Summarise(5000, 5000, Tail(backendMedians()[stage]))
	}
	if s.Subscribers == 0 {
		delete(out, metric.Broadcast) // as the engine does
	}
	return out
}

func stored() scenario.Scenario {
	s := scenario.Scenario{Producers: 2, Consumers: 8, Entry: scenario.Entry{Kind: scenario.EntryPostgres}}
	return s.WithDefaults()
}

func requested() scenario.Scenario {
	s := scenario.Scenario{External: true}
	s.Entry.Kind, s.Entry.HTTP.URL, s.Entry.HTTP.Headers = scenario.EntryHTTP, "http://127.0.0.1:3600/jobs", map[string]string{"Authorization": "Bearer ${API_TOKEN}"}
	s.Exit.WebSocket = scenario.WebSocketExit{URL: "ws://127.0.0.1:3600/ws?tenant={{.Tenant}}", Clients: 20}
	return s.WithDefaults()
}

func blackBox() scenario.Scenario {
	s := requested()
	s.Subscribers = 0
	return s
}

// of is a run like [Steady] with another entry or exit.
func of(t testing.TB, s scenario.Scenario, summaries stages) *result.Result {
	t.Helper()
	r := Steady(t)
	load, warmup, drain := r.Scenario.Load, r.Scenario.Warmup, r.Scenario.DrainTimeout
	s.Name, s.Load, s.Warmup, s.DrainTimeout, s.Thresholds, s.Seed = r.Scenario.Name, load, warmup, drain, r.Scenario.Thresholds, r.Scenario.Seed
	if !s.External {
		s.Work.Time = time.Millisecond
	}
	r.Scenario, r.Stages = s, maps.Clone(summaries)
	for i := range r.Timeline {
		row := &r.Timeline[i]
		row.Stages = map[metric.Stage]*result.SecondStage{}
		for stage := range summaries {
			m := backendMedians()[stage]
			row.Stages[stage] = &result.SecondStage{Count: row.Notified, P50NS: Ptr(m), P90NS: Ptr(m * 17 / 10), P99NS: Ptr(m * 32 / 10), MaxNS: Ptr(m * 9)}
		}
	}
	return r
}

// Stored is a run that stored its jobs in Postgres, and lost some on the way.
func Stored(t testing.TB) *result.Result {
	t.Helper()
	r := of(t, stored(), storedStages())
	r.Postgres = &result.Postgres{
		Kind: "process", Version: "15.3", Address: "postgres://127.0.0.1:6432/postgres", Table: "queuedyno_jobs_0123456789abcde", Created: true,
		Settings:    map[string]string{"fsync": "on", "synchronous_commit": "on", "shared_buffers": "128MB", "max_connections": "100"},
		Connections: 10, Busy: Ptr(0.145), MaxBusy: 10, Statements: 12_000, Waits: 104, Waited: 486_668_747, Reconnects: 2,
		Active: Ptr(1.333), WaitsFor: map[string]float64{"LWLock": 0.333, "IO": 0.667},
	}
	r.Validity.Usage.Postgres = Ptr(0.145)
	l := &r.Ledger
	l.Acked, l.Popped, l.Finished, l.Published, l.Notified, l.Lost = 5993, 5993, 5993, 5990, 5990, 10
	l.LostByLeg = map[result.Leg]int64{ledger.LegUnstored: 5, ledger.LegUnpushed: 2, ledger.LegUnsaved: 3}
	return r
}

// Requested is a run that requested its jobs from an API, heard the workers on Redis,
// and read the ends with WebSocket clients.
func Requested(t testing.TB) *result.Result {
	t.Helper()
	r := of(t, requested(), requestedStages())
	r.Validity.Usage.API = Ptr(0.012)
	l := &r.Ledger
	l.Notified, l.Lost, l.OutOfOrder = 5992, 8, 1281
	l.LostByLeg = map[result.Leg]int64{ledger.LegUnbroadcast: 8}
	r.Server = result.Server{}
	return r
}

// BlackBox is [Requested] without a Redis.
func BlackBox(t testing.TB) *result.Result {
	t.Helper()
	r := of(t, blackBox(), blackBoxStages())
	r.Redis, r.Server = result.Redis{Kind: "none"}, result.Server{}
	delete(r.Scalars, "redis_cpu_per_job")
	l := &r.Ledger
	l.Acked, l.Popped, l.Finished, l.Published, l.Notified, l.Lost = 5995, 5980, 5980, 5980, 5980, 20
	l.LostByLeg = map[result.Leg]int64{ledger.LegUnacknowledged: 5, ledger.LegUnbroadcast: 15}
	for i := range r.Timeline {
		r.Timeline[i].QueueLen = nil
	}
	return r
}
