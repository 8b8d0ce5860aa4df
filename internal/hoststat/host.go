package hoststat

import (
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/result"
)

// ThisHost describes this host. What the system does not report stays empty.
func ThisHost() result.Host {
	root := os.DirFS("/")
	h := result.Host{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0)}
	limit := ThisCPULimit()
	h.CPULimit, h.CPULimitSource, h.CPULimitUnknown = limit.CPUs, limit.Source, limit.Unknown
	h.Kernel = word(root, "proc/sys/kernel/osrelease")
	h.CPUModel = field(root, "proc/cpuinfo", "model name")
	h.MemoryBytes, _ = memory(root, "MemTotal")
	return h
}

// memory is a figure of /proc/meminfo in bytes, and whether it is there.
func memory(fsys fs.FS, key string) (bytes int64, known bool) {
	kb, err := strconv.ParseInt(strings.TrimSuffix(field(fsys, "proc/meminfo", key), " kB"), 10, 64)
	return kb << 10, err == nil
}

// field is the value of the first line "key : value" of a file, or "".
func field(fsys fs.FS, file, key string) string {
	b, _ := fs.ReadFile(fsys, file)
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// word is a file's text without the space around it, or "".
func word(fsys fs.FS, file string) string {
	b, _ := fs.ReadFile(fsys, file)
	return strings.TrimSpace(string(b))
}
