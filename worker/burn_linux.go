package worker

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// burn keeps the goroutine on its thread and counts the thread's own time, so
// that waiting for a CPU is not taken for work.
func burn(ctx context.Context, d time.Duration) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	from, err := threadTime()
	if err != nil {
		return err
	}
	for x := uint64(1); ctx.Err() == nil; {
		x = spin(x)
		now, err := threadTime()
		if err != nil || now-from >= d {
			return err
		}
	}
	return ctx.Err()
}

// threadTime is the CPU time that this thread has used.
func threadTime() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, fmt.Errorf("ask for the thread's CPU time: %w", err)
	}
	return time.Duration(t.Nano()), nil
}
