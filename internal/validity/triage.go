package validity

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/result"
)

// The places of [result.Triage].
const (
	Generator = "generator" // jobs were sent late
	Client    = "client"    // this process, beyond what the host does to anybody
	Redis     = "redis"     // the server, or the way to it
	Workers   = "workers"   // the consumers are busy
	Host      = "host"      // anything that runs here is held up
	CPULimit  = "cpu_limit" // a CPU limit stops this process
	InFlight  = "in_flight" // a closed loop keeps too few jobs in flight to use anything up
)

// Explain says in words where the time went or what was at its limit, with the
// shares in use, empty when nothing is known.
func Explain(v result.Validity) string {
	t := v.Triage
	words := t.Detail
	if words == "" && t.Limit != nil {
		words = cmp.Or(Usage(v.Usage).Explain(*t.Limit), "what limits it is not known here")
	}
	if words != "" && t.Where != "" {
		words = strings.ReplaceAll(t.Where, "_", " ") + ": " + words
	}
	return words
}

// triage compares the probes. Each one passes through what the one before it
// does and a part more: waiting; an echo on this host; a PING; a job. The first
// whose latency is a good part of the jobs' names the place.
//
// A CPU limit that binds slows all of them down, so it comes first. In a closed
// loop no job waits for its time, and only what is at its limit counts.
func triage(e Evidence) result.Triage {
	limit := e.Usage.Limit()
	if e.Closed || limit.Part == CPULimit {
		return result.Triage{Where: limit.Part, Limit: &limit}
	}
	t := slow(e)
	t.Limit = &limit
	if t.Where == CPULimit {
		t.Limit.Part = CPULimit
	}
	return t
}

// slow says where the time of the slow jobs of an open loop went.
func slow(e Evidence) result.Triage {
	p := e.Probes
	if p.EndToEnd == nil {
		return result.Triage{Detail: "too few jobs to tell where the time goes"}
	}
	whole := *p.EndToEnd
	major := func(d *time.Duration) bool { return d != nil && *d >= whole/2 }
	at := fmt.Sprintf("%s is %s", p.stage(), round(whole))
	limit := e.Usage.Limit()
	busy := limit.Part == Workers
	switch {
	case share(e.Usage.Throttled) >= throttledSome && (felt(p) || major(p.Lateness) || major(p.Echo) || major(p.Ping)):
		return result.Triage{Where: CPULimit}
	case felt(p):
		return result.Triage{Where: Host, Detail: fmt.Sprintf("%s, and even a goroutine that only waits woke %s late: the host is busy", at, round(*p.Hiccup))}
	case major(p.Lateness):
		return result.Triage{Where: Generator, Detail: fmt.Sprintf("%s, and jobs were sent %s late at that quantile: the load generator was held up", at, round(*p.Lateness))}
	case major(p.Echo):
		return result.Triage{Where: Client, Detail: fmt.Sprintf("%s, and a local echo without any Redis took %s: this process gets too little CPU time", at, round(*p.Echo))}
	case p.Work != nil && *p.Work >= whole/2 && share(e.Usage.Workers) < atLimit:
		return result.Triage{Where: Workers, Detail: fmt.Sprintf("%s, most of it the work itself (%s)", at, round(*p.Work))}
	case limit.External && share(e.Usage.Workers) >= atLimit:
		return result.Triage{Where: Host, Detail: at + ", and the workers were slowed down: " + e.Usage.Explain(limit)}
	case busy:
		return result.Triage{Where: Workers, Detail: fmt.Sprintf("%s, and the workers were busy %s of the time: jobs wait for a worker", at, percent(*e.Usage.Workers))}
	case major(p.Ping):
		return result.Triage{Where: Redis, Detail: fmt.Sprintf("%s, and a PING on a connection of its own took %s, while a local echo did not: Redis was busy or stalled (see LATENCY, SLOWLOG, and what it writes to disk)", at, round(*p.Ping))}
	case p.PingMax != nil && p.HiccupMax != nil && *p.PingMax > 100*time.Millisecond && *p.PingMax > 4**p.HiccupMax:
		return result.Triage{Where: Redis, Detail: fmt.Sprintf("%s; Redis stood still once for %s, while this process did not", at, round(*p.PingMax))}
	}
	return result.Triage{Detail: at + "; no single part stands out"}
}

// felt reports whether what the host does to anybody is a good part of the jobs'
// latency. Then no other part can be blamed: it was held up, too.
func felt(p Probes) bool {
	return p.Hiccup != nil && p.EndToEnd != nil && *p.Hiccup > 500*time.Microsecond && *p.Hiccup > *p.EndToEnd/4
}
