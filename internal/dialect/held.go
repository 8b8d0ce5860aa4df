package dialect

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
)

// Held says where a library keeps a job by its id.
type Held struct {
	Keys   string   // what all keys of the queue begin with
	Job    string   // what the key of a job has behind that, before its id
	Parts  []string // what further keys of a job have behind its id
	Lists  []string // lists that have ids
	Sets   []string // sets that have ids
	Sorted []string // sorted sets that have ids
}

// sweep removes jobs at once, so that a worker that moves one of them meanwhile does not leave
// its id in a list without a job. Of ids that are in no list, as most are, none is searched for:
// each list is read once.
const sweep = `
local prefix, job, lists, sets, sorted, parts = ARGV[1], ARGV[2], cjson.decode(ARGV[3]), cjson.decode(ARGV[4]), cjson.decode(ARGV[5]), cjson.decode(ARGV[6])
local ours = {}
for i = 7, #ARGV do ours[ARGV[i]] = true end
for _, list in ipairs(lists) do
  for _, id in ipairs(redis.call('LRANGE', prefix .. list, 0, -1)) do
    if ours[id] then redis.call('LREM', prefix .. list, 0, id) end
  end
end
for i = 7, #ARGV do
  local id = ARGV[i]
  for _, set in ipairs(sets) do redis.call('SREM', prefix .. set, id) end
  for _, set in ipairs(sorted) do redis.call('ZREM', prefix .. set, id) end
  redis.call('DEL', prefix .. job .. id)
  for _, part in ipairs(parts) do redis.call('DEL', prefix .. job .. id .. part) end
end
return 0
`

// doer sends commands.
type doer interface {
	Do(ctx context.Context, commands ...[]string) (answers []any, err error)
}

// Sweep removes the jobs with the ids from where they are held.
func (h Held) Sweep(ctx context.Context, d doer, ids iter.Seq[string]) error {
	for page := range slices.Chunk(slices.Collect(ids), 500) {
		command := []string{"EVAL", sweep, "0", h.Keys, h.Job, array(h.Lists), array(h.Sets), array(h.Sorted), array(h.Parts)}
		if _, err := d.Do(ctx, append(command, page...)); err != nil {
			return fmt.Errorf("remove jobs of the run: %w", err)
		}
	}
	return nil
}

// array is a JSON array of the names.
func array(names []string) string {
	text := "["
	for i, name := range names {
		if i > 0 {
			text += ","
		}
		text += strconv.Quote(name)
	}
	return text + "]"
}
