package engine

import (
	"fmt"
	"strconv"
	"strings"
)

// tooLarge is a job that the server does not take.
type tooLarge struct{ what, hint string }

func (e *tooLarge) Error() string { return e.what }
func (e *tooLarge) Hint() string  { return e.hint }

// fits refuses jobs that are larger than the server takes, as far as it tells: by
// the largest that the scenario can draw.
func (r *run) fits() error {
	f := r.facts[0]
	if f == nil || r.s.Load.Observed || r.s.Producers == 0 {
		return nil
	}
	job := int64(r.format.Most)
	// The end of the line behind a value is in the buffer as well.
	var limits, names []string
	for _, one := range []struct {
		name string
		more int64
	}{{"proto-max-bulk-len", 0}, {"client-query-buffer-limit", 2}} {
		limit, ok := leastOf(f.Config[one.name])
		if ok && limit > 0 && job+one.more > limit {
			limits = append(limits, fmt.Sprintf("%s (%s)", bytesInWords(limit), one.name))
			names = append(names, one.name)
		}
	}
	if len(names) > 0 {
		return &tooLarge{
			fmt.Sprintf("the largest job has %s, and the server takes at most %s", bytesInWords(job), strings.Join(limits, " and ")),
			fmt.Sprintf("raise %s of that Redis, or give a smaller --payload", strings.Join(names, " and ")),
		}
	}
	most, ok := leastOf(f.Config["maxmemory"])
	if !ok || most == 0 {
		return nil
	}
	left := most
	if used, err := strconv.ParseInt(f.Info["used_memory"], 10, 64); err == nil && !strings.HasPrefix(f.Config["maxmemory-policy"], "allkeys-") {
		left = max(0, most-used)
	}
	if push := job * int64(r.s.Batch); push > left {
		return &tooLarge{
			fmt.Sprintf("one push has %s, and the server has %s of memory left (maxmemory %s)", bytesInWords(push), bytesInWords(left), bytesInWords(most)),
			"raise maxmemory of that Redis, or give a smaller --payload or --batch",
		}
	}
	return nil
}

// leastOf is a setting of one server, or the smallest of those of several.
func leastOf(text string) (least int64, ok bool) {
	for one := range strings.SplitSeq(text, ", ") {
		n, err := strconv.ParseInt(one, 10, 64)
		if err != nil {
			return 0, false
		}
		if !ok || n < least {
			least, ok = n, true
		}
	}
	return least, ok
}

// bytesInWords is a size for people, and exact where it is rounded.
func bytesInWords(n int64) string {
	const kib, mib = 1 << 10, 1 << 20
	switch {
	case n >= mib && n%mib == 0:
		return fmt.Sprintf("%d MiB", n/mib)
	case n >= mib:
		return fmt.Sprintf("%.1f MiB (%d bytes)", float64(n)/mib, n)
	case n >= kib && n%kib == 0:
		return fmt.Sprintf("%d KiB", n/kib)
	}
	return fmt.Sprintf("%d bytes", n)
}
