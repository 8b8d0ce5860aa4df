//go:build !unix

package workergroup

import "os"

// members is the command alone: of what it starts nothing is known here.
type members struct{ process *os.Process }

func newMembers(p *os.Process) *members { return &members{p} }

// alive has nothing to add to what the end of the command says.
func (m *members) alive() bool { return false }

// terminate kills: there is no way to ask.
func (m *members) terminate() { m.kill() }

// kill ends the command. That it has ended by itself is no error.
func (m *members) kill() { _ = m.process.Kill() }
