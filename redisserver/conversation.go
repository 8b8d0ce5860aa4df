//go:build unix

package redisserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/resp"
)

// conversation is a connection to a server that was started here.
type conversation struct {
	conn net.Conn
	in   *resp.Reader
}

// command sends a command and returns its answer, a text.
func (c *conversation) command(words ...string) (string, error) {
	answer, err := command(c.conn, c.in, words...)
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(words[:min(2, len(words))], " "), err)
	}
	return answer, nil
}

// says reports whether the answer to a command holds the text.
func says(c *conversation, text string, words ...string) (bool, error) {
	answer, err := c.command(words...)
	return strings.Contains(answer, text), err
}

// converse dials a server, logs in, and calls talk.
func converse(ctx context.Context, s *Server, password string, talk func(*conversation) error) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", s.host())
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(3 * startTimeout)); err != nil {
		return err
	}
	c := &conversation{conn: conn, in: answersOf(conn)}
	if password != "" {
		// Not by way of the method, whose errors name the words.
		if _, err := command(conn, c.in, "AUTH", password); err != nil {
			return fmt.Errorf("log in at %s: %w", s.host(), err)
		}
	}
	if err := talk(c); err != nil {
		return fmt.Errorf("at %s: %w", s.host(), err)
	}
	return nil
}

// settled asks each server until the answer is yes.
func settled(ctx context.Context, password, what string, ask func(*conversation) (bool, error), all ...*Server) error {
	for _, s := range all {
		if err := settledAt(ctx, s, password, ask); err != nil {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
	}
	return nil
}

func settledAt(ctx context.Context, s *Server, password string, ask func(*conversation) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*startTimeout, errors.New("it took too long"))
	defer cancel()
	return converse(ctx, s, password, func(c *conversation) error {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			if yes, err := ask(c); yes || err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-tick.C:
			}
		}
	})
}
