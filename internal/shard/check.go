package shard

import (
	"errors"
	"fmt"

	"github.com/queuedyno/queuedyno/scenario"
)

// Check refuses a shard of a load that cannot be sent in shards. It returns all
// problems at once, and nil for a run that sends the whole load.
func Check(s scenario.Scenario) error {
	var problems []error
	refuse := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if s.Shard.Index < 0 || s.Shard.Index >= max(1, s.Shard.Of) {
		refuse("there is no shard %s: shards count from 0 to N-1", s.Shard)
	}
	if s.Shard.Whole() {
		return errors.Join(problems...)
	}
	if s.Load.Observed {
		refuse("an observed load sends nothing, so it has no shards")
	}
	if s.Entry.Kind == scenario.EntryPostgres || s.Entry.Kind == scenario.EntryHTTP {
		refuse("shards push their jobs straight into the queue, and the entry is %s", s.Entry.Kind)
	}
	if s.External && s.Prefill > 0 {
		refuse("external workers would take prefilled jobs while the shards wait for each other, when no shard hears their ends; remove prefill")
	}
	if s.Exit.Given() {
		refuse("shards hear the ends of their jobs on the channel, and the exit is WebSocket clients")
	}
	if s.Load.Closed() && s.Load.InFlight/max(1, s.Batch) < s.Shard.Of {
		refuse("%d jobs in flight in batches of %d are too few for %d shards", s.Load.InFlight, s.Batch, s.Shard.Of)
	}
	return errors.Join(problems...)
}
