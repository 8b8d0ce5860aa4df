package render_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/result"
)

// benchstat runs the real one on two files, without flags.
func benchstat(t *testing.T, before, after string) string {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command to build benchstat with")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "benchstat.exe")
	if out, err := exec.CommandContext(t.Context(), goTool, "build", "-o", program, "golang.org/x/perf/cmd/benchstat").CombinedOutput(); err != nil {
		t.Skipf("benchstat cannot be built: %v\n%s", err, out)
	}
	for name, text := range map[string]string{"old.txt": before, "new.txt": after} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, "old.txt", "new.txt")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("benchstat: %v\n%s", err, out)
	}
	return string(out)
}

// runsOf are the reports of ten runs, of which everything differs that differs
// from run to run, and of one that is invalid. Latencies are faster by the factor.
func runsOf(t *testing.T, commit string, faster float64, change func(r *result.Result)) string {
	t.Helper()
	var all strings.Builder
	for i := range 11 {
		r := rendertest.Steady(t)
		r.Run.ID, r.Tool.Commit = fmt.Sprintf("%s%011d", commit, i), commit
		r.Run.StartedAt = r.Run.StartedAt.Add(time.Duration(i) * time.Minute)
		r.Redis.Version = map[bool]string{true: "7.0.15", false: "8.2.1"}[i < 3]
		p50 := int64(float64(1_000_000+10_000*i) / faster)
		whole := *r.Stages[metric.EndToEnd] // fixtures share what they point to
		whole.P50NS = &p50
		r.Stages = maps.Clone(r.Stages)
		r.Stages[metric.EndToEnd] = &whole
		switch {
		case i == 4:
			r.Validity.Verdict, r.Validity.Reasons = result.Suspect, []string{"cpu: the host was busy"}
		case i == 10:
			r.Validity.Verdict, r.Validity.Reasons = result.Invalid, []string{"the generator could not keep up"}
		}
		if change != nil {
			change(r)
		}
		all.WriteString(written(t, render.Benchmark, r))
	}
	return all.String()
}

// comparedRow is a row with both sides.
var comparedRow = regexp.MustCompile(`(?m)^Queuedyno\S+ .*$`)

func TestBenchstatComparesTenRunsWithTen(t *testing.T) {
	t.Parallel()
	before := runsOf(t, "aaaa", 1, nil)
	out := benchstat(t, before, runsOf(t, "bbbb", 1.5, nil))
	rows := comparedRow.FindAllString(out, -1)
	if units := strings.Count(before, "\nUnit ") / 10; len(rows) != units || units < 5 {
		t.Errorf("%d rows of %d units", len(rows), units)
	}
	for _, row := range rows {
		if !regexp.MustCompile(`\(p=\d\.\d+ n=10\)`).MatchString(row) {
			t.Errorf("no p-value of ten runs: %s", row)
		}
	}
	if !regexp.MustCompile(`-33\.\d+% \(p=0\.000 n=10\)`).MatchString(out) {
		t.Error("the p50 is a third lower, and that is not said")
	}
	if t.Failed() {
		t.Log(out)
	}
}

func TestBenchstatKeepsScenariosAndLoadsApart(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *result.Result){
		"another scenario": func(r *result.Result) { r.Run.Scenario = "bursty" },
		"another rate":     func(r *result.Result) { r.Scenario.Load.Rate.Jobs *= 2 },
		"a closed loop":    func(r *result.Result) { r.Scenario = rendertest.Closed(t).Scenario },
	} {
		both := runsOf(t, "aaaa", 1, nil) + runsOf(t, "cccc", 3, change)
		out := benchstat(t, both, both)
		found := map[string]bool{}
		for _, row := range comparedRow.FindAllString(out, -1) {
			found[strings.Fields(row)[0]] = true
			if !strings.Contains(row, "n=10)") {
				t.Errorf("%s: not of ten runs: %s", name, row)
			}
		}
		if len(found) != 2 {
			t.Errorf("%s: the rows are %v, want two", name, found)
		}
	}
}

func TestARunThatCannotBeBelievedHasNoBenchmarkLine(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*result.Result{"invalid": rendertest.Failed(t), "interrupted": rendertest.Interrupted(t), "empty": rendertest.Empty()} {
		text := written(t, render.Benchmark, r)
		if strings.Contains(text, "\nBenchmark") || !strings.Contains(text, "\n# left out: ") || render.LeftOut(r) == "" {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	suspect := rendertest.Steady(t)
	suspect.Validity.Verdict, suspect.Validity.Reasons = result.Suspect, []string{"redis:\nwas busy"}
	text := written(t, render.Benchmark, suspect)
	if !strings.Contains(text, ", suspect, ") || !strings.Contains(text, "\n# suspect: redis: was busy\n") || !strings.Contains(text, "\nBenchmark") {
		t.Errorf("suspect:\n%s", text)
	}
}
