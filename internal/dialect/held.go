package dialect

import (
	"context"
	"fmt"
	"iter"
	"slices"
)

// Held says where a library keeps a job by its id.
type Held struct {
	Keys   string   // what all keys of the queue begin with
	Job    string   // what the key of a job has behind that, before its id
	Parts  []string // what further keys of a job have behind its id
	Active string   // list of the jobs that workers do
	Sets   []string // sets that have ids
	Sorted []string // sorted sets that have ids
}

// doer sends commands.
type doer interface {
	Do(ctx context.Context, commands ...[]string) (answers []any, err error)
}

// SweepHeld removes the jobs with the ids from where they are held.
func SweepHeld(ctx context.Context, d doer, h Held, ids iter.Seq[string]) error {
	held, err := d.Do(ctx, []string{"LRANGE", h.Keys + h.Active, "0", "-1"})
	if err != nil {
		return err
	}
	active := map[string]bool{}
	inProgress, _ := held[0].([]any)
	for _, id := range inProgress {
		active[fmt.Sprint(id)] = true
	}
	for page := range slices.Chunk(slices.Collect(ids), 500) {
		remove := []string{"DEL"}
		var commands [][]string
		for _, id := range page {
			remove = append(remove, h.Keys+h.Job+id)
			for _, part := range h.Parts {
				remove = append(remove, h.Keys+h.Job+id+part)
			}
			if active[id] {
				commands = append(commands, []string{"LREM", h.Keys + h.Active, "0", id})
			}
		}
		for _, key := range h.Sets {
			commands = append(commands, append([]string{"SREM", h.Keys + key}, page...))
		}
		for _, key := range h.Sorted {
			commands = append(commands, append([]string{"ZREM", h.Keys + key}, page...))
		}
		if _, err := d.Do(ctx, append(commands, remove)...); err != nil {
			return fmt.Errorf("remove jobs of the run: %w", err)
		}
	}
	return nil
}
