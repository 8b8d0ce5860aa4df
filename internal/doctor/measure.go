package doctor

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/announced"
	"github.com/queuedyno/queuedyno/internal/dialect/library"
	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/hoststat"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/probe"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/redisfacts"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// Measure collects the facts of this host, and with a client those of its Redis, for as
// long as span. The Redis in the facts has only what was measured; which server it is, the
// caller knows. An error means that nothing could be measured; what is wrong with the Redis
// is in Redis.Unusable.
func Measure(ctx context.Context, client *jobqueue.Client, scenarios []scenario.Scenario, span time.Duration) (Facts, error) {
	f := Facts{Scenarios: scenarios, Host: Host{Host: hoststat.ThisHost(), Settings: hoststat.ThisSettings(), Tick: tick()}}
	f.Host.Connections, _ = redisconn.FileLimit()
	var r *Redis
	if client != nil {
		r = &Redis{}
		f.Redis = r
		r.check(ctx, client, connections(scenarios))
		if slices.ContainsFunc(scenarios, library.SetsKeys) {
			if err := announced.Reported(ctx, client); err != nil {
				r.Unusable = append(r.Unusable, err)
			}
		}
	}
	var ping probe.Pinger
	var before redisfacts.Facts
	if r != nil {
		var err error
		if before, err = client.Inspect(ctx); err != nil {
			r.Unusable = append(r.Unusable, err)
		} else if p, err := client.OpenPing(ctx); err == nil {
			ping = p
		}
	}
	from, began := hoststat.Take(), time.Now()
	probes, err := probe.Start(ctx, ping, waiter.Precise)
	if err != nil {
		return f, err
	}
	wait := time.NewTimer(span)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
	found := probes.Stop()
	f.Host.Stat = from.Until(hoststat.Take())
	f.Host.Wakeup = spread(found.Hiccup)
	if ctx.Err() != nil {
		return f, ctx.Err()
	}
	if r != nil && ping != nil {
		r.RoundTrip = spread(found.Ping)
		after, err := client.Inspect(ctx)
		if err != nil {
			r.Unusable = append(r.Unusable, err)
			return f, nil
		}
		r.Facts = after
		r.Version, r.Mode, r.Config = after.Version, after.Mode, after.Config
		r.Foreign = foreign(before, after, time.Since(began))
		r.Waiting, _ = strconv.ParseInt(before.Info["blocked_clients"], 10, 64)
	}
	return f, nil
}

// check asks what would keep a run from starting: first the permissions, then what a run
// checks before it begins. A server that is not reached is asked once.
func (r *Redis) check(ctx context.Context, client *jobqueue.Client, connections int) {
	if err := client.CheckRunPermissions(ctx); err != nil {
		r.Unusable = append(r.Unusable, err)
		if redisconn.Unreached(err) {
			return
		}
	}
	if err := client.Check(ctx, connections); err != nil && (len(r.Unusable) == 0 || !redisconn.Withheld(err)) {
		r.Unusable = append(r.Unusable, err)
	}
}

// own are the commands that the measurement itself sends, besides PING.
var own = []string{"info", "config", "client", "hello", "auth", "select", "cluster", "role", "sentinel", "command"}

// foreign is how many commands per second other clients have sent, nil where the server
// does not count them by command. PINGs do no harm and are not counted.
func foreign(before, after redisfacts.Facts, span time.Duration) *float64 {
	if len(after.Commands) == 0 || span <= 0 || before.Info["run_id"] != after.Info["run_id"] {
		return nil
	}
	var n int64
counting:
	for name, c := range after.Commands {
		verb, _, _ := strings.Cut(name, "|")
		for _, ours := range append(own, "ping") {
			if verb == ours {
				continue counting
			}
		}
		n += max(0, c.Calls-before.Commands[name].Calls)
	}
	rate := float64(n) / span.Seconds()
	return &rate
}

// spread is the median of a histogram and the highest quantile that it carries, nil where
// it has too few values for a median.
func spread(h *latency.Histogram) *Spread {
	if h == nil {
		return nil
	}
	p50, err := h.Quantile(0.5, 0)
	if err != nil {
		return nil
	}
	s := &Spread{P50: time.Duration(p50), High: time.Duration(p50), At: "p50"}
	for _, q := range []struct {
		name  string
		share float64
	}{{"p90", 0.90}, {"p95", 0.95}, {"p99", 0.99}} {
		if v, err := h.Quantile(q.share, 0); err == nil {
			s.High, s.At = time.Duration(v), q.name
		}
	}
	return s
}

// tick is the smallest step of the clock in some thousand readings.
func tick() time.Duration {
	smallest := time.Duration(0)
	last := time.Now()
	for steps, reads := 0, 0; steps < 1000 && reads < 1_000_000; reads++ {
		now := time.Now()
		if d := now.Sub(last); d > 0 {
			if smallest == 0 || d < smallest {
				smallest = d
			}
			last = now
			steps++
		}
	}
	return smallest
}

// Busiest is the scenario with the highest rate, and false where none has a rate.
func Busiest(all []scenario.Scenario) (busiest scenario.Scenario, ok bool) {
	highest := 0.0
	for _, s := range all {
		if peak := s.WithDefaults().Schedule().PeakRate(); s.Load.Open() && peak > highest {
			busiest, highest = s, peak
		}
	}
	return busiest, highest > 0
}

// trialJobs is how many jobs a trial sends at most.
const trialJobs = 20_000

// Trial is a load as fast as this host manages with the producers, the batch and the
// payload of a scenario, and with workers that do nothing. It belongs on a Redis that was
// started for it.
func Trial(s scenario.Scenario) scenario.Scenario {
	s = s.WithDefaults()
	t := scenario.Scenario{
		Name: s.Name, Load: scenario.Load{Duration: time.Second, Jobs: trialJobs},
		Producers: max(1, s.Producers), Consumers: min(max(4, s.Consumers), 32), Subscribers: 1,
		Batch: s.Batch, Payload: s.Payload, DrainTimeout: 5 * time.Second,
	}
	t.Producers = min(t.Producers, 32)
	t.Load.Rate = pace.Rate{} // as fast as it can
	return t
}

// Send makes the trial of a scenario on an empty queue and says how fast it was.
func Send(ctx context.Context, s scenario.Scenario, queue jobqueue.Backend) (*Sending, error) {
	r, err := engine.Run(ctx, Trial(s), queue, engine.Options{NoProbes: true})
	if err != nil {
		return nil, fmt.Errorf("try how much this host can send: %w", err)
	}
	return sending(r), nil
}

// sending reads the result of a trial, nil where it shows nothing.
func sending(r *result.Result) *Sending {
	rate, _, ok := r.Metric("achieved_rate")
	if !ok || rate <= 0 || r.Ledger.Lost > 0 {
		return nil
	}
	s := &Sending{Scenario: r.Scenario.Name, Rate: rate}
	if cpu, _, ok := r.Metric("cpu_per_job"); ok {
		s.CPU = time.Duration(cpu)
	}
	return s
}
