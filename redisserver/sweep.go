//go:build unix

package redisserver

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// folderPrefix begins the names of all folders of this host. A container may
// share /tmp with its host, and there the same process id is another process.
func folderPrefix() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return "queuedyno-redis-" + strings.ReplaceAll(host, string(filepath.Separator), "_") + "-"
}

// sweep removes, as well as it can, the folders of owners that were killed and
// could not do it themselves.
func sweep(tmp string) {
	entries, err := os.ReadDir(tmp)
	if err != nil {
		return
	}
	prefix := folderPrefix()
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), prefix)
		if !ok || !e.IsDir() {
			continue
		}
		owner, _, _ := strings.Cut(rest, "-")
		pid, err := strconv.Atoi(owner)
		if err != nil || pid <= 0 {
			continue
		}
		if errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			_ = os.RemoveAll(filepath.Join(tmp, e.Name()))
		}
	}
}
