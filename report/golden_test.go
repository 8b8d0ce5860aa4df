package report_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/report"
	"github.com/queuedyno/queuedyno/result"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file   string
		result *result.Result
		encode report.Encoder
	}{
		{"steady.txt", steady(t), report.Text(report.TextOptions{})},
		{"lossy.txt", lossy(t), report.Text(report.TextOptions{})},
		{"closed.txt", closed(t), report.Text(report.TextOptions{})},
		{"empty.txt", empty(), report.Text(report.TextOptions{})},
		{"observed.txt", observed(t), report.Text(report.TextOptions{})},
		{"observed.md", observed(t), report.Markdown},
		{"lossy.md", lossy(t), report.Markdown},
		{"hostile.md", hostile(t), report.Markdown},
		{"lossy.csv", lossy(t), report.SummaryCSV},
		{"lossy-timeline.csv", lossy(t), report.TimelineCSV},
		{"lossy.hgrm", lossy(t), report.HGRM(metric.EndToEnd)},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", c.file)
			got := render(t, c.encode, c.result)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s differs (-golden +got); if it is meant to, run with -update:\n%s", path, diff)
			}
		})
	}
}
