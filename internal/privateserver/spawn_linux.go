package privateserver

import (
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// spawn starts cmd such that the kernel sends it the signal when this process dies,
// by whatever means.
//
// The kernel ties that promise to the thread that forked, not to the process,
// and Go ends idle threads as it likes. So the thread is locked to a goroutine
// that stays in Wait for as long as the child lives.
func spawn(cmd *exec.Cmd, death unix.Signal) (*Process, error) {
	cmd.SysProcAttr.Pdeathsig = death
	c := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		c.err = cmd.Wait()
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}
