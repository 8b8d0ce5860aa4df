package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
)

// names are the names in a directory, hidden ones too.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestWriteMakesTheWholeDirectory(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := filepath.Join(root, "new", "steady")
	if err := write(dir, rendertest.Steady(t), strings.NewReader("the log"), false); err != nil {
		t.Fatal(err)
	}
	want := []string{"end_to_end.hgrm", "histograms.hlog", "percentiles.svg", "report.html", "report.md", "result.json", "summary.csv", "timeline.csv", "timeline.svg"}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("the directory holds %q, want %q", got, want)
	}
	if got := names(t, filepath.Dir(dir)); !slices.Equal(got, []string{"steady"}) {
		t.Errorf("next to it is %q, want nothing else", got)
	}
	for _, file := range render.Of(rendertest.Steady(t)).Files() {
		want := "the log"
		if file.Name != render.IntervalsFile {
			var b strings.Builder
			must(t, file.Encode(&b))
			want = b.String()
		}
		if got, err := os.ReadFile(filepath.Join(dir, file.Name)); err != nil || string(got) != want {
			t.Errorf("%s does not hold what its encoder writes: %v", file.Name, err)
		}
	}
}

func TestFilesThatTheReportLinksToExist(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "x")
	r := rendertest.Steady(t)
	for len(r.Timeline) < 40 {
		r.Timeline = append(r.Timeline, r.Timeline[1])
	}
	if err := write(dir, r, nil, false); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	links := 0
	for _, part := range strings.Split(string(text), "](")[1:] {
		file, _, _ := strings.Cut(part, ")")
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Errorf("the report links to %q: %v", file, err)
		}
		links++
	}
	if links != 3 {
		t.Errorf("the report has %d links, want two pictures and the timeline", links)
	}
}

func TestExistingResultsAreReplacedOnlyByForce(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := filepath.Join(root, "steady")
	if err := write(dir, rendertest.Steady(t), nil, false); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"Write": write(dir, rendertest.Lossy(t), nil, false), "Check": check(dir, false)} {
		if !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "--force") {
			t.Errorf("%s on existing results returned %v, want the remedy", name, err)
		}
	}
	if r, err := load(dir); err != nil || r.Validity.Verdict != "valid" {
		t.Fatalf("the refusal touched the old results: %v", err)
	}
	if err := check(dir, true); err != nil {
		t.Errorf("Check with force returned %v", err)
	}
	if err := write(dir, rendertest.Lossy(t), nil, true); err != nil {
		t.Fatal(err)
	}
	if r, err := load(dir); err != nil || r.Validity.Verdict != "suspect" {
		t.Errorf("force did not replace the old results: %v", err)
	}
	if got := names(t, root); !slices.Equal(got, []string{"steady"}) {
		t.Errorf("next to the results is %q", got)
	}
}

func TestForceDoesNotReplaceWhatIsNoResult(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	precious := filepath.Join(root, "home", "thesis.tex")
	if err := os.MkdirAll(filepath.Dir(precious), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(precious, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(precious), precious, root} {
		if err := check(dir, true); err == nil {
			t.Errorf("Check(%q, force) returned no error", dir)
		}
		if err := write(dir, rendertest.Steady(t), nil, true); err == nil {
			t.Errorf("Write(%q, force) returned no error", dir)
		}
	}
	if _, err := os.Stat(precious); err != nil {
		t.Errorf("force removed a file that is no result: %v", err)
	}
	if got := names(t, root); !slices.Equal(got, []string{"home"}) {
		t.Errorf("the refusals left %q", got)
	}
}

func TestCheckLeavesNothing(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := check(filepath.Join(root, "a", "b", "c"), false); err != nil {
		t.Fatal(err)
	}
	if got := names(t, root); len(got) > 0 {
		t.Errorf("Check left %q", got)
	}
}

func TestCheckFindsWhatWriteWouldTripOver(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	file := filepath.Join(root, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	locked := filepath.Join(root, "locked")
	if err := os.Mkdir(locked, 0o555); err != nil {
		t.Fatal(err)
	}
	targets := []string{filepath.Join(file, "steady"), filepath.Join(file, "a", "steady")}
	if os.Getuid() != 0 { // nothing is locked for root
		targets = append(targets, filepath.Join(locked, "steady"))
	}
	for _, dir := range targets {
		check, write := check(dir, false), write(dir, rendertest.Steady(t), nil, false)
		if check == nil || write == nil {
			t.Errorf("Check(%q) = %v and Write = %v, want two errors", dir, check, write)
		}
		if check != nil && !strings.Contains(check.Error(), root) {
			t.Errorf("Check(%q) = %v, want the path in it", dir, check)
		}
	}
}
