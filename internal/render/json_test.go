package render_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/result"
)

func TestJSONHasTheKeysThatOthersRelyOn(t *testing.T) {
	t.Parallel()
	var tree map[string]any
	if err := json.Unmarshal([]byte(written(t, render.JSON, rendertest.Lossy(t))), &tree); err != nil {
		t.Fatal(err)
	}
	for _, path := range strings.Fields(`schema tool.version tool.commit tool.go
		run.id run.scenario run.started_at run.ended_at run.stop_reason run.interrupted run.seed run.tags scenario.load.rate
		redis.kind redis.version redis.mode redis.address redis.config host.os host.arch host.cpus host.gomaxprocs
		window.from_ns window.to_ns window.scheduled rates.offered_per_s rates.achieved_per_s rates.achieved_ratio
		ledger.scheduled ledger.sent ledger.acked ledger.popped ledger.finished ledger.published ledger.notified ledger.lost
		ledger.lost_by_leg ledger.duplicated ledger.out_of_order ledger.corrupt ledger.foreign ledger.failed ledger.errors
		stages.end_to_end.count stages.end_to_end.min_ns stages.end_to_end.mean_ns stages.end_to_end.stddev_ns
		stages.end_to_end.p50_ns stages.end_to_end.p75_ns stages.end_to_end.p90_ns stages.end_to_end.p95_ns stages.end_to_end.p99_ns
		stages.end_to_end.p99_9_ns stages.end_to_end.p99_99_ns stages.end_to_end.max_ns stages.end_to_end.overflow stages.end_to_end.hdr
		timeline validity.verdict validity.reasons validity.checks thresholds server.before server.after server.deltas warnings`) {
		at, found := any(tree), true
		for key := range strings.SplitSeq(path, ".") {
			m, _ := at.(map[string]any)
			if at, found = m[key]; !found {
				t.Errorf("key %s is missing", path)
				break
			}
		}
	}
}

func TestEmptyListsAreNotNullInJSON(t *testing.T) {
	t.Parallel()
	got := written(t, render.JSON, &result.Result{Timeline: []result.Second{{}}})
	for _, key := range []string{"thresholds", "warnings", "reasons", "stages", "errors", "lost_by_leg", "checks", "scalars"} {
		if strings.Contains(got, `"`+key+`": null`) {
			t.Errorf("%s is null; a script that goes through it would stumble", key)
		}
	}
}

func TestJSONRefusesWhatIsNoNumber(t *testing.T) {
	t.Parallel()
	r := rendertest.Steady(t)
	r.Rates.AchievedPerS = math.NaN()
	var b strings.Builder
	if err := render.JSON(&b, r); err == nil || b.Len() > 0 {
		t.Errorf("JSON of NaN returned %v and wrote %d bytes, want an error and none", err, b.Len())
	}
}
