package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/examples/wirecheck/pcap"
)

// wirecheck runs the command over both files.
func wirecheck(t *testing.T, capture []byte, result any) (code int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	b, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"capture.pcap": capture, "result.json": b} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, problems bytes.Buffer
	code = run([]string{"-port", fmt.Sprint(server), filepath.Join(dir, "capture.pcap"), filepath.Join(dir, "result.json")}, &out, &problems)
	return code, out.String(), problems.String()
}

func TestTheWireFiguresAreThoseOfTheWindowsJobs(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := wirecheck(t, pipeline().file(), report(520_000, 1_000_000))
	if code != exitAgree {
		t.Errorf("exit %d, want %d; %s", code, exitAgree, stderr)
	}
	want := `run 0123456789abcde of "steady" at 1000/s, validity: valid
200 jobs in the window, the LPUSH, PUBLISH and message of each found in the capture

from_send   on the wire      reported    difference               limit
      p50      500.0 µs      520.0 µs      +20.0 µs     -1.5 … +40.0 µs  ok
      p99      990.0 µs     1000.0 µs      +10.0 µs     -2.0 … +99.0 µs  ok

pass: the report is what the wire shows
`
	if stdout != want {
		t.Errorf("printed\n%s\nwant\n%s", stdout, want)
	}
}

func TestAReportThatIsNotWhatTheWireShowsFails(t *testing.T) {
	t.Parallel()
	capture := pipeline().file()
	for _, c := range []struct {
		name     string
		p50, p99 int64
		code     int
	}{
		{"both at their upper limits", 540_000, 1_089_000, exitAgree},
		{"p50 beyond its limit", 540_001, 990_000, exitDiffer},
		{"p99 beyond its limit", 500_000, 1_089_001, exitDiffer},
		{"both at their lower limits", 498_500, 988_010, exitAgree},
		{"p50 shorter than on the wire", 498_499, 990_000, exitDiffer},
		{"p99 shorter than on the wire", 500_000, 988_009, exitDiffer},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, _ := wirecheck(t, capture, report(c.p50, c.p99))
			if code != c.code || strings.Contains(stdout, "DIFFERS") != (code == exitDiffer) {
				t.Errorf("exit %d, want %d; printed\n%s", code, c.code, stdout)
			}
		})
	}
}

// A frame in several packets leaves with its first byte and arrives with its
// last; several frames in one packet all have its stamp.
func TestSplitFramesAreStampedAtTheirOuterEnds(t *testing.T) {
	t.Parallel()
	var c tape
	push := frame("lpush", "q", jobID(runID, 1), jobID(runID, 2))
	c.add(100, producer, server, push[:30])
	c.add(200, producer, server, push[30:])
	publish := slices.Concat(frame("PUBLISH", "u", update(jobID(runID, 1), "COMPLETED")), frame("PUBLISH", "u", update(jobID(runID, 2), "FAILED")))
	c.add(300, consumer, server, publish)
	message := slices.Concat(frame("message", "u", update(jobID(runID, 1), "COMPLETED")), frame("message", "u", update(jobID(runID, 2), "FAILED")))
	c.add(400, server, subscriber, message[:50])
	c.add(500, server, subscriber, message[50:len(message)-1])
	c.add(600, server, subscriber, message[len(message)-1:])
	seen, err := readSightings(bytes.NewReader(c.file()), server, runID)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int64]sighting{
		1: {pushed: epoch + 100, published: epoch + 300, delivered: epoch + 500},
		2: {pushed: epoch + 100, published: epoch + 300, delivered: epoch + 600},
	} {
		if got := seen.jobs[n]; got == nil || *got != want {
			t.Errorf("job %d: %+v, want %+v", n, got, want)
		}
	}
}

func TestWhatCannotBeComparedIsInconclusive(t *testing.T) {
	t.Parallel()
	whole := pipeline()
	whole.file() // sorts the packets
	without := func(i int) []byte {
		c := tape{packets: slices.Delete(slices.Clone(whole.packets), i, i+1)}
		return c.file()
	}
	middle := len(whole.packets) / 2
	ending := tape{packets: whole.packets[:middle]}
	good := report(500_000, 990_000)
	invalid, lossy, short := report(1, 1), report(1, 1), report(1, 1)
	invalid["validity"] = map[string]any{"verdict": "invalid"}
	lossy["window"].(map[string]any)["completed"] = window - 1
	short["stages"] = map[string]any{"from_send": map[string]any{"p50_ns": 1, "p99_ns": nil}}
	for _, c := range []struct {
		name    string
		capture []byte
		result  any
		says    string
	}{
		{"a packet was not captured", without(middle), good, "packets are missing"},
		{"the capture began too late", without(0), good, "packets are missing"},
		{"the capture ended too early", ending.file(), good, "does not have all of its packets"},
		{"the run is invalid", whole.file(), invalid, "the run is invalid"},
		{"jobs were lost", whole.file(), lossy, "1 of 200 jobs"},
		{"too few jobs for a p99", whole.file(), short, "run longer"},
	} {
		code, stdout, stderr := wirecheck(t, c.capture, c.result)
		if code != exitInconclusive || stdout != "" || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: exit %d, want %d; %q does not say %q", c.name, code, exitInconclusive, stderr, c.says)
		}
	}
}

// Until the window is over, every stream goes on after every packet, so none can
// be missing without leaving a hole.
func TestNoPacketCanBeMissingUnnoticed(t *testing.T) {
	t.Parallel()
	c := pipeline()
	c.file() // sorts the packets
	n, _ := slices.BinarySearchFunc(c.packets, epoch+int64(warmup+window)*1_000_000, func(p pcap.Packet, at int64) int { return int(p.At - at) })
	random := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		i := random.IntN(n)
		less := tape{packets: slices.Delete(slices.Clone(c.packets), i, i+1)}
		if code, stdout, _ := wirecheck(t, less.file(), report(500_000, 990_000)); code != exitInconclusive {
			t.Errorf("without packet %d: exit %d, want %d\n%s", i, code, exitInconclusive, stdout)
		}
	}
}

func TestRunsThatThePacketsCannotExplainAreRefused(t *testing.T) {
	t.Parallel()
	load := func(rate, arrivals string) map[string]any {
		return map[string]any{"subscribers": 1, "batch": 1, "load": map[string]any{"rate": rate, "arrivals": arrivals}}
	}
	for key, values := range map[string][]any{
		"schema": {2},
		"scenario": {
			load("1000/s", "poisson"), load("max", "constant"), load("10/1s", "constant"), load("-1/s", "constant"),
			map[string]any{"subscribers": 2, "batch": 1, "load": map[string]any{"rate": "1000/s", "arrivals": "constant"}},
			map[string]any{"subscribers": 1, "batch": 5, "load": map[string]any{"rate": "1000/s", "arrivals": "constant"}},
		},
		"run": {"text"},
	} {
		for _, v := range values {
			r := report(500_000, 990_000)
			r[key] = v
			if code, stdout, stderr := wirecheck(t, nil, r); code != exitError || stdout != "" || !strings.Contains(stderr, "result.json") {
				t.Errorf("%s %v: exit %d, want %d; %s", key, v, code, exitError, stderr)
			}
		}
	}
}

func TestAWrongCommandLineIsAUsageError(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"-port", "1"}, {"-port", "1", "a"}, {"a", "b"}, {"-port", "65536", "a", "b"}, {"-port", "x", "a", "b"}, {"-q", "a", "b"}} {
		var out, problems bytes.Buffer
		if code := run(args, &out, &problems); code != exitUsage || !strings.Contains(problems.String(), "usage: wirecheck") {
			t.Errorf("run(%q) = %d, want %d; %s", args, code, exitUsage, problems.String())
		}
	}
}

// The number found is that of the first job with a due time at or after t.
func TestDueBeforeIsTheFirstJobOfTheWindow(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	units := map[string]int64{"s": 1e9, "m": 60e9, "h": 3600e9}
	for range 1000 {
		jobs, at := 1+random.Int64N(100_000), random.Int64N(60e9)
		for unit, per := range units {
			k, err := dueBefore(fmt.Sprintf("%d/%s", jobs, unit), at)
			due := func(k int64) int64 { return k * per / jobs }
			if err != nil || k > 0 && due(k-1) >= at || k < 1e6 && due(k) < at {
				t.Fatalf("dueBefore(%d/%s, %d) = %d, %v", jobs, unit, at, k, err)
			}
		}
	}
}

func TestAnIDGivesItsRunAndNumber(t *testing.T) {
	t.Parallel()
	if run, n, ok := parseID("01234567-89ab-8cde-b000-00000000002a"); run != runID || n != 0x3000_0000_0000_002a || !ok {
		t.Errorf("parseID() = %q, %#x, %v", run, n, ok)
	}
	for _, id := range []string{"", "01234567-89ab-4cde-8000-00000000002a", "01234567-89ab-8cde-0000-00000000002a", "0123456789ab-8cde-8000--00000000002a", "01234567-89ab-8cde-8000-00000000002g"} {
		if _, _, ok := parseID(id); ok {
			t.Errorf("parseID(%q) is ok", id)
		}
	}
}

// Whatever the file, reading it ends, and what is seen of a job has a stamp.
func FuzzReadSightings(f *testing.F) {
	var c tape
	c.add(100, producer, server, frame("LPUSH", "q", jobID(runID, 1)))
	c.add(300, consumer, server, frame("PUBLISH", "u", update(jobID(runID, 1), "COMPLETED")))
	c.add(400, server, subscriber, frame("message", "u", update(jobID(runID, 1), "COMPLETED")))
	f.Add(c.file())
	f.Fuzz(func(t *testing.T, b []byte) {
		seen, err := readSightings(bytes.NewReader(b), server, runID)
		if err != nil {
			return
		}
		for n, job := range seen.jobs {
			if *job == (sighting{}) {
				t.Fatalf("job %d was seen and has no stamp", n)
			}
		}
	})
}

// An id that is read can be written again, but for the case of its digits.
func FuzzParseID(f *testing.F) {
	f.Add(jobID(runID, 42))
	f.Fuzz(func(t *testing.T, id string) {
		run, n, ok := parseID(id)
		if !ok {
			return
		}
		low := fmt.Sprintf("%016x", uint64(n)|2<<62)
		back := run[:8] + "-" + run[8:12] + "-8" + run[12:] + "-" + low[:4] + "-" + low[4:]
		if n < 0 || !strings.EqualFold(back, id) {
			t.Fatalf("parseID(%q) = %q, %d, which is %q", id, run, n, back)
		}
	})
}
