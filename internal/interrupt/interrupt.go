// Package interrupt turns signals into the ways of ending what goes on: let it finish, or
// end it now.
package interrupt

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/queuedyno/queuedyno/internal/console"
)

// Signals are the signals that end a run in two ways. The first signal asks it
// to stop sending and drain; the second ends it at once; a third one ends the process,
// as it would without this.
type Signals struct {
	// Stop is closed by the first signal.
	Stop chan struct{}

	mu      sync.Mutex
	loading bool
	finish  string // what the first signal leaves to be done
	count   int
	cancel  context.CancelFunc
	console *console.Console
	done    chan struct{}
	signals chan os.Signal
}

// Listen begins to listen. The context it returns ends with the second signal,
// and with the first as long as no load is running: then there is nothing to
// drain. Call Close when all is done.
func Listen(ctx context.Context, c *console.Console) (context.Context, *Signals) {
	ctx, cancel := context.WithCancel(ctx)
	i := &Signals{
		Stop: make(chan struct{}), cancel: cancel, console: c,
		done: make(chan struct{}), signals: make(chan os.Signal, 4),
	}
	signal.Notify(i.signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer close(i.done)
		for range i.signals {
			i.signal()
		}
	}()
	return ctx, i
}

func (i *Signals) signal() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.count++
	switch {
	case i.count == 1 && i.loading:
		i.console.Note("stopping: %s (press Ctrl-C again to stop now)", i.finish)
		close(i.Stop)
	case i.count == 1:
		i.console.Note("stopping")
		close(i.Stop)
		i.cancel()
	case i.count == 2:
		i.console.Note("stopping now")
		i.cancel()
		signal.Stop(i.signals)
	}
}

// Load says whether a load is running.
func (i *Signals) Load(running bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.loading, i.finish = running, "draining jobs in progress"
}

// During says that something is running which the first signal lets finish
// what it has begun.
func (i *Signals) During(finish string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.loading, i.finish = true, finish
}

// Happened reports whether there was a signal.
func (i *Signals) Happened() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.count > 0
}

// Close ends the listening.
func (i *Signals) Close() {
	signal.Stop(i.signals)
	close(i.signals)
	<-i.done
	i.cancel()
}
