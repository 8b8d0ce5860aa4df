package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/redisfacts"
	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/scenario"
)

const (
	// oldest is the first release with all commands of the designs: BLMOVE, XAUTOCLAIM.
	oldestMajor, oldestMinor = 6, 2
	// slowFork is the time of a fork that a p99 shows.
	slowFork = 10 * time.Millisecond
	// fullMemory is the share of maxmemory in use from which a backlog may not fit.
	fullMemory = 0.9
	// updateBytes is the size of an update in a client's output buffer, roughly.
	updateBytes = 200
	// leastBuffer is the smallest sensible output buffer of a subscriber.
	leastBuffer = 1 << 20
	// busyLog is the duration in µs below which usual commands get into the slow log.
	busyLog = 1000
	// farAway is the round trip from which the network is a part of all figures.
	farAway = time.Millisecond
	// mostForeign are the commands per second of other clients that change no figure.
	mostForeign = 20.0
)

// redis judges the Redis under test, of several servers each.
func (j *judge) redis(r Redis) {
	for _, err := range r.Unusable {
		p := problem.Of(err)
		j.find("redis.usable", Invalid, p.What, "a run against this Redis would be refused, or fail", p.Hint)
	}
	if len(r.Unusable) == 0 {
		j.ok("redis.usable", "the server takes writes, has room for the connections, and allows the commands of a run")
	}
	for _, remark := range r.Remarks {
		j.find("redis.kind", Suspect, remark, "the figures are not those of a Redis in production", "install redis-server, or name a Redis with -u")
	}
	nodes := []redisfacts.Facts{r.Facts}
	if n := len(r.Facts.Nodes); n > 0 {
		nodes = nil
		for _, node := range r.Facts.Nodes {
			if node.Facts != nil {
				nodes = append(nodes, *node.Facts)
			}
		}
	}
	if len(r.Facts.Withheld) > 0 {
		j.find("redis.rights", Suspect, "withheld by the server: "+strings.Join(r.Facts.Withheld, "; "),
			"the run cannot see the settings, the memory or the other clients of the server, and cannot explain a stall",
			"ACL SETUSER NAME +info +config|get +client|list, for the user of the URL")
	} else if slices.ContainsFunc(nodes, reached) {
		j.ok("redis.rights", "the server withholds nothing")
	}
	for _, f := range nodes {
		if !reached(f) {
			continue
		}
		j.server(f)
	}
	j.roundTrip(r)
	j.foreign(r)
}

// reached reports whether the server has shown anything.
func reached(f redisfacts.Facts) bool { return len(f.Info) > 0 || len(f.Config) > 0 }

// server judges the settings of one server. What it does not report is left out.
func (j *judge) server(f redisfacts.Facts) {
	j.version(f)
	j.persistence(f)
	if seconds, known := setting(f, "timeout"); known {
		j.hold("redis.timeout", seconds > 0, Suspect, float64(seconds), 0, "s", fmt.Sprintf("timeout %d", seconds),
			"the server closes connections that are idle for so long, and the first job after that waits for a new one", "CONFIG SET timeout 0")
	}
	j.serverMemory(f)
	j.buffers(f)
	if threads, known := setting(f, "io-threads"); known {
		j.hold("redis.io_threads", threads > 1 && float64(threads) > j.f.Host.Allowed()-1 && j.f.Redis.Here(), Suspect, float64(threads), max(1, j.f.Host.Allowed()-1), "threads",
			fmt.Sprintf("io-threads %d", threads),
			"the I/O threads spin on the CPUs that the generator and the workers need",
			"use io-threads 1, or a Redis on another host")
	}
	if us, known := setting(f, "slowlog-log-slower-than"); known {
		j.hold("redis.slowlog", us >= 0 && us < busyLog, Suspect, float64(us), busyLog, "µs", fmt.Sprintf("slowlog-log-slower-than %d", us),
			"every usual command is written into the slow log, which costs time and hides the slow ones", "CONFIG SET slowlog-log-slower-than 10000")
	}
	if ms, known := setting(f, "latency-monitor-threshold"); known {
		j.hold("redis.latency_monitor", ms > 0 && ms < 10, Note, float64(ms), 10, "ms", fmt.Sprintf("latency-monitor-threshold %d", ms),
			"the latency monitor notes usual commands as events", "CONFIG SET latency-monitor-threshold 100")
	}
}

func (j *judge) version(f redisfacts.Facts) {
	word := f.Version[strings.LastIndexByte(f.Version, ' ')+1:]
	var major, minor int
	if n, _ := fmt.Sscanf(word, "%d.%d", &major, &minor); n < 2 {
		j.unknown("redis.version", "the server does not say which version it is")
		return
	}
	old := major < oldestMajor || major == oldestMajor && minor < oldestMinor
	if !old {
		j.ok("redis.version", "version "+f.Version)
		return
	}
	j.find("redis.version", Suspect, "version "+f.Version,
		"it gets no fixes, and lacks commands of the designs reliable-list and stream", "use Redis 7.2 or later, or Valkey")
}

func (j *judge) persistence(f redisfacts.Facts) {
	const disk = "the disk of the server is a part of the latencies"
	aof, save := f.Config["appendonly"], f.Config["save"]
	if aof == "yes" {
		sync := f.Config["appendfsync"]
		level := Note
		if sync == "always" {
			level = Suspect
		}
		j.find("redis.aof", level, "appendonly yes, appendfsync "+sync, disk, "CONFIG SET appendonly no, unless that is what you measure (or in production, too)")
	} else if aof != "" {
		j.ok("redis.aof", "appendonly "+aof)
	}
	fork, _ := strconv.ParseInt(f.Info["latest_fork_usec"], 10, 64)
	took := time.Duration(fork) * time.Microsecond
	if _, known := f.Config["save"]; known {
		found := "no snapshots"
		if save != "" {
			found = fmt.Sprintf("save %q", save)
		}
		if took > 0 {
			found += fmt.Sprintf("; the last fork took %s", usage.Round(took))
		}
		j.hold("redis.snapshots", save != "", Suspect, float64(len(strings.Fields(save))/2), 0, "save points", found,
			"a load of many writes triggers a snapshot: the fork stops the server, and copying pages slows it", "CONFIG SET save ''")
	}
	if forks := save != "" || aof == "yes"; forks && took > slowFork {
		j.hold("redis.fork", true, Suspect, took.Seconds(), slowFork.Seconds(), "s", fmt.Sprintf("the last fork stopped the server for %s", usage.Round(took)),
			"all jobs in flight wait for so long when it forks within a run", "switch persistence off for the measurement, or use a Redis with less data")
	}
}

func (j *judge) serverMemory(f redisfacts.Facts) {
	limit, known := setting(f, "maxmemory")
	if !known {
		return
	}
	policy := f.Config["maxmemory-policy"]
	used, _ := strconv.ParseInt(f.Info["used_memory"], 10, 64)
	if limit == 0 {
		j.ok("redis.maxmemory", "no limit of memory")
		return
	}
	share := float64(used) / float64(limit)
	found := fmt.Sprintf("maxmemory %s, %s of it in use, maxmemory-policy %s", literal.BytesText(limit), usage.Percent(share), policy)
	if policy != "noeviction" {
		j.find("redis.eviction", Suspect, found, "the server deletes keys when its memory is full, and a queue of jobs is a key", "CONFIG SET maxmemory-policy noeviction")
		return
	}
	j.hold("redis.maxmemory", share > fullMemory, Invalid, share, fullMemory, "ratio", found,
		"pushes are refused when the memory is full, and the errors make the run invalid", "raise maxmemory, or remove data")
}

// buffers holds what a subscriber may leave unread against one second of updates.
func (j *judge) buffers(f redisfacts.Facts) {
	classes := strings.Fields(f.Config["client-output-buffer-limit"])
	for i := 0; i+3 < len(classes); i += 4 {
		if classes[i] != "pubsub" {
			continue
		}
		hard, err := strconv.ParseInt(classes[i+1], 10, 64)
		if err != nil {
			return
		}
		_, most := j.widest(func(s scenario.Scenario) int { return int(s.Schedule().PeakRate()) })
		need := max(leastBuffer, int64(most)*updateBytes)
		j.hold("redis.output_buffer", hard > 0 && hard < need, Suspect, float64(hard), float64(need), "bytes",
			"client-output-buffer-limit pubsub "+strings.Join(classes[i+1:i+4], " "),
			"the server disconnects a subscriber that lags for less than a second, and the ends of its jobs are lost",
			"CONFIG SET client-output-buffer-limit 'pubsub 33554432 8388608 60'")
	}
}

func (j *judge) roundTrip(r Redis) {
	if r.RoundTrip == nil {
		j.unknown("redis.round_trip", "the round trip was not measured")
		return
	}
	p50, high := r.RoundTrip.P50, r.RoundTrip.High
	found := fmt.Sprintf("a round trip takes %s (median), up to %s (%s)", usage.Round(p50), usage.Round(high), r.RoundTrip.At)
	j.hold("redis.round_trip", p50 > farAway, Note, p50.Seconds(), farAway.Seconds(), "s", found,
		"a job takes at least three one-way trips, so the network is a part of every figure", "measure from a host next to the Redis, unless your clients are as far away")
	limit := max(farAway, 2*p50)
	j.hold("redis.jitter", high-p50 > limit, Suspect, (high - p50).Seconds(), limit.Seconds(), "s", found,
		"the network, the server or this host delays some round trips: the tail of the latencies is theirs", "look at host.wakeup first; then at the server's LATENCY DOCTOR and SLOWLOG, and at the network")
}

func (j *judge) foreign(r Redis) {
	if r.Foreign == nil {
		j.unknown("redis.clients", "the server does not say what other clients do")
		return
	}
	found := fmt.Sprintf("other clients send %s commands/s, and %s wait in a command", number.Rate(*r.Foreign), number.Count(r.Waiting))
	j.hold("redis.clients", *r.Foreign > mostForeign, Suspect, *r.Foreign, mostForeign, "commands/s", found,
		"their commands delay those of the run, and its cost per job is not known", "use a Redis for the measurement alone, such as the private one without -u")
}

// setting is a setting that is a whole number.
func setting(f redisfacts.Facts, name string) (int64, bool) {
	n, err := strconv.ParseInt(f.Config[name], 10, 64)
	return n, err == nil
}

// connections is how many connections to Redis the widest scenario needs.
func connections(all []scenario.Scenario) (most int) {
	for _, s := range all {
		if !s.Load.Observed {
			most = max(most, engine.Connections(s, false))
		}
	}
	return most
}
