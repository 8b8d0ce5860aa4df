package render_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/result"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file   string
		result *result.Result
		encode render.Encoder
	}{
		{"steady.txt", rendertest.Steady(t), render.Text(render.Options{})},
		{"lossy.txt", rendertest.Lossy(t), render.Text(render.Options{})},
		{"closed.txt", rendertest.Closed(t), render.Text(render.Options{})},
		{"empty.txt", rendertest.Empty(), render.Text(render.Options{})},
		{"observed.txt", rendertest.Observed(t), render.Text(render.Options{})},
		{"observed.md", rendertest.Observed(t), render.Markdown},
		{"lossy.md", rendertest.Lossy(t), render.Markdown},
		{"hostile.md", rendertest.Hostile(t), render.Markdown},
		{"stored.txt", rendertest.Stored(t), render.Text(render.Options{})},
		{"stored.md", rendertest.Stored(t), render.Markdown},
		{"requested.txt", rendertest.Requested(t), render.Text(render.Options{})},
		{"black-box.txt", rendertest.BlackBox(t), render.Text(render.Options{})},
		{"black-box.md", rendertest.BlackBox(t), render.Markdown},
		{"lossy.csv", rendertest.Lossy(t), render.SummaryCSV},
		{"lossy-timeline.csv", rendertest.Lossy(t), render.TimelineCSV},
		{"lossy.hgrm", rendertest.Lossy(t), render.HGRM(metric.EndToEnd)},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", c.file)
			got := written(t, c.encode, c.result)
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
