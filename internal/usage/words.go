package usage

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/result"
)

// Explain is what was at its limit in words, with what supports it.
func (u Usage) Explain(l result.Limit) string {
	words := u.explain(l)
	if words == "" {
		return ""
	}
	var others []string
	for _, part := range l.Near {
		if part != l.Part && l.Part != "" && !(l.Part == Host && (part == Generator || part == Redis)) && !(l.Part == Backend && part == Host) {
			others = append(others, u.words(part))
		}
	}
	if len(others) > 0 {
		words += "; also near its limit: " + strings.Join(others, ", ")
	}
	return words
}

func (u Usage) explain(l result.Limit) string {
	used := func() string {
		words := fmt.Sprintf("this process used %.2f of them", u.ownCPUs())
		if u.RedisHere && u.Redis != nil {
			words += fmt.Sprintf(", Redis %.2f", *u.Redis)
		}
		if rest := float64(u.CPUs) * (Share(u.Host) - u.own()); u.EntryHere && rest > 0 {
			words += fmt.Sprintf(", %s and other programs %.2f", u.entry(), rest)
		}
		return words
	}
	busy := Percent(max(Share(u.Host), u.own()))
	switch {
	case l.Part == CPULimit:
		return u.LimitWords()
	case l.External:
		return fmt.Sprintf("the CPUs of this host (%d) were never idle, and other programs used %s of their time: %s", u.CPUs, Percent(u.External()), used())
	case l.Part == Workers && u.Work >= minOwn:
		return fmt.Sprintf("the workers were busy %s of the time", Percent(Share(u.Workers)))
	case l.Part == Workers && u.Work > 0:
		return fmt.Sprintf("the workers were busy %s of the time, with work and round trips to %s", Percent(Share(u.Workers)), u.partners())
	case l.Part == Workers:
		return fmt.Sprintf("the consumers were busy %s of the time with round trips to %s: more consumers, or a larger batch, may carry more", Percent(Share(u.Workers)), u.partners())
	case l.Part == Generator && Share(u.Generator) >= AtLimit:
		return fmt.Sprintf("this process used %s of its %s", Percent(Share(u.Generator)), CPUs(u.AllowedCPUs))
	case l.Part == Generator:
		return fmt.Sprintf("the CPUs of this host (%d) were %s busy: %s", u.CPUs, busy, used())
	case l.Part == Postgres:
		return fmt.Sprintf("the connections to Postgres were busy %s of the time: look at what its statements wait for; more connections (entry.postgres.connections) may carry more", Percent(Share(u.Postgres)))
	case l.Part == API:
		return fmt.Sprintf("the connections to the API waited for an answer %s of the time: the API gave out, or more connections (entry.http.connections) may carry more", Percent(Share(u.API)))
	case l.Part == Redis:
		return fmt.Sprintf("Redis used %s of one CPU, and its commands run on one", Percent(Share(u.Redis)))
	case l.Part == Host, l.Part == Backend:
		return fmt.Sprintf("the CPUs of this host (%d) were %s busy: %s", u.CPUs, busy, used()) + u.queued()
	case l.Part == InFlight:
		return fmt.Sprintf("nothing was near its limit, so the %d jobs in flight are the limit, together with the round trips: a larger --in-flight may carry more", u.InFlight)
	case len(l.Near) > 1:
		var near []string
		for _, part := range l.Near {
			near = append(near, u.words(part))
		}
		return strings.Join(near, " and ") + ": several parts are near their limits, and none is clearly the one that gives out"
	case len(l.Near) == 1:
		return u.words(l.Near[0]) + ": near its limit, but not at it"
	}
	return ""
}

// partners are the servers to which consumers make round trips.
func (u Usage) partners() string {
	if u.Postgres != nil {
		return "Redis and Postgres"
	}
	return "Redis"
}

// entry is the server through which jobs come in, where there is one.
func (u Usage) entry() string {
	if u.Postgres != nil {
		return "Postgres"
	}
	return "the API"
}

// LimitWords are the CPU limit and what it did.
func (u Usage) LimitWords() string {
	words := fmt.Sprintf("the CPU limit of %s%s", CPUs(u.CPULimit), From(u.LimitSource))
	switch {
	case u.Throttled == nil:
		words += fmt.Sprintf(" was used up: this process alone used %s of it", Percent(Share(u.Generator)))
	default:
		words += fmt.Sprintf(" throttled this process in %d of %d periods, for %s in all", u.ThrottledPeriods, u.Periods, Round(u.ThrottledFor))
	}
	return words
}

// From names the file that sets a limit, in parentheses.
func From(source string) string {
	if source == "" {
		return ""
	}
	return " (" + source + ")"
}

// LimitRemedy says what to do about a CPU limit that binds.
const LimitRemedy = "raise the limit (docker run --cpus, resources.limits.cpu in Kubernetes, CPUQuota= in systemd) or use fewer jobs/s"

// queued says that jobs waited for consumers all along on a host that had some
// time left: then it may be the number of consumers, each of which takes jobs one
// round trip after the other, that a busy host only makes worse.
func (u Usage) queued() string {
	if Share(u.Host) >= noIdle || u.Taken == 0 || u.Waiting < 2*float64(u.Taken) {
		return ""
	}
	return fmt.Sprintf("; %.0f jobs on average waited for consumers that take %d at a time: more consumers, or a larger batch, may carry more", u.Waiting, u.Taken)
}

// Round writes a duration with three digits and a unit.
func Round(d time.Duration) string {
	unit, name := time.Microsecond, "µs"
	switch {
	case d >= time.Second:
		unit, name = time.Second, "s"
	case d >= time.Millisecond:
		unit, name = time.Millisecond, "ms"
	}
	v := float64(d) / float64(unit)
	digits := 2
	switch {
	case v >= 100:
		digits = 0
	case v >= 10:
		digits = 1
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + " " + name
}
