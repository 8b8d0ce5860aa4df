package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// problems are the errors and warnings of a run, and what became of its connections.
type problems struct {
	clock *clock

	mu          sync.Mutex       // guards what follows
	errors      map[string]int64 // by operation
	first       error            // that ended the run
	notes       notes
	reconnected map[string]*reconnected // by operation
	away        error                   // of a connection that could not be opened again before the run was over
	lostPops    int64                   // jobs that may have been handed to connections that were lost

	resubscribed atomic.Int64
	unconfirmed  atomic.Int64 // subscriptions that did not answer at the end
}

// problem counts an error that the run survives, and quotes it with its remedy.
func (p *problems) problem(op string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errors[op]++
	hint := ""
	var known interface{ Hint() string }
	if errors.As(err, &known) {
		hint = known.Hint()
	}
	p.notes.addAt(time.Since(p.clock.epoch), fmt.Sprintf("%s: %s", op, err), hint)
}

// fail ends the run because of an error. The first one is the reason; those
// that follow from it are counted.
func (p *problems) fail(op string, err error) {
	if err == nil || errors.Is(err, jobqueue.ErrClosed) || p.clock.ctx.Err() != nil && errors.Is(err, context.Cause(p.clock.ctx)) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errors[op]++
	if p.first != nil || p.clock.ctx.Err() != nil {
		return
	}
	p.first = fmt.Errorf("at %.3f s of the run: %w", time.Since(p.clock.epoch).Seconds(), err)
	p.clock.cancel(p.first)
}

// fatal is the error that ended the run, nil when none did.
func (p *problems) fatal() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.first
}

// warn notes something that every report has to say.
func (p *problems) warn(format string, args ...any) {
	p.mu.Lock()
	p.notes.add(fmt.Sprintf(format, args...))
	p.mu.Unlock()
}

// errorCount is how many errors there were so far.
func (p *problems) errorCount() (n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, errors := range p.errors {
		n += errors
	}
	return n
}

// maxErrors is how many different errors that a run survived are quoted.
const maxErrors = 20

// notes are the warnings of a run, in the order in which they first came up. Equal
// ones are folded into one with a count.
type notes struct {
	all    []*note
	byText map[string]*note
	errors int // different ones
}

type note struct {
	text, hint  string
	count       int
	first, last time.Duration
	timed       bool // it happened at a moment of the run
}

// add notes what holds for the run as a whole.
func (n *notes) add(text string) { n.note(text, 0, false) }

// addAt notes what happened at a moment of the run, and its remedy.
func (n *notes) addAt(at time.Duration, text, hint string) {
	if n.byText[text] == nil {
		if n.errors++; n.errors > maxErrors {
			return
		}
	}
	n.note(text, at, true)
	n.byText[text].hint = hint
}

func (n *notes) note(text string, at time.Duration, timed bool) {
	one := n.byText[text]
	if one == nil {
		one = &note{text: text, first: at, timed: timed}
		if n.byText == nil {
			n.byText = map[string]*note{}
		}
		n.byText[text] = one
		n.all = append(n.all, one)
	}
	one.count++
	one.last = at
}

// lines are the notes in words. A remedy is given once, with the first note that has
// it. When the server has ended, that explains every lost connection, and no remedy is
// given.
func (n *notes) lines(ended bool) []string {
	lines := []string{}
	hints := map[string]bool{"": true}
	for _, one := range n.all {
		line := one.text
		if !ended && !hints[one.hint] {
			hints[one.hint] = true
			line += " (" + one.hint + ")"
		}
		switch {
		case one.timed && one.count > 1:
			line = fmt.Sprintf("%d times from %.3f s to %.3f s: %s", one.count, one.first.Seconds(), one.last.Seconds(), line)
		case one.timed:
			line = fmt.Sprintf("at %.3f s: %s", one.first.Seconds(), line)
		}
		lines = append(lines, line)
	}
	if n.errors > maxErrors {
		lines = append(lines, fmt.Sprintf("%d other errors are counted and not quoted", n.errors-maxErrors))
	}
	return lines
}
