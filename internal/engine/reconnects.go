package engine

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

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
	n.limited = n.limited || atOnce && !refusal(lost) && silent
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
	if limit {
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
