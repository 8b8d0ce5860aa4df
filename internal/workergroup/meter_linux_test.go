package workergroup

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestALineOfStatIsRead(t *testing.T) {
	t.Parallel()
	const line = "4711 (a) b (c)) S 12 4700 4700 0 -1 4194304 164 0 1 0 3 4 50 60 20 0 1 0 8888 1 2 3"
	p, ok := parseStat(line)
	want := process{id: id{4711, 8888}, parent: 12, group: 4700, own: 70 * time.Millisecond, waited: 1100 * time.Millisecond}
	if !ok || p != want {
		t.Errorf("parseStat = %+v, %t, want %+v", p, ok, want)
	}
	for _, bad := range []string{"", "1 (a", "1 (a) S 1 2", "x (a) S 12 4700 4700 0 -1 4194304 164 0 1 0 3 4 50 60 20 0 1 0 8888", strings.Replace(line, " 50 ", " x ", 1)} {
		if p, ok := parseStat(bad); ok {
			t.Errorf("parseStat(%q) = %+v", bad, p)
		}
	}
	if p, _ := parseStat(strings.Replace(line, ") S ", ") Z ", 1)); !p.over {
		t.Error("a zombie has not ended")
	}
}

func TestTheDifferenceOfTwoLooksIsTrueOrUnknown(t *testing.T) {
	t.Parallel()
	const s, ms = time.Second, time.Millisecond
	parent, child, other := id{1, 10}, id{2, 20}, id{2, 30}
	type look = map[id]times
	for _, c := range []struct {
		name          string
		before, after look
		want          time.Duration // -1 for unknown
	}{
		{"one process", look{parent: {own: 3 * s}}, look{parent: {own: 5 * s}}, 2 * s},
		{"a new one", look{parent: {own: s}}, look{parent: {own: s}, child: {parent: 1, own: 4 * s}}, 4 * s},
		{"one came and was waited for", look{parent: {own: s}}, look{parent: {own: s, waited: 4 * s}}, 4 * s},
		{"one that was there ended and was waited for", look{parent: {own: s}, child: {parent: 1, own: 2 * s}}, look{parent: {own: s, waited: 5 * s}}, 3 * s},
		{"it ended and was not waited for", look{parent: {own: s}, child: {parent: 1, own: 2 * s}}, look{parent: {own: 9 * s}}, -1},
		{"two ended and one was waited for",
			look{parent: {own: s}, child: {parent: 1, own: 2 * s}, {3, 30}: {parent: 1, own: 2 * s}}, look{parent: {own: 9 * s, waited: 2 * s}}, -1},
		{"its parent ended, too", look{parent: {own: s}, child: {parent: 1, own: 2 * s}}, look{other: {own: 9 * s}}, -1},
		{"its number is another's now", look{parent: {own: s}, child: {parent: 1, own: 2 * s}}, look{parent: {own: s, waited: 3 * s}, other: {parent: 1, own: s}}, 2 * s},
		{"too little for ticks", look{parent: {own: s}}, look{parent: {own: s, waited: 100 * ms}}, -1},
		{"little, to the nanosecond", look{parent: {own: s}}, look{parent: {own: s + 100}}, 100},
		{"in ticks", look{parent: {own: s, coarse: true}}, look{parent: {own: 1100 * ms, coarse: true}}, -1},
		{"much, in ticks", look{parent: {own: s, coarse: true}}, look{parent: {own: 3 * s, coarse: true}}, 2 * s},
		{"nothing", look{parent: {own: s}}, look{parent: {own: s}}, -1},
		{"no process", look{}, look{}, -1},
	} {
		got, known := between(c.before, c.after)
		if known != (c.want >= 0) || known && got != c.want {
			t.Errorf("%s: %v, %t, want %v", c.name, got, known, c.want)
		}
	}
}

// signals are fifos by which a command and a test wait for each other, each for
// one time.
type signals map[string]string

func newSignals(t *testing.T, names ...string) signals {
	t.Helper()
	s := signals{}
	for _, name := range names {
		s[name] = filepath.Join(t.TempDir(), name)
		if err := syscall.Mkfifo(s[name], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// await waits until the command says so.
func (s signals) await(t *testing.T, name string) {
	t.Helper()
	if _, err := os.ReadFile(s[name]); err != nil {
		t.Fatal(err)
	}
}

// say lets the command go on.
func (s signals) say(t *testing.T, name string) {
	t.Helper()
	if err := os.WriteFile(s[name], []byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
}

// spun is the CPU time that one spin uses at least, and spin what a shell runs to
// use it: it works until the kernel has counted that much (fields 14 and 15 of
// /proc/self/stat, in ticks), however fast the machine is.
const spun = 40 * tick

var spin = fmt.Sprintf(`read -r _ _ _ _ _ _ _ _ _ _ _ _ _ u s _ </proc/self/stat; end=$((u+s+%d)); `+
	`while [ $((u+s)) -lt $end ]; do read -r _ _ _ _ _ _ _ _ _ _ _ _ _ u s _ </proc/self/stat; done`, spun/tick)

// work is a command that works on request.
func work(t *testing.T, s signals, text string) *Group {
	t.Helper()
	env := os.Environ()
	for name, path := range s {
		env = append(env, name+"="+path)
	}
	patience := time.Minute
	if strings.Contains(text, `trap "" TERM`) {
		patience = time.Second // it does not listen
	}
	g, err := Start(Command{
		Line: strings.ReplaceAll(`echo >"$UP"; read -r x <"$GO"; `+text+`; echo >"$DONE"; read -r x <"$LEAVE"`, "SPIN", spin),
		Env:  env, Patience: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Stop() })
	return g
}

// TestWhatIsMeasuredIsWhatTheKernelCounted holds the meter against the account
// that the kernel gives of a command that has ended: that of all its processes.
func TestWhatIsMeasuredIsWhatTheKernelCounted(t *testing.T) {
	t.Parallel()
	needsShell(t)
	for _, c := range []struct {
		name, text string
		spins      time.Duration
	}{
		{"itself", `SPIN`, 1},
		{"a child that has ended", `sh -c 'SPIN; SPIN; SPIN'`, 3},
		{"several, one by one", `for n in 1 2 3; do sh -c 'SPIN'; done`, 3},
		// It is there when the measuring begins, and gone when it ends.
		{"a child that was waiting", `(echo >"$HERE"; read -r x <"$THERE"; SPIN; SPIN; SPIN) & wait`, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSignals(t, "UP", "GO", "HERE", "THERE", "DONE", "LEAVE")
			g := work(t, s, c.text)
			s.await(t, "UP")
			begin := "GO"
			if strings.Contains(c.text, "HERE") {
				s.say(t, "GO")
				s.await(t, "HERE")
				begin = "THERE"
			}
			read := g.Meter()
			s.say(t, begin)
			s.await(t, "DONE")
			used, known := read()
			s.say(t, "LEAVE")
			if e := g.Ending(); e.Code != 0 {
				t.Fatalf("the command ended with %s: %q", e.What, g.Said())
			}
			all := g.cmd.ProcessState.UserTime() + g.cmd.ProcessState.SystemTime()
			least := c.spins * (spun - blur)
			if !known || used > all+blur || used < least {
				t.Errorf("measured %v, %t; want %v at least, and at most what the kernel counted for all of it, %v", used, known, least, all)
			}
		})
	}
}

func TestWhoIsStillThereIsMeasuredAndStoppedWhereverHeWent(t *testing.T) {
	t.Parallel()
	needsShell(t)
	for name, text := range map[string]string{
		"in the background":        `(SPIN; echo >"$HERE"; exec sleep 600) & read -r x <"$THERE"`,
		"in another session":       `setsid sh -c 'SPIN; echo >"$HERE"; exec sleep 600' & read -r x <"$THERE"`,
		"and does not listen, too": `setsid sh -c 'trap "" TERM; SPIN; echo >"$HERE"; while :; do sleep 600; done' & read -r x <"$THERE"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(text, "setsid") {
				if _, err := exec.LookPath("setsid"); err != nil {
					t.Skip("needs setsid: ", err)
				}
			}
			s := newSignals(t, "UP", "GO", "HERE", "THERE")
			g := work(t, s, text)
			s.await(t, "UP")
			read := g.Meter()
			s.say(t, "GO")
			s.await(t, "HERE")
			if used, known := read(); !known || used < spun-blur {
				t.Errorf("measured %v, %t, want %v at least", used, known, spun-blur)
			}
			if killed := g.Stop(); killed != strings.Contains(text, "trap") {
				t.Errorf("killed = %t", killed)
			}
			for _, p := range g.members.list() {
				if !p.over {
					t.Errorf("process %d is left", p.pid)
				}
			}
		})
	}
}

// needsShell skips a test where there is no shell to start a worker with.
func needsShell(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("a worker is started by sh: ", err)
	}
}
