package store_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
)

// told1 is what a result of schema 1 says in words.
type told1 struct {
	Schema int
	Run    struct {
		StopReason string `json:"stop_reason"`
	}
	Stages map[result.Stage]struct{ Missing map[string]string }
}

// stored1 are the results in testdata, which the last version with schema 1 wrote.
func stored1(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/schema1/*.json")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	out := map[string][]byte{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		must(t, err)
		out[strings.TrimSuffix(filepath.Base(file), ".json")] = data
	}
	return out
}

func TestAResultOfSchema1SaysWhatItSaidThen(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	codes := map[string]bool{}
	for name, data := range stored1(t) {
		var then told1
		must(t, json.Unmarshal(data, &then))
		if then.Schema != 1 {
			t.Fatalf("%s has schema %d", name, then.Schema)
		}
		r, err := store.Parse[*result.Result](name, data)
		must(t, err)
		if r.Schema != result.Schema || r.Run.StopReason == "" || r.Run.StopText != "" || stopreason.Words(r) != then.Run.StopReason {
			t.Errorf("%s: schema %d, stopped because %q (%q), want %q", name, r.Schema, stopreason.Words(r), r.Run.StopReason, then.Run.StopReason)
		}
		seen[r.Run.StopReason] = true
		for stage, s := range then.Stages {
			for quantile, words := range s.Missing {
				m := r.Stages[stage].Missing[quantile]
				if m.Text != "" || m.Words(quantile) != words {
					t.Errorf("%s: %s.%s is missing as %q (%+v), want %q", name, stage, quantile, m.Words(quantile), m, words)
				}
				codes[m.Code] = true
			}
		}
	}
	if len(seen) < 8 || len(codes) != 3 {
		t.Errorf("the files hold the reasons %v and the codes %v; one of each code is wanted, and most reasons", seen, codes)
	}
}

// What is read of an old file is written as one of today, and nothing is lost.
func TestAResultOfSchema1IsStoredAsOneOfToday(t *testing.T) {
	t.Parallel()
	for name, data := range stored1(t) {
		old, err := store.Parse[*result.Result](name, data)
		must(t, err)
		again, err := store.Parse[*result.Result](name, []byte(encoded(t, "json", old)))
		must(t, err)
		if diff := cmp.Diff(old, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-old +again):\n%s", name, diff)
		}
		if text := encoded(t, "md", old); strings.Contains(text, "%!") || !strings.Contains(text, "stopped because") {
			t.Errorf("%s: its report does not say why it stopped", name)
		}
	}
}

// Every reason has words, and these are understood when an old file holds them.
func TestEveryStopReasonOfSchema1IsUnderstood(t *testing.T) {
	t.Parallel()
	for _, reason := range stopreason.Reasons() {
		r := &result.Result{}
		r.Scenario.Load.Jobs, r.Scenario.Load.Duration, r.Scenario.Load.MaxBacklog = 40, 90e9, 500
		r.Scenario.DrainTimeout = 300e6
		r.Run.StopReason, r.Run.Error, r.Run.Aborted = reason, "push: no\nanswer", "lost < 1 abort"
		switch reason {
		case stopreason.MaxBacklog, stopreason.Threshold, stopreason.NoneUnderstood, stopreason.ServerKilled:
			r.Run.StoppedAtS = 1.5
		}
		got := *r
		words := stopreason.Words(r)
		if words == "" {
			t.Errorf("%q has no words", reason)
		}
		if slices.Contains([]string{stopreason.Checkpoint, stopreason.NoneTaken, stopreason.NoneEnded}, reason) {
			continue // there were none
		}
		got.Schema, got.Run.StopReason, got.Run.StoppedAtS = 1, string(words), 0
		store.FromSchema1(&got)
		if got.Run.StopReason != reason || stopreason.Words(&got) != words || got.Run.StoppedAtS != r.Run.StoppedAtS {
			t.Errorf("%q is understood as %q at %v, want %q at %v", words, got.Run.StopReason, got.Run.StoppedAtS, reason, r.Run.StoppedAtS)
		}
	}
}

func TestASentenceThatIsNotKnownStaysOne(t *testing.T) {
	t.Parallel()
	for _, words := range []string{"the moon was full", "the run was ended by max_backlog: at noon s more than 5 jobs waited in the queue", ""} {
		r := &result.Result{Schema: 1, Stages: map[result.Stage]*result.StageSummary{
			metric.EndToEnd: {Missing: map[string]result.Missing{"p99": {Code: result.OtherReason, Text: words}}}, metric.Queue: nil,
		}}
		r.Run.StopReason = string(words)
		store.FromSchema1(r)
		if stopreason.Words(r) != words || r.Run.StopReason != "" {
			t.Errorf("%q became %q (%q)", words, stopreason.Words(r), r.Run.StopReason)
		}
		if m := r.Stages[metric.EndToEnd].Missing["p99"]; m.Words("p99") != words {
			t.Errorf("%q became %+v", words, m)
		}
	}
}
