package study_test

import (
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/result"
)

// Each row is what a run may have measured: of the host's CPUs, of those
// that this process may use, and of the one that Redis uses.
func TestTheLimitIsNamedByTheEvidence(t *testing.T) {
	t.Parallel()
	far := func(r *result.Result) { r.Validity.Usage.RedisHere = false }
	limited := func(cpus float64, throttled *float64) func(*result.Result) {
		return func(r *result.Result) {
			u := &r.Validity.Usage
			u.CPULimit, u.AllowedCPUs, u.LimitSource, u.Throttled = cpus, min(2, cpus), "/sys/fs/cgroup/cpu.max", throttled
		}
	}
	for _, c := range []struct {
		name                 string
		host, process, redis float64
		alter                func(*result.Result)
		part, detail         string
	}{
		{
			name: "two CPUs, shared with Redis, and little idle", host: 0.86, process: 0.49, redis: 0.69,
			part: "host", detail: "CPUs of this host (2) were 86% busy: this process used 0.98 of them, Redis 0.69",
		},
		{
			name: "the same, and jobs wait for consumers all the while", host: 0.86, process: 0.49, redis: 0.69, alter: waited(30 * time.Millisecond),
			part: "host", detail: "Redis 0.69; 30 jobs on average waited for consumers that take 8 at a time: more consumers, or a larger batch, may carry more",
		},
		{name: "jobs wait, and there is no time left on the host", host: 0.97, process: 0.49, redis: 0.90, alter: waited(30 * time.Millisecond), part: "host", detail: "Redis 0.90"},
		{name: "Redis busy on a host that is full", host: 0.97, process: 0.50, redis: 0.90, part: "host"},
		{name: "Redis has all of a CPU, and more would not help it", host: 0.97, process: 0.46, redis: 0.98, part: "redis"},
		{name: "Redis busy, and the host has time to give", host: 0.62, process: 0.16, redis: 0.88, part: "redis"},
		{name: "Redis elsewhere busy, and nothing of this host", host: 0.30, process: 0.25, redis: 0.93, alter: far, part: "redis"},
		{name: "Redis elsewhere, and this host full", host: 0.88, process: 0.80, redis: 0.70, alter: far, part: "generator", detail: "88% busy: this process used 1.60 of them"},
		{
			name: "this process may use one of eight CPUs, and does", host: 0.20, process: 0.97, redis: 0.40, part: "generator",
			alter: func(r *result.Result) { r.Validity.Usage.CPUs, r.Validity.Usage.AllowedCPUs = 8, 1 },
		},
		{
			name: "the same as a share of all eight is little", host: 0.30, process: 0.12, redis: 0.40, part: "",
			alter: func(r *result.Result) { r.Validity.Usage.CPUs, r.Validity.Usage.AllowedCPUs = 8, 8 },
		},
		{name: "this process takes all that Redis leaves", host: 0.99, process: 0.88, redis: 0.20, part: "generator"},
		{
			name: "external workers, and nothing else is busy", host: 0.60, process: 0.20, redis: 0.20, part: "workers", detail: "Redis was busy 20% and this process 20% of the time",
			alter: func(r *result.Result) { r.Scenario.External = true },
		},
		{
			name: "external workers that take what is left of the host", host: 0.99, process: 0.20, redis: 0.20, part: "workers", detail: "which used 1.40 CPUs",
			alter: func(r *result.Result) {
				r.Scenario.External = true
				cpus := 1.4
				r.Validity.Usage.WorkerCPUs = &cpus
			},
		},
		{
			name: "external workers, and something else takes the host", host: 0.99, process: 0.20, redis: 0.20, part: "host", detail: "other programs used 69% of their time",
			alter: func(r *result.Result) { r.Scenario.External = true },
		},
		{
			name: "external workers, and Redis is busy", host: 0.62, process: 0.16, redis: 0.88, part: "redis",
			alter: func(r *result.Result) { r.Scenario.External = true },
		},
		{name: "other programs' work, and idle time is left", host: 0.85, process: 0.20, redis: 0.20, part: ""},
		{name: "other programs' work, and no idle time", host: 0.98, process: 0.30, redis: 0.40, part: "host", detail: "other programs used 48% of their time"},
		{name: "the same, and Redis elsewhere", host: 0.98, process: 0.30, redis: 0.40, alter: far, part: "generator", detail: "other programs used 68% of their time"},
		{
			name: "other programs' work, and it was felt", host: 0.90, process: 0.20, redis: 0.20, part: "host", detail: "woke late",
			alter: func(r *result.Result) {
				r.Validity.Triage = result.Triage{Where: usage.Host, Detail: "a goroutine that only waits woke late"}
			},
		},
		{
			name: "an idle host and idle workers", host: 0.30, process: 0.20, redis: 0.20, part: "generator", detail: "an echo took long",
			alter: func(r *result.Result) {
				r.Validity.Triage = result.Triage{Where: usage.Client, Detail: "an echo took long"}
			},
		},
		{name: "workers that are busy with their work", host: 0.40, process: 0.20, redis: 0.30, alter: worked(10*time.Millisecond, 0), part: "workers", detail: "100%"},
		{name: "workers that are busy with their work on a full host", host: 0.90, process: 0.50, redis: 0.70, alter: worked(10*time.Millisecond, 0), part: "workers"},
		{name: "workers that a full host keeps at their publish", host: 0.90, process: 0.50, redis: 0.70, alter: worked(time.Millisecond, 9*time.Millisecond), part: "host"},
		{name: "workers that something else keeps at their publish", host: 0.40, process: 0.20, redis: 0.30, alter: worked(time.Millisecond, 9*time.Millisecond), part: "workers"},
		{name: "a CPU limit that stops it all the time", host: 0.15, process: 0.99, redis: 0.05, alter: limited(0.2, ptr(1.0)), part: "cpu_limit", detail: "0.2 CPUs (/sys/fs/cgroup/cpu.max)"},
		{name: "a CPU limit that it shares with Redis", host: 0.60, process: 0.55, redis: 0.40, alter: limited(1, ptr(0.8)), part: "cpu_limit"},
		{name: "a CPU limit that is used up where nothing counts it", host: 0.15, process: 0.97, redis: 0.05, alter: limited(0.2, nil), part: "cpu_limit", detail: "97%"},
		{name: "a CPU limit that is never met", host: 0.60, process: 0.40, redis: 0.97, alter: limited(1.5, ptr(0.0)), part: "redis"},
	} {
		r := carried(t, 0, 0)
		use(r, c.host, c.process, c.redis)
		if c.alter != nil {
			c.alter(r)
		}
		l := study.LimitOf(r)
		if l.Part != c.part || !strings.Contains(l.Detail, c.detail) || !strings.Contains(c.detail, "waited") && strings.Contains(l.Detail, "waited") {
			t.Errorf("%s: %q, %q; want %q with %q", c.name, l.Part, l.Detail, c.part, c.detail)
		}
		if external := strings.Contains(c.detail, "other programs"); l.External != external {
			t.Errorf("%s: used up by other programs: %t, want %t", c.name, l.External, external)
		}
	}
}

// waited is a result of 1,000 jobs/s through 8 consumers that each waited so long
// in the queue.
func waited(mean time.Duration) func(*result.Result) {
	return func(r *result.Result) {
		r.Validity.Usage.Waiting, r.Validity.Usage.Taken = 1000*mean.Seconds(), 8
	}
}

// worked is a result whose 1,000 jobs took one worker 10 s with so much of work
// and of publish.
func worked(work, publish time.Duration) func(*result.Result) {
	return func(r *result.Result) {
		r.Validity.Usage.Work = min(1, 100*work.Seconds())
		r.Validity.Usage.Workers = ptr(min(1, 100*(work+publish).Seconds()))
	}
}

func ptr[T any](v T) *T { return &v }
