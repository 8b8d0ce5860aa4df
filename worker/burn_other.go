//go:build !linux

package worker

import (
	"context"
	"time"
)

func burn(ctx context.Context, d time.Duration) error {
	from := time.Now()
	for x := uint64(1); ctx.Err() == nil; {
		x = spin(x)
		if time.Since(from) >= d {
			return nil
		}
	}
	return ctx.Err()
}
