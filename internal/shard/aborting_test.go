package shard_test

import (
	"slices"
	"testing"

	"github.com/queuedyno/queuedyno/internal/shard"
)

// TestAShardAbortsOnlyByWhatItCanKnow: the rate of one shard is below that of all, and says
// nothing about a lower limit; a count above an upper limit is above it in the sum, too.
func TestAShardAbortsOnlyByWhatItCanKnow(t *testing.T) {
	t.Parallel()
	own := []string{"lost == 0 abort", "errors <= 5 abort after 2s", "end_to_end.p99 < 50ms abort", "achieved_ratio >= 95% abort after 5s", "backlog.max < 1000 abort"}
	others := []string{"lost == 0", "achieved_rate >= 900/s abort", "end_to_end.p99 over 10s < 50ms abort", "notified == 7 abort"}
	if got := shard.Aborting(slices.Concat(others, own)); !slices.Equal(got, own) {
		t.Errorf("a shard aborts by %q, want %q", got, own)
	}
}
