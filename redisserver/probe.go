package redisserver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/resp"
)

// startTimeout bounds the wait for the first PONG of a server that was started.
// It is long because a shared CI runner may stall for seconds, and the user may
// load a dump.
const startTimeout = 20 * time.Second

// serverURL is the URL of the server at a TCP address that asks for the
// password, or for none when it is "".
func serverURL(address, password string) string {
	u := url.URL{Scheme: "redis", Host: address, Path: "/0"}
	if password != "" {
		u.User = url.UserPassword("", password)
	}
	return u.String()
}

// answer is what a server that answers says of itself.
type answer struct {
	pid     int // 0 where it does not tell
	loading bool
	// progress is how far the loading is, in words that follow others; may be "".
	progress string
}

// probe asks the server at a TCP address whether it takes commands. A refusal of
// PING or INFO is an answer, too: a server may lack these commands, and the
// pipeline needs neither.
//
// The pipeline's client, with its pool and its retries, is neither needed nor wanted in
// this package.
func probe(ctx context.Context, address, password string) (a answer, err error) {
	err = converse(ctx, address, password, time.Second, func(c *conversation) error {
		pong, err := c.ask("PING")
		switch {
		case begins(err, "LOADING"):
			a.loading = true
		case begins(err, "NOPERM", "ERR unknown command"):
		case err != nil:
			return err
		case pong != "PONG":
			return fmt.Errorf("PING was answered by %q, want PONG", pong)
		}
		section := "server"
		if a.loading {
			section = "persistence"
		}
		info, err := c.ask("INFO", section)
		if begins(err, "NOPERM", "ERR", "LOADING") {
			return nil
		}
		for line := range strings.Lines(info) {
			name, v, _ := strings.Cut(strings.TrimSpace(line), ":")
			switch name {
			case "process_id":
				a.pid, _ = strconv.Atoi(v)
			case "loading_loaded_perc":
				a.progress = ": " + v + "%"
			}
		}
		return err
	})
	return a, err
}

// begins reports whether err is an error reply with one of the beginnings.
func begins(err error, with ...string) bool {
	said, is := errors.AsType[*resp.ReplyError](err)
	return is && slices.ContainsFunc(with, func(w string) bool { return strings.HasPrefix(said.Text, w) })
}

// lastingReplies are the answers that never change while a server runs, with the
// settings that make it give them.
var lastingReplies = []struct{ prefix, hint string }{
	{"NOAUTH", "queuedyno logs in as the default user, with the password of requirepass or of \"user default on >password\" in the arguments, in an included file or in the ACL file: a password that is given by its hash is not known, and \"user default off\" leaves no user to log in as; remove that setting"},
	{"WRONGPASS", "queuedyno logs in as the default user, with the password of requirepass or of \"user default on >password\": remove \"user default off\" from the arguments, the included files or the ACL file"},
	{"ERR AUTH", "the default user has no password: remove requirepass, or set one in the ACL file as \"user default on >password\""},
	{"ERR invalid password", "the default user has another password: remove requirepass or the ACL file"},
	{"DENIED", "the server is in protected mode and takes no connections from elsewhere: set a password with requirepass, or protected-mode no"},
	{"NOPERM", "the default user lacks the right: remove that rule from \"user default\", or the ACL file"},
}

// remedy is what to do about an answer that never changes, "" for every other error.
func remedy(err error) string {
	for _, one := range lastingReplies {
		if begins(err, one.prefix) {
			return one.hint
		}
	}
	return ""
}

// isLasting reports whether a server will never answer otherwise.
func isLasting(err error) bool { return remedy(err) != "" }

// explainRefusal adds the setting to remove to an answer that never changes.
func explainRefusal(err error) error {
	if hint := remedy(err); hint != "" {
		return &problem.Hinted{What: "the server answers " + err.Error(), Remedy: hint, Err: err}
	}
	return err
}
