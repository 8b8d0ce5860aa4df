package usage_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/usage"
)

// closed is the usage of a closed loop on two CPUs, with a Redis on the same host.
func closed(host, generator, redis, workers float64) usage.Usage {
	return usage.Usage{
		Host: &host, Generator: &generator, Redis: &redis, Workers: &workers,
		CPUs: 2, AllowedCPUs: 2, RedisHere: true, InFlight: 64,
	}
}

func TestWhatWasAtItsLimitFollowsFromWhatWasInUse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		u     usage.Usage
		alter func(*usage.Usage)
		part  string
		near  []string
		words string
	}{
		{name: "host and consumers near their limits, and not the jobs in flight", u: closed(0.89, 0.47, 0.72, 0.89), part: usage.Host,
			near: []string{usage.Host, usage.Workers, usage.Redis}, words: "89% busy: this process used 0.94 of them, Redis 0.72; also near its limit: consumers 89%"},
		{name: "near their limits, and other programs busy", u: closed(0.89, 0.20, 0.30, 0.80), part: "",
			near: []string{usage.Workers, usage.Host}, words: "consumers 80% and host CPU 89%: several parts are near their limits"},
		{name: "one near its limit", u: closed(0.40, 0.20, 0.75, 0.50), part: "", near: []string{usage.Redis}, words: "Redis 75% of one CPU: near its limit"},
		{name: "everything clearly idle", u: closed(0.30, 0.15, 0.20, 0.40), part: usage.InFlight, near: []string{}, words: "64 jobs in flight are the limit"},
		{name: "everything clearly idle in an open loop", u: closed(0.30, 0.15, 0.20, 0.40), alter: func(u *usage.Usage) { u.InFlight = 0 }, part: "", near: []string{}},
		{name: "idle as far as it was measured", u: closed(0, 0.15, 0.20, 0.40), alter: func(u *usage.Usage) { u.Host = nil }, part: "", near: []string{}},
		{name: "consumers that only wait for answers", u: closed(0.40, 0.20, 0.30, 0.97), part: usage.Workers, near: []string{usage.Workers}, words: "round trips to Redis: more consumers"},
		{name: "consumers that work", u: closed(0.40, 0.20, 0.30, 0.97), alter: func(u *usage.Usage) { u.Work = 0.9 }, part: usage.Workers, near: []string{usage.Workers}, words: "the workers were busy 97% of the time"},
		{name: "Redis full, and consumers that wait for it", u: closed(0.60, 0.20, 0.97, 0.99), part: usage.Redis, near: []string{usage.Redis, usage.Workers}, words: "Redis used 97% of one CPU"},
		{name: "Postgres on this host, whose connections are busy", u: closed(0.85, 0.20, 0.30, 0.50), alter: withPostgres(0.97), part: usage.Postgres, near: []string{usage.Postgres, usage.Host}, words: "connections to Postgres were busy 97% of the time"},
		{name: "Postgres elsewhere, whose connections are busy", u: closed(0.40, 0.20, 0.30, 0.50), alter: func(u *usage.Usage) { u.Postgres = new(0.97) }, part: usage.Postgres, near: []string{usage.Postgres}, words: "connections to Postgres"},
		{name: "Postgres on this host, which has nothing left", u: closed(0.98, 0.50, 0.30, 0.50), alter: withPostgres(0.97), part: usage.Host, near: []string{usage.Host, usage.Postgres},
			words: "98% busy: this process used 1.00 of them, Redis 0.30, Postgres and other programs 0.66; also near its limit: connections to Postgres 97%"},
		{name: "Postgres on this host, which uses most of it", u: closed(0.98, 0.20, 0.30, 0.50), alter: withPostgres(0.97), part: usage.Backend, near: []string{usage.Postgres, usage.Host},
			words: "98% busy: this process used 0.40 of them, Redis 0.30, Postgres and other programs 1.26; also near its limit: connections to Postgres 97%"},
		{name: "an API on this host, which uses most of it", u: closed(0.99, 0.20, 0, 0), alter: func(u *usage.Usage) {
			u.API, u.EntryHere, u.RedisHere, u.Redis, u.Workers = new(0.60), true, false, nil, nil
		}, part: usage.Backend, near: []string{usage.Host},
			words: "99% busy: this process used 0.40 of them, the API and other programs 1.58"},
		{name: "an API on this host, whose connections are busy", u: closed(0.60, 0.20, 0, 0), alter: func(u *usage.Usage) { u.API, u.EntryHere, u.Redis, u.Workers = new(0.99), true, nil, nil }, part: usage.API, near: []string{usage.API}, words: "the API gave out"},
		{name: "nothing was measured", u: usage.Usage{InFlight: 8}, part: "", near: []string{}},
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

// withPostgres is a Postgres on this host whose connections are busy for that share.
func withPostgres(busy float64) func(*usage.Usage) {
	return func(u *usage.Usage) { u.Postgres, u.EntryHere = &busy, true }
}

// A host cannot be less busy than what runs on it, whatever its own counters say.
func TestTheHostIsAtLeastAsBusyAsWhatIsKnownToRunOnIt(t *testing.T) {
	t.Parallel()
	for host, want := range map[float64]float64{0.01: 0.3, 0.5: 0.5} {
		if got := *closed(host, 0.2, 0.2, 0.5).Bounded().Host; got < want-1e-9 || got > want+1e-9 {
			t.Errorf("a host that counts %v is %v busy, want %v: 0.2 of two CPUs and 0.2 of one are used", host, got, want)
		}
	}
	if u := (usage.Usage{CPUs: 2}).Bounded(); u.Host != nil {
		t.Errorf("a host that was not measured is %v busy", *u.Host)
	}
}
