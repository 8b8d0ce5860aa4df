package validity

import (
	"fmt"
	"time"
)

// Triage says where the time of the slow jobs went, as far as the probes can
// tell. It blames nothing that was not measured.
type Triage struct {
	// Where is generator, client, redis, workers, host, queue or "" when
	// nothing stands out.
	Where  string `json:"where"`
	Detail string `json:"detail"`
}

// The places of [Triage].
const (
	Generator = "generator" // jobs were sent late
	Client    = "client"    // this process, beyond what the host does to anybody
	Redis     = "redis"     // the server, or the way to it
	Workers   = "workers"   // the consumers are busy
	Host      = "host"      // anything that runs here is held up
)

// triage compares the probes. Each one passes through what the one before it
// does and a part more: waiting; an echo on this host; a PING; a job. The first
// whose latency is a good part of the jobs' names the place.
func triage(e Evidence) Triage {
	if e.Closed {
		return ceiling(e)
	}
	p := e.Probes
	if p.EndToEnd == nil {
		return Triage{Detail: "too few jobs to tell where the time goes"}
	}
	whole := *p.EndToEnd
	major := func(d *time.Duration) bool { return d != nil && *d >= whole/2 }
	at := fmt.Sprintf("%s is %s", p.stage(), round(whole))
	busy := e.WorkersBusy != nil && *e.WorkersBusy >= 0.8
	switch {
	case felt(p):
		return Triage{Host, fmt.Sprintf("%s, and even a goroutine that only waits woke %s late: the host is busy", at, round(*p.Hiccup))}
	case major(p.Lateness):
		return Triage{Generator, fmt.Sprintf("%s, and jobs were sent %s late at that quantile: the load generator was held up", at, round(*p.Lateness))}
	case major(p.Echo):
		return Triage{Client, fmt.Sprintf("%s, and a local echo without any Redis took %s: this process has too little processor", at, round(*p.Echo))}
	case p.Work != nil && *p.Work >= whole/2 && !busy:
		return Triage{Workers, fmt.Sprintf("%s, most of it the work itself (%s)", at, round(*p.Work))}
	case busy:
		return Triage{Workers, fmt.Sprintf("%s, and the workers were busy %.0f %% of the time: jobs wait for a worker", at, 100**e.WorkersBusy)}
	case major(p.Ping):
		return Triage{Redis, fmt.Sprintf("%s, and a PING on a connection of its own took %s, while a local echo did not: Redis was busy or stalled (see LATENCY, SLOWLOG, and what it writes to disk)", at, round(*p.Ping))}
	case p.PingMax != nil && p.HiccupMax != nil && *p.PingMax > 100*time.Millisecond && *p.PingMax > 4**p.HiccupMax:
		return Triage{Redis, fmt.Sprintf("%s; Redis stood still once for %s, while this process did not", at, round(*p.PingMax))}
	}
	return Triage{Detail: at + "; no single part stands out"}
}

// felt reports whether what the host does to anybody is a good part of the jobs'
// latency. Then no other part can be blamed: it was held up, too.
func felt(p Probes) bool {
	return p.Hiccup != nil && p.EndToEnd != nil && *p.Hiccup > 500*time.Microsecond && *p.Hiccup > *p.EndToEnd/4
}

// ceiling says what limits a closed loop.
func ceiling(e Evidence) Triage {
	switch {
	case e.WorkersBusy != nil && *e.WorkersBusy >= 0.9:
		return Triage{Workers, fmt.Sprintf("the workers were busy %.0f %% of the time: they are the limit", 100**e.WorkersBusy)}
	case e.RedisBusy != nil && *e.RedisBusy >= 0.9:
		return Triage{Redis, fmt.Sprintf("Redis used %.0f %% of one processor: its single thread is the limit", 100**e.RedisBusy)}
	case e.Strain.Busy != nil && *e.Strain.Busy >= 0.9:
		redis := "an unknown part of it by Redis"
		if e.RedisBusy != nil {
			redis = fmt.Sprintf("%.0f %% of one of them by Redis", 100**e.RedisBusy)
		}
		return Triage{Host, fmt.Sprintf("all %d processors of the host were %.0f %% busy, %s: the machine is the limit, shared by Redis and this process", e.Processors, 100**e.Strain.Busy, redis)}
	case e.ProcessBusy != nil && *e.ProcessBusy >= 0.9:
		return Triage{Generator, fmt.Sprintf("this process used %.0f %% of its processors: the load generator is the limit, not Redis", 100**e.ProcessBusy)}
	}
	return Triage{Detail: "neither Redis, nor the workers, nor a processor was at its limit: the number of jobs in flight is, together with the round trips"}
}
