package waiter

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// precise waits on a timerfd.
type precise struct {
	fd      int
	file    *os.File
	stopped atomic.Bool
	expired [8]byte
}

var _ Waiter = (*precise)(nil)

func newPrecise() (Waiter, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a timer: %w", err)
	}
	return &precise{fd: fd, file: os.NewFile(uintptr(fd), "timer")}, nil
}

func (w *precise) Wait(d time.Duration) bool {
	if w.stopped.Load() {
		return false
	}
	if d <= 0 {
		return true
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	if err := unix.TimerfdSettime(w.fd, 0, &spec, nil); err != nil {
		time.Sleep(d) // only a bad descriptor or a bad time can fail
		return !w.stopped.Load()
	}
	_, err := w.file.Read(w.expired[:])
	return err == nil && !w.stopped.Load()
}

// Stop moves the read deadline into the past, which the poller obeys at once.
func (w *precise) Stop() {
	w.stopped.Store(true)
	_ = w.file.SetReadDeadline(time.Unix(1, 0))
}

func (w *precise) Close() error { return w.file.Close() }
