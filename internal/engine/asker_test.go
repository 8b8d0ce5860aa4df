package engine_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/resp"
	"github.com/queuedyno/queuedyno/redisserver"
)

// asker asks a server over a connection that has nothing to do with the client.
type asker struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func ask(t *testing.T, s *redisserver.Server) *asker {
	t.Helper()
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &asker{t, conn, bufio.NewReader(conn)}
}

// do returns all texts of the answer to a command.
func (a *asker) do(words ...string) []string {
	a.t.Helper()
	var texts []string
	_, err := a.conn.Write(resp.AppendCommand(nil, words...))
	if err == nil {
		texts, err = readTexts(a.in)
	}
	if err != nil {
		a.t.Fatalf("%q: %v", words, err)
	}
	return texts
}

// holds are all texts in all lists and streams of the server.
func (a *asker) holds() map[string]bool {
	a.t.Helper()
	all := map[string]bool{}
	for _, key := range a.do("KEYS", "*") {
		var texts []string
		switch kind := a.do("TYPE", key); kind[0] {
		case "list":
			texts = a.do("LRANGE", key, "0", "-1")
		case "stream":
			texts = a.do("XRANGE", key, "-", "+")
		}
		for _, text := range texts {
			all[text] = true
		}
	}
	return all
}

// readTexts reads a value of the Redis protocol and returns the texts in it, nested or
// not.
func readTexts(in *bufio.Reader) (all []string, err error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	kind, rest := line[0], strings.TrimSpace(line[1:])
	switch kind {
	case '+', ':':
		return []string{rest}, nil
	case '-':
		return nil, errors.New(rest)
	}
	n, err := strconv.Atoi(rest)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q: %w", line, err)
	case n < 0:
		return nil, nil
	case kind == '$':
		text := make([]byte, n+2)
		if _, err := io.ReadFull(in, text); err != nil {
			return nil, err
		}
		return []string{string(text[:n])}, nil
	}
	for range n {
		texts, err := readTexts(in)
		if err != nil {
			return nil, err
		}
		all = append(all, texts...)
	}
	return all, nil
}
