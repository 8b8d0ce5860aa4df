package startedworker

import (
	"errors"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/workergroup"
)

// processes are the workers that were started, each a group of processes, and those that
// took the place of killed ones.
type processes struct {
	ended chan struct{} // closed when one has ended that was neither killed nor stopped

	quit     chan struct{} // closed when all have ended
	quitting sync.Once
	watching sync.WaitGroup // of the goroutines that wait for an end

	mu      sync.Mutex // guards what follows
	all     []*member
	killed  bool // some were killed
	stopped bool // no other is started
	over    bool // ended is closed
}

// member is one of them.
type member struct {
	group  *workergroup.Group
	killed bool                                    // on purpose; guarded by processes.mu
	read   func() (used time.Duration, known bool) // since the load began
}

// errStopped is why no worker is started any more.
var errStopped = errors.New("start the worker: the run is over")

// add starts one more worker.
func (p *processes) add(start func() (*workergroup.Group, error)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return errStopped
	}
	g, err := start()
	if err != nil {
		return err
	}
	w := &member{group: g}
	p.all = append(p.all, w)
	p.watching.Go(func() { p.watch(w) })
	return nil
}

// watch notes the end of a worker.
func (p *processes) watch(w *member) {
	select {
	case <-w.group.Ended():
	case <-p.quit:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !w.killed && !p.over {
		p.over = true
		close(p.ended)
	}
}

// dead is the first worker that has ended and was not killed, nil without one.
func (p *processes) dead() *workergroup.Group {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.all {
		if !w.killed && !w.runs() {
			return w.group
		}
	}
	return nil
}

func (w *member) runs() bool {
	select {
	case <-w.group.Ended():
		return false
	default:
		return true
	}
}

// living are the first workers that run, so many or all with 0.
func (p *processes) living(count int) (some []*member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.all {
		if !w.killed && w.runs() && (count == 0 || len(some) < count) {
			some = append(some, w)
		}
	}
	return some
}

// kill kills workers, and returns when they are gone.
func (p *processes) kill(victims []*member) {
	p.mu.Lock()
	for _, w := range victims {
		w.killed, p.killed = true, true
	}
	p.mu.Unlock()
	var all sync.WaitGroup
	for _, w := range victims {
		all.Go(w.group.Kill)
	}
	all.Wait()
}

// measure begins to measure the CPU time of the workers.
func (p *processes) measure() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.all {
		w.read = w.group.Meter()
	}
}

// used is the CPU time of all workers since measure, nil where it is not known: what
// killed ones have used is lost with them.
func (p *processes) used() *time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		return nil
	}
	var sum time.Duration
	for _, w := range p.all {
		used, known := w.read()
		if !known {
			return nil
		}
		sum += used
	}
	return &sum
}

// stopping reports whether stop was called.
func (p *processes) stopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopped
}

// stop ends all workers, and says whether any had to be killed.
func (p *processes) stop() (killed bool) {
	p.mu.Lock()
	p.stopped = true
	all := p.all
	p.mu.Unlock()
	late := make([]bool, len(all))
	var ending sync.WaitGroup
	for i, w := range all {
		ending.Go(func() { late[i] = w.group.Stop() })
	}
	ending.Wait()
	p.quitting.Do(func() { close(p.quit) })
	p.watching.Wait()
	for i := range all {
		killed = killed || late[i]
	}
	return killed
}
