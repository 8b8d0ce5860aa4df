package redisserver

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/queuedyno/queuedyno/internal/resp"
)

// maxAnswers bounds all replies on one connection, in bytes: what answers may be no
// Redis at all.
const maxAnswers = 16 << 20

// conversation is a connection to a server on which one command follows another.
type conversation struct {
	conn net.Conn
	in   *resp.Reader
}

// converse dials a server, logs in, and calls talk, all within that time. A server may lack
// AUTH, or not know its users yet.
func converse(ctx context.Context, address, password string, within time.Duration, talk func(*conversation) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	c := &conversation{conn: conn, in: answersOf(conn)}
	if password != "" {
		if _, err := c.ask("AUTH", password); err != nil && !begins(err, "LOADING", "ERR unknown command", "NOPERM") {
			return err
		}
	}
	return talk(c)
}

// ask sends one command and reads its reply, a simple or a bulk string.
func (c *conversation) ask(words ...string) (string, error) {
	if _, err := c.conn.Write(resp.AppendCommand(nil, words...)); err != nil {
		return "", err
	}
	return readReply(c.in)
}

// answersOf reads the replies on a connection.
func answersOf(conn io.Reader) *resp.Reader {
	return &resp.Reader{Src: io.LimitReader(conn, maxAnswers)}
}

// readReply reads a simple string, an error or a bulk string.
func readReply(r *resp.Reader) (string, error) {
	if err := r.Await(); err != nil {
		return "", err
	}
	if r.Peek() == '$' {
		text, err := r.Bulk()
		return string(text), err
	}
	kind, rest, err := r.Head()
	if err == nil && kind != '+' {
		err = resp.ProtocolError("%q where a text was due", kind)
	}
	if err != nil {
		return "", err
	}
	return string(rest), nil
}
