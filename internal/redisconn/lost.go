package redisconn

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/resp"
)

// See package jobqueue, which documents these for its callers.
var (
	ErrClosed = errors.New("closed")
	ErrLost   = errors.New("connection lost")
	ErrStale  = errors.New("connection was closed before the call")
)

// elsewhere begins the replies of a node that does not serve the key, or not
// yet: the command was not carried out, and another connection can be the
// remedy.
var elsewhere = []string{"READONLY", "MASTERDOWN", "LOADING", "UNBLOCKED", "NOREPLICAS"}

// resharded begins those that only nodes of a cluster give.
var resharded = []string{"MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"}

func BeginsWith(text string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(text, p) })
}

// lostError marks an error as one after which opening again can help.
type lostError struct {
	err   error
	stale bool // nothing of what was to be sent was sent
}

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() []error {
	if e.stale {
		return []error{e.err, ErrLost, ErrStale}
	}
	return []error{e.err, ErrLost}
}

// Lost makes err match errLost.
func Lost(err error) error { return &lostError{err: err} }

// LostIfGone makes err match errLost if it says that the connection to the node, or the
// node's office, is gone.
func LostIfGone(err error) error {
	if !gone(err) || errors.Is(err, ErrLost) {
		return err
	}
	return Lost(err)
}

func IsStale(err error) bool { return errors.Is(err, ErrStale) }

// gone reports whether err says that the connection to the node, or the node's
// office, is gone; the end of a context and a refusal are no such thing.
func gone(err error) bool {
	if _, unexpected := errors.AsType[*resp.AnswerError](err); unexpected {
		return false // who answers so once answers so again
	}
	if text := ReplyText(err); text != "" {
		return BeginsWith(text, elsewhere) || BeginsWith(text, resharded)
	}
	return err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, ErrClosed)
}

// Unreached reports whether err says that no connection could be opened.
func Unreached(err error) bool {
	var dialled *net.OpError
	return errors.As(err, &dialled) && dialled.Op == "dial"
}

// movedTo is the address in a reply of a cluster's node that says where the key
// is served.
func movedTo(err error) (addr string, moved bool) {
	if err == nil {
		return "", false
	}
	words := strings.Fields(err.Error())
	if len(words) != 3 || words[0] != "MOVED" {
		return "", false
	}
	return words[2], true
}

// atHost completes an address that names no host with that of another: a node
// that does not know its own name answers so.
func atHost(addr, other string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host != "" && host != "?" {
		return addr
	}
	if host, _, err = net.SplitHostPort(other); err != nil {
		return addr
	}
	return net.JoinHostPort(host, port)
}

func isUnknownCommand(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), "ERR unknown command")
}

func isLogin(err error) bool {
	return BeginsWith(err.Error(), []string{"NOAUTH", "WRONGPASS", "NOPERM", "ERR AUTH", "ERR invalid password"})
}
