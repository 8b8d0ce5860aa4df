package hoststat

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/result"
)

// ThisHost describes this host. What the system does not report stays empty.
func ThisHost() result.Host {
	h := result.Host{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0)}
	limit := ThisCPULimit()
	h.CPULimit, h.CPULimitSource, h.CPULimitUnknown = limit.CPUs, limit.Source, limit.Unknown
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		h.Kernel = strings.TrimSpace(string(b))
	}
	h.CPUModel = field("/proc/cpuinfo", "model name")
	if kb, err := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		h.MemoryBytes = kb << 10
	}
	return h
}

// field is the value of the first line "key : value" of a file, or "".
func field(file, key string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
