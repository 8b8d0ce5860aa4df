package fault

import (
	"context"
	"time"
)

// Elsewhere is a server that another run breaks at the same moments: the first shard of a
// load breaks it, and all others know when that is.
type Elsewhere struct{}

var _ Server = Elsewhere{}

// Pause does nothing.
func (Elsewhere) Pause(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// Resume does nothing.
func (Elsewhere) Resume(context.Context) error { return nil }

// Kill does nothing.
func (Elsewhere) Kill(ctx context.Context) error { return ctx.Err() }

// Restart does nothing.
func (Elsewhere) Restart(context.Context) error { return nil }
