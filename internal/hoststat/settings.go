package hoststat

import (
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Settings are settings of a host that a load depends on. What the system does not
// report is at its zero value.
type Settings struct {
	// Governors are the CPU frequency governors in use, such as performance, each once
	// and sorted.
	Governors []string `json:"governors,omitempty"`
	// ClockSource is what the kernel reads the time from, such as tsc.
	ClockSource string `json:"clock_source,omitempty"`
	// FirstPort and LastPort are the local ports of outgoing connections.
	FirstPort int `json:"first_port,omitempty"`
	LastPort  int `json:"last_port,omitempty"`
	// MemoryAvailable is the memory in bytes that programs can still get: that of the
	// host, or what is left of the limit of this process's cgroups where that is less.
	// MemorySource is the file that says so.
	MemoryAvailable int64  `json:"memory_available_bytes,omitempty"`
	MemorySource    string `json:"memory_source,omitempty"`
}

// Ports is how many outgoing connections to one address the host can have at a time, 0
// where that is not known.
func (s Settings) Ports() int {
	if s.FirstPort == 0 || s.LastPort < s.FirstPort {
		return 0
	}
	return s.LastPort - s.FirstPort + 1
}

// ThisSettings are the settings of this host.
func ThisSettings() Settings {
	if runtime.GOOS != "linux" {
		return Settings{}
	}
	return ReadSettings(os.DirFS("/"))
}

// ReadSettings reads the settings of the host whose root the file system is.
func ReadSettings(fsys fs.FS) Settings {
	var s Settings
	files, _ := fs.Glob(fsys, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor") // only a bad pattern is an error
	for _, file := range files {
		if g := word(fsys, file); g != "" {
			s.Governors = append(s.Governors, g)
		}
	}
	slices.Sort(s.Governors)
	s.Governors = slices.Compact(s.Governors)
	s.ClockSource = word(fsys, "sys/devices/system/clocksource/clocksource0/current_clocksource")
	if ports := strings.Fields(word(fsys, "proc/sys/net/ipv4/ip_local_port_range")); len(ports) == 2 {
		first, err1 := strconv.Atoi(ports[0])
		last, err2 := strconv.Atoi(ports[1])
		if err1 == nil && err2 == nil {
			s.FirstPort, s.LastPort = first, last
		}
	}
	s.readMemory(fsys)
	return s
}

// readMemory reads how much memory is left on the host and under each limit of the
// unified cgroup hierarchy (Documentation/admin-guide/cgroup-v2.rst).
func (s *Settings) readMemory(fsys fs.FS) {
	if left, known := memory(fsys, "MemAvailable"); known {
		s.MemoryAvailable, s.MemorySource = left, "/proc/meminfo"
	}
	groups, _ := readGroups(fsys) // those that could be read
	for _, g := range groups {
		if g.v1 {
			continue
		}
		file := path.Join(g.dir, "memory.max")
		most, err1 := strconv.ParseInt(word(fsys, file), 10, 64) // "max" is no limit
		used, err2 := strconv.ParseInt(word(fsys, path.Join(g.dir, "memory.current")), 10, 64)
		if err1 != nil || err2 != nil {
			continue
		}
		if left := max(0, most-used); s.MemorySource == "" || left < s.MemoryAvailable {
			s.MemoryAvailable, s.MemorySource = left, "/"+file
		}
	}
}
