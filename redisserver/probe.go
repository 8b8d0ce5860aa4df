package redisserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
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

// probe asks the server at a TCP address to answer PING and returns the process
// id that it says it has.
//
// It speaks the protocol by hand: the pipeline's client, with its pool and its
// retries, is neither needed nor wanted in this package.
func probe(ctx context.Context, address, password string) (pid int, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(deadline); err != nil {
			return 0, err
		}
	}
	r := bufio.NewReader(c)
	if password != "" {
		if _, err := command(c, r, "AUTH", password); err != nil {
			return 0, err
		}
	}
	if answer, err := command(c, r, "PING"); err != nil {
		return 0, err
	} else if answer != "PONG" {
		return 0, fmt.Errorf("PING was answered by %q, want PONG", answer)
	}
	info, err := command(c, r, "INFO", "server")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "process_id:"); ok {
			return strconv.Atoi(v)
		}
	}
	return 0, errors.New("INFO tells no process_id")
}

// maxReply bounds a reply in bytes: what answers may be no Redis at all.
const maxReply = 1 << 20

// command sends one command and reads its reply, a simple or a bulk string.
func command(w io.Writer, r *bufio.Reader, args ...string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return "", err
	}
	return readReply(r)
}

// readReply reads a simple string, an error or a bulk string.
func readReply(r *bufio.Reader) (string, error) {
	// ReadSlice, unlike ReadString, gives up when the buffer is full.
	b, err := r.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	line := strings.TrimRight(string(b), "\r\n")
	if line == "" {
		return "", errors.New("empty reply")
	}
	switch line[0] {
	case '+':
		return line[1:], nil
	case '-':
		return "", errors.New(line[1:])
	case '$':
		n, err := strconv.Atoi(line[1:])
		if err != nil || n < 0 || n > maxReply {
			return "", fmt.Errorf("bulk reply of length %q", line[1:])
		}
		body := make([]byte, n+len("\r\n"))
		if _, err := io.ReadFull(r, body); err != nil {
			return "", err
		}
		return string(body[:n]), nil
	}
	return "", fmt.Errorf("reply of unknown type %q", line[:1])
}
