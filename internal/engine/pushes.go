package engine

import (
	"sync"

	"github.com/queuedyno/queuedyno/scenario/pace"
)

// pushes are the pushes that were sent and not answered, oldest first.
type pushes struct {
	mu    sync.Mutex
	ring  []pace.Group
	head  int
	count int
}

func (p *pushes) add(g pace.Group) {
	p.mu.Lock()
	if p.count == len(p.ring) {
		grown := make([]pace.Group, max(256, 2*len(p.ring)))
		for i := range p.count {
			grown[i] = p.ring[(p.head+i)%len(p.ring)]
		}
		p.ring, p.head = grown, 0
	}
	p.ring[(p.head+p.count)%len(p.ring)] = g
	p.count++
	p.mu.Unlock()
}

// len is how many there are.
func (p *pushes) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// forget drops them all: their answers will not come.
func (p *pushes) forget() {
	p.mu.Lock()
	p.head, p.count = 0, 0
	p.mu.Unlock()
}

func (p *pushes) take() (g pace.Group, ok bool) {
	p.mu.Lock()
	if p.count > 0 {
		g, ok = p.ring[p.head], true
		p.head = (p.head + 1) % len(p.ring)
		p.count--
	}
	p.mu.Unlock()
	return g, ok
}
