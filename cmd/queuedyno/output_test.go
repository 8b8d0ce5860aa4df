//go:build unix

package main

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// output is what a command has written so far. It may be used by several goroutines.
type output struct {
	mu     sync.Mutex
	buffer bytes.Buffer
	waits  []wait
}

// wait is closed when the output holds the words.
type wait struct {
	words string
	there chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buffer.Write(p)
	o.waits = slices.DeleteFunc(o.waits, func(w wait) bool {
		there := bytes.Contains(o.buffer.Bytes(), []byte(w.words))
		if there {
			close(w.there)
		}
		return there
	})
	return len(p), nil
}

// await waits until the command has written the words.
func (o *output) await(t *testing.T, words string) {
	t.Helper()
	w := wait{words, make(chan struct{})}
	o.mu.Lock()
	o.waits = append(o.waits, w)
	o.mu.Unlock()
	_, _ = o.Write(nil) // they may be there
	select {
	case <-w.there:
	case <-time.After(2 * time.Minute):
		t.Fatalf("%q was never written, but:\n%s", words, o.String())
	}
}

func (o *output) Bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.buffer.Bytes())
}

func (o *output) String() string { return string(o.Bytes()) }

func (o *output) Len() int { return len(o.Bytes()) }

// lastLine is the last one that the command has written.
func lastLine(c *command) string {
	lines := strings.Split(strings.TrimSpace(c.stdout.String()), "\n")
	return lines[len(lines)-1]
}
