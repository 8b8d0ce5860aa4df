package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/resp"
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
	noticed     func()                  // is called for each error; nil when faults are not watched

	resubscribed atomic.Int64
	unconfirmed  atomic.Int64 // subscriptions that did not answer at the end
}

// problem counts an error that the run survives, and quotes it with its remedy.
func (p *problems) problem(op string, err error) {
	if p.noticed != nil {
		p.noticed()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errors[op]++
	p.notes.addAt(time.Since(p.clock.epoch), fmt.Sprintf("%s: %s", op, err), problem.Of(err).Hint)
}

// fail ends the run because of an error. The first one is the reason; those
// that follow from it are counted.
func (p *problems) fail(op string, err error) {
	if err == nil || errors.Is(err, jobqueue.ErrClosed) || errors.Is(err, errOver) || p.clock.ctx.Err() != nil && errors.Is(err, context.Cause(p.clock.ctx)) {
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

// reconnected is how often connections of one pool were lost and opened again.
type reconnected struct {
	idle, waiting, busy int64         // while nothing was under way, while a pop waited, and while something was
	longest             time.Duration // until the next was open
	limited             bool          // some could be opened again at once after the old one was closed: no server was away
}

// reconnect counts a connection that took the place of a lost one.
func (p *problems) reconnect(op string, lost error, gap time.Duration, atOnce bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.reconnected[op]
	if n == nil {
		n = &reconnected{}
		p.reconnected[op] = n
	}
	silent := true
	_, idle := lost.(idleError)
	switch {
	case idle:
		n.idle++
	case waited(lost):
		n.waiting++
	default:
		n.busy++
		silent = false
	}
	n.limited = n.limited || atOnce && !resp.IsReply(lost) && silent
	n.longest = max(n.longest, gap)
}

// reconnects are all of them by operation, nil when there were none.
func (p *problems) reconnects() map[string]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all map[string]int64
	for op, n := range p.reconnected {
		if all == nil {
			all = map[string]int64{}
		}
		all[op] = n.idle + n.waiting + n.busy
	}
	return all
}

// warnOfReconnects says in one line for each pool what became of its connections.
// idleLimit says whose limit closes idle ones, and is empty if that is not in question.
func (p *problems) warnOfReconnects(warn func(format string, args ...any), idleLimit string) {
	limit := false
	for _, op := range slices.Sorted(maps.Keys(p.reconnected)) {
		n := p.reconnected[op]
		limit = limit || n.limited
		if n.idle > 0 {
			warn("%s: connections that were closed or dropped while they were idle: %d; each was opened again before the next command, and nothing was lost by it", op, n.idle)
		}
		if n.waiting > 0 {
			warn("%s: connections that were closed while they waited for a job: %d; each was opened again, the longest gap was %s", op, n.waiting, n.longest.Round(time.Millisecond))
		}
		if n.busy > 0 {
			warn("%s: connections that were lost with a command under way, and opened again: %d; the longest gap was %s", op, n.busy, n.longest.Round(time.Millisecond))
		}
	}
	if limit && idleLimit != "" {
		warn("%s", idleLimit)
	}
}

// idleLimit names whose limit closes idle connections.
func (s *server) idleLimit() string {
	const between = "a proxy, load balancer or firewall in between"
	if f := s.facts[0]; f != nil {
		switch seconds, known := f.Config["timeout"]; {
		case known && seconds != "0":
			return fmt.Sprintf("the server closes connections that are idle for %s s (CONFIG SET timeout 0 turns that off); %s may have an idle limit, too", seconds, between)
		case known:
			return "the server itself closes no idle connection (its timeout is 0); look for an idle limit of " + between
		}
	}
	return "look for an idle limit: the server's setting timeout, or that of " + between
}

// lostPop notes that the answer to a pop of up to n jobs was lost.
func (p *problems) lostPop(n int) {
	p.mu.Lock()
	p.lostPops += int64(n)
	p.mu.Unlock()
}
