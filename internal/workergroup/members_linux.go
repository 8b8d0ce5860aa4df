package workergroup

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// members are the processes of the group that the command leads, and those
// descendants of them that have left it, as long as somebody is between who has
// not ended.
type members struct {
	group int
	mu    sync.Mutex
	// strays are those outside the group, once they were seen.
	strays map[id]bool
}

// id is a process. The number alone is given to another one day.
type id struct {
	pid   int
	start uint64 // since the system's start, in ticks
}

// process is what /proc/PID/stat says of one.
type process struct {
	id
	parent, group int
	over          bool // it has ended and was not waited for
	// own is the CPU time of its threads, in ticks, and waited that of the
	// descendants which have ended and were waited for.
	own, waited time.Duration
}

// tick is the unit of times in /proc, on every system that Go runs on.
const tick = 10 * time.Millisecond

func newMembers(p *os.Process) *members { return &members{group: p.Pid, strays: map[id]bool{}} }

// alive reports whether one of them has not ended.
func (m *members) alive() bool {
	for _, p := range m.list() {
		if !p.over {
			return true
		}
	}
	return false
}

// Pausable reports whether [Group.Pause] works on this system.
const Pausable = true

// pause stops all of them, and resume lets them go on. That none is left is no error.
func (m *members) pause() error  { m.signal(syscall.SIGSTOP); return nil }
func (m *members) resume() error { m.signal(syscall.SIGCONT); return nil }

// terminate asks all of them to end.
func (m *members) terminate() { m.signal(syscall.SIGTERM) }

// kill ends all of them.
func (m *members) kill() { m.signal(syscall.SIGKILL) }

func (m *members) signal(s syscall.Signal) {
	grouped := false
	for _, p := range m.list() {
		if p.group == m.group {
			grouped = true
		} else {
			_ = syscall.Kill(p.pid, s) // it may have ended by now
		}
	}
	if grouped {
		_ = syscall.Kill(-m.group, s)
	}
}

// list are the members at this moment, those that are over as well.
func (m *members) list() []process {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := processes()
	in := map[int]bool{}
	var out []process
	for more := true; more; {
		more = false
		for _, p := range all {
			if in[p.pid] || p.group != m.group && !m.strays[p.id] && !in[p.parent] {
				continue
			}
			in[p.pid], more = true, true
			out = append(out, p)
			if p.group != m.group {
				m.strays[p.id] = true
			}
		}
	}
	return out
}

// processes are all that this system shows us.
func processes() []process {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	all := make([]process, 0, len(dirs))
	for _, dir := range dirs {
		stat, err := os.ReadFile(dir + "/stat")
		if err != nil {
			continue // it has ended in the meantime
		}
		if p, ok := parseStat(string(stat)); ok {
			all = append(all, p)
		}
	}
	return all
}

// parseStat reads a line of /proc/PID/stat; see proc(5). The name of the program
// stands in brackets and may itself hold brackets and spaces.
func parseStat(line string) (p process, ok bool) {
	number, rest, _ := strings.Cut(line, " (")
	end := strings.LastIndexByte(rest, ')')
	if end < 0 {
		return p, false
	}
	// The state is field 3 of the manual.
	f := strings.Fields(rest[end+1:])
	const last = 22
	if len(f) < last-2 {
		return p, false
	}
	field := func(n int) uint64 {
		v, err := strconv.ParseUint(f[n-3], 10, 64)
		ok = ok && err == nil
		return v
	}
	ok = true
	pid, err := strconv.Atoi(number)
	p = process{
		id:     id{pid, field(22)},
		parent: int(field(4)), group: int(field(5)),
		over:   f[0] == "Z" || f[0] == "X" || f[0] == "x",
		own:    tick * time.Duration(field(14)+field(15)),
		waited: tick * time.Duration(field(16)+field(17)),
	}
	return p, ok && err == nil
}
