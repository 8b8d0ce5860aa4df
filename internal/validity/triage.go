package validity

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/result"
)

// Explain says in words where the time went or what was at its limit, with the
// shares in use, empty when nothing is known.
func Explain(v result.Validity) string {
	t := v.Triage
	words := t.Detail
	if words == "" && t.Limit != nil {
		words = cmp.Or(usage.Usage(v.Usage).Explain(*t.Limit), "what limits it is not known here")
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
func (j *judge) triage() result.Triage {
	limit := j.m.Usage.Limit()
	if j.closed() || limit.Part == usage.CPULimit {
		return result.Triage{Where: limit.Part, Limit: &limit}
	}
	t := j.slow()
	t.Limit = &limit
	if t.Where == usage.CPULimit {
		t.Limit.Part = usage.CPULimit
	}
	return t
}

// slow says where the time of the slow jobs of an open loop went.
func (j *judge) slow() result.Triage {
	p := j.p
	if p.whole == nil {
		return result.Triage{Detail: "too few jobs to tell where the time goes"}
	}
	whole := *p.whole
	major := func(d *time.Duration) bool { return d != nil && *d >= whole/2 }
	at := fmt.Sprintf("%s is %s", p.name(), usage.Round(whole))
	limit := j.m.Usage.Limit()
	busy := limit.Part == usage.Workers
	switch {
	case usage.Share(j.m.Usage.Throttled) >= usage.ThrottledSome && (felt(p) || major(p.lateness) || major(p.echo) || major(p.ping)):
		return result.Triage{Where: usage.CPULimit}
	case felt(p):
		return result.Triage{Where: usage.Host, Detail: fmt.Sprintf("%s, and even a goroutine that only waits woke %s late: the host is busy", at, usage.Round(*p.hiccup))}
	case major(p.lateness):
		return result.Triage{Where: usage.Generator, Detail: fmt.Sprintf("%s, and jobs were sent %s late at that quantile: the load generator was held up", at, usage.Round(*p.lateness))}
	case major(p.echo):
		return result.Triage{Where: usage.Client, Detail: fmt.Sprintf("%s, and a local echo without any Redis took %s: this process gets too little CPU time", at, usage.Round(*p.echo))}
	case p.work != nil && *p.work >= whole/2 && usage.Share(j.m.Usage.Workers) < usage.AtLimit:
		return result.Triage{Where: usage.Workers, Detail: fmt.Sprintf("%s, most of it the work itself (%s)", at, usage.Round(*p.work))}
	case limit.External && usage.Share(j.m.Usage.Workers) >= usage.AtLimit:
		return result.Triage{Where: usage.Host, Detail: at + ", and the workers were slowed down: " + j.m.Usage.Explain(limit)}
	case busy:
		return result.Triage{Where: usage.Workers, Detail: fmt.Sprintf("%s, and the workers were busy %s of the time: jobs wait for a worker", at, usage.Percent(*j.m.Usage.Workers))}
	case limit.Part == usage.Backend:
		return result.Triage{Where: usage.Backend, Detail: at + ": " + j.m.Usage.Explain(limit)}
	case major(p.ping) && limit.Part == usage.Host:
		return result.Triage{Where: usage.Host, Detail: fmt.Sprintf("%s, and a PING took %s: %s", at, usage.Round(*p.ping), j.m.Usage.Explain(limit))}
	case major(p.ping):
		return result.Triage{Where: usage.Redis, Detail: fmt.Sprintf("%s, and a PING on a separate connection took %s, while a local echo did not: Redis was busy or stalled (see LATENCY, SLOWLOG, and what it writes to disk)", at, usage.Round(*p.ping))}
	case p.worstPing != nil && p.longestHiccup != nil && *p.worstPing > 100*time.Millisecond && *p.worstPing > 4**p.longestHiccup:
		return result.Triage{Where: usage.Redis, Detail: fmt.Sprintf("%s; Redis stood still once for %s, while this process did not", at, usage.Round(*p.worstPing))}
	}
	if major(p.pickup) {
		return result.Triage{Where: usage.Workers, Detail: fmt.Sprintf("%s, and it took %s until a worker said that it had begun: jobs wait for a worker", at, usage.Round(*p.pickup))}
	}
	return result.Triage{Detail: at + "; no single part stands out"}
}

// felt reports whether what the host does to anybody is a good part of the jobs'
// latency. Then no other part can be blamed: it was held up, too.
func felt(p probes) bool {
	return p.hiccup != nil && p.whole != nil && *p.hiccup > MostHiccup && *p.hiccup > *p.whole/4
}
