package dialect

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
)

// Held says where a library keeps a job by its id.
type Held struct {
	Keys   string   // what all keys of the queue begin with
	Jobs   []string // what the keys of a job have behind that, before its id; none means nothing
	Parts  []string // what further keys of a job have behind its id
	Lists  []string // lists that have ids
	Sets   []string // sets that have ids
	Sorted []string // sorted sets that have ids
}

// sweep removes jobs at once, so that a worker that moves one of them meanwhile does not leave
// its id in a list without a job.
const sweep = `
local prefix, jobs, lists, sets, sorted, parts = ARGV[1], cjson.decode(ARGV[2]), cjson.decode(ARGV[3]), cjson.decode(ARGV[4]), cjson.decode(ARGV[5]), cjson.decode(ARGV[6])
for i = 7, #ARGV do
  local id = ARGV[i]
  for _, list in ipairs(lists) do redis.call('LREM', prefix .. list, 0, id) end
  for _, set in ipairs(sets) do redis.call('SREM', prefix .. set, id) end
  for _, set in ipairs(sorted) do redis.call('ZREM', prefix .. set, id) end
  for _, job in ipairs(jobs) do
    redis.call('DEL', prefix .. job .. id)
    for _, part in ipairs(parts) do redis.call('DEL', prefix .. job .. id .. part) end
  end
end
return 0
`

// doer sends commands.
type doer interface {
	Do(ctx context.Context, commands ...[]string) (answers []any, err error)
}

// Sweep removes the jobs with the ids from where they are held. Most are in no list: each
// list is read once, and an id is searched for only if it was in one.
func (h Held) Sweep(ctx context.Context, d doer, ids iter.Seq[string]) error {
	ours := map[string]bool{} // and whether a list has it
	for id := range ids {
		ours[id] = false
	}
	for _, list := range h.Lists {
		if err := h.mark(ctx, d, list, ours); err != nil {
			return err
		}
	}
	var listed, others []string
	for id, has := range ours {
		if has {
			listed = append(listed, id)
		} else {
			others = append(others, id)
		}
	}
	return errors.Join(h.remove(ctx, d, h.Lists, listed), h.remove(ctx, d, nil, others))
}

// mark notes which of the ids a list has.
func (h Held) mark(ctx context.Context, d doer, list string, ours map[string]bool) error {
	const page = 1000
	for from := 0; ; from += page {
		answers, err := d.Do(ctx, []string{"LRANGE", h.Keys + list, strconv.Itoa(from), strconv.Itoa(from + page - 1)})
		if err != nil {
			return err
		}
		found, _ := answers[0].([]any)
		for _, one := range found {
			id := fmt.Sprint(one)
			if _, is := ours[id]; is {
				ours[id] = true
			}
		}
		if len(found) < page {
			return nil
		}
	}
}

// remove removes the jobs, from the lists as well.
func (h Held) remove(ctx context.Context, d doer, lists, ids []string) error {
	jobs := h.Jobs
	if len(jobs) == 0 {
		jobs = []string{""}
	}
	for page := range Pages(slices.Values(ids)) {
		command := []string{"EVAL", sweep, "0", h.Keys, array(jobs), array(lists), array(h.Sets), array(h.Sorted), array(h.Parts)}
		if _, err := d.Do(ctx, append(command, page...)); err != nil {
			return fmt.Errorf("remove jobs of the run: %w", err)
		}
	}
	return nil
}

// Pages are the ids, a few hundred at a time. A page is valid until the next one.
func Pages(ids iter.Seq[string]) iter.Seq[[]string] {
	const most = 500
	return func(yield func([]string) bool) {
		page := make([]string, 0, most)
		for id := range ids {
			if page = append(page, id); len(page) < most {
				continue
			}
			if !yield(page) {
				return
			}
			page = page[:0]
		}
		if len(page) > 0 {
			yield(page)
		}
	}
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
