package redisconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/queuedyno/queuedyno/internal/resp"
)

// Error is a fault in talking to Redis: what was being done, where, and what
// the user can do about it. It never holds a password.
type Error struct {
	Op      string // what was being done, such as `push to "job_queue"`
	Address string
	Err     error
	Remedy  string
}

func (e *Error) Error() string {
	said := resp.WithoutArguments(e.Err.Error())
	if e.Address == "" {
		return e.Op + ": " + said
	}
	return fmt.Sprintf("%s at %s: %s", e.Op, e.Address, said)
}

func (e *Error) Unwrap() error { return e.Err }

// Hint is the remedy in one line, or "".
func (e *Error) Hint() string { return e.Remedy }

// ExplainOn is explain for an operation on a key or channel.
func ExplainOn(op, name, address string, err error) error {
	return Explain(fmt.Sprintf("%s %q", op, name), address, err)
}

// Explain wraps a fault with its place and the remedy, where one is known.
func Explain(op, address string, err error) error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	return &Error{Op: op, Address: address, Err: err, Remedy: remedy(err)}
}

// explainTLS adds what a connection by TLS can fail of besides.
func explainTLS(err error, secured bool) error {
	var known *Error
	if secured && errors.As(err, &known) && (isTimeout(err) || HungUp(err) || errors.Is(err, os.ErrDeadlineExceeded)) {
		known.Remedy = "the TLS handshake got no answer: if the server does not speak TLS on that port, write redis:// instead of rediss://; if it asks for a client certificate, give it with --cert and --key"
	}
	return err
}

// replies maps the beginning of an error reply to its remedy.
var replies = []struct{ prefix, hint string }{
	{"WRONGPASS", "the user name or the password is wrong; give them in the URL: redis://user:password@host:port, or without a user: redis://:password@host:port"},
	{"NOAUTH", "this Redis wants a password; give it in the URL: redis://:password@host:port"},
	{"ERR AUTH", "this Redis has no password set for that user; leave it out of the URL, or check the user name"},
	{"ERR invalid password", "the password is wrong; give it in the URL: redis://:password@host:port"},
	{"NOPERM", "the user lacks a right; docs/redis.md lists the commands that each design needs; allow them, and the keys and channels in use (ACL SETUSER)"},
	{"LOADING", "Redis is still loading its data set from disk; try again when INFO persistence says loading:0"},
	{"OOM", "Redis is out of memory under its maxmemory with noeviction; raise maxmemory, remove data, or use another Redis"},
	{"READONLY", "this is a read-only replica; use the address of the primary (INFO replication names it)"},
	{"MISCONF", "Redis refuses writes because it cannot save to disk; free disk space, or CONFIG SET stop-writes-on-bgsave-error no"},
	{"MASTERDOWN", "this replica has lost its primary; use the address of the primary"},
	{"NOREPLICAS", "this Redis refuses writes without enough replicas (min-replicas-to-write)"},
	{"MOVED", "this is a node of a Redis Cluster; name its nodes as in redis-cluster://user:password@host1:7000,host2:7001, and each queue is found where it lives"},
	{"CLUSTERDOWN", "the Redis Cluster is down; see CLUSTER INFO"},
	{"ERR This instance has cluster support disabled", "this is no node of a Redis Cluster; write redis:// instead of redis-cluster://"},
	{"WRONGTYPE", "the key exists and is not a list, or not a stream where the design is one; name another queue"},
	{"ERR max number of clients", "Redis has no connection left; raise its maxclients, or use fewer producers, consumers and subscribers"},
	{"ERR DB index", "there is no such database; the number after the last / of the URL is 0 to 15 by default"},
	{"DENIED", "Redis is in protected mode and takes only local connections; set a password or protected-mode no"},
}

// remedy is what to do about err, or "".
func remedy(err error) string {
	text := err.Error()
	for _, r := range replies {
		if strings.HasPrefix(text, r.prefix) {
			return r.hint
		}
	}
	if hint := tlsRemedy(err); hint != "" {
		return hint
	}
	var dns *net.DNSError
	switch {
	case takesNoLogin(err):
		return "that server, or a proxy in front of it, takes no AUTH: leave the user and the password out of the URL, or allow AUTH"
	case errors.Is(err, ErrHungUp):
		return "an idle limit closed it: the server's setting timeout (CONFIG GET timeout), or that of a proxy, load balancer or firewall in between"
	case errors.Is(err, ErrDead):
		return "something between dropped the connection without closing it: a proxy, load balancer, NAT or firewall with an idle limit; raise that limit"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there (in a container, localhost is that container); start a Redis (redis-server, or docker run --rm -p 6379:6379 redis:7-alpine), or let queuedyno start one: --redis process"
	case errors.Is(err, syscall.ENOENT):
		return "there is no such socket; see unixsocket in redis.conf"
	case errors.Is(err, syscall.EACCES):
		return "no right to use that socket; see unixsocketperm in redis.conf"
	case errors.As(err, &dns):
		return "the host name is not known; check the spelling"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "too many open files; raise the limit (ulimit -n), or use fewer producers, consumers and subscribers"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return "the server did not answer in time; is the address right, and is a firewall in between?"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the server closed the connection: it ended, it has no client left to give (maxclients), it speaks TLS (rediss://), an idle limit was over (its setting timeout, or that of a proxy or load balancer), or it is a proxy that does not know the command: through one use --design list-poll --notify none, or name the Redis behind it"
	}
	return ""
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}
