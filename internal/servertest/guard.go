package servertest

import (
	"context"
	"net/url"
	"os/exec"
	"strings"

	"github.com/queuedyno/queuedyno/internal/privateserver"
)

// guard has the container of the server at the URL removed after the end of this
// process, however it ends: a panic and a test's timeout pass by TestMain. The reaper of
// testcontainers would do the same, but its image is one more to pull, and
// where nothing can be pulled it is switched off.
//
// Without a docker command in PATH there is no guard, and the reaper is what is
// left. A private process has a separate watcher.
func guard(ctx context.Context, url string) (release func()) {
	id := container(ctx, url)
	if id == "" {
		return func() {}
	}
	return privateserver.Afterwards(`exec docker rm --force --volumes "$1"`, id)
}

// container is the id of the container that the server runs in, or "". The
// docker command may be set up for another daemon than testcontainers is, and
// another container could publish the same port there. So the container must
// have been started with the server's password, which no other process has: as an
// argument, or in its environment.
func container(ctx context.Context, server string) string {
	u, err := url.Parse(server)
	if err != nil {
		return ""
	}
	secret, _ := u.User.Password()
	out, err := exec.CommandContext(ctx, "docker", "ps", "--no-trunc", "--quiet", "--filter", "publish="+u.Port()).Output()
	if err != nil || secret == "" {
		return ""
	}
	for id := range strings.FieldsSeq(string(out)) {
		made, err := exec.CommandContext(ctx, "docker", "inspect", "--format", "{{.Args}} {{.Config.Env}}", id).Output()
		if err == nil && strings.Contains(string(made), secret) {
			return id
		}
	}
	return ""
}
