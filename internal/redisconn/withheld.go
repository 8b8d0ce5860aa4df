package redisconn

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/resp"
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
	text := ReplyText(err)
	if text == "" || BeginsWith(text, elseRefused) {
		return false
	}
	text = strings.ToLower(text)
	return slices.ContainsFunc(unsupported, func(w string) bool { return strings.Contains(text, w) })
}

// HungUp reports whether the connection was closed in place of an answer: some
// proxies do so when they do not know a command.
func HungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// Unsupported reports whether an optional command had no use: it was refused for
// whatever reason, or the connection was closed in place of an answer. A server
// that is gone shows it at the next command that is needed.
func Unsupported(err error) bool { return IsErrorReply(err) || resp.IsReply(err) || HungUp(err) }

// missing are the optional commands that a server turned out to lack, each with
// what it said and what is missing for that.
type missing struct {
	mu  sync.Mutex
	all []lack
}

type lack struct{ command, said, missing string }

// Note remembers a command that the server lacks, once.
func (w *missing) Note(command, missing string, err error) {
	said := "the connection was closed"
	if !HungUp(err) {
		said = Brief(err)
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

// Lacks reports whether a command is known to be withheld.
func (w *missing) Lacks(command string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.has(command)
}

// Words are a line for each.
func (w *missing) Words() (lines []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.all {
		lines = append(lines, l.command+": "+l.said+"; "+l.missing)
	}
	return lines
}

// introduce names a new connection, so that CLIENT LIST shows whose it is. A server
// that does not take names gets none.
func (s *Servers) introduce(ctx context.Context, conn *redis.Conn) error {
	if s.Missing.Lacks(setName) {
		return nil
	}
	err := conn.ClientSetName(ctx, clientName).Err()
	if IsErrorReply(err) {
		s.Missing.Note(setName, nameless, err)
		return nil
	}
	return err
}

const (
	setName    = "CLIENT SETNAME"
	clientName = "queuedyno"
	nameless   = "CLIENT LIST does not show which connections are ours"
)

// CheckReachable makes sure that a server answers at all. PING itself is optional.
func CheckReachable(ctx context.Context, node redis.Cmdable) error {
	if err := node.Ping(ctx).Err(); err != nil && (!Withheld(err) || takesNoLogin(err)) {
		return err
	}
	return nil
}

// takesNoLogin reports whether a server, or a proxy, does not know AUTH: who gives
// a password there is not logged in, whatever was asked.
func takesNoLogin(err error) bool {
	text := strings.ToLower(ReplyText(err))
	return strings.HasPrefix(text, "err unknown command") && strings.Contains(strings.NewReplacer("`", "'", "\"", "'").Replace(text), "'auth'")
}

// lasting begins the replies to which the same command will get the same reply
// until somebody changes the server, its users or its keys.
var lasting = []string{"NOPERM", "WRONGPASS", "NOAUTH", "ERR AUTH", "ERR invalid password", "DENIED", "WRONGTYPE", "ERR unknown command"}

// Refused reports whether err is a refusal by the server that does not go away by
// waiting, such as a missing permission. A server that is unreachable, is loading, or
// has lost its master does not refuse, and neither does READONLY, which a master that
// has just been replaced says, too: see [ReadOnly].
func Refused(err error) bool { return BeginsWith(ReplyText(err), lasting) || Withheld(err) }

// ReadOnly reports whether the server says that it is a replica and takes no
// writes.
func ReadOnly(err error) bool { return BeginsWith(ReplyText(err), []string{"READONLY"}) }

// ReplyText is what the server said, without our explanation; "" for an error that the
// server did not send.
func ReplyText(err error) string {
	var theirs redis.Error
	var ours *resp.ReplyError
	switch {
	case errors.As(err, &ours):
		return ours.Text
	case errors.As(err, &theirs):
		return theirs.Error()
	}
	return ""
}

// Brief is the first clause of an error reply: some servers repeat the whole
// command in it.
func Brief(err error) string {
	return resp.WithoutArguments(err.Error())
}

// IsErrorReply reports whether the server answered, with an error.
func IsErrorReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) && !errors.Is(err, redis.Nil)
}
