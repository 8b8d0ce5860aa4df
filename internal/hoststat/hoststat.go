// Package hoststat measures how busy a machine and this process were over a span of
// time, from what the kernel and the Go runtime count anyway. It judges
// nothing. Begin reading at [Take] and [Snapshot.Until].
package hoststat

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// Snapshot is the state of all counters at one moment.
type Snapshot struct {
	at        time.Time
	ran, wait map[string]time.Duration // by thread
	stat      []float64                // the CPUs' ticks: user nice system idle iowait irq softirq steal
	limits    limits
	pressure  *time.Duration
	sched     *metrics.Float64Histogram
	gc        float64
}

// Stat is what happened between two snapshots. Shares are between 0 and 1; a
// nil one could not be measured here.
type Stat struct {
	// RunQueue is the share of the time for which runnable threads of this process
	// waited for a CPU.
	RunQueue *float64
	// Steal is the share of the CPUs' time that the hypervisor gave to other
	// machines. The CPUs are those that this process may run on.
	Steal *float64
	// Pressure is the share of the time in which some task of the host waited
	// for a CPU (PSI). The run's own load and the server's are part of it.
	Pressure *float64
	// Busy is the share of the time of the CPUs that this process may run on that
	// was used, by any process.
	Busy *float64
	// SchedP99 is the 99th percentile of the time that goroutines which could
	// run waited for the Go scheduler.
	SchedP99 *time.Duration
	// GC is the share of the time of GOMAXPROCS CPUs that went into collecting
	// garbage. The runtime counts it by the clock, so a CPU limit is not in it.
	GC *float64
	// CPU is what a CPU limit did.
	CPU Throttling
}

// Take reads all counters. It takes some 100 µs.
func Take() Snapshot {
	s := Snapshot{at: time.Now()}
	s.readThreads()
	if runtime.GOOS == "linux" {
		root := os.DirFS("/")
		s.stat = readStat(root)
		s.limits = readLimits(root, runtime.NumCPU())
	}
	s.readPressure()
	samples := []metrics.Sample{
		{Name: "/sched/latencies:seconds"},
		{Name: "/cpu/classes/gc/total:cpu-seconds"},
	}
	metrics.Read(samples)
	if v := samples[0].Value; v.Kind() == metrics.KindFloat64Histogram {
		h := v.Float64Histogram()
		s.sched = &metrics.Float64Histogram{
			Counts: append([]uint64(nil), h.Counts...), Buckets: h.Buckets,
		}
	}
	if samples[1].Value.Kind() == metrics.KindFloat64 {
		s.gc = samples[1].Value.Float64()
	}
	return s
}

// readThreads reads how long each of our threads ran and waited
// (Documentation/scheduler/sched-stats.rst: nanoseconds on a CPU,
// nanoseconds on a run queue, slices).
func (s *Snapshot) readThreads() {
	files, err := filepath.Glob("/proc/self/task/*/schedstat")
	if err != nil || len(files) == 0 {
		return
	}
	s.ran, s.wait = map[string]time.Duration{}, map[string]time.Duration{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // the thread has ended
		}
		fields := strings.Fields(string(b))
		if len(fields) < 2 {
			continue
		}
		ran, err1 := strconv.ParseInt(fields[0], 10, 64)
		wait, err2 := strconv.ParseInt(fields[1], 10, 64)
		if err1 == nil && err2 == nil {
			s.ran[f], s.wait[f] = time.Duration(ran), time.Duration(wait)
		}
	}
}

// readPressure reads how long some task waited for a CPU
// (Documentation/accounting/psi.rst: "some avg10=… avg60=… avg300=… total=µs").
func (s *Snapshot) readPressure() {
	b, err := os.ReadFile("/proc/pressure/cpu")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(b)) {
		_, total, ok := strings.Cut(line, "total=")
		if !ok || !strings.HasPrefix(line, "some") {
			continue
		}
		us, err := strconv.ParseInt(strings.TrimSpace(total), 10, 64)
		if err == nil {
			s.pressure = new(time.Duration(us) * time.Microsecond)
		}
	}
}

// Until is what happened between two snapshots of the same process.
func (s Snapshot) Until(later Snapshot) Stat {
	var out Stat
	wall := later.at.Sub(s.at)
	if wall <= 0 {
		return out
	}
	if len(s.ran) > 0 && len(later.ran) > 0 {
		var ran, wait time.Duration
		for f := range later.ran {
			ran += later.ran[f] - s.ran[f]
			wait += later.wait[f] - s.wait[f]
		}
		if ran+wait > 0 {
			out.RunQueue = share(float64(wait), float64(ran+wait))
		}
	}
	if len(s.stat) > 0 && len(s.stat) == len(later.stat) {
		var total float64
		for i := range later.stat {
			total += later.stat[i] - s.stat[i]
		}
		if total > 0 {
			out.Steal = share(later.stat[7]-s.stat[7], total)
			idle := later.stat[3] - s.stat[3] + later.stat[4] - s.stat[4]
			out.Busy = share(total-idle, total)
		}
	}
	if s.pressure != nil && later.pressure != nil {
		out.Pressure = share(float64(*later.pressure-*s.pressure), float64(wall))
	}
	out.CPU = s.limits.until(later.limits)
	out.GC = share(later.gc-s.gc, wall.Seconds()*float64(runtime.GOMAXPROCS(0)))
	out.SchedP99 = schedP99(s.sched, later.sched)
	return out
}

// share is between 0 and 1. The kernel brings some counters up to date in steps,
// so that over a short time a part can seem larger than the whole.
func share(part, whole float64) *float64 {
	return new(min(1, max(0, part)/whole))
}

// schedP99 is the upper end of the bucket in which the 99th percentile lies.
func schedP99(before, after *metrics.Float64Histogram) *time.Duration {
	if before == nil || after == nil || len(before.Counts) != len(after.Counts) {
		return nil
	}
	var total uint64
	for i := range after.Counts {
		total += after.Counts[i] - before.Counts[i]
	}
	if total < 1000 {
		return nil
	}
	rank := uint64(math.Ceil(float64(total) * 0.99))
	var seen uint64
	for i := range after.Counts {
		if seen += after.Counts[i] - before.Counts[i]; seen >= rank {
			end := after.Buckets[i+1]
			if math.IsInf(end, 1) {
				end = after.Buckets[i]
			}
			return new(time.Duration(end * float64(time.Second)))
		}
	}
	return nil
}
