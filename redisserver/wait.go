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

// waitReady waits until the server answers, ends, refuses for good, or takes too
// long. A server that loads its data set takes as long as that needs.
func (p process) waitReady(ctx context.Context, c *privateserver.Process) error {
	var last error
	var answered, noted time.Time
	since := time.Now() // it may have begun to answer
	return c.Await(ctx, func() (ready bool, err error) {
		a, err := probe(ctx, p.address, p.password)
		switch {
		case err != nil:
			last, answered = err, time.Time{}
			if isLasting(err) {
				return false, explainRefusal(err)
			}
		case a.loading:
			last, answered, since = errors.New("it still loads its data set"), time.Time{}, time.Now()
			if time.Since(noted) > loadingNote {
				noted = time.Now()
				p.options.Log("redis: redis-server loads its data set" + a.progress)
			}
		// Another Redis may have bound the port before ours did, and ours is
		// about to say so: only the answer of our process counts.
		case a.pid == c.PID():
			return true, nil
		case a.pid == 0 && answered.IsZero():
			answered = time.Now()
		case a.pid == 0 && (time.Since(answered) > aliveFor || saysReady(p.command.Log)):
			return true, nil
		}
		if time.Since(since) > startTimeout {
			return false, fmt.Errorf("no answer within %v (last: %w)", startTimeout, last)
		}
		return false, nil
	})
}

// saysReady reports whether a server's log says that it has bound its port.
func saysReady(logPath string) bool {
	b, err := os.ReadFile(logPath)
	return err == nil && strings.Contains(strings.ToLower(string(b)), "ready to accept connections")
}
