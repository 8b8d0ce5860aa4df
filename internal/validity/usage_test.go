package validity_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/hoststat"
	"github.com/queuedyno/queuedyno/internal/validity"
	"github.com/queuedyno/queuedyno/result"
)

// closed is the usage of a closed loop on two CPUs, with a Redis on the same host.
func closed(host, generator, redis, workers float64) validity.Usage {
	return validity.Usage{
		Host: &host, Generator: &generator, Redis: &redis, Workers: &workers,
		CPUs: 2, AllowedCPUs: 2, RedisHere: true, InFlight: 64,
	}
}

func TestWhatWasAtItsLimitFollowsFromWhatWasInUse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		u     validity.Usage
		alter func(*validity.Usage)
		part  string
		near  []string
		words string
	}{
		{name: "host and consumers near their limits, and not the jobs in flight", u: closed(0.89, 0.47, 0.72, 0.89), part: validity.Host,
			near: []string{validity.Host, validity.Workers, validity.Redis}, words: "89% busy: this process used 0.94 of them, Redis 0.72; also near its limit: consumers 89%"},
		{name: "near their limits, and other programs busy", u: closed(0.89, 0.20, 0.30, 0.80), part: "",
			near: []string{validity.Workers, validity.Host}, words: "consumers 80% and host CPU 89%: several parts are near their limits"},
		{name: "one near its limit", u: closed(0.40, 0.20, 0.75, 0.50), part: "", near: []string{validity.Redis}, words: "Redis 75% of one CPU: near its limit"},
		{name: "everything clearly idle", u: closed(0.30, 0.15, 0.20, 0.40), part: validity.InFlight, near: []string{}, words: "64 jobs in flight are the limit"},
		{name: "everything clearly idle in an open loop", u: closed(0.30, 0.15, 0.20, 0.40), alter: func(u *validity.Usage) { u.InFlight = 0 }, part: "", near: []string{}},
		{name: "idle as far as it was measured", u: closed(0, 0.15, 0.20, 0.40), alter: func(u *validity.Usage) { u.Host = nil }, part: "", near: []string{}},
		{name: "consumers that only wait for answers", u: closed(0.40, 0.20, 0.30, 0.97), part: validity.Workers, near: []string{validity.Workers}, words: "round trips to Redis: more consumers"},
		{name: "consumers that work", u: closed(0.40, 0.20, 0.30, 0.97), alter: func(u *validity.Usage) { u.Work = 0.9 }, part: validity.Workers, near: []string{validity.Workers}, words: "the workers were busy 97% of the time"},
		{name: "Redis full, and consumers that wait for it", u: closed(0.60, 0.20, 0.97, 0.99), part: validity.Redis, near: []string{validity.Redis, validity.Workers}, words: "Redis used 97% of one CPU"},
		{name: "nothing was measured", u: validity.Usage{InFlight: 8}, part: "", near: []string{}},
	} {
		if c.alter != nil {
			c.alter(&c.u)
		}
		l := c.u.Limit()
		if l.Part != c.part || !slices.Equal(l.Near, c.near) || !strings.Contains(c.u.Explain(l), c.words) {
			t.Errorf("%s: %+v, %q; want %q, near %q, with %q", c.name, l, c.u.Explain(l), c.part, c.near, c.words)
		}
	}
}

func TestTheTriageShowsWhatItLookedAt(t *testing.T) {
	t.Parallel()
	e := good()
	e.Closed, e.Usage = true, closed(0.89, 0.47, 0.72, 0.89)
	v, _ := validity.Judge(e)
	if v.Triage.Where != validity.Host || v.Triage.Detail != "" || v.Triage.Limit == nil {
		t.Errorf("triage %+v, want data and no sentence", v.Triage)
	}
	if got, want := validity.Usage(v.Usage).Words(), "generator 47% of its 2 CPUs, host CPU 89%, Redis 72% of one CPU, consumers 89%, 64 jobs in flight"; got != want {
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

// throttled is the evidence of a run under a limit of 0.2 CPUs.
func throttled(share float64) validity.Evidence {
	e := good()
	e.Usage.CPULimit, e.Usage.AllowedCPUs, e.Usage.LimitSource = 0.2, 0.2, "/sys/fs/cgroup/cpu.max"
	e.Usage.Throttled, e.Usage.Periods, e.Usage.ThrottledPeriods, e.Usage.ThrottledFor = &share, 1000, int64(1000*share), 9*time.Second
	return e
}

func TestACPULimitThatBindsIsTheCauseThatIsNamed(t *testing.T) {
	t.Parallel()
	e := throttled(0.85)
	e.LateShare, e.Probes.Hiccup = ptr(0.7), ptr(30*time.Millisecond)
	e.Strain.SchedP99, e.Strain.RunQueue = ptr(40*time.Millisecond), ptr(0.9)
	e.Usage.SharedLimit = true
	v, _ := validity.Judge(e)
	why := strings.Join(v.Reasons, "; ")
	if v.Verdict != result.Suspect || !strings.HasPrefix(why, "the CPU limit of 0.2 CPUs (/sys/fs/cgroup/cpu.max) throttled this process in 850 of 1000 periods, for 9.00 s in all") {
		t.Errorf("%s because of %q", v.Verdict, why)
	}
	for _, want := range []string{validity.LimitRemedy, "everything started for the run", "late: its CPU limit throttled it"} {
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
	if v, _ := validity.Judge(throttled(0.002)); v.Verdict != result.Valid || !v.Checks["cpu_limit"].Passed || v.Checks["cpu_limit"].Value == nil {
		t.Errorf("%s, %+v", v.Verdict, v.Checks["cpu_limit"])
	}
	e := good()
	e.Strain.CPU = hoststat.Throttling{CPULimit: hoststat.CPULimit{Unknown: "permission denied"}}
	if v, _ := validity.Judge(e); v.Checks["cpu_limit"].Value != nil || !strings.Contains(v.Checks["cpu_limit"].Detail, "not known: permission denied") {
		t.Errorf("a limit that cannot be read: %+v", v.Checks["cpu_limit"])
	}
	e = throttled(0)
	e.Usage.Throttled = nil
	if v, _ := validity.Judge(e); v.Checks["cpu_limit"].Value != nil || !strings.Contains(v.Checks["cpu_limit"].Detail, "0.2 CPUs") {
		t.Errorf("a limit that counts nothing: %+v", v.Checks["cpu_limit"])
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
		e.QueueLen, e.QueueSum, e.QueueNoise, e.QueueBias, e.Lost = &c.seen, &c.sum, c.noise, c.bias, c.lost
		v, _ := validity.Judge(e)
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
	e.WorkersBusy, e.WorkersSum, e.WorkersBias = ptr(0.9), ptr(0.5), 0.6
	v, _ := validity.Judge(e)
	if k := v.Checks["utilisation"]; k.Passed || k.Effect != validity.Undecided {
		t.Errorf("utilisation %+v", k)
	}
}
