package compare_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/compare"
)

const printed = `goos: linux
Unit p50-ns better=lower
Unit hits better=higher
BenchmarkPop/batch=1-2   	   10000	 120 ns/op	   5000 jobs/s	 3 lost
BenchmarkPop/batch=1-2   	   10000	 100 ns/op	   7000 jobs/s	 0 lost
BenchmarkPop/batch=1-2   	   10000	 110 ns/op	   6000 jobs/s	 0 lost
BenchmarkOther-2 1 12.5 p50-ns 0 B/op 4 hits 2 MB/s
Benchmark of something else
--- BENCH: BenchmarkPop
PASS
`

func read(t *testing.T, text string) compare.Printed {
	t.Helper()
	p, err := compare.ReadBenchmarks(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// named are the figures and line counts of a side as both sides name them.
func named(base, candidate compare.Printed) (figures map[string]float64, lines map[string]int) {
	n, _ := compare.NamingOf(base, candidate)
	return n.Figures(base)
}

func TestFiguresAreMediansAndSayOfHowManyLines(t *testing.T) {
	t.Parallel()
	p := read(t, printed)
	figures, lines := named(p, p)
	want := map[string]float64{"Pop/batch=1 ns/op": 110, "Pop/batch=1 jobs/s": 6000, "Other p50-ns": 12.5, "Other hits": 4, "Other B/op": 0, "Other MB/s": 2}
	if diff := cmp.Diff(want, figures); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
	if lines["Pop/batch=1 ns/op"] != 3 || lines["Other hits"] != 1 {
		t.Errorf("lines = %v", lines)
	}
	if p.Lost != 3 || len(p.Failed)+len(p.Unread) > 0 {
		t.Errorf("%d lost, want 3; failed %q, unread %q", p.Lost, p.Failed, p.Unread)
	}
	for name, want := range map[string]bool{"Pop/batch=1 ns/op": false, "Pop/batch=1 jobs/s": true, "Other p50-ns": false, "Other hits": true, "Other MB/s": true, "a Other B/op": false} {
		if p.Higher(name) != want {
			t.Errorf("Higher(%q) = %t, want %t", name, !want, want)
		}
	}
}

// TestWhatTellsBenchmarksApartIsInTheirNames, and nothing else is.
func TestWhatTellsBenchmarksApartIsInTheirNames(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		base, candidate string
		want            map[string]float64
	}{
		"two packages": {
			base:      "pkg: a\nBenchmarkFoo-2 100 100 ns/op\npkg: b\nBenchmarkFoo-2 100 1000 ns/op\n",
			candidate: "pkg: a\nBenchmarkFoo-2 100 300 ns/op\npkg: b\nBenchmarkFoo-2 100 800 ns/op\n",
			want:      map[string]float64{"a Foo ns/op": 100, "b Foo ns/op": 1000},
		},
		"one package, one suffix": {
			base:      "pkg: a\nBenchmarkFoo-2 100 100 ns/op\nBenchmarkBar/x=1/y-2 100 7 ns/op\n",
			candidate: "pkg: a\nBenchmarkFoo-2 100 300 ns/op\n",
			want:      map[string]float64{"Foo ns/op": 100, "Bar/x=1/y ns/op": 7},
		},
		"-cpu 1,2,4": {
			base: "BenchmarkX 1 30 ns/op\nBenchmarkX-2 1 35 ns/op\nBenchmarkX-4 1 40 ns/op\n",
			want: map[string]float64{"X ns/op": 30, "X-2 ns/op": 35, "X-4 ns/op": 40},
		},
		"GOMAXPROCS=1 and names that end in numbers": {
			base: "BenchmarkRows/n-10 1 30 ns/op\nBenchmarkRows/n-1000 1 3500 ns/op\n",
			want: map[string]float64{"Rows/n-10 ns/op": 30, "Rows/n-1000 ns/op": 3500},
		},
		"names that end in numbers, with a suffix": {
			base: "BenchmarkRows/n-10-2 1 30 ns/op\nBenchmarkRows/n-1000-2 1 3500 ns/op\n",
			want: map[string]float64{"Rows/n-10 ns/op": 30, "Rows/n-1000 ns/op": 3500},
		},
		"a suffix on one side only": {
			base: "BenchmarkX-2 1 30 ns/op\n", candidate: "BenchmarkX 1 30 ns/op\n",
			want: map[string]float64{"X-2 ns/op": 30},
		},
		"configuration that both sides vary": {
			base: "redis: 7\nBenchmarkX-2 1 30 ns/op\nredis: 8.2 beta\nBenchmarkX-2 1 40 ns/op\n",
			want: map[string]float64{"redis=7 X ns/op": 30, "redis=8.2_beta X ns/op": 40},
		},
		"configuration that is the side's": {
			base: "commit: abc\nBenchmarkX-2 1 30 ns/op\n", candidate: "commit: def\nBenchmarkX-2 1 40 ns/op\n",
			want: map[string]float64{"X ns/op": 30},
		},
		"log messages that look like configuration": {
			base:      "BenchmarkX-2 1 30 ns/op\nredis: connection closed at 12:00\nBenchmarkX-2 1 40 ns/op\nredis: connection closed at 12:01\nBenchmarkX-2 1 50 ns/op\n",
			candidate: "BenchmarkX-2 1 40 ns/op\n",
			want:      map[string]float64{"X ns/op": 40},
		},
	} {
		if row.candidate == "" {
			row.candidate = row.base
		}
		got, _ := named(read(t, row.base), read(t, row.candidate))
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestEveryOutputOfGoTestIsRead: the outputs are those of go test, cut short.
func TestEveryOutputOfGoTestIsRead(t *testing.T) {
	t.Parallel()
	want := map[string]float64{"Foo ns/op": 2.5, "Noisy ns/op": 2.689, "Noisy MB/s": 37188.55}
	logged := "goos: linux\npkg: example.com/m/a\nBenchmarkFoo-2     \t    1000\t         2.500 ns/op\n" +
		"BenchmarkNoisy-2             \tlog: starting noisy\nredis: done\n    1000\t         2.689 ns/op\t37188.55 MB/s\nPASS\nok  \texample.com/m/a\t0.064s\n"
	events := `{"Time":"2026-11-28T21:44:23Z","Action":"start","Package":"example.com/m/a"}
{"Action":"output","Package":"example.com/m/a","Output":"pkg: example.com/m/a\n"}
{"Action":"output","Package":"example.com/m/a","Test":"BenchmarkFoo","Output":"BenchmarkFoo\n"}
{"Action":"output","Package":"example.com/m/a","Test":"BenchmarkFoo","Output":"BenchmarkFoo-2   \t"}
{"Action":"output","Package":"example.com/m/b","Output":"?   \texample.com/m/b\t[no test files]\n"}
{"Action":"output","Package":"example.com/m/a","Test":"BenchmarkFoo","Output":"    1000\t         2.500 ns/op\n"}
{"Action":"output","Package":"example.com/m/a","Test":"BenchmarkNoisy","Output":"BenchmarkNoisy-2  \t    1000\t         2.689 ns/op\t37188.55 MB/s\n"}
{"Action":"pass","Package":"example.com/m/a","Elapsed":0.061}
`
	var wide []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + strings.ReplaceAll(logged, "\n", "\r\n"))) {
		wide = binary.LittleEndian.AppendUint16(wide, u)
	}
	for name, text := range map[string]string{
		"log messages":      logged,
		"a glued message":   strings.Replace(logged, "\tlog: starting noisy\nredis: done\n", "\tno line break after this 12", 1),
		"Windows":           strings.ReplaceAll(logged, "\n", "\r\n"),
		"PowerShell":        string(wide),
		"-v":                strings.ReplaceAll(logged, "BenchmarkFoo-2", "=== RUN   BenchmarkFoo\nBenchmarkFoo\nBenchmarkFoo-2"),
		"-json":             events,
		"a very long line":  strings.Repeat("x", 1<<17) + "\n" + logged,
		"no end of line":    strings.TrimSpace(logged),
		"a panic elsewhere": logged + "BenchmarkBad-2  \tpanic: boom\n",
	} {
		p := read(t, text)
		got, _ := named(p, p)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if unread := len(p.Unread); unread > 0 != (name == "a panic elsewhere") {
			t.Errorf("%s: unread %q", name, p.Unread)
		}
		if compare.IsTestJSON([]byte(text)) != (name == "-json") {
			t.Errorf("%s: taken for events, or not", name)
		}
	}
	if compare.IsTestJSON([]byte(`{"schema":1,"run":{}}`)) {
		t.Error("a result is taken for events")
	}
}

func TestWhatFailedIsNamedHoweverTheCommandEnded(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"BenchmarkFoo-2 1 5 ns/op\n--- FAIL: BenchmarkBad\n    b_test.go:5: bad\nFAIL\n":                                         "--- FAIL: BenchmarkBad",
		"FAIL\texample.com/b [build failed]\npkg: a\nBenchmarkFoo-2 1 5 ns/op\n":                                                 "FAIL example.com/b [build failed]",
		`{"Action":"output","Package":"b","Output":"    --- FAIL: BenchmarkBad/x\n"}` + "\n" + `{"Action":"fail","Package":"b"}`: "--- FAIL: BenchmarkBad/x",
	} {
		if p := read(t, text); len(p.Failed) == 0 || p.Failed[0] != want {
			t.Errorf("failed %q of\n%s\nwant %q", p.Failed, text, want)
		}
	}
}

func FuzzReadBenchmarks(f *testing.F) {
	f.Add(printed)
	f.Add("BenchmarkX 1 NaN ns/op\nBenchmarkX-2 1 +Inf a 2 b\nUnit x better=higher")
	f.Add("BenchmarkX-2 \tlog\n  10\t 5 ns/op\nUnit\n{\"Action\":\"output\"}\n--- FAIL: X")
	f.Fuzz(func(t *testing.T, s string) {
		p, _ := compare.ReadBenchmarks(strings.NewReader(s))
		n, _ := compare.NamingOf(p, p)
		figures, lines := n.Figures(p)
		for name, v := range figures {
			benchmark, unit := compare.SplitFigure(name)
			if !(v >= 0) || math.IsInf(v, 0) || unit == "" || lines[name] < 1 {
				t.Fatalf("figure %q = %v of %d lines of %q", name, v, lines[name], s)
			}
			if n.Asked(name) != name && n.Procs == "" && n.Package == "" && !strings.Contains(s, "BenchmarkBenchmark") {
				t.Fatalf("%q is asked for as %q", name, n.Asked(name))
			}
			n.Text(benchmark)
		}
	})
}
