//go:build unix

package redisserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

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
	return s.converse(ctx, password, func(c *conversation) error {
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

// converse logs in to a server that was started here, and calls talk.
func (s *Server) converse(ctx context.Context, password string, talk func(*conversation) error) error {
	if err := converse(ctx, s.host(), password, 3*startTimeout, talk); err != nil {
		return fmt.Errorf("at %s: %w", s.host(), err)
	}
	return nil
}

// command sends a command and returns its answer, a text.
func (c *conversation) command(words ...string) (string, error) {
	answer, err := c.ask(words...)
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
