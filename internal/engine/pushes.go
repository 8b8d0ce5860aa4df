package engine

import (
	"sync"

	"github.com/queuedyno/queuedyno/internal/ring"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// pushes are the pushes that were sent and not answered, oldest first.
type pushes struct {
	mu  sync.Mutex
	all ring.Ring[pace.Group]
}

func (p *pushes) add(g pace.Group) {
	p.mu.Lock()
	p.all.Push(g)
	p.mu.Unlock()
}

// len is how many there are.
func (p *pushes) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all.Len()
}

// forget drops them all: their answers will not come.
func (p *pushes) forget() {
	p.mu.Lock()
	p.all.Clear()
	p.mu.Unlock()
}

func (p *pushes) take() (g pace.Group, ok bool) {
	p.mu.Lock()
	g, ok = p.all.Pop()
	p.mu.Unlock()
	return g, ok
}
