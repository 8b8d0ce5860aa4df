package scenario_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func TestDefaultsFillAnEmptyScenario(t *testing.T) {
	t.Parallel()
	closed := scenario.Scenario{
		Load:      scenario.Load{Duration: 10 * time.Second, InFlight: 16},
		Producers: 1, Consumers: 1, Subscribers: 1, Batch: 1, DrainTimeout: 10 * time.Second,
		Design: jobqueue.List, Notify: jobqueue.PubSub, Channels: scenario.OneChannel, Tenants: scenario.Tenants{Count: 1},
	}
	if diff := cmp.Diff(closed, scenario.Scenario{}.WithDefaults()); diff != "" {
		t.Errorf("closed loop (-want +got):\n%s", diff)
	}
	open := closed
	open.Load = scenario.Load{Rate: pace.PerSecond(7), Duration: 10 * time.Second, Arrivals: pace.Constant, MaxInFlight: 1_000_000}
	if diff := cmp.Diff(open, scenario.Scenario{Load: scenario.Load{Rate: pace.PerSecond(7)}}.WithDefaults()); diff != "" {
		t.Errorf("open loop (-want +got):\n%s", diff)
	}
}

func TestANumberOfJobsNeedsNoDuration(t *testing.T) {
	t.Parallel()
	s := scenario.Scenario{Load: scenario.Load{Jobs: 500}}.WithDefaults()
	if s.Load.Duration != 0 {
		t.Errorf("Duration = %s, want none", s.Load.Duration)
	}
}

func TestAClosedLoopHasTwoBatchesForEveryOneInThePools(t *testing.T) {
	t.Parallel()
	s := scenario.Scenario{Producers: 3, Consumers: 5, Batch: 10}.WithDefaults()
	if want := 2 * (3 + 5) * 10; s.Load.InFlight != want {
		t.Errorf("InFlight = %d, want %d", s.Load.InFlight, want)
	}
}

func TestDefaultsTwiceAreDefaultsOnceAndMakeNoFault(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		once := s.WithDefaults()
		if diff := cmp.Diff(once, once.WithDefaults()); diff != "" {
			t.Fatalf("the second time (-once +twice):\n%s", diff)
		}
		if faults := once.Validate(); len(faults) > 0 {
			t.Fatalf("%+v has faults: %v", once, faults)
		}
	})
}

// drawScenario draws any scenario that can be run, with fields left at zero
// now and then.
func drawScenario(t *rapid.T) scenario.Scenario {
	number := func(name string, least, most int) int {
		return rapid.OneOf(rapid.Just(0), rapid.IntRange(least, most)).Draw(t, name)
	}
	span := func(name string, most time.Duration) time.Duration {
		return rapid.OneOf(rapid.Just(time.Duration(0)), rapid.Map(rapid.Int64Range(1, int64(most)), func(n int64) time.Duration { return time.Duration(n) })).Draw(t, name)
	}
	s := scenario.Scenario{
		Name:        rapid.StringMatching(`[a-z0-9][a-z0-9._-]{0,62}`).Draw(t, "name"),
		Description: rapid.OneOf(rapid.StringN(0, 50, 200), rapid.SampledFrom([]string{"yes", "null", "1", "~", "- a", "a: b # c", "\"", "\\n", "two\nlines\n", "\tx ", "'", "été", "\ufeff\u2028", "{{", "*a", "&a", "!t", "%"})).Filter(printable).Draw(t, "description"),
		Producers:   number("producers", 1, 10_000),
		Consumers:   number("consumers", 1, 10_000),
		Subscribers: number("subscribers", 1, 10_000),
		Batch:       number("batch", 1, 200),
		Payload:     number("payload", 1, 1<<20),
		Work: scenario.Work{
			Time: span("work", time.Hour), Running: rapid.Bool().Draw(t, "running"),
			FailRate: rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, 1)).Draw(t, "fail"),
		},
		Design:       rapid.SampledFrom([]jobqueue.Design{"", "list", "list-poll", "reliable-list", "stream"}).Draw(t, "design"),
		Notify:       rapid.SampledFrom([]jobqueue.Notify{"", "pubsub", "none"}).Draw(t, "notify"),
		Channels:     rapid.SampledFrom([]scenario.Channels{"", "one", "tenant", "pattern"}).Draw(t, "channels"),
		Tenants:      scenario.Tenants{Count: number("tenants", 1, 10_000), Skew: rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, 10)).Draw(t, "skew")},
		Queues:       rapid.SliceOfN(rapid.IntRange(1, 100), 0, 5).Draw(t, "queues"),
		Prefill:      int64(number("prefill", 1, 1000)),
		DrainTimeout: span("drain", time.Hour),
		Seed:         rapid.Uint64Range(0, literal.MaxSeed).Draw(t, "seed"),
		Thresholds:   rapid.SliceOfN(rapid.SampledFrom([]string{"lost == 0", "end_to_end.p99 < 50ms", "queue: p(99) < 5", "achieved_ratio within 2% of 1"}), 0, 3).Draw(t, "thresholds"),
	}
	if len(s.Thresholds) == 0 {
		s.Thresholds = nil
	}
	if len(s.Queues) == 0 {
		s.Queues = nil
	}
	switch s.Design {
	case "list-poll":
		s.Poll = span("poll", time.Hour)
	case "reliable-list", "stream":
		s.Visibility = span("visibility", time.Hour)
	}
	if s.Notify != "none" && rapid.Bool().Draw(t, "external") {
		s.External, s.Consumers, s.Work = true, 0, scenario.Work{}
		if s.Design == "list" && len(s.Queues) < 2 && rapid.Bool().Draw(t, "sidekiq") {
			s.Dialect, s.JobName, s.Tenants.Count = "sidekiq", "Mail::SendJob", 1
		}
	}
	if s.Notify == "none" {
		s.Work.Running, s.Subscribers, s.Channels = false, 0, ""
	}
	drawEntry(t, &s, number)
	s.Load.Duration = span("duration", 24*time.Hour)
	s.Load.Jobs = int64(number("jobs", 200, 1_000_000))
	if rapid.Bool().Draw(t, "closed") {
		s.Load.InFlight = number("in flight", 200, 1_000_000)
		s.Load.Think = span("think", time.Hour)
	} else {
		s.Load.Rate = pace.Rate{
			Jobs: rapid.Int64Range(1, 1_000_000).Draw(t, "rate jobs"),
			Per:  rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 1500 * time.Millisecond, 7 * time.Second}).Draw(t, "rate per"),
		}
		s.Load.Arrivals = rapid.SampledFrom([]pace.Arrivals{"", pace.Constant, pace.Poisson}).Draw(t, "arrivals")
		if s.Load.Duration == 0 && s.Load.Jobs > 0 && float64(s.Load.Jobs)/s.Load.Rate.Float() > 86400 {
			s.Load.Duration = time.Hour
		}
	}
	if s.Load.Duration > 3 && !s.External && rapid.Bool().Draw(t, "hold") {
		s.Hold.For = s.Load.Duration / 3
	}
	if s.Load.Duration > 0 && s.Load.Jobs == 0 {
		s.Warmup = s.Load.Duration / 2
	}
	return s
}

// drawEntry draws how jobs come in and where their end is seen, as far as the rest of
// the scenario allows.
func drawEntry(t *rapid.T, s *scenario.Scenario, number func(string, int, int) int) {
	headers := rapid.SampledFrom([]map[string]string{nil, {"Accept": "a, b"}, {"authorization": "Bearer ${API_TOKEN}", "X-Tenant": "{{.Tenant}}"}})
	body := rapid.SampledFrom([]string{"", "{{.Tenant}}", "a: b # c\n\"'", "$${x}"})
	path := rapid.SampledFrom([]string{"", "id", ".data.id", `."a b".c`})
	switch entry := rapid.SampledFrom([]scenario.EntryKind{scenario.EntryPush, scenario.EntryPostgres, scenario.EntryHTTP}).Draw(t, "entry"); {
	case entry == scenario.EntryPostgres:
		s.Entry.Kind = entry
		s.Entry.Postgres = scenario.PostgresEntry{Connections: number("connections", 1, 10_000)}
		if s.External || rapid.Bool().Draw(t, "named") {
			s.Entry.Postgres.Table = "app.jobs"
		}
	case entry == scenario.EntryHTTP && s.External && s.Dialect == "":
		s.Batch, s.Prefill, s.Queues, s.Payload, s.Entry.Kind = 0, 0, nil, 0, entry
		s.Entry.HTTP = scenario.HTTPEntry{
			URL: "https://user:${PASSWORD}@api.example/{{.Job}}", Method: rapid.SampledFrom([]string{"", "PUT"}).Draw(t, "method"),
			Headers: headers.Draw(t, "headers"), Body: body.Draw(t, "body"), ID: path.Draw(t, "id"), Connections: number("connections", 1, 10_000),
			Status: rapid.SampledFrom([][]int{nil, {202}, {200, 302}}).Draw(t, "status"), Timeout: time.Duration(number("timeout", 1, 1_000_000)),
		}
	}
	if s.Notify != "none" && rapid.Bool().Draw(t, "exit") {
		s.Exit.WebSocket = scenario.WebSocketExit{
			URL: "ws://127.0.0.1:3000/{{.Tenant}}", Headers: headers.Draw(t, "handshake"), Message: body.Draw(t, "message"), Subprotocol: rapid.SampledFrom([]string{"", "graphql-ws"}).Draw(t, "subprotocol"),
			ID: path.Draw(t, "message id"), Tenant: path.Draw(t, "message tenant"), Status: rapid.SampledFrom([]string{"", ".data.status"}).Draw(t, "message status"), Clients: rapid.SampledFrom([]int{0, 10_000}).Draw(t, "clients"),
		}
	}
}

func printable(s string) bool {
	for _, r := range s {
		if r < ' ' && r != '\n' && r != '\t' || 0x7f <= r && r < 0xa0 {
			return false
		}
	}
	return true
}
