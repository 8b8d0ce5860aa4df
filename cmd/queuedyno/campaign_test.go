package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// campaign names the variable that says how many comparisons of each kind
// TestCampaign makes.
const campaign = "QUEUEDYNO_CAMPAIGN"

// TestCampaign counts how often comparisons on this host are right: of a program
// with itself, and with one change planted. Each takes one to three minutes:
//
//	QUEUEDYNO_CAMPAIGN=10 go test -v -run Campaign -timeout 5h ./cmd/queuedyno
//
// The figures of docs/gates.md are from it.
func TestCampaign(t *testing.T) {
	times, err := strconv.Atoi(os.Getenv(campaign))
	if err != nil || times < 1 {
		t.Skipf("%s is not set to how many comparisons of each kind are to be made; ten take an hour", campaign)
	}
	for _, row := range []struct {
		name string
		// changed is how the candidate differs, and by is the metric that has to
		// show it; none for a program compared with itself.
		changed func(t *testing.T) []string
		by      string
		times   int
	}{
		{"the same twice", nil, "", 2 * times},
		{"15% more work", func(*testing.T) []string {
			return []string{"--candidate-args", "--work 1150us", "--metric", "end_to_end.p50:5%"}
		}, "end_to_end.p50", times},
		{"300 µs of network", func(t *testing.T) []string {
			url := redistest.Process(t).URL()
			address := strings.TrimSuffix(strings.TrimPrefix(url, "redis://"), "/0")
			return []string{
				"--base-redis", url, "--candidate-redis", "redis://" + slowdown(t, address, 300*time.Microsecond),
				"--metric", "end_to_end.p50:5%",
			}
		}, "end_to_end.p50", times},
		{"appendfsync always", func(*testing.T) []string {
			return []string{"--candidate-redis-args", "--appendonly yes --appendfsync always"}
		}, "redis_cpu_per_job", times},
	} {
		t.Run(row.name, func(t *testing.T) {
			verdicts := map[paired.Verdict]int{}
			for i := range row.times {
				args := []string{"compare", "steady", "-u", "process", "-d", "3s", "--warmup", "1s", "--idle", "500ms"}
				if row.changed != nil {
					args = append(args, row.changed(t)...)
				}
				began := time.Now()
				r := comparedTo(t, args...)
				verdict := r.Verdict
				if row.by != "" {
					verdict = figure(t, r, row.by).Verdict
				}
				verdicts[verdict]++
				f := figure(t, r, "end_to_end.p50")
				t.Logf("%d: %s after %d pairs, %d repeated, %d left out, in %s; end_to_end.p50 by %+.1f%% (%+.1f to %+.1f), noise %.1f%%; %s",
					i+1, verdict, r.Pairs, r.Repeated, r.LeftOut, time.Since(began).Round(time.Second),
					100*f.Change, 100*deref(f.Low), 100*deref(f.High), 100*f.Spread, strings.Join(r.Reasons, "; "))
			}
			t.Logf("of %d comparisons: %v", row.times, verdicts)
			if row.by == "" && verdicts[paired.Fail] > 0 {
				t.Errorf("%d of %d comparisons of a program with itself failed", verdicts[paired.Fail], row.times)
			}
			if row.by != "" && verdicts[paired.Fail] < row.times {
				t.Errorf("%d of %d comparisons found it", verdicts[paired.Fail], row.times)
			}
		})
	}
}

// comparedTo makes a comparison and returns its record.
func comparedTo(t *testing.T, args ...string) *compare.Record {
	t.Helper()
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	code := execute(t.Context(), append(args, "-o", dir, "--name", "c"), onlyPath(), strings.NewReader(""), &stdout, &stderr)
	r, err := store.LoadAs[*compare.Record](filepath.Join(dir, "c"))
	if err != nil {
		t.Fatalf("exit code %d, %v:\n%s\n%s", code, err, stdout.String(), stderr.String())
	}
	return r
}

func figure(t *testing.T, r *compare.Record, name string) paired.Figure {
	t.Helper()
	for _, f := range r.Figures {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no figure %q in the record", name)
	return paired.Figure{}
}

func deref(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}
