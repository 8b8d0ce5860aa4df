package jobqueue

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// unsupported are words of the replies to a command that a server or a proxy does
// not have, or that the user has no right to. Each proxy has its own.
var unsupported = []string{
	"noperm", "unknown command", "unknown subcommand", "unsupported command", "unsupported subcommand", "invalid request",
	"command not supported", "is not supported", "not allowed", "is disabled", "command disabled", "not implemented", "no such command",
	"invalid command", "command not found",
}

// elseRefused are the beginnings of replies that hold such words and say something
// else.
var elseRefused = []string{"OOM", "MISCONF", "READONLY", "LOADING", "WRONGTYPE", "NOAUTH", "WRONGPASS", "DENIED", "ERR This instance has cluster"}

// Withheld reports whether err says that the server, or a proxy in front of it,
// does not have a command or does not allow it. What a queue cannot do without is
// an error then; all else is left out and said; see [Facts.Withheld].
func Withheld(err error) bool {
	text := reply(err)
	if text == "" || begins(text, elseRefused) {
		return false
	}
	text = strings.ToLower(text)
	return slices.ContainsFunc(unsupported, func(w string) bool { return strings.Contains(text, w) })
}

// hungUp reports whether the connection was closed in place of an answer: some
// proxies do so when they do not know a command.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// unanswered reports whether an optional command had no use: it was refused for
// whatever reason, or the connection was closed in place of an answer. A server
// that is gone shows it at the next command that is needed.
func unanswered(err error) bool { return refused(err) || isReply(err) || hungUp(err) }

// missing are the optional commands that a server turned out to lack, each with
// what it said and what is missing for that.
type missing struct {
	mu  sync.Mutex
	all []lack
}

type lack struct{ command, said, missing string }

// note remembers a command that the server lacks, once.
func (w *missing) note(command, missing string, err error) {
	said := "the connection was closed"
	if !hungUp(err) {
		said = brief(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.has(command) {
		w.all = append(w.all, lack{command, said, missing})
	}
}

func (w *missing) has(command string) bool {
	return slices.ContainsFunc(w.all, func(l lack) bool { return l.command == command })
}

// lacks reports whether a command is known to be withheld.
func (w *missing) lacks(command string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.has(command)
}

// words are a line for each.
func (w *missing) words() (lines []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.all {
		lines = append(lines, l.command+": "+l.said+"; "+l.missing)
	}
	return lines
}

// introduce names a new connection, so that CLIENT LIST shows whose it is. A server
// that does not take names gets none.
func (s *servers) introduce(ctx context.Context, conn *redis.Conn) error {
	if s.missing.lacks(setName) {
		return nil
	}
	err := conn.ClientSetName(ctx, clientName).Err()
	if refused(err) {
		s.missing.note(setName, nameless, err)
		return nil
	}
	return err
}

const (
	setName    = "CLIENT SETNAME"
	clientName = "queuedyno"
	nameless   = "CLIENT LIST does not show which connections are ours"
)

// answers makes sure that a server answers at all. PING itself is optional.
func answers(ctx context.Context, node redis.Cmdable) error {
	if err := node.Ping(ctx).Err(); err != nil && (!Withheld(err) || takesNoLogin(err)) {
		return err
	}
	return nil
}

// takesNoLogin reports whether a server, or a proxy, does not know AUTH: who gives
// a password there is not logged in, whatever was asked.
func takesNoLogin(err error) bool {
	text := strings.ToLower(reply(err))
	return strings.HasPrefix(text, "err unknown command") && strings.Contains(strings.NewReplacer("`", "'", "\"", "'").Replace(text), "'auth'")
}

// lasting begins the replies to which the same command will get the same reply
// until somebody changes the server, its users or its keys.
var lasting = []string{"NOPERM", "WRONGPASS", "NOAUTH", "ERR AUTH", "ERR invalid password", "DENIED", "WRONGTYPE", "ERR unknown command"}

// Refused reports whether err is a refusal by the server that waiting does not
// mend, such as a right that the user lacks. A server that is away, loads, or has
// lost its master is none, and neither is READONLY, which is what a master says
// as well that has just been replaced: see [ReadOnly].
func Refused(err error) bool { return begins(reply(err), lasting) || Withheld(err) }

// ReadOnly reports whether the server says that it is a replica and takes no
// writes.
func ReadOnly(err error) bool { return begins(reply(err), []string{"READONLY"}) }

// reply is what the server said, without what we say of it; "" for an error that
// is none of its.
func reply(err error) string {
	var theirs redis.Error
	var ours *ReplyError
	switch {
	case errors.As(err, &ours):
		return ours.Text
	case errors.As(err, &theirs):
		return theirs.Error()
	}
	return ""
}

// brief is the first clause of an error reply: some servers repeat the whole
// command in it.
func brief(err error) string {
	return withoutArguments(err.Error())
}

// refused reports whether the server answered, with an error.
func refused(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) && !errors.Is(err, redis.Nil)
}
