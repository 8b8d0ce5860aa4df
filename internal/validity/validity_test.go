package validity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/validity"
	"github.com/queuedyno/queuedyno/result"
)

func ptr[T any](v T) *T { return &v }

// good is the evidence of a run that nothing is wrong with.
func good() validity.Evidence {
	return validity.Evidence{
		Completed:  10_000,
		SentInTime: ptr(1.0), LateShare: ptr(0.001), LateLimit: time.Millisecond, TailShare: ptr(0.01),
		Quantiles: []validity.Quantile{
			{Name: "p50", Whole: 1250 * time.Microsecond, Sent: 1200 * time.Microsecond, Floor: 100 * time.Microsecond},
			{Name: "p99", Whole: 2 * time.Millisecond, Sent: 1900 * time.Microsecond, Floor: 500 * time.Microsecond},
		},
		Probes: validity.Probes{
			At: "p99", Hiccup: ptr(100 * time.Microsecond), Echo: ptr(150 * time.Microsecond), Ping: ptr(200 * time.Microsecond),
			EndToEnd: ptr(2 * time.Millisecond), Lateness: ptr(100 * time.Microsecond), Work: ptr(900 * time.Microsecond), Queue: ptr(300 * time.Microsecond),
			HiccupMax: ptr(time.Millisecond), PingMax: ptr(time.Millisecond),
		},
		Usage: validity.Usage{CPUs: 2, AllowedCPUs: 2, RedisHere: true}, Settled: true, WarmupExcess: 1,
	}
}

func TestAGoodRunIsValidWithoutReasons(t *testing.T) {
	t.Parallel()
	v, notes := validity.Judge(good())
	if v.Verdict != result.Valid || len(v.Reasons) != 0 || len(notes) != 0 || v.Triage.Where != "" {
		t.Errorf("verdict %+v", v)
	}
	for name, c := range v.Checks {
		if !c.Passed || c.Detail == "" {
			t.Errorf("check %s: %+v", name, c)
		}
	}
}

func TestEachFaultHasItsVerdictAndItsReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		spoil   func(*validity.Evidence)
		verdict string
		reason  string // in the reasons, or in the notes when the verdict stays
	}{
		{"nothing completed", func(e *validity.Evidence) { e.Completed = 0 }, result.Invalid, "nothing to measure"},
		{"an error", func(e *validity.Evidence) { e.Error = "EOF" }, result.Invalid, "EOF"},
		{"a brake", func(e *validity.Evidence) { e.Braked = "max_in_flight" }, result.Invalid, "max_in_flight"},
		{"a broken clock", func(e *validity.Evidence) { e.Negative = 3 }, result.Invalid, "clock"},
		{"a load that was not sent", func(e *validity.Evidence) { e.SentInTime = ptr(0.9) }, result.Invalid, "generator could not keep up"},
		{"many late jobs", func(e *validity.Evidence) { e.LateShare = ptr(0.2) }, result.Suspect, "held up"},
		{"a median that is the generator's", func(e *validity.Evidence) { e.Quantiles[0].Sent = 500 * time.Microsecond }, result.Suspect, "end_to_end.p50 is generator-affected"},
		{"a tail that is the generator's", func(e *validity.Evidence) {
			e.TailShare = ptr(0.5)
			e.Quantiles[1].Sent = time.Millisecond
		}, result.Suspect, "the tail is not the server's"},
		{"another consumer", func(e *validity.Evidence) { e.Strangers = 5 }, result.Invalid, "another consumer"},
		{"jobs that vanished", func(e *validity.Evidence) { e.Vanished = 5 }, result.Invalid, "another consumer"},
		{"a subscriber thrown out", func(e *validity.Evidence) { e.Resubscribed = 1 }, result.Suspect, "client-output-buffer-limit"},
		{"evicted keys", func(e *validity.Evidence) { e.Evicted = 9 }, result.Suspect, "evicted"},
		{"steal", func(e *validity.Evidence) { e.Strain.Steal = ptr(0.2) }, result.Suspect, "hypervisor"},
		{"garbage", func(e *validity.Evidence) { e.Strain.GC = ptr(0.2) }, result.Suspect, "garbage"},
		{"a starved scheduler", func(e *validity.Evidence) { e.Strain.SchedP99 = ptr(20 * time.Millisecond) }, result.Suspect, "Go scheduler"},
		{"a host too busy", func(e *validity.Evidence) { e.Probes.Hiccup = ptr(3 * time.Millisecond) }, result.Suspect, "too busy"},
		{"Little's law broken", func(e *validity.Evidence) { e.QueueLen, e.QueueSum, e.QueueNoise = ptr(50.0), ptr(20.0), 0.05 }, result.Suspect, "Little"},
		{"workers that are not ours", func(e *validity.Evidence) { e.WorkersBusy, e.WorkersSum, e.WorkersNoise = ptr(0.9), ptr(0.5), 0.02 }, result.Suspect, "workers"},
		{"drift", func(e *validity.Evidence) { e.Drift, e.DriftSpreads = ptr(1.5), 5 }, result.Suspect, "drifts"},
		{"drift of an overload", func(e *validity.Evidence) {
			e.Drift, e.DriftSpreads, e.BacklogSlope, e.SlopeLimit = ptr(3.0), 5, ptr(0.2), 0.01
		}, result.Valid, "more than the system carries"},
		{"a warm-up too short", func(e *validity.Evidence) { e.WarmupNeeded, e.WarmupExcess = ptr(5*time.Second), 3 }, result.Valid, "longer --warmup"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := good()
			c.spoil(&e)
			v, notes := validity.Judge(e)
			where := v.Reasons
			if c.verdict == result.Valid {
				where = notes
			}
			if v.Verdict != c.verdict || !strings.Contains(strings.Join(where, "; "), c.reason) {
				t.Errorf("verdict %s, reasons %q, notes %q; want %s because of %q", v.Verdict, v.Reasons, notes, c.verdict, c.reason)
			}
		})
	}
}

func TestInvalidIsNeverRaisedToSuspect(t *testing.T) {
	t.Parallel()
	e := good()
	e.Negative, e.Resubscribed = 1, 1
	if v, _ := validity.Judge(e); v.Verdict != result.Invalid || len(v.Reasons) != 2 {
		t.Errorf("verdict %s: %q", v.Verdict, v.Reasons)
	}
}

func TestTriageNamesThePlace(t *testing.T) {
	t.Parallel()
	slow := ptr(100 * time.Millisecond)
	for _, c := range []struct {
		where string
		spoil func(*validity.Evidence)
	}{
		{validity.Generator, func(e *validity.Evidence) { e.Probes.EndToEnd, e.Probes.Lateness = slow, slow }},
		{validity.Host, func(e *validity.Evidence) {
			e.Probes.EndToEnd, e.Probes.Lateness, e.Probes.Hiccup, e.Probes.Echo, e.Probes.Ping = slow, slow, slow, slow, slow
		}},
		{validity.Client, func(e *validity.Evidence) { e.Probes.EndToEnd, e.Probes.Echo, e.Probes.Ping = slow, slow, slow }},
		{validity.Redis, func(e *validity.Evidence) { e.Probes.EndToEnd, e.Probes.Ping = slow, slow }},
		{validity.Redis, func(e *validity.Evidence) { e.Probes.PingMax = ptr(500 * time.Millisecond) }},
		{validity.Workers, func(e *validity.Evidence) { e.Probes.EndToEnd, e.Usage.Workers = slow, ptr(0.97) }},
		{validity.Workers, func(e *validity.Evidence) { e.Probes.EndToEnd, e.Probes.Work = slow, slow }},
		{validity.CPULimit, func(e *validity.Evidence) {
			e.Probes.EndToEnd, e.Probes.Lateness, e.Usage.Throttled = slow, slow, ptr(0.1)
		}},
		{validity.CPULimit, func(e *validity.Evidence) { e.Usage.Throttled = ptr(0.9) }},
		{"", func(e *validity.Evidence) { e.Usage.Throttled = ptr(0.001) }},
	} {
		e := good()
		c.spoil(&e)
		v, _ := validity.Judge(e)
		if v.Triage.Where != c.where || validity.Explain(v) == "" {
			t.Errorf("triage %+v, %q; want %q", v.Triage, validity.Explain(v), c.where)
		}
	}
}
