package validity_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/hoststat"
	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/internal/validity"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

func TestTheTriageShowsWhatItLookedAt(t *testing.T) {
	t.Parallel()
	e := good()
	e.Scenario.Load, e.Usage = scenario.Load{InFlight: 64}, closed(0.89, 0.47, 0.72, 0.89)
	v := e.judge()
	if v.Triage.Where != usage.Host || v.Triage.Detail != "" || v.Triage.Limit == nil {
		t.Errorf("triage %+v, want data and no sentence", v.Triage)
	}
	if got, want := usage.Usage(v.Usage).Words(), "generator 47% of its 2 CPUs, host CPU 89%, Redis 72% of one CPU, consumers 89%, 64 jobs in flight"; got != want {
		t.Errorf("in use: %q, want %q", got, want)
	}
	b, err := json.Marshal(v)
	if err != nil || !strings.Contains(string(b), `"usage":{"redis":0.72,"generator":0.47,"host":0.89,"workers":0.89,"cpus":2`) {
		t.Errorf("%s, %v", b, err)
	}
	var old result.Validity // as results of earlier versions have it
	if err := json.Unmarshal([]byte(`{"verdict":"valid","triage":{"where":"redis","detail":"slow PING"}}`), &old); err != nil || validity.Explain(old) != "redis: slow PING" {
		t.Errorf("an older result: %q, %v", validity.Explain(old), err)
	}
}

// throttled is a run under a limit of 0.2 CPUs.
func throttled(share float64) run {
	e := good()
	e.Usage.CPULimit, e.Usage.AllowedCPUs, e.Usage.LimitSource = 0.2, 0.2, "/sys/fs/cgroup/cpu.max"
	e.Usage.Throttled, e.Usage.Periods, e.Usage.ThrottledPeriods, e.Usage.ThrottledFor = &share, 1000, int64(1000*share), 9*time.Second
	return e
}

func TestACPULimitThatBindsIsTheCauseThatIsNamed(t *testing.T) {
	t.Parallel()
	e := throttled(0.85)
	e.Schedule.LateShare, e.Probes.Hiccup = ptr(0.7), all(30*time.Millisecond)
	e.Measured.Host.SchedP99, e.Measured.Host.RunQueue = ptr(40*time.Millisecond), ptr(0.9)
	e.Usage.SharedLimit = true
	v := e.judge()
	why := strings.Join(v.Reasons, "; ")
	if v.Verdict != result.Suspect || !strings.HasPrefix(why, "the CPU limit of 0.2 CPUs (/sys/fs/cgroup/cpu.max) throttled this process in 850 of 1000 periods, for 9.00 s in all") {
		t.Errorf("%s because of %q", v.Verdict, why)
	}
	for _, want := range []string{usage.LimitRemedy, "everything started for the run", "late: its CPU limit throttled it"} {
		if !strings.Contains(why, want) {
			t.Errorf("reasons %q without %q", why, want)
		}
	}
	for _, wrong := range []string{"busy with something else", "too busy", "other processes"} {
		if strings.Contains(why, wrong) {
			t.Errorf("reasons %q blame something else: %q", why, wrong)
		}
	}
}

func TestACPULimitThatDoesNotBindIsNoReason(t *testing.T) {
	t.Parallel()
	if v := throttled(0.002).judge(); v.Verdict != result.Valid || !v.Checks["cpu_limit"].Passed || v.Checks["cpu_limit"].Value == nil {
		t.Errorf("%s, %+v", v.Verdict, v.Checks["cpu_limit"])
	}
	e := good()
	e.Measured.Host.CPU = hoststat.Throttling{CPULimit: hoststat.CPULimit{Unknown: "permission denied"}}
	if c := e.judge().Checks["cpu_limit"]; c.Value != nil || !strings.Contains(c.Detail, "not known: permission denied") {
		t.Errorf("a limit that cannot be read: %+v", c)
	}
	e = throttled(0)
	e.Usage.Throttled = nil
	if c := e.judge().Checks["cpu_limit"]; c.Value != nil || !strings.Contains(c.Detail, "0.2 CPUs") {
		t.Errorf("a limit that counts nothing: %+v", c)
	}
}

func TestAComparisonThatCannotTellNeitherAccusesNorVouches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		seen, sum   float64
		noise, bias float64
		lost        int64
		passed      bool
		effect, why string
	}{
		{name: "agreeing", seen: 48, sum: 50, noise: 1, passed: true},
		{name: "agreeing as far as can be seen", seen: 48, sum: 50, noise: 30, effect: validity.Undecided},
		{name: "apart, and that may be a stall", seen: 20, sum: 50, bias: 60, effect: validity.Undecided},
		{name: "apart, and nothing is lost", seen: 20, sum: 50, noise: 1, effect: result.Suspect, why: "every job is accounted for"},
		{name: "far apart in spite of a stall", seen: 500, sum: 50, bias: 60, effect: result.Suspect, why: "every job is accounted for"},
		{name: "apart, and jobs are lost", seen: 20, sum: 50, noise: 1, lost: 7, effect: result.Suspect, why: "jobs are lost (7)"},
		{name: "an empty list where the stamps see a queue", seen: 0, sum: 50, noise: 0, effect: result.Suspect},
	} {
		e := good()
		e.Queue.Mean, e.Queue.Stamps, e.Queue.Noise, e.Queue.Bias, e.Ledger.Lost = &c.seen, &c.sum, c.noise, c.bias, c.lost
		v := e.judge()
		k := v.Checks["little"]
		why := strings.Join(v.Reasons, "; ")
		if k.Passed != c.passed || k.Effect != c.effect || !strings.Contains(why, c.why) || (v.Verdict == result.Suspect) != (c.effect == result.Suspect) {
			t.Errorf("%s: %s, %+v, %q; want %q because of %q", c.name, v.Verdict, k, why, c.effect, c.why)
		}
		if c.lost == 0 && strings.Contains(why, "lost") {
			t.Errorf("%s: %q, and nothing was lost", c.name, why)
		}
	}
	e := good()
	e.Workers.Mean, e.Workers.Stamps, e.Workers.Bias = ptr(0.9), ptr(0.5), 0.6
	if k := e.judge().Checks["utilisation"]; k.Passed || k.Effect != validity.Undecided {
		t.Errorf("utilisation %+v", k)
	}
}

// closed is the usage of a closed loop on two CPUs, with a Redis on the same host.
func closed(host, generator, redis, workers float64) usage.Usage {
	return usage.Usage{
		Host: &host, Generator: &generator, Redis: &redis, Workers: &workers,
		CPUs: 2, AllowedCPUs: 2, RedisHere: true, InFlight: 64,
	}
}
