//go:build !unix

package workergroup

import (
	"errors"
	"os"
)

// members is the command alone: of what it starts nothing is known here.
type members struct{ process *os.Process }

func newMembers(p *os.Process) *members { return &members{p} }

// alive has nothing to add to what the end of the command says.
func (m *members) alive() bool { return false }

// Pausable reports whether [Group.Pause] works on this system.
const Pausable = false

// pause fails: there is no signal for it.
func (m *members) pause() error {
	return errors.New("pause the worker: this system has no signal for it")
}

// resume has nothing to do.
func (m *members) resume() error { return nil }

// terminate kills: there is no way to ask.
func (m *members) terminate() { m.kill() }

// kill ends the command. That it has ended by itself is no error.
func (m *members) kill() { _ = m.process.Kill() }
