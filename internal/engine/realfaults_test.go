package engine_test

import (
	"bufio"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/privateserver"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// privateRedis is a private process as something that faults can break. dead is called
// when it was killed and has not been started again yet. It may be nil.
type privateRedis struct {
	*redisserver.Server
	dead func()
}

func (p privateRedis) Pause(context.Context, time.Duration) error { return p.Server.Pause() }
func (p privateRedis) Resume(context.Context) error               { return p.Server.Resume() }
func (p privateRedis) Kill(context.Context) error {
	err := p.Server.Kill()
	if err == nil && p.dead != nil {
		p.dead()
	}
	return err
}

// broken runs the scenario, which has faults, on a server, and holds the ledger against
// a witness. What the faults are blamed for is all that was lost.
func broken(t *testing.T, s scenario.Scenario, server privateRedis) (*result.Result, *witness) {
	t.Helper()
	o := engine.Options{NoProbes: true, Server: server}
	cfg := configOf(server.URL(), s)
	if network := target.NewNetwork(s.Faults); network != nil {
		o.Network, cfg.Route = network, network.Route
		defer network.Close()
	}
	client, err := jobqueue.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	w := newWitness(client)
	r := mustRun(t, s, w, o)
	w.agrees(t, r)
	var lost int64
	for i, f := range r.Faults {
		lost += f.Lost
		if f.BeganNS == nil || f.Error != "" {
			t.Errorf("fault %d %+v was not carried out", i, f)
		}
	}
	// A host that is too busy for the load leaves jobs in the queue or does not send them,
	// which no fault did.
	if l := r.Ledger; lost > l.Lost || lost != l.Lost && l.LostByLeg[ledger.LegInQueue]+l.LostByLeg[ledger.LegUnsent] == 0 {
		t.Errorf("the faults lost %d jobs, the ledger %d: %v", lost, l.Lost, l.LostByLeg)
	}
	if r.Run.Failed {
		t.Errorf("the run failed: %s", r.Run.Error)
	}
	return r, w
}

// meeting is a load that meets jobs that wait: workers that carry 300/s at most, 200/s,
// and 300 jobs at the beginning.
func meeting(design jobqueue.Design, faults ...scenario.Fault) scenario.Scenario {
	s := scenario.Scenario{
		Name: "broken", Load: scenario.Load{Rate: pace.PerSecond(200), Duration: 4 * time.Second}, Design: design, Prefill: 300,
		Producers: 2, Consumers: 6, Work: scenario.Work{Time: 20 * time.Millisecond}, DrainTimeout: 4 * time.Second, Faults: faults,
	}
	if design == jobqueue.ReliableList || design == jobqueue.Stream {
		s.Visibility, s.DrainTimeout = 2*time.Second, 6*time.Second
	}
	return s
}

// TestTheLedgerLosesWhatTheWitnessMisses breaks a run in every way, and holds the ledger
// against the test's account, job by job.
func TestTheLedgerLosesWhatTheWitnessMisses(t *testing.T) {
	t.Parallel()
	const at, length = 1500 * time.Millisecond, 500 * time.Millisecond
	faults := map[string]scenario.Fault{
		"pause":        {Kind: scenario.PauseFault, Target: scenario.RedisTarget, For: length},
		"crash":        {Kind: scenario.KillFault, Target: scenario.RedisTarget, Restart: length},
		"worker crash": {Kind: scenario.KillFault, Target: scenario.WorkersTarget, Restart: length, Count: 4},
		"slow workers": {Kind: scenario.SlowFault, Target: scenario.WorkersTarget, For: length, Factor: 3},
	}
	for _, pool := range []scenario.FaultTarget{scenario.ProducersTarget, scenario.ConsumersTarget, scenario.SubscribersTarget} {
		faults["disconnected "+string(pool)] = scenario.Fault{Kind: scenario.DisconnectFault, Target: pool}
		for name, n := range map[string]scenario.Network{"down": {Down: true}, "reset": {Reset: true}, "swallowed": {Swallow: true}, "slow": {Latency: 50 * time.Millisecond, Bandwidth: 50_000}} {
			faults[name+" "+string(pool)] = scenario.Fault{Kind: scenario.NetworkFault, Target: pool, For: length, Network: n}
		}
	}
	if testing.Short() {
		maps.DeleteFunc(faults, func(name string, _ scenario.Fault) bool {
			return !slices.Contains([]string{"crash", "worker crash", "disconnected consumers", "swallowed producers", "reset consumers"}, name)
		})
	}
	harmless := []string{"pause", "slow workers", "slow producers", "slow consumers", "slow subscribers"}
	for name, f := range faults {
		f.At = at
		for _, d := range []jobqueue.Design{jobqueue.List, jobqueue.ReliableList} {
			if d != jobqueue.List && (testing.Short() || f.Target == scenario.ProducersTarget || f.Target == scenario.SubscribersTarget) {
				continue // the designs differ in what consumers do
			}
			t.Run(name+" "+string(d), func(t *testing.T) {
				t.Parallel()
				r, _ := broken(t, meeting(d, f), privateRedis{Server: redistest.Process(t)})
				l := r.Ledger
				if l.Notified == 0 {
					t.Errorf("nothing arrived: %+v", l)
				}
				if slices.Contains(harmless, name) && (l.Lost-l.LostByLeg[ledger.LegInQueue]-l.LostByLeg[ledger.LegUnfinished]-l.LostByLeg[ledger.LegUnsent] != 0 || len(l.Errors) > 0) {
					t.Errorf("lost %v, errors %v, want none: nothing was broken", l.LostByLeg, l.Errors)
				}
			})
		}
	}
}

// TestACrashLosesWhatRedisDocuments kills a server with each kind of persistence. What a
// process has written survives its death, whether it was synced or not. Only everysec
// puts a write off, for two seconds at most, while a sync is under way.
func TestACrashLosesWhatRedisDocuments(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	for name, args := range map[string][]string{
		"nothing on disk": nil,
		"everysec":        {"--appendonly", "yes", "--appendfsync", "everysec"},
		"always":          {"--appendonly", "yes", "--appendfsync", "always"},
		"no sync":         {"--appendonly", "yes", "--appendfsync", "no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Process(t, args...)
			dir := ask(t, server).do("CONFIG", "GET", "dir")[1]
			// 900 jobs wait at first, so that some that are acknowledged wait for longer than
			// two seconds.
			s := meeting(jobqueue.List, scenario.Fault{At: 3 * time.Second, Restart: 500 * time.Millisecond, Kind: scenario.KillFault, Target: scenario.RedisTarget})
			s.Prefill = 900
			w := newWitness(clientOf(t, server.URL(), s))
			var killed time.Duration
			var onDisk map[string]bool
			private := privateRedis{Server: server, dead: func() {
				killed, onDisk = time.Since(w.began), queueOnDisk(t, dir, w.Queue())
			}}
			r := mustRun(t, s, w, engine.Options{NoProbes: true, Server: private})
			w.agrees(t, r)
			if killed == 0 {
				t.Fatalf("faults %+v: the server was not killed", r.Faults)
			}
			vanished := lostOn(ledger.LegVanished, w.lost())
			late := 0 // acknowledged shortly before
			for _, id := range vanished {
				if onDisk[id] {
					t.Errorf("job %s vanished, although it was on disk", id)
				}
				if killed-w.jobs[id].ackedAt <= 2*time.Second {
					late++
				}
			}
			switch excess := len(vanished) - s.Consumers; { // with a list, a job in an answer that was not read is gone
			case args == nil && (len(vanished) == 0 || len(onDisk) != 0):
				t.Errorf("%d jobs vanished and %d were on disk, want all that waited gone", len(vanished), len(onDisk))
			case name == "everysec" && excess > late, args != nil && name != "everysec" && excess > 0:
				t.Errorf("%d jobs vanished, %d of them acknowledged in the last two seconds; want one for each of %d consumers at most, and with everysec those of the last two seconds", len(vanished), late, s.Consumers)
			}
			if f := r.Faults[0]; f.LostByLeg[ledger.LegVanished] != int64(len(vanished)) || f.Error != "" {
				t.Errorf("the fault %+v lost %v, want %d vanished", f, f.LostByLeg, len(vanished))
			}
			t.Logf("%d jobs were on disk; lost %v", len(onDisk), r.Ledger.LostByLeg)
		})
	}
}

// queueOnDisk replays the append-only files in a folder, and returns what is in a list
// then. Redis cuts off a last command that was not written to its end.
func queueOnDisk(t *testing.T, dir, key string) map[string]bool {
	t.Helper()
	left := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".aof") || strings.HasSuffix(path, ".base.aof") {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		in := bufio.NewReader(file)
		var list []string // the next one to be popped is the last
		for {
			words, err := readTexts(in)
			if err != nil {
				for _, job := range list {
					left[job] = true
				}
				return nil
			}
			if len(words) < 2 || words[1] != key {
				continue
			}
			switch strings.ToUpper(words[0]) {
			case "LPUSH":
				for _, job := range words[2:] {
					list = slices.Insert(list, 0, job)
				}
			case "RPOP":
				n := 1
				if len(words) > 2 {
					n, _ = strconv.Atoi(words[2])
				}
				list = list[:max(0, len(list)-n)]
			}
		}
	})
	if err != nil {
		t.Errorf("read the append-only files: %v", err)
	}
	return left
}

// TestACrashOfASyncedServerLosesNoAcknowledgedJob: on designs that remember who has a job,
// each acknowledged job is notified or kept. The only other one is a job whose end was on
// its way when the server died: it was done, and Pub/Sub keeps no message.
func TestACrashOfASyncedServerLosesNoAcknowledgedJob(t *testing.T) {
	t.Parallel()
	for _, d := range []jobqueue.Design{jobqueue.ReliableList, jobqueue.Stream} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			server := redistest.Process(t, "--appendonly", "yes", "--appendfsync", "always")
			s := meeting(d, scenario.Fault{At: 2 * time.Second, Restart: 500 * time.Millisecond, Kind: scenario.KillFault, Target: scenario.RedisTarget})
			s.Load.Rate, s.Visibility, s.DrainTimeout = pace.PerSecond(100), time.Second, 8*time.Second
			under := map[string]bool{} // whose end was on its way when the server died
			var w *witness
			private := privateRedis{Server: server, dead: func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				for id, s := range w.jobs {
					under[id] = s.offered && !s.heard
				}
			}}
			w = newWitness(clientOf(t, server.URL(), s))
			kept := &keeping{witness: w, server: server, t: t}
			r := mustRun(t, s, kept, engine.Options{NoProbes: true, Server: private})
			w.agrees(t, r)
			l, f := r.Ledger, r.Faults[0]
			if n := l.LostByLeg[ledger.LegVanished]; n != 0 || f.LostByLeg[ledger.LegVanished] != 0 {
				t.Errorf("%d acknowledged jobs vanished", n)
			}
			done := 0
			for id, s := range w.jobs {
				switch {
				case !s.acked || s.heard || kept.all[id]:
				case under[id] || s.unheard: // or it ended before the subscriber was back
					done++
				case s.published && l.LostByLeg[ledger.LegInQueue] > 0:
					// The host is too busy for the load, and the run was over before the
					// subscriber had read all.
				default:
					t.Errorf("job %s was acknowledged; it was neither notified nor is it kept: %+v", id, *s)
				}
			}
			if f.BeganNS == nil || f.EndedNS == nil || f.Error != "" || f.Lost != l.Lost || l.Reconnects["push"] < 1 || l.Reconnects["receive"] < 1 {
				t.Errorf("fault %+v, reconnects %v; the ledger lost %v", f, l.Reconnects, l.LostByLeg)
			}
			if r.Run.Failed || l.Notified == 0 {
				t.Errorf("failed: %q; ledger %+v", r.Run.Error, l)
			}
			t.Logf("lost %v; %d acknowledged jobs were done, and their notifications died with the server; %d are kept", l.LostByLeg, done, len(kept.all))
		})
	}
}

// keeping is a witness that also notes all that the server keeps when the run removes its
// queue: what waits, and what a worker has not ended.
type keeping struct {
	*witness
	server *redisserver.Server
	t      *testing.T
	all    map[string]bool
}

func (k *keeping) Clear(ctx context.Context) error {
	k.all = ask(k.t, k.server).holds()
	return k.witness.Clear(ctx)
}

// TestConnectionsThatTheServerClosesAreOpenedAgain disconnects one pool after the other.
func TestConnectionsThatTheServerClosesAreOpenedAgain(t *testing.T) {
	t.Parallel()
	s := scenario.Scenario{
		Name: "disconnect", Load: scenario.Load{Rate: pace.PerSecond(200), Duration: 5 * time.Second}, Producers: 2, Consumers: 3, Subscribers: 1,
		Work: scenario.Work{Time: 2 * time.Millisecond}, DrainTimeout: 3 * time.Second,
		Faults: []scenario.Fault{
			{At: time.Second, Kind: scenario.DisconnectFault, Target: scenario.ProducersTarget},
			{At: 2 * time.Second, Kind: scenario.DisconnectFault, Target: scenario.ConsumersTarget},
			{At: 3 * time.Second, Kind: scenario.DisconnectFault, Target: scenario.SubscribersTarget},
		},
	}
	r, _ := broken(t, s, privateRedis{Server: redistest.Process(t)})
	l := r.Ledger
	if n := l.Reconnects; n["push"] < 2 || n["consume"] < 3 || n["receive"] < 1 {
		t.Errorf("reconnects %v, want at least each connection of each pool", n)
	}
	// On a busy host jobs wait at the end, but each pool goes on until then.
	if arrivedLate(r) == 0 {
		t.Errorf("nothing arrives in the last quarter of the run: %+v", l)
	}
}

// TestAKilledServerWithoutARestartEndsTheLoad: what is due later is not sent, and the run
// is no failed one.
func TestAKilledServerWithoutARestartEndsTheLoad(t *testing.T) {
	t.Parallel()
	server := redistest.Process(t)
	s := scenario.Scenario{
		Name: "gone", Load: scenario.Load{Rate: pace.PerSecond(200), Duration: time.Minute}, Consumers: 3,
		Faults: []scenario.Fault{{At: time.Second, Kind: scenario.KillFault, Target: scenario.RedisTarget}},
	}
	r, err := engine.Run(t.Context(), s, clientOf(t, server.URL(), s), engine.Options{NoProbes: true, Server: privateRedis{Server: server}, ServerEnded: server.Ended()})
	if err != nil || r.Run.Failed || r.Run.StopReason != stopreason.ServerKilled || r.Ledger.Scheduled >= 12_000 {
		t.Fatalf("Run = %v; %+v", err, r)
	}
	if err := server.Kill(); err == nil || errors.Is(err, privateserver.ErrNotPrivate) {
		t.Errorf("a second Kill = %v, want an error: it is down", err)
	}
}
