package merge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/merge"
	"github.com/queuedyno/queuedyno/result"
)

func TestTheVerdictIsTheWorstAndNamesItsShards(t *testing.T) {
	t.Parallel()
	var all []*result.Result
	for i := range 4 {
		r, _ := made(i, 4, 1)
		all = append(all, r)
	}
	// Shard 1 is the first of the worst.
	all[1].Validity.Triage = result.Triage{Where: "redis", Detail: "its p99 is 3 ms"}
	r := merged(t, all...)
	if got := r.Validity.Triage; got.Where != "redis" || got.Detail != "in shard 1 its p99 is 3 ms" {
		t.Errorf("triage %+v", got)
	}
	all[1].Validity.Triage = result.Triage{Where: "workers", Limit: &result.Limit{Part: "workers", Near: []string{"workers"}}}
	if got := merged(t, all...).Validity.Triage.Detail; !strings.HasPrefix(got, "in shard 1 the consumers were busy ") {
		t.Errorf("triage of a limit: %q", got)
	}
	if r.Validity.Verdict != result.Suspect || !slices.Contains(r.Validity.Reasons, "shards 1 and 3: jobs are late") || !slices.Contains(r.Validity.Reasons, "shard 3: 3 is odd") {
		t.Errorf("validity %+v", r.Validity)
	}
	if c := r.Validity.Checks["lateness"]; c.Effect != result.Suspect || c.Detail != "shard 1: late" {
		t.Errorf("check %+v", c)
	}
	all[2].Validity.Verdict, all[2].Validity.Reasons = result.Invalid, []string{"it broke"}
	if r := merged(t, all...); r.Validity.Verdict != result.Invalid {
		t.Errorf("verdict %q with an invalid shard", r.Validity.Verdict)
	}
}

func TestThresholdsAreDecidedOnTheMergedResult(t *testing.T) {
	t.Parallel()
	var all []*result.Result
	for i := range 2 {
		r, _ := made(i, 2, 30)
		all = append(all, r)
	}
	r := merged(t, all...)
	if len(r.Thresholds) != 2 || !r.Thresholds[0].Failed() || !r.Thresholds[1].Passed {
		t.Errorf("thresholds %+v; one job is lost", r.Thresholds)
	}
}

func TestMissingShardsMakeTheResultInvalidUntilTheyCome(t *testing.T) {
	t.Parallel()
	a, _ := made(0, 4, 1)
	b, _ := made(2, 4, 1)
	part := merged(t, b, a)
	if part.Validity.Verdict != result.Invalid || part.Validity.Reasons[0] != "shards 1 and 3 of 4 are missing" || !slices.Equal(part.Fleet.Missing, []int{1, 3}) {
		t.Errorf("validity %+v, missing %v", part.Validity, part.Fleet.Missing)
	}
	for _, o := range part.Thresholds {
		if o.Passed {
			t.Errorf("a threshold passed although shards are missing: %+v", o)
		}
	}
	c, _ := made(1, 4, 1)
	d, _ := made(3, 4, 1)
	if whole := merged(t, d, part, c); whole.Validity.Verdict == result.Invalid || len(whole.Fleet.Missing) > 0 {
		t.Errorf("validity %+v, missing %v", whole.Validity, whole.Fleet.Missing)
	}
}

// TestAShardThatEndedEarlyMakesTheResultInvalid: a part of the load was not sent, whatever
// the threshold says of the rest.
func TestAShardThatEndedEarlyMakesTheResultInvalid(t *testing.T) {
	t.Parallel()
	a, _ := made(0, 2, 2)
	b, _ := made(1, 2, 2)
	b.Run.StopReason, b.Run.Aborted = "threshold", "lost == 0 abort"
	got := merged(t, b, a)
	if got.Validity.Verdict != result.Invalid || !strings.HasPrefix(got.Validity.Reasons[0], "shard 1 ended the load early") || got.Run.Aborted != b.Run.Aborted {
		t.Errorf("the merged result is %s because of %q, ended by %q", got.Validity.Verdict, got.Validity.Reasons, got.Run.Aborted)
	}
	for _, o := range got.Thresholds {
		if o.Passed {
			t.Errorf("%q passed", o.Expr)
		}
	}
}

// TestAShardThatWasInterruptedAloneMakesTheResultInvalid: where all were, as after Ctrl-C, the
// result is that of a shorter run.
func TestAShardThatWasInterruptedAloneMakesTheResultInvalid(t *testing.T) {
	t.Parallel()
	for interrupted, want := range map[string]struct {
		verdict string
		all     bool
	}{"": {result.Suspect, false}, "1": {result.Invalid, false}, "012": {result.Suspect, true}} {
		var m merge.Merger
		for i := range 3 {
			r, _ := made(i, 3, 1)
			r.Run.Interrupted = strings.Contains(interrupted, fmt.Sprint(i))
			if err := m.Add(r, fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		got, err := m.Result()
		if err != nil {
			t.Fatal(err)
		}
		if got.Validity.Verdict != want.verdict || got.Run.Interrupted != want.all {
			t.Errorf("interrupted %q: %s %q, interrupted = %t; want %s, %t", interrupted, got.Validity.Verdict, got.Validity.Reasons, got.Run.Interrupted, want.verdict, want.all)
		}
		if named := strings.Contains(strings.Join(got.Validity.Reasons, "\n"), "shard 1 of 3 was interrupted"); named != (interrupted == "1") {
			t.Errorf("interrupted %q: reasons %q", interrupted, got.Validity.Reasons)
		}
	}
}
