package fault

import (
	"context"

	"github.com/queuedyno/queuedyno/scenario"
)

// Group are several servers of which one can take the place of another: a master with its
// replicas and sentinels, or a cluster. A [Server] that is one also implements this.
type Group interface {
	// Failover makes a replica take over from the master that has the run's queue, of a
	// cluster by force without asking that master. settled waits until clients find the
	// new master and the old one takes no writes.
	Failover(ctx context.Context, force bool) (settled func(context.Context) error, err error)
	// KillNode ends the master that has the run's queue at once. restart starts it again.
	KillNode(ctx context.Context) (restart func(context.Context) error, err error)
}

// Memory is the memory of a server. A [Server] whose limit can be set also implements
// this.
type Memory interface {
	// LimitMemory limits the memory of each server. restore sets the limits to exactly
	// what they were; it is needed after an error, too.
	LimitMemory(ctx context.Context, limit scenario.MemoryLimit) (restore func(context.Context) error, err error)
}

// On is what carries out a fault of several servers or of their memory. ok is false where
// the server does not let that be done, and for every other fault.
func On(server Server, f scenario.Fault) (i Injector, ok bool) {
	group, isGroup := server.(Group)
	memory, isMemory := server.(Memory)
	switch {
	case f.Kind == scenario.FailoverFault && isGroup:
		return &undoing{begin: func(ctx context.Context) (func(context.Context) error, error) { return group.Failover(ctx, f.Force) }}, true
	case f.Kind == scenario.KillFault && f.Target == scenario.NodeTarget && isGroup:
		return &undoing{begin: group.KillNode}, true
	case f.Kind == scenario.MemoryFault && isMemory:
		return &undoing{begin: func(ctx context.Context) (func(context.Context) error, error) {
			return memory.LimitMemory(ctx, f.Memory)
		}}, true
	}
	return nil, false
}

// Special reports whether a fault needs [On].
func Special(f scenario.Fault) bool {
	return f.Kind == scenario.FailoverFault || f.Target == scenario.NodeTarget || f.Kind == scenario.MemoryFault
}

// undoing is an injector whose begin returns its end.
type undoing struct {
	begin func(context.Context) (end func(context.Context) error, err error)
	end   func(context.Context) error
}

// Begin calls begin.
func (u *undoing) Begin(ctx context.Context) (err error) {
	u.end, err = u.begin(ctx)
	return err
}

// End calls what begin returned, which may be nothing.
func (u *undoing) End(ctx context.Context) error {
	if u.end == nil {
		return nil
	}
	return u.end(ctx)
}
