package scenario_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// sound is a scenario without fault.
func sound() scenario.Scenario {
	return scenario.Scenario{Name: "sound", Load: scenario.Load{Rate: pace.PerSecond(100)}}
}

func TestEachFaultIsFoundAtItsFieldAndAlone(t *testing.T) {
	t.Parallel()
	if faults := sound().Validate(); len(faults) > 0 {
		t.Fatalf("the sound scenario has faults: %v", faults)
	}
	type s = scenario.Scenario
	for _, row := range []struct {
		field, says string
		spoil       func(*s)
	}{
		{"name", "is not a name", func(s *s) { s.Name = "" }},
		{"name", "is not a name", func(s *s) { s.Name = "../etc" }},
		{"name", "is not a name", func(s *s) { s.Name = "Steady" }},
		{"name", "is not a name", func(s *s) { s.Name = strings.Repeat("a", 64) }},
		{"description", "longer than", func(s *s) { s.Description = strings.Repeat("a", 2001) }},
		{"description", "not text", func(s *s) { s.Description = "\x1b[2J" }},
		{"description", "not text", func(s *s) { s.Description = "\xff" }},
		{"load.rate", "greater than zero", func(s *s) { s.Load.Rate.Jobs = -1 }},
		{"load.rate", "more than", func(s *s) { s.Load.Rate = pace.PerSecond(100_000_001) }},
		{"load.rate", "unit after the slash", func(s *s) { s.Load.Rate.Per = 0 }},
		{"load.duration", "negative", func(s *s) { s.Load.Duration = -1 }},
		{"load.duration", "30 days", func(s *s) { s.Load.Duration = 31 * 24 * time.Hour }},
		{"load.duration", "1,000,000,000,000 jobs", func(s *s) {
			s.Load.Rate, s.Load.Duration = pace.PerSecond(100_000_000), 24*time.Hour
		}},
		{"load.jobs", "negative", func(s *s) { s.Load.Jobs = -1 }},
		{"load.jobs", "more than", func(s *s) { s.Load.Jobs = 1e12 + 1 }},
		{"load.jobs", "30 days", func(s *s) { s.Load.Jobs = 1e12 }},
		{"load.arrivals", `did you mean "poisson"`, func(s *s) { s.Load.Arrivals = "poison" }},
		{"load.arrivals", "closed loop", func(s *s) { s.Load.Rate, s.Load.Arrivals = pace.Rate{}, pace.Constant }},
		{"load.in_flight", "rate: max", func(s *s) { s.Load.InFlight = 100 }},
		{"load.in_flight", "less than 1", func(s *s) { s.Load.Rate, s.Load.InFlight = pace.Rate{}, -1 }},
		{"load.in_flight", "less than the batch of 20", func(s *s) { s.Load.Rate, s.Load.InFlight, s.Batch = pace.Rate{}, 19, 20 }},
		{"load.in_flight", "more than", func(s *s) { s.Load.Rate, s.Load.InFlight = pace.Rate{}, 1_000_001 }},
		{"producers", "less than 1", func(s *s) { s.Producers = -1 }},
		{"consumers", "more than 10,000", func(s *s) { s.Consumers = 10_001 }},
		{"subscribers", "less than 1", func(s *s) { s.Subscribers = -1 }},
		{"batch", "more than 10,000", func(s *s) { s.Batch = math.MaxInt }},
		{"batch", "more than the 5 jobs", func(s *s) { s.Batch, s.Load.Jobs = 6, 5 }},
		{"batch", "less than 1", func(s *s) { s.Load.Rate, s.Batch = pace.Rate{}, -6 }},
		{"payload", "bytes are negative", func(s *s) { s.Payload = -1 }},
		{"payload", "64MiB", func(s *s) { s.Payload = math.MaxInt }},
		{"payload", "256MiB", func(s *s) { s.Payload, s.Batch = 1<<20, 257 }},
		{"work.time", "negative", func(s *s) { s.Work.Time = -1 }},
		{"work.time", "more than 1h", func(s *s) { s.Work.Time = time.Hour + 1 }},
		{"warmup", "negative", func(s *s) { s.Warmup = -1 }},
		{"warmup", "leaves nothing", func(s *s) { s.Load.Duration, s.Warmup = time.Second, time.Second }},
		{"warmup", "leaves nothing", func(s *s) { s.Warmup = 10 * time.Second }},
		{"warmup", "sent by then", func(s *s) { s.Load.Jobs, s.Warmup = 100, time.Second }},
		{"drain_timeout", "negative", func(s *s) { s.DrainTimeout = -1 }},
		{"thresholds[1]", `did you mean "lost"`, func(s *s) { s.Thresholds = []string{"lost == 0", "lsot == 0"} }},
		{"thresholds", "more than 100", func(s *s) { s.Thresholds = make([]string, 101) }},
	} {
		spoiled := sound()
		row.spoil(&spoiled)
		faults := spoiled.Validate()
		if len(faults) != 1 || faults[0].Field != row.field || !strings.Contains(faults[0].Message, row.says) {
			t.Errorf("Validate() = %v, want one fault of %s with %q", faults, row.field, row.says)
		}
	}
}

func TestAllFaultsAreFoundAtOnce(t *testing.T) {
	t.Parallel()
	s := sound()
	s.Name, s.Producers, s.Payload, s.Thresholds = "!", -1, -1, []string{"x"}
	var fields []string
	for _, f := range s.Validate() {
		fields = append(fields, f.Field)
	}
	if got, want := strings.Join(fields, " "), "name producers payload thresholds[0]"; got != want {
		t.Errorf("faults of %q, want %q", got, want)
	}
}
