//go:build unix && !linux

package workergroup

import (
	"os"
	"syscall"
)

// members are the processes of the group that the command leads.
type members struct{ group int }

func newMembers(p *os.Process) *members { return &members{p.Pid} }

// alive reports whether one of them has not ended.
func (m *members) alive() bool { return syscall.Kill(-m.group, 0) == nil }

// Pausable reports whether [Group.Pause] works on this system.
const Pausable = true

// pause stops all of them, and resume lets them go on. That none is left is no error.
func (m *members) pause() error  { _ = syscall.Kill(-m.group, syscall.SIGSTOP); return nil }
func (m *members) resume() error { _ = syscall.Kill(-m.group, syscall.SIGCONT); return nil }

// terminate asks all of them to end, and kill does not ask. That none is left is
// no error.
func (m *members) terminate() { _ = syscall.Kill(-m.group, syscall.SIGTERM) }
func (m *members) kill()      { _ = syscall.Kill(-m.group, syscall.SIGKILL) }
