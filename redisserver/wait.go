//go:build unix

package redisserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/privateserver"
)

const (
	// aliveFor is how long a server that does not say which process it is must
	// have answered: one that found its port taken has ended by then.
	aliveFor = 500 * time.Millisecond
	// loadingNote is how often a server that still loads is reported.
	loadingNote = 10 * time.Second
)

// starting is a server that was started and is to be waited for.
type starting struct {
	address, password, logPath string
	log                        func(string)
}

// waitReady waits until the server answers, ends, refuses for good, or takes too
// long. A server that loads its data set takes as long as that needs.
func waitReady(ctx context.Context, c *privateserver.Process, s starting) error {
	tooLong := time.NewTimer(startTimeout)
	defer tooLong.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var last error
	var answered, noted time.Time
	for {
		a, err := probe(ctx, s.address, s.password)
		switch {
		case err != nil:
			last, answered = err, time.Time{}
			if isLasting(err) {
				return explainRefusal(err)
			}
		case a.loading:
			last, answered = errors.New("it still loads its data set"), time.Time{}
			tooLong.Reset(startTimeout)
			if time.Since(noted) > loadingNote {
				noted = time.Now()
				s.log("redis: redis-server loads its data set" + a.progress)
			}
		// Another Redis may have bound the port before ours did, and ours is
		// about to say so: only the answer of our process counts.
		case a.pid == c.PID():
			return nil
		case a.pid == 0 && answered.IsZero():
			answered = time.Now()
		case a.pid == 0 && (time.Since(answered) > aliveFor || saysReady(s.logPath)):
			return nil
		}
		select {
		case <-c.Done():
			if c.Err() == nil {
				return errors.New("it ended at once")
			}
			return c.Err()
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tooLong.C:
			return fmt.Errorf("no answer within %v (last: %w)", startTimeout, last)
		case <-tick.C:
		}
	}
}

// saysReady reports whether a server's log says that it has bound its port.
func saysReady(logPath string) bool {
	b, err := os.ReadFile(logPath)
	return err == nil && strings.Contains(strings.ToLower(string(b)), "ready to accept connections")
}
