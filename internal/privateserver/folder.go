//go:build unix

package privateserver

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Folder makes a folder in tmp for a server of that name. Its own name tells [Sweep]
// which process owns it.
func Folder(tmp, server string) (string, error) {
	return os.MkdirTemp(tmp, folderPrefix(server)+strconv.Itoa(os.Getpid())+"-*")
}

// folderPrefix begins the names of a server's folders on this host. A container may
// share /tmp with its host, and there the same process id is another process.
func folderPrefix(server string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return "queuedyno-" + server + "-" + strings.ReplaceAll(host, string(filepath.Separator), "_") + "-"
}

// Sweep removes from tmp, as well as it can, the server's folders whose owners were
// killed and could not do it themselves.
func Sweep(tmp, server string) {
	entries, err := os.ReadDir(tmp)
	if err != nil {
		return
	}
	prefix := folderPrefix(server)
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
