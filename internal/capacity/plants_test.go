package capacity_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
)

// workers are a queue before equal workers, simulated job by job in virtual time. Its
// capacity is exactly known: what the workers carry when they are never idle.
type workers struct {
	n       int
	service time.Duration // its mean
	sigma   float64       // of its logarithm; 0 means that all jobs take about as long
	slo     time.Duration // for the p99 from the due time to the end
	poisson bool
	// unbound hides that the workers are the limit of the closed loop, too.
	unbound bool
	// speed is by how much the host is faster or slower from trial to trial, and
	// stalls the chance of a trial to have one, of 150 ms.
	speed, stalls float64
	horizon       time.Duration
	random        *rand.Rand
}

func (w workers) truth() float64 { return float64(w.n) / w.service.Seconds() }

const (
	simulatedWarmup = time.Second
	simulatedRest   = 600 * time.Millisecond
	binLength       = 10 * time.Millisecond
)

// busy draws how long a job takes.
func (w workers) busy() float64 {
	if w.sigma == 0 {
		return w.service.Seconds() * (0.98 + 0.04*w.random.Float64())
	}
	return w.service.Seconds() * math.Exp(w.sigma*w.random.NormFloat64()-w.sigma*w.sigma/2)
}

// probe is a [capacity.Probe]. It judges as a real one does: by the SLO and by the
// growth of the backlog, with trials that become longer when they cannot tell.
func (w workers) probe(_ context.Context, t capacity.Trial) (capacity.Outcome, error) {
	speed := math.Exp(w.speed * w.random.NormFloat64())
	o := capacity.Outcome{Verdict: capacity.Good, Limit: capacity.Limit{Part: "workers"}}
	if t.Kind == capacity.Ceiling {
		o.Took = t.Length + simulatedWarmup + simulatedRest
		o.Achieved, o.Error = w.closed(t.Length, speed)
		if !w.unbound {
			o.Bound = o.Achieved + max(2*o.Error, o.Achieved/100)
		}
		return o, nil
	}
	longest := max(t.Length, t.Longest)
	stall := math.Inf(1)
	if w.random.Float64() < w.stalls {
		stall = (simulatedWarmup + t.Length/2).Seconds()
	}
	due, done := w.open(t.Rate, (simulatedWarmup + longest + w.slo).Seconds(), speed, stall)
	for length := t.Length; ; length = min(2*length, longest) {
		v := w.judge(t.Rate, due, done, length)
		o.Measured, o.Verdict = length, v
		if v == capacity.Inconclusive && length >= longest {
			o.Verdict, o.Reasons = capacity.Bad, []string{"inconclusive"}
		}
		if v != capacity.Inconclusive || length >= longest {
			o.Took = length + simulatedWarmup + simulatedRest
			return o, nil
		}
	}
}

// closed is what the workers carry when they are never idle, and its error.
func (w workers) closed(length time.Duration, speed float64) (perS, e float64) {
	const blocks = 10
	var counts [blocks]float64
	for range w.n {
		at := w.busy() / speed * w.random.Float64()
		for at < length.Seconds() {
			counts[int(at/length.Seconds()*blocks)]++
			at += w.busy() / speed
		}
	}
	var sum, square float64
	for _, n := range counts {
		sum += n
	}
	for _, n := range counts {
		square += (n - sum/blocks) * (n - sum/blocks)
	}
	return sum / length.Seconds(), math.Sqrt(square*blocks/(blocks-1)) / length.Seconds()
}

// open is when jobs at that rate are due, and when they are done, in seconds.
func (w workers) open(rate, length, speed, stall float64) (due, done []float64) {
	free := make([]float64, w.n)
	at := w.random.Float64() / rate
	for at < length {
		first := slices.Index(free, slices.Min(free))
		start := max(at, free[first])
		end := start + w.busy()/speed
		if start < stall && end >= stall {
			end += 0.15
		}
		free[first] = end
		due, done = append(due, at), append(done, end)
		step := 1 / rate
		if w.poisson {
			step *= w.random.ExpFloat64()
		}
		at += step
	}
	return due, done
}

func (w workers) judge(rate float64, due, done []float64, length time.Duration) capacity.Verdict {
	from, to := simulatedWarmup.Seconds(), (simulatedWarmup + length).Seconds()
	var all, late []float64
	jobs := make([]int64, int(to/binLength.Seconds())+2)
	count := func(at float64, n int64) {
		if i := int(at/binLength.Seconds()) + 1; i < len(jobs) {
			jobs[i] += n
		}
	}
	for i := range due {
		count(due[i], 1)
		count(done[i], -1)
		if due[i] >= from && due[i] < to {
			all = append(all, done[i]-due[i])
			if due[i] >= to-(to-from)/3 {
				late = append(late, done[i]-due[i])
			}
		}
	}
	var b capacity.Backlog
	backlog := int64(0)
	for i, n := range jobs {
		backlog += n
		b.Add(time.Duration(i)*binLength, backlog)
	}
	if quantile(all, 0.99) > w.slo.Seconds() {
		return capacity.Bad
	}
	now := time.Duration(quantile(late, 0.99) * float64(time.Second))
	return b.Growth(simulatedWarmup, simulatedWarmup+length).Verdict(rate, now, w.slo, w.horizon)
}

func TestSearchesOfWorkersAreConfirmedAndNeverAboveWhatTheyCarry(t *testing.T) {
	t.Parallel()
	const searches = 40
	for _, c := range []struct {
		name       string
		w          workers
		trial      time.Duration
		least, low float64 // share of confirmed searches, and the median answer over the truth
	}{
		{name: "2 workers of 10 ms", w: workers{n: 2, service: 10 * time.Millisecond, slo: 200 * time.Millisecond}, least: 1, low: 0.95},
		{name: "on a host that is not quiet", w: workers{n: 2, service: 10 * time.Millisecond, slo: 200 * time.Millisecond, speed: 0.01, stalls: 0.1}, least: 1, low: 0.95},
		{name: "8 workers of 5 ms", w: workers{n: 8, service: 5 * time.Millisecond, slo: 200 * time.Millisecond}, least: 1, low: 0.95},
		{name: "a tight SLO", w: workers{n: 8, service: 5 * time.Millisecond, slo: 50 * time.Millisecond, speed: 0.01, stalls: 0.05}, least: 0.97, low: 0.93},
		{name: "an SLO far from the knee", w: workers{n: 2, service: 10 * time.Millisecond, slo: 5 * time.Second, speed: 0.01}, trial: 2 * time.Second, least: 1, low: 0.95},
		{name: "work that varies", w: workers{n: 4, service: 7460 * time.Microsecond, sigma: 0.894, slo: 200 * time.Millisecond}, least: 0.97, low: 0.93},
		{name: "random arrivals", w: workers{n: 8, service: 5 * time.Millisecond, slo: 200 * time.Millisecond, poisson: true}, least: 0.95, low: 0.92},
		{name: "nothing says that the workers are the limit", w: workers{n: 2, service: 10 * time.Millisecond, slo: 200 * time.Millisecond, unbound: true, speed: 0.01}, least: 1, low: 0.90},
		{name: "the same, and a limit that short trials do not reach", w: workers{n: 2, service: 10 * time.Millisecond, slo: 2 * time.Second, unbound: true}, trial: 2 * time.Second, least: 1, low: 0.90},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var rates []float64
			for seed := range uint64(searches) {
				w := c.w
				w.horizon, w.random = 10*time.Minute, rand.New(rand.NewPCG(seed, 3))
				_, a, err := capacity.Search(t.Context(), w.probe, capacity.Options{Budget: 2 * time.Minute, Trial: c.trial})
				if err != nil || a.Took > 2*time.Minute {
					t.Fatalf("seed %d: %s, %v", seed, a.Took, err)
				}
				if a.Rate > w.truth() {
					t.Errorf("seed %d: %v jobs/s (%s), above the %v that the workers carry", seed, a.Rate, a.Status, w.truth())
				}
				if a.Status == capacity.Confirmed {
					rates = append(rates, a.Rate/w.truth())
				}
			}
			t.Logf("confirmed %.3f, half below %.3f", float64(len(rates))/searches, quantile(rates, 0.5))
			if got := float64(len(rates)) / searches; got < c.least {
				t.Errorf("%.2f of the searches ended with a confirmed rate, want %v", got, c.least)
			}
			if got := quantile(rates, 0.5); got < c.low {
				t.Errorf("half of the answers lie below %.3f of what the workers carry, want %v", got, c.low)
			}
		})
	}
}

// Trials of two seconds hold an SLO of two seconds at a load that is too high by far.
// What gives it away is that the backlog grows.
func TestAGrowingBacklogThatHasNotReachedTheSLOIsNotGood(t *testing.T) {
	t.Parallel()
	for rate, want := range map[float64]capacity.Verdict{150: capacity.Good, 190: capacity.Good, 202: capacity.Bad, 205: capacity.Bad, 240: capacity.Bad} {
		w := workers{n: 2, service: 10 * time.Millisecond, slo: 2 * time.Second, horizon: 10 * time.Minute, random: rand.New(rand.NewPCG(1, 1))}
		o, err := w.probe(t.Context(), capacity.Trial{Kind: capacity.Short, Rate: rate, Length: 2 * time.Second, Longest: 8 * time.Second})
		if err != nil || o.Verdict != want {
			t.Errorf("%v jobs/s where 200 are carried: %s %v after %s, want %s", rate, o.Verdict, o.Reasons, o.Measured, want)
		}
	}
}

func TestAnSLOThatNothingHoldsHasNoRate(t *testing.T) {
	t.Parallel()
	w := workers{n: 2, service: 10 * time.Millisecond, slo: 5 * time.Millisecond, horizon: 10 * time.Minute, random: rand.New(rand.NewPCG(1, 1))}
	trials, a, err := capacity.Search(t.Context(), w.probe, capacity.Options{Budget: 2 * time.Minute, Least: 4})
	if err != nil || a.Status != capacity.NoRate || a.Rate != 0 || len(trials) > 12 {
		t.Errorf("%+v after %d trials, %v; want that there is no rate, and soon", a, len(trials), err)
	}
}

// The closed loop bounds the search: no trial is made far above it, and a loop that
// trials contradict is made again.
func TestAClosedLoopThatTrialsContradictIsMadeAgain(t *testing.T) {
	t.Parallel()
	for _, slow := range []float64{1, 0.8} { // the first loop, as a share of what it should have carried
		w := workers{n: 8, service: 5 * time.Millisecond, slo: 200 * time.Millisecond, horizon: 10 * time.Minute, random: rand.New(rand.NewPCG(1, 1))}
		bound := 0.0
		probe := func(ctx context.Context, tr capacity.Trial) (capacity.Outcome, error) {
			o, err := w.probe(ctx, tr)
			if tr.N == 1 {
				o.Achieved, o.Bound = o.Achieved*slow, o.Bound*slow
			}
			if tr.Kind == capacity.Ceiling {
				bound = o.Bound
			} else if tr.Rate > 1.001*bound {
				t.Errorf("slow %v: a trial at %v, above the bound of %v", slow, tr.Rate, bound)
			}
			return o, err
		}
		trials, a, err := capacity.Search(t.Context(), probe, capacity.Options{Budget: 2 * time.Minute})
		again := slices.ContainsFunc(trials, func(tr capacity.Trial) bool { return tr.Again })
		if err != nil || a.Status != capacity.Confirmed || a.Rate < 0.93*w.truth() || a.Rate > w.truth() || slow < 1 && !again {
			t.Errorf("slow %v: %s %v of %v, made again: %t, %v", slow, a.Status, a.Rate, w.truth(), again, err)
		}
		if slow < 1 && (!a.Drifted() || a.LoopBefore > 0.85*w.truth()) {
			t.Errorf("closed loops of %v and %v: want that the host is said to have drifted", a.LoopBefore, a.LoopAfter)
		}
	}
}
