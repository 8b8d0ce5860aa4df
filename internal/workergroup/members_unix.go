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

// terminate asks all of them to end, and kill does not ask. That none is left is
// no error.
func (m *members) terminate() { _ = syscall.Kill(-m.group, syscall.SIGTERM) }
func (m *members) kill()      { _ = syscall.Kill(-m.group, syscall.SIGKILL) }
