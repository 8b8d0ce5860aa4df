package engine

import "sync"

// tokens are the jobs that a closed loop may have on their way. Whoever gives
// some back wakes one producer, and that one takes all that are free: under
// load several jobs so share one write, without anybody waiting for it.
type tokens struct {
	mu     sync.Mutex
	more   sync.Cond
	least  int // what one take needs
	free   int
	wait   int
	closed bool
}

func newTokens(n, least int) *tokens {
	t := &tokens{free: n, least: least}
	t.more.L = &t.mu
	return t
}

// take waits for the least number of tokens and takes as many whole multiples of
// it as are free, at most most. It returns 0 after end.
func (t *tokens) take(most int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.free < t.least && !t.closed {
		t.wait++
		t.more.Wait()
		t.wait--
	}
	if t.closed {
		return 0
	}
	n := min(t.free, most)
	n -= n % t.least
	t.free -= n
	if t.free >= t.least && t.wait > 0 {
		t.more.Signal()
	}
	return n
}

// give puts n tokens back.
func (t *tokens) give(n int) {
	t.mu.Lock()
	t.free += n
	if t.free >= t.least && t.wait > 0 {
		t.more.Signal()
	}
	t.mu.Unlock()
}

// end makes every take return 0 from now on.
func (t *tokens) end() {
	t.mu.Lock()
	t.closed = true
	t.more.Broadcast()
	t.mu.Unlock()
}
