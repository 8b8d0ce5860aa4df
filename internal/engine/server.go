package engine

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/redisfacts"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// server is what the server reported before and after the load.
type server struct {
	facts        [2]*redisfacts.Facts
	factsAt      [2]time.Time
	poolTimeouts int64 // the backend's count before the load
}

// describe puts what the server reported before and after the load into the result.
func (s *server) describe(res *result.Result) {
	before, after := s.facts[0], s.facts[1]
	if before == nil {
		return
	}
	res.Redis.Version, res.Redis.Mode, res.Redis.Config = before.Version, before.Mode, before.Config
	out := &res.Server
	out.Before = before.Info
	if after == nil {
		return
	}
	out.After = after.Info
	if what := succession(before, after); what != "" {
		res.Warnings = append(res.Warnings, what+", so what changed on it is not known")
		return
	}
	for key, text := range after.Info {
		a, err1 := strconv.ParseFloat(text, 64)
		b, err2 := strconv.ParseFloat(before.Info[key], 64)
		if err1 == nil && err2 == nil && a != b && counts(key) {
			out.Deltas[key] = a - b
		}
	}
	out.Commands = commandDeltas(before.Commands, after.Commands)
}

// succession says in words that other servers answered after the load than before,
// empty when they are the same.
func succession(before, after *redisfacts.Facts) string {
	if before.Info["run_id"] == after.Info["run_id"] {
		return ""
	}
	masters := func(f *redisfacts.Facts) (at map[string]string) {
		at = map[string]string{}
		for _, n := range f.Nodes {
			if n.Role == "master" && n.Facts != nil {
				at[n.Address] = n.Facts.Info["run_id"]
			}
		}
		return at
	}
	old, now := masters(before), masters(after)
	for addr := range now {
		if _, known := old[addr]; !known && len(old) > 0 {
			return "another server answered after a failover (" + addr + ")"
		}
	}
	// A replica that takes over keeps the history of its master.
	if id := before.Info["master_replid"]; id != "" && (id == after.Info["master_replid2"] || id == after.Info["master_replid"]) {
		return "another server answered after a failover"
	}
	return "the server restarted during the run"
}

// counts reports whether a figure of INFO only ever grows, so that its change is what
// happened during the run. The change of a gauge means nothing.
func counts(key string) bool {
	for _, prefix := range []string{
		"total_", "used_cpu_", "expired_", "evicted_", "rejected_", "keyspace_", "acl_access_denied", "unexpected_error",
		"client_output_buffer_limit", "client_query_buffer_limit", "io_threaded_", "reply_buffer_", "aof_delayed_fsync",
	} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

func commandDeltas(before, after map[string]redisfacts.CommandFacts) map[string]result.CommandStat {
	out := map[string]result.CommandStat{}
	for name, a := range after {
		b := before[name]
		d := result.CommandStat{
			Calls: a.Calls - b.Calls, USec: a.USec - b.USec,
			Rejected: a.Rejected - b.Rejected, Failed: a.Failed - b.Failed,
		}
		if d.Calls == 0 && d.Rejected == 0 {
			continue
		}
		if d.Calls > 0 {
			d.USecPerCall = float64(d.USec) / float64(d.Calls)
		}
		out[name] = d
	}
	return out
}

// tooLarge is a job that the server refuses.
type tooLarge struct{ what, hint string }

func (e *tooLarge) Error() string { return e.what }
func (e *tooLarge) Hint() string  { return e.hint }

// fits refuses scenarios whose largest job is larger than the server takes, as far as
// the server reports that.
func (s *server) fits(largest int, sc scenario.Scenario) error {
	f := s.facts[0]
	if f == nil || sc.Load.Observed || sc.Producers == 0 {
		return nil
	}
	job := int64(largest)
	// The end of the line behind a value is in the buffer as well.
	var limits, names []string
	for _, one := range []struct {
		name string
		more int64
	}{{"proto-max-bulk-len", 0}, {"client-query-buffer-limit", 2}} {
		limit, ok := minOf(f.Config[one.name])
		if ok && limit > 0 && job+one.more > limit {
			limits = append(limits, fmt.Sprintf("%s (%s)", bytesInWords(limit), one.name))
			names = append(names, one.name)
		}
	}
	if len(names) > 0 {
		return &tooLarge{
			fmt.Sprintf("the largest job is %s, and the server takes at most %s", bytesInWords(job), strings.Join(limits, " and ")),
			fmt.Sprintf("raise %s of that Redis, or give a smaller --payload", strings.Join(names, " and ")),
		}
	}
	limit, ok := minOf(f.Config["maxmemory"])
	if !ok || limit == 0 {
		return nil
	}
	left := limit
	if used, err := strconv.ParseInt(f.Info["used_memory"], 10, 64); err == nil && !strings.HasPrefix(f.Config["maxmemory-policy"], "allkeys-") {
		left = max(0, limit-used)
	}
	if push := job * int64(sc.Batch); push > left {
		return &tooLarge{
			fmt.Sprintf("one push is %s, and the server has %s of memory left (maxmemory %s)", bytesInWords(push), bytesInWords(left), bytesInWords(limit)),
			"raise maxmemory of that Redis, or give a smaller --payload or --batch",
		}
	}
	return nil
}

// minOf is a setting of one server, or the smallest of those of several.
func minOf(text string) (smallest int64, ok bool) {
	for one := range strings.SplitSeq(text, ", ") {
		n, err := strconv.ParseInt(one, 10, 64)
		if err != nil {
			return 0, false
		}
		if !ok || n < smallest {
			smallest, ok = n, true
		}
	}
	return smallest, ok
}

// bytesInWords is a size for people, and exact where it is rounded.
func bytesInWords(n int64) string {
	const kib, mib = 1 << 10, 1 << 20
	switch {
	case n >= mib && n%mib == 0:
		return fmt.Sprintf("%d MiB", n/mib)
	case n >= mib:
		return fmt.Sprintf("%.1f MiB (%d bytes)", float64(n)/mib, n)
	case n >= kib && n%kib == 0:
		return fmt.Sprintf("%d KiB", n/kib)
	}
	return fmt.Sprintf("%d bytes", n)
}
