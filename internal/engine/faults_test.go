package engine_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// at1000 is a load of 1,000/s on workers that carry 2,000/s.
func at1000(length time.Duration, faults ...scenario.Fault) scenario.Scenario {
	return scenario.Scenario{
		Name: "faults", Load: scenario.Load{Rate: pace.PerSecond(1000), Duration: length}, Consumers: 8,
		Work: scenario.Work{Time: 4 * time.Millisecond}, DrainTimeout: 5 * time.Second, Faults: faults,
	}
}

func faultOf(kind scenario.FaultKind, target scenario.FaultTarget, at time.Duration) scenario.Fault {
	return scenario.Fault{Kind: kind, Target: target, At: at}
}

// on are the options of a run in virtual time on a server that can be broken.
func on(b *breakable) engine.Options {
	o := virtual()
	o.Server, o.Network = b, b
	return o
}

// near reports whether two figures differ by at most a share of the second.
func near(got, want, share float64) bool { return math.Abs(got-want) <= share*math.Abs(want) }

func TestAPauseHasTheLatenciesAndTheRecoveryThatTheoryPredicts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const stall, length, rho = 2.0, 12.0, 0.5
		f := faultOf(scenario.PauseFault, scenario.RedisTarget, 4*time.Second)
		f.For = 2 * time.Second
		b := newBreakable()
		r := mustRun(t, at1000(12*time.Second, f), b, on(b))
		if l := r.Ledger; l.Lost != 0 || l.Duplicated != 0 || len(l.Errors) != 0 || l.Notified < 12_000 {
			t.Errorf("ledger %+v, want every job notified and not one error", l)
		}
		for name, share := range map[string]float64{"p90": 0.9, "p95": 0.95, "p99": 0.99} {
			want := (stall - (1-rho)*length*(1-share)) * 1e9
			if got, reason, ok := r.Metric("end_to_end." + name); !ok || !near(got, want, 0.02) {
				t.Errorf("end_to_end.%s = %v (%s), theory says %v", name, time.Duration(got), reason, time.Duration(want))
			}
		}
		if len(r.Faults) != 1 || r.Faults[0].BeganNS == nil || *r.Faults[0].BeganNS != 4e9 || r.Faults[0].EndedNS == nil || *r.Faults[0].EndedNS != 6e9 {
			t.Fatalf("faults %+v, want one from 4 s to 6 s", r.Faults)
		}
		one := r.Faults[0]
		limit := 1.5 * float64(one.Before.P99NS)
		want := rho * (stall*1e9 - limit) / (1 - rho)
		if one.RecoveredNS == nil || !near(float64(*one.RecoveredNS), want, 0.02) {
			t.Errorf("recovered after %v (%v), theory says %v", one.RecoveredNS, one.Why, time.Duration(want))
		}
		if one.Affected == nil || !near(float64(*one.Affected), 1000*stall/(1-rho), 0.02) {
			t.Errorf("%v jobs affected, theory says %v", one.Affected, 1000*stall/(1-rho))
		}
		if one.NoticedNS == nil || *one.NoticedNS > int64(time.Second) || one.DrainedNS == nil || one.FlowingNS == nil || one.Lost != 0 || one.Unknown != 0 {
			t.Errorf("fault %+v, want it noticed within a second and all figures known", one)
		}
		if r.Validity.Verdict != result.Valid {
			t.Errorf("%s: %q, want a valid run: the generator was sound", r.Validity.Verdict, r.Validity.Reasons)
		}
		if v, reason, ok := r.Metric("fault.recovery"); !ok || v != float64(*one.RecoveredNS) {
			t.Errorf("fault.recovery = %v, %s", v, reason)
		}
	})
}

func TestAKillLosesWhatTheServerForgetsAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, forgets := range map[string]bool{"kept": false, "forgotten": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				slow := faultOf(scenario.SlowFault, scenario.WorkersTarget, 3*time.Second)
				slow.For, slow.Factor = time.Second, 4 // so that jobs wait when it is killed
				kill := faultOf(scenario.KillFault, scenario.RedisTarget, 3900*time.Millisecond)
				kill.Restart = time.Second
				b := newBreakable()
				b.forgets = forgets
				r := mustRun(t, at1000(12*time.Second, slow, kill), b, on(b))
				lost := int64(0)
				for job := range b.acked {
					if b.given[job] == 0 {
						lost++ // acknowledged, and never seen by a worker
					}
				}
				l := r.Ledger
				if vanished := l.LostByLeg[ledger.LegVanished]; vanished != lost || forgets != (lost > 100) || forgets != (b.wiped > 100) {
					t.Errorf("%d vanished; the test's own account has %d, and %d were wiped", vanished, lost, b.wiped)
				}
				if got := r.Faults[1]; got.LostByLeg[ledger.LegVanished] != lost || got.Lost != l.Lost || r.Faults[0].Lost != 0 {
					t.Errorf("lost by the faults: %d and %v, the ledger has %v", r.Faults[0].Lost, got.LostByLeg, l.LostByLeg)
				}
				if b.restarts != 1 || r.Faults[1].EndedNS == nil || r.Faults[1].RecoveredNS == nil {
					t.Errorf("%d restarts; fault %+v, want it restarted and recovered from", b.restarts, r.Faults[1])
				}
				if r.Run.Failed || r.Validity.Verdict != result.Valid {
					t.Errorf("failed: %q; %s: %q, want a valid run", r.Run.Error, r.Validity.Verdict, r.Validity.Reasons)
				}
			})
		})
	}
}

func TestAJobOfUnknownFateThatArrivesIsCountedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreakable()
		o := on(b)
		lose := faultOf(scenario.SlowFault, scenario.WorkersTarget, 3*time.Second)
		lose.For, lose.Factor = 100*time.Millisecond, 1.001
		go func() {
			time.Sleep(3*time.Second + 50*time.Millisecond)
			b.mu.Lock()
			b.lostAnswers = 5
			b.mu.Unlock()
		}()
		r := mustRun(t, at1000(6*time.Second, lose), b, o)
		l, f := r.Ledger, r.Faults[0]
		if f.Unknown != 5 || f.Found != 5 || f.Errors["push"] != 5 || f.Lost != 0 {
			t.Errorf("fault %+v, want five unknown pushes, all found", f)
		}
		if l.Lost != 0 || l.Duplicated != 0 || l.Notified != l.Scheduled || l.Acked != l.Sent-5 {
			t.Errorf("ledger %+v, want every job notified once, five of them without an answer to the push", l)
		}
		if e := r.Stages[metric.EndToEnd]; e.Count != r.Window.Completed || e.Censored != 0 {
			t.Errorf("end_to_end holds %d jobs and misses %d, want all %d", e.Count, e.Censored, r.Window.Completed)
		}
	})
}

func TestKilledWorkersLoseTheirJobsAndComeBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kill := faultOf(scenario.KillFault, scenario.WorkersTarget, 3*time.Second+time.Millisecond)
		kill.Count, kill.Restart = 6, time.Second
		b := newBreakable()
		r := mustRun(t, at1000(10*time.Second, kill), b, on(b))
		f := r.Faults[0]
		// Half of the eight workers are busy on average, and three at least: as one ends its
		// job, the next one begins.
		if f.Lost < 1 || f.Lost > 6 || f.LostByLeg[ledger.LegUnfinished] != f.Lost || r.Ledger.Lost != f.Lost {
			t.Errorf("fault %+v, want the jobs of up to six workers lost unfinished", f)
		}
		if f.RecoveredNS == nil || f.DrainedNS == nil || *f.DrainedNS < int64(100*time.Millisecond) {
			t.Errorf("fault %+v, want a backlog of 2 workers at 1,000/s drained after the restart", f)
		}
		if r.Validity.Verdict != result.Valid {
			t.Errorf("%s: %q, want a valid run", r.Validity.Verdict, r.Validity.Reasons)
		}
	})
}

// TestFaultsThatFollowEachOtherAtOnceAreAllCarriedOut: each begins at the very moment at
// which the one before it ends.
func TestFaultsThatFollowEachOtherAtOnceAreAllCarriedOut(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			var faults []scenario.Fault
			for i := range time.Duration(3) {
				kill := faultOf(scenario.KillFault, scenario.WorkersTarget, (3+i)*time.Second)
				kill.Restart = time.Second
				pause := faultOf(scenario.PauseFault, scenario.RedisTarget, (7+i)*time.Second)
				pause.For = time.Second
				faults = append(faults, kill, pause)
			}
			b := newBreakable()
			s := at1000(14*time.Second, faults...)
			s.Load.Rate = pace.PerSecond(100)
			r := mustRun(t, s, b, on(b))
			if b.resumed != 3 {
				t.Errorf("resumed %d times, want 3", b.resumed)
			}
			for i, f := range r.Faults {
				if f.BeganNS == nil || f.EndedNS == nil || f.Error != "" {
					t.Errorf("fault %d %+v was not carried out", i, f)
				}
			}
			// The workers were dead for 3 s, and the server paused for 3 s.
			if max := *r.Stages[metric.EndToEnd].MaxNS; max < 29e8 || r.Ledger.Notified < 1350 {
				t.Errorf("the slowest job took %v, and %d of 1,400 arrived; want both outages to last, and to be over", time.Duration(max), r.Ledger.Notified)
			}
		})
	}
}

func TestAServerThatIsKilledForGoodEndsTheLoadAndNotTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreakable()
		r := mustRun(t, at1000(30*time.Second, faultOf(scenario.KillFault, scenario.RedisTarget, 5*time.Second)), b, on(b))
		if r.Run.Failed || r.Run.StopReason != stopreason.ServerKilled || r.Run.StoppedAtS != 5 {
			t.Errorf("failed: %q; stopped at %v s: %s", r.Run.Error, r.Run.StoppedAtS, r.Run.StopReason)
		}
		if l := r.Ledger; l.Scheduled < 5000 || l.Scheduled > 5002 || l.Notified < 4950 || r.Faults[0].Lost != l.Lost {
			t.Errorf("ledger %+v and fault %+v, want the load up to the kill and its losses at the fault", l, r.Faults[0])
		}
	})
}

func TestAPausedServerIsResumedHoweverTheRunEnds(t *testing.T) {
	t.Parallel()
	for name, hard := range map[string]bool{"stopped": false, "cancelled": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := faultOf(scenario.PauseFault, scenario.RedisTarget, 2*time.Second)
				f.For = 20 * time.Second
				b := newBreakable()
				o := on(b)
				stop := make(chan struct{})
				o.Stop = stop
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func() {
					time.Sleep(5 * time.Second)
					if hard {
						cancel()
					} else {
						close(stop)
					}
				}()
				began := time.Now()
				r, err := engine.Run(ctx, at1000(time.Minute, f), b, o)
				if r == nil || err != nil {
					t.Fatalf("Run = %v, %v", r, err)
				}
				if b.resumed != 1 || time.Since(began) > 15*time.Second || !r.Run.Interrupted {
					t.Errorf("resumed %d times after %s, interrupted: %t", b.resumed, time.Since(began), r.Run.Interrupted)
				}
				if l := r.Ledger; l.Scheduled != l.Notified+l.Lost+l.Abandoned || !hard && l.Lost != 0 {
					t.Errorf("ledger %+v does not balance", l)
				}
			})
		})
	}
}

func TestAFaultThatNothingCanCarryOutIsRefusedBeforeTheLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := faultOf(scenario.NetworkFault, scenario.ConsumersTarget, time.Second)
		network.For, network.Network.Down = time.Second, true
		for _, f := range []scenario.Fault{faultOf(scenario.KillFault, scenario.RedisTarget, time.Second), network} {
			r, err := engine.Run(t.Context(), at1000(10*time.Second, f), memory.New(), virtual())
			if r != nil || err == nil {
				t.Errorf("%s: Run = %v, %v, want an error and no result", f, r, err)
			}
		}
	})
}

// TestRandomFaultsLeaveTheLedgerBalanced breaks each run ten times, in ways and at times
// that its seed draws; mustRun holds the laws, and the bubble of virtual time that no
// goroutine is left and that nothing hangs. It does not run in parallel: it would keep the CPUs from tests that
// run in real time.
func TestRandomFaultsLeaveTheLedgerBalanced(t *testing.T) {
	runs := 200
	if testing.Short() {
		runs = 20
	}
	for seed := range uint64(runs) {
		synctest.Test(t, func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 19))
			faults := randomFaults(dice, 10)
			b := newBreakable()
			b.forgets = dice.IntN(2) == 0
			s := at1000(7*time.Second, faults...)
			s.Load.Rate, s.DrainTimeout = pace.PerSecond(100), time.Second
			r := mustRun(t, s, b, on(b))
			var lost int64
			for i, f := range r.Faults {
				lost += f.Lost
				if f.BeganNS == nil || f.EndedNS == nil || f.Error != "" {
					t.Errorf("seed %d: fault %d %+v was not carried out", seed, i, f)
				}
			}
			missing := int64(0)
			for job := range b.acked {
				if b.acked[job] && b.given[job] == 0 {
					missing++
				}
			}
			if legs := r.Ledger.LostByLeg; legs[ledger.LegVanished]+legs[ledger.LegInQueue] != missing {
				t.Errorf("seed %d: lost %v; by the test's account %d were acknowledged and given to no one", seed, legs, missing)
			}
			if r.Run.Failed || lost != r.Ledger.Lost {
				t.Errorf("seed %d: failed: %q; the faults lost %d, the ledger %d (%v)\n%v", seed, r.Run.Error, lost, r.Ledger.Lost, r.Ledger.LostByLeg, s.Faults)
			}
		})
	}
}
