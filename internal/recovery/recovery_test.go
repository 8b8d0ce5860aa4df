package recovery_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/queueing"
	"github.com/queuedyno/queuedyno/internal/recovery"
)

const (
	ms = time.Millisecond
	s  = time.Second
)

func within(t *testing.T, what string, got *time.Duration, want, tolerance time.Duration) {
	t.Helper()
	if got == nil || *got < want-tolerance || *got > want+tolerance {
		t.Errorf("%s is %s; want %v and at most %v away from it", what, show(got), want, tolerance)
	}
}

func show(d *time.Duration) string {
	if d == nil {
		return "not known"
	}
	return d.String()
}

func of(t *testing.T, in recovery.Input) recovery.Figures {
	t.Helper()
	all := recovery.Of(in)
	if len(all) != 1 {
		t.Fatalf("Of() returns %d figures for 1 fault", len(all))
	}
	return all[0]
}

// The theory is the closed form of a stall: the last job that waits is due S/(1-rho)
// after its begin, and R*S/(1-rho) jobs wait.
func TestAStallAgreesWithTheory(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{400, 1000, 3000} {
		for _, rho := range []float64{0.05, 0.3, 0.5, 0.8} {
			for _, length := range []time.Duration{300 * ms, s, 2 * s} {
				t.Run(fmt.Sprintf("rate=%v,rho=%v,length=%v", rate, rho, length), func(t *testing.T) {
					t.Parallel()
					sys := system{rate: rate, rho: rho, base: 2 * ms, length: 25 * s, stalls: []stall{{6 * s, length}}}
					theory := queueing.Stall{Length: length, Span: sys.length, Utilisation: rho}
					drain := theory.Drained() - length
					f := of(t, sys.run())
					gap := time.Duration(float64(s) / rate)
					usual := sys.work() + sys.base
					within(t, "Noticed", f.Noticed, max(10*gap, 3*usual)+sys.base, gap+sys.work()) // the base goes on
					within(t, "Flowing", f.Flowing, 0, gap+usual)
					within(t, "Drained", f.Drained, drain, 2*gap+usual)
					// One job in a hundred of the sliding second may be slow.
					within(t, "Recovered", f.Recovered, drain, 10*ms+2*gap+usual)
					jobs := theory.Ramp() * rate * sys.length.Seconds()
					if got := float64(*f.Affected); got < jobs-2 || got > jobs+2 {
						t.Errorf("Affected is %v; want %v", got, jobs)
					}
					if f.Lost != 0 || f.Why != (recovery.Reasons{}) {
						t.Errorf("%d are lost, and not known are %+v; want none", f.Lost, f.Why)
					}
					if got := f.Before; got.P99 < usual-1 || got.P99 > usual+1 || got.P999 < usual-1 || got.P999 > usual+1 || got.Rate < rate-1 || got.Rate > rate+1 || got.Jobs < 5*int64(rate)-5 && got.Jobs < 1000 {
						t.Errorf("Before is %+v; want quantiles of %v and a rate of %v/s", got, usual, rate)
					}
				})
			}
		}
	}
}

func TestALongerStallTakesLonger(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sys := system{
			rate: rapid.Float64Range(300, 1500).Draw(t, "rate"), rho: rapid.Float64Range(0.05, 0.7).Draw(t, "rho"),
			base: time.Duration(rapid.IntRange(0, 5).Draw(t, "base")) * ms, length: 15 * s,
		}
		short := time.Duration(rapid.IntRange(0, 1500).Draw(t, "short")) * ms
		long := short + time.Duration(rapid.IntRange(0, 500).Draw(t, "more"))*ms
		figures := func(length time.Duration) recovery.Figures {
			sys.stalls = []stall{{5 * s, length}}
			return recovery.Of(sys.run())[0]
		}
		a, b := figures(short), figures(long)
		jitter := 3 * time.Duration(float64(s)/sys.rate)
		for _, x := range []struct {
			what string
			a, b *time.Duration
		}{{"Drained", a.Drained, b.Drained}, {"Recovered", a.Recovered, b.Recovered}} {
			if x.a == nil || x.b == nil || *x.b < *x.a-jitter {
				t.Errorf("%s is %s after %v and %s after %v", x.what, show(x.a), short, show(x.b), long)
			}
		}
		if *b.Affected < *a.Affected-3 {
			t.Errorf("Affected is %d after %v and %d after %v", *a.Affected, short, *b.Affected, long)
		}
	})
}

func TestAFaultWithoutEffectHasZeroes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sys := system{
			rate: rapid.Float64Range(250, 1500).Draw(t, "rate"), rho: rapid.Float64Range(0.05, 0.9).Draw(t, "rho"),
			base: time.Duration(rapid.IntRange(0, 50).Draw(t, "base")) * ms, length: 12 * s,
		}
		in := sys.run()
		begin := time.Duration(rapid.IntRange(4500, 7000).Draw(t, "begin")) * ms
		in.Faults = []recovery.Fault{stall{begin, time.Duration(rapid.IntRange(0, 1500).Draw(t, "length")) * ms}.fault()}
		f := recovery.Of(in)[0]
		for what, d := range map[string]*time.Duration{"Flowing": f.Flowing, "Drained": f.Drained, "Recovered": f.Recovered} {
			if d == nil || *d != 0 {
				t.Errorf("%s is %s; want 0", what, show(d))
			}
		}
		if f.Noticed != nil || f.Why != (recovery.Reasons{Noticed: recovery.Unnoticed}) {
			t.Errorf("Noticed is %s, and not known are %+v; want it unnoticed", show(f.Noticed), f.Why)
		}
		if *f.Affected != 0 || f.Lost != 0 {
			t.Errorf("%d are affected and %d lost; want none", *f.Affected, f.Lost)
		}
	})
}

// A server that needs a while after it was started again: notifications flow later than
// the fault ends.
func TestFlowingCountsFromTheEnd(t *testing.T) {
	t.Parallel()
	sys := system{rate: 1000, rho: 0.5, base: ms, length: 15 * s, stalls: []stall{{6 * s, 2 * s}}}
	in := sys.run()
	in.Faults[0].End -= int64(700 * ms)
	f := of(t, in)
	within(t, "Flowing", f.Flowing, 700*ms, 5*ms)
	within(t, "Drained", f.Drained, 2*s+700*ms, 5*ms)
	within(t, "Recovered", f.Recovered, 2*s+700*ms, 15*ms)
}

// Latency alone: nothing stops, and the p99 is back as soon as the delayed jobs are.
func TestALatencyIsRecoveredFromWhenItsLastJobEnds(t *testing.T) {
	t.Parallel()
	sys := system{rate: 1000, rho: 0.2, base: 5 * ms, length: 15 * s}
	in := sys.run()
	in.Faults = []recovery.Fault{stall{6 * s, 2 * s}.fault()}
	for i, j := range in.Jobs {
		if j.Due >= int64(6*s) && j.Due < int64(8*s) {
			in.Jobs[i].Ended += int64(200 * ms)
		}
	}
	f := of(t, in)
	within(t, "Noticed", f.Noticed, 3*(5*ms+sys.work()), 6*ms)
	within(t, "Recovered", f.Recovered, 205*ms, 15*ms)
	within(t, "Drained", f.Drained, 200*ms, 10*ms)
	if *f.Affected != 2000 {
		t.Errorf("Affected is %d; want 2000", *f.Affected)
	}
}

func TestTheFirstErrorIsNoticed(t *testing.T) {
	t.Parallel()
	sys := system{rate: 1000, rho: 0.5, base: ms, length: 15 * s, stalls: []stall{{6 * s, s}}}
	in := sys.run()
	in.Faults[0].FirstError = int64(6*s + 3*ms)
	within(t, "Noticed", of(t, in).Noticed, 3*ms, 0)
	in.Faults[0].FirstError = int64(6*s + 900*ms) // the gap is noticed first
	within(t, "Noticed", of(t, in).Noticed, 10*ms, 2*ms)
}

// The jobs that a crash takes are those in the queue, due before it, and those that are
// sent meanwhile. Losses at other times belong to no fault.
func TestLostJobsBelongToTheFaultThatBeganLast(t *testing.T) {
	t.Parallel()
	sys := system{rate: 1000, rho: 0.2, base: ms, length: 40 * s, stalls: []stall{{8 * s, s}, {20 * s, s}, {30 * s, s}}}
	in := sys.run()
	lose := func(from, to time.Duration) (n int64) {
		for i, j := range in.Jobs {
			if time.Duration(j.Due) >= from && time.Duration(j.Due) < to {
				in.Jobs[i].Ended = recovery.Never
				n++
			}
		}
		return n
	}
	lose(5*s, 5*s+100*ms) // long before
	first := lose(7*s+900*ms, 8*s+50*ms)
	lose(15*s, 15*s+100*ms) // between
	second := lose(20*s+990*ms, 21*s+100*ms)
	var lost []int64
	for _, f := range recovery.Of(in) {
		lost = append(lost, f.Lost)
		if *f.Affected < f.Lost {
			t.Errorf("%d are affected and %d lost", *f.Affected, f.Lost)
		}
		var n int64
		for _, j := range in.Jobs {
			if j.Ended == recovery.Never && j.Due >= f.LostSince && j.Due < f.LostUntil {
				n++
			}
		}
		if n != f.Lost {
			t.Errorf("%d jobs were lost from %d to %d; Lost is %d", n, f.LostSince, f.LostUntil, f.Lost)
		}
	}
	if want := []int64{first, second, 0}; !slices.Equal(lost, want) {
		t.Errorf("Lost is %v; want %v", lost, want)
	}
}

// As long as a system does not recover, it loses jobs: a loss counts as slow.
func TestALossKeepsAFaultFromItsRecovery(t *testing.T) {
	t.Parallel()
	sys := system{rate: 1000, rho: 0.2, base: ms, length: 20 * s, stalls: []stall{{8 * s, 100 * ms}}}
	in := sys.run()
	for i, j := range in.Jobs {
		if j.Due > int64(8*s) && j.Due < int64(11*s) && i%10 == 0 {
			in.Jobs[i].Ended = recovery.Never
		}
	}
	f := of(t, in)
	within(t, "Recovered", f.Recovered, 3*s-100*ms, 110*ms)
	if f.Lost < 299 || f.Lost > 300 {
		t.Errorf("Lost is %d; want 300", f.Lost)
	}
}

func TestFaultsThatOverlap(t *testing.T) {
	t.Parallel()
	sys := system{rate: 1000, rho: 0.5, base: ms, length: 30 * s, stalls: []stall{{8 * s, s}, {8*s + 500*ms, s}, {20 * s, s}}}
	in := sys.run()
	all := recovery.Of(in)
	next := recovery.NextFault
	if want := (recovery.Reasons{Flowing: next, Drained: next, Recovered: next}); all[0].Why != want {
		t.Errorf("of the first are not known %+v; want %+v", all[0].Why, want)
	}
	within(t, "Noticed of the first", all[0].Noticed, 10*ms, 2*ms)
	within(t, "Drained of the second", all[1].Drained, 1500*ms, 5*ms)
	within(t, "Recovered of the second", all[1].Recovered, 1500*ms, 15*ms)
	if all[0].Before != all[1].Before {
		t.Errorf("they are compared with %+v and %+v; want the same", all[0].Before, all[1].Before)
	}
	within(t, "Recovered of the third", all[2].Recovered, s, 15*ms)
	if n := *all[0].Affected + *all[1].Affected; n < 2990 || n > 3002 {
		t.Errorf("%d are affected by the first two; want 3000, each counted once", n)
	}
	// A fault inside of another: its figures wait for the other's end.
	in.Faults = []recovery.Fault{stall{8 * s, 1500 * ms}.fault(), stall{8*s + 200*ms, 0}.fault(), in.Faults[2]}
	inner := recovery.Of(in)[1]
	within(t, "Recovered of the inner one", inner.Recovered, 1300*ms+1500*ms, 15*ms)
}

func TestFaultsThatAreFarApartAreAsIfAlone(t *testing.T) {
	t.Parallel()
	stalls := []stall{{8 * s, s}, {18 * s, 1500 * ms}}
	sys := system{rate: 800, rho: 0.4, base: ms, length: 30 * s, stalls: stalls}
	both := recovery.Of(sys.run())
	for i, one := range stalls {
		sys.stalls = []stall{one}
		if diff := cmp.Diff(both[i], recovery.Of(sys.run())[0]); diff != "" {
			t.Errorf("fault %d differs from the same one alone: %s", i+1, diff)
		}
	}
}

func TestWhatCannotBeKnownHasAReason(t *testing.T) {
	t.Parallel()
	base := system{rate: 1000, rho: 0.5, base: ms, length: 15 * s, stalls: []stall{{6 * s, s}}}
	for what, test := range map[string]struct {
		change func(*system)
		want   recovery.Reasons
	}{
		"all is known": {func(*system) {}, recovery.Reasons{}},
		"900 jobs before": {func(sys *system) { sys.rate = 150 }, recovery.Reasons{
			Noticed: recovery.FewBefore, Drained: recovery.FewBefore, Recovered: recovery.FewBefore, Affected: recovery.FewBefore,
		}},
		"the run ends in it": {func(sys *system) { sys.length = 6500 * ms }, recovery.Reasons{
			Flowing: recovery.RunEnded, Drained: recovery.RunEnded, Recovered: recovery.RunEnded,
		}},
		"the run ends before its backlog": {func(sys *system) { sys.rho = 0.9 }, recovery.Reasons{
			Drained: recovery.RunEnded, Recovered: recovery.RunEnded,
		}},
		"the run ends before the p99 has been good for 2 s": {func(sys *system) { sys.length = 10 * s }, recovery.Reasons{
			Recovered: recovery.RunEnded,
		}},
	} {
		sys := base
		test.change(&sys)
		if got := of(t, sys.run()).Why; got != test.want {
			t.Errorf("%s: not known are %+v; want %+v", what, got, test.want)
		}
	}
	// The load goes down to a tenth when the fault ends.
	in := base.run()
	in.Jobs = slices.DeleteFunc(in.Jobs, func(j recovery.Job) bool { return j.Due > int64(8*s) && j.Due/int64(ms)%20 != 0 })
	if got, want := of(t, in).Why, (recovery.Reasons{Recovered: recovery.FewJobs}); got != want {
		t.Errorf("few jobs after: not known are %+v; want %+v", got, want)
	}
	if got := recovery.Of(recovery.Input{Faults: []recovery.Fault{{}}})[0]; got.Why.Flowing != recovery.RunEnded || got.Lost != 0 || got.Affected != nil {
		t.Errorf("without any job the figures are %+v", got)
	}
	if got := recovery.Of(recovery.Input{}); len(got) != 0 {
		t.Errorf("without a fault there are %d figures", len(got))
	}
}

// A low rate needs longer than a second for its p99.
func TestALowRateHasALongerWindow(t *testing.T) {
	t.Parallel()
	sys := system{rate: 60, rho: 0.2, base: 5 * ms, length: 60 * s, stalls: []stall{{25 * s, 4 * s}}}
	f := of(t, sys.run())
	within(t, "Recovered", f.Recovered, s, 60*ms)
	if f.Before.Jobs != 1000 {
		t.Errorf("it is compared with %d jobs; want 1000", f.Before.Jobs)
	}
}

// A sample of the jobs says the same, but for a few jobs.
func TestASampleOfTheJobsAgrees(t *testing.T) {
	t.Parallel()
	sys := system{rate: 4000, rho: 0.5, base: 2 * ms, length: 20 * s, stalls: []stall{{8 * s, 2 * s}}}
	in := sys.run()
	whole := of(t, in)
	var some []recovery.Job
	for i := 0; i < len(in.Jobs); i += 4 {
		some = append(some, in.Jobs[i])
	}
	in.Jobs, in.Every = some, 4
	f := of(t, in)
	within(t, "Drained", f.Drained, *whole.Drained, 3*ms)
	within(t, "Recovered", f.Recovered, *whole.Recovered, 15*ms)
	if d := *f.Affected - *whole.Affected; d < -40 || d > 40 {
		t.Errorf("Affected is %d of the sample and %d of all", *f.Affected, *whole.Affected)
	}
	if f.Before.Rate < 3990 || f.Before.Rate > 4010 {
		t.Errorf("Rate is %v; want 4000", f.Before.Rate)
	}
}

func TestTheOrderOfTheJobsDoesNotMatter(t *testing.T) {
	t.Parallel()
	sys := system{rate: 500, rho: 0.5, base: ms, length: 15 * s, stalls: []stall{{6 * s, s}}}
	in := sys.run()
	want := of(t, in)
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(in.Jobs), func(i, j int) { in.Jobs[i], in.Jobs[j] = in.Jobs[j], in.Jobs[i] })
	shuffled := slices.Clone(in.Jobs)
	if diff := cmp.Diff(want, of(t, in)); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(in.Jobs, shuffled) {
		t.Error("the input has changed")
	}
}

func BenchmarkOf(b *testing.B) {
	sys := system{rate: 20_000, rho: 0.5, base: ms, length: 50 * s, stalls: []stall{{10 * s, s}, {30 * s, 2 * s}}}
	in := sys.run() // a million jobs
	for b.Loop() {
		recovery.Of(in)
	}
}
