package redistest

import (
	"context"
	"io"
	"net/url"
	"os/exec"
	"strings"

	"github.com/queuedyno/queuedyno/redisserver"
)

// afterwards waits for a line and removes the container when none comes: its
// input ends with the process that holds the other end. It ignores the
// terminal's Ctrl-C, which reaches it too.
const afterwards = `trap '' INT TERM HUP; read -r released || exec docker rm --force --volumes "$1"`

// guard has a container removed after the end of this process, however it
// ends: a panic and a test's timeout pass by TestMain. The reaper of
// testcontainers would do the same, but its image is one more to pull, and
// where nothing can be pulled it is switched off.
//
// Without a docker command in PATH there is no guard, and the reaper is what is
// left. A private process has its own watcher, see package redisserver.
//
// The caller must keep release, since what it holds open is what the guard
// waits on, and call it when the container is gone.
func guard(ctx context.Context, s *redisserver.Server) (release func()) {
	if s.Kind() != redisserver.Docker {
		return func() {}
	}
	id := container(ctx, s)
	if id == "" {
		return func() {}
	}
	c := exec.Command("sh", "-c", afterwards, "sh", id)
	in, err := c.StdinPipe()
	if err != nil || c.Start() != nil {
		return func() {}
	}
	return func() {
		// An error means that someone has ended the guard before us.
		_, _ = io.WriteString(in, "released\n")
		_ = in.Close()
		_ = c.Wait()
	}
}

// container is the id of the container that the server runs in, or "". The
// docker command may be set up for another daemon than testcontainers is, and
// another container could publish the same port there. So the container must
// have been started with the server's password, which no other process has.
func container(ctx context.Context, s *redisserver.Server) string {
	u, err := url.Parse(s.URL())
	if err != nil {
		return ""
	}
	secret, _ := u.User.Password()
	out, err := exec.CommandContext(ctx, "docker", "ps", "--no-trunc",
		"--filter", "publish="+u.Port(), "--format", "{{.ID}} {{.Command}}").Output()
	if err != nil || secret == "" {
		return ""
	}
	for line := range strings.Lines(string(out)) {
		if id, command, _ := strings.Cut(line, " "); strings.Contains(command, secret) {
			return id
		}
	}
	return ""
}
