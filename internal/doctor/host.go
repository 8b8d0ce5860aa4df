package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/internal/validity"
	"github.com/queuedyno/queuedyno/scenario"
)

const (
	// coarse is the step of a clock that is too coarse: a stage takes some 100 µs.
	coarse = 10 * time.Microsecond
	// leastMemory is what a run takes itself, and some room for a small Redis.
	leastMemory = 256 << 20
	// mostPorts is the share of the local ports that a load may use: closed connections
	// keep theirs for a minute.
	mostPorts = 0.8
)

// fastClocks are clock sources that are read without a system call.
var fastClocks = []string{"tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page", "riscv_clocksource"}

// host judges this host.
func (j *judge) host(h Host) {
	j.cpus(h)
	j.frequency(h)
	s := h.Stat
	if s.Steal == nil {
		j.unknown("host.steal", "this system does not report how much CPU time the hypervisor takes")
	} else {
		j.hold("host.steal", *s.Steal > validity.MostSteal, Suspect, *s.Steal, validity.MostSteal, "ratio",
			fmt.Sprintf("the hypervisor gave %s of the CPUs' time to other machines", usage.Percent(*s.Steal)),
			"latencies swing with what the neighbours do",
			"use a machine with dedicated CPUs, or measure at a quieter time")
	}
	j.busy(h)
	j.clock(h)
	j.files(h)
	j.ports(h)
	j.memory(h)
}

func (j *judge) cpus(h Host) {
	allowed := h.Allowed()
	found := usage.CPUs(allowed)
	least := 1.0
	if r := j.f.Redis; r != nil && r.Here() {
		least, found = 2, found+", which the Redis on this host shares"
	}
	if h.CPULimit > 0 {
		found += ", by a limit" + usage.From(h.CPULimitSource)
	}
	remedy := "use a machine with more CPUs, or a Redis on another host (-u URL)"
	if h.CPULimit > 0 {
		remedy = usage.LimitRemedy
	}
	j.hold("host.cpus", allowed < least, Suspect, allowed, least, "CPUs", found,
		"the generator waits for the CPU when the workers or the Redis use it, so jobs are sent and timed late", remedy)
	switch share := h.Stat.CPU.Share; {
	case h.CPULimitUnknown != "" && h.CPULimit == 0:
		j.unknown("host.cpu_limit", "whether a CPU limit applies is not known: "+h.CPULimitUnknown)
	case h.CPULimit == 0:
		j.ok("host.cpu_limit", "no CPU limit applies")
	case share != nil && *share >= usage.ThrottledSome:
		j.find("host.cpu_limit", Suspect, fmt.Sprintf("the CPU limit of %s%s stopped this process in %s of its periods while it did next to nothing", usage.CPUs(h.CPULimit), usage.From(h.CPULimitSource), usage.Percent(*share)),
			"a throttled process does nothing for up to 100 ms, and all jobs in flight wait", usage.LimitRemedy)
	default:
		j.ok("host.cpu_limit", fmt.Sprintf("the CPU limit of %s did not bind", usage.CPUs(h.CPULimit)))
	}
}

func (j *judge) frequency(h Host) {
	if len(h.Governors) == 0 {
		j.unknown("host.governor", "this system does not report a frequency governor")
		return
	}
	found := "CPU frequency governor: " + strings.Join(h.Governors, ", ")
	if slices.Equal(h.Governors, []string{"performance"}) {
		j.ok("host.governor", found)
		return
	}
	j.find("host.governor", Suspect, found,
		"CPUs run slowly at a low load, so latency at a low rate is higher than at a high one, and runs differ",
		"cpupower frequency-set -g performance, or for each CPU: echo performance > /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
}

func (j *judge) busy(h Host) {
	if h.Stat.Busy == nil {
		j.unknown("host.busy", "this system does not report how busy its CPUs are")
		return
	}
	others := *h.Stat.Busy
	j.hold("host.busy", others > usage.MostForeign, Suspect, others, usage.MostForeign, "ratio",
		fmt.Sprintf("the CPUs were %s busy without a load", usage.Percent(others)),
		"other programs take CPU time from the generator, the workers and a Redis on this host",
		"stop other programs (top shows them), or use another machine")
}

func (j *judge) clock(h Host) {
	switch {
	case h.ClockSource != "" && !slices.Contains(fastClocks, h.ClockSource):
		j.find("host.clock", Suspect, "the kernel reads the time from "+h.ClockSource,
			"reading the time is a system call or worse, and queuedyno reads it several times for each job",
			"boot with clocksource=tsc, or use another machine")
	case h.Tick == 0:
		j.unknown("host.clock", "the step of the clock was not measured")
	default:
		j.hold("host.clock", h.Tick > coarse, Suspect, h.Tick.Seconds(), coarse.Seconds(), "s",
			fmt.Sprintf("the clock advances in steps of %s", usage.Round(h.Tick)),
			"stages that take less than a few steps are rounded, many of them to 0",
			"measure on Linux or macOS, or read only stages that take much longer")
	}
	if h.Wakeup == nil {
		j.unknown("host.wakeup", "how late a waiting thread wakes was not measured")
		return
	}
	late := h.Wakeup.High
	j.hold("host.wakeup", late > validity.MostHiccup, Suspect, late.Seconds(), validity.MostHiccup.Seconds(), "s",
		fmt.Sprintf("a thread that only waits woke up to %s late (%s; median %s)", usage.Round(late), h.Wakeup.At, usage.Round(h.Wakeup.P50)),
		fmt.Sprintf("jobs are sent that late, and latencies below %s are those of this host", usage.Round(4*late)),
		"stop other programs, use the governor performance, and no CPU limit; on a virtual machine, dedicated CPUs")
}

// widest is the scenario for which count is the highest, with that number.
func (j *judge) widest(count func(scenario.Scenario) int) (name string, most int) {
	for _, s := range j.f.Scenarios {
		if n := count(s); n > most {
			name, most = s.Name, n
		}
	}
	return name, most
}

// sockets is how many connections a run of the scenario has, those to Redis, to an API or
// a Postgres, and of WebSocket clients.
func sockets(s scenario.Scenario) int {
	n := engine.Connections(s, false)
	switch s.Entry.Kind {
	case scenario.EntryHTTP:
		n += s.Entry.HTTP.Connections
	case scenario.EntryPostgres:
		n += s.Entry.Postgres.Connections
	}
	return n + s.Exit.WebSocket.Clients
}

func (j *judge) files(h Host) {
	name, need := j.widest(sockets)
	if h.Connections == 0 {
		j.unknown("host.files", "no limit of open files is known")
		return
	}
	j.hold("host.files", int64(need) > h.Connections, Invalid, float64(need), float64(h.Connections), "connections",
		fmt.Sprintf("%s needs %s, and this process may open %s", subject(name), number.Plural(need, "connection"), number.Count(h.Connections)),
		"the run would be refused, or fail when it opens its connections",
		"raise the limit (ulimit -n), or use fewer producers, consumers, subscribers and clients").Scenario = name
}

func (j *judge) ports(h Host) {
	name, need := j.widest(sockets)
	if h.Ports() == 0 {
		j.unknown("host.ports", "the range of local ports is not known")
		return
	}
	limit := mostPorts * float64(h.Ports())
	level := Suspect
	if need > h.Ports() {
		level = Invalid
	}
	j.hold("host.ports", float64(need) > limit, level, float64(need), limit, "connections",
		fmt.Sprintf("%s needs %s, and this host has %s local ports for them (%d to %d)", subject(name), number.Plural(need, "connection"), number.Count(int64(h.Ports())), h.FirstPort, h.LastPort),
		"connections cannot be opened when the ports run out, and one that was closed keeps its port for a minute",
		"sysctl -w net.ipv4.ip_local_port_range='1024 65535'").Scenario = name
}

func (j *judge) memory(h Host) {
	if h.MemorySource == "" {
		j.unknown("host.memory", "how much memory is left is not known")
		return
	}
	// A Redis on this host holds what waits: here, ten seconds of the highest rate.
	name, jobs := j.widest(func(s scenario.Scenario) int { return int(10 * s.Schedule().PeakRate() * float64(s.Payload)) })
	need := int64(leastMemory)
	if r := j.f.Redis; r != nil && r.Here() {
		need += int64(jobs)
	}
	j.hold("host.memory", h.MemoryAvailable < need, Suspect, float64(h.MemoryAvailable), float64(need), "bytes",
		fmt.Sprintf("%s of memory are left (%s)", literal.BytesText(h.MemoryAvailable>>20<<20), h.MemorySource),
		"the kernel swaps, or kills queuedyno or the Redis, when the backlog grows",
		"end other programs, or raise the limit of memory").Scenario = name
}

// subject names a scenario in a sentence.
func subject(name string) string {
	if name == "" {
		return "a run"
	}
	return "scenario " + name
}
