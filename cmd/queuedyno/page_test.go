//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
)

// TestTheHeatMapOfARunHasEachJobOfTheResult makes a run, and counts the jobs in the
// cells of its page.
func TestTheHeatMapOfARunHasEachJobOfTheResult(t *testing.T) {
	t.Parallel()
	c := start(t, "run", "quick", "-u", "embedded", "-q", "-r", "200", "-d", "4s", "--warmup", "500ms", "--name", "r")
	if got := c.end(t); got != problem.OK && got != problem.Invalid {
		t.Fatalf("exit code %d; stderr:\n%s", got, strings.Join(c.said, "\n"))
	}
	dir := filepath.Join(c.dir, "results", "r")
	r, err := store.LoadAs[*result.Result](dir)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	var heat struct {
		Spans    [][2]float64
		Variants []struct {
			Name  string
			Cells struct{ Columns [][]int64 }
		}
	}
	for _, part := range strings.Split(string(page), `<script type="application/json">`)[1:] {
		if strings.HasPrefix(part, `{"id":"heat"`) {
			text, _, _ := strings.Cut(part, "</script>")
			if err := json.Unmarshal([]byte(text), &heat); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(heat.Spans); n < 3 || n > 10 {
		t.Errorf("the heat map of four seconds has %d columns: %v", n, heat.Spans)
	}
	shown := map[string]int64{}
	for _, v := range heat.Variants {
		for _, column := range v.Cells.Columns {
			for i, n := range column {
				if i > 0 { // the first is the band
					shown[v.Name] += n
				}
			}
		}
	}
	for stage, s := range r.Stages {
		if s.Count != shown[string(stage)] {
			t.Errorf("the heat map of %s has %d jobs, the result %d", stage, shown[string(stage)], s.Count)
		}
	}
}
