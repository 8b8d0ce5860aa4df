package merge

import (
	"fmt"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/usage"
	"github.com/queuedyno/queuedyno/result"
)

// verdicts are the verdicts, the worst last; effects are the effects of checks.
var (
	verdicts = []string{result.Valid, result.Suspect, result.Invalid}
	effects  = []string{"", "note", "undecided", result.Suspect, result.Invalid}
)

// validity is the worst of all shards', with the shard in each reason and in where the time
// goes. A merged result that lacks shards is invalid.
func validity(all []shard, f *result.Fleet) result.Validity {
	worst := all[0]
	for _, s := range all {
		if slices.Index(verdicts, s.Validity.Verdict) > slices.Index(verdicts, worst.Validity.Verdict) {
			worst = s
		}
	}
	v := result.Validity{Verdict: worst.Validity.Verdict, Triage: worst.Validity.Triage, Usage: worst.Validity.Usage, Checks: map[string]result.Check{}}
	if t := &v.Triage; len(all) > 1 {
		words := t.Detail
		if words == "" && t.Limit != nil {
			words = usage.Usage(v.Usage).Explain(*t.Limit)
		}
		if words != "" {
			t.Detail = fmt.Sprintf("in shard %d %s", worst.Run.Shard.Index, words)
		}
	}
	v.Reasons = attributed(all, func(s shard) []string { return s.Validity.Reasons })
	if len(f.Missing) > 0 {
		v.Verdict = result.Invalid
		v.Reasons = append([]string{fmt.Sprintf("%s of %d %s missing", names(f.Missing), f.Of, verb(len(f.Missing), "is", "are"))}, v.Reasons...)
	}
	if stopped := interrupted(all); len(stopped) > 0 && len(stopped) < len(all) {
		v.Verdict = result.Invalid
		v.Reasons = append([]string{fmt.Sprintf("%s of %d %s interrupted, and the others were not", names(stopped), f.Of, verb(len(stopped), "was", "were"))}, v.Reasons...)
	}
	var aborted []int
	for _, s := range all {
		if s.Run.Aborted != "" {
			aborted = append(aborted, s.Run.Shard.Index)
		}
	}
	if len(aborted) > 0 {
		v.Verdict = result.Invalid
		v.Reasons = append([]string{fmt.Sprintf("%s ended the load early, because a threshold was broken by what was known there", names(aborted))}, v.Reasons...)
	}
	for _, s := range all {
		for name, c := range s.Validity.Checks {
			if had, here := v.Checks[name]; here && slices.Index(effects, c.Effect) <= slices.Index(effects, had.Effect) {
				continue
			}
			c.Detail = fmt.Sprintf("shard %d: %s", s.Run.Shard.Index, c.Detail)
			v.Checks[name] = c
		}
	}
	return v
}

// interrupted are the numbers of the shards that were stopped before their load was over.
func interrupted(all []shard) (numbers []int) {
	for _, s := range all {
		if s.Run.Interrupted {
			numbers = append(numbers, s.Run.Shard.Index)
		}
	}
	return numbers
}

// verb is the form of a verb for one or for several.
func verb(n int, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}

// attributed are sentences of the shards, each once, with the numbers of those that say it.
func attributed(all []shard, of func(shard) []string) []string {
	said := map[string][]int{}
	var order []string
	for _, s := range all {
		for _, text := range of(s) {
			if said[text] == nil {
				order = append(order, text)
			}
			if i := s.Run.Shard.Index; !slices.Contains(said[text], i) {
				said[text] = append(said[text], i)
			}
		}
	}
	out := []string{}
	for _, text := range order {
		out = append(out, names(said[text])+": "+text)
	}
	return out
}

// warnings are those of the shards, and what is to be known of the merged figures.
func warnings(all []shard, f *result.Fleet) []string {
	var out []string
	switch {
	case len(all) == 1:
	case f.StartSpreadNS == nil:
		out = append(out, "how far the starts of the shards differ is not known: not all of them compared their clocks")
	default:
		out = append(out, fmt.Sprintf("the starts of the %d shards differed by at most %s when their clocks were compared: rows of the timeline are that uncertain", len(all), time.Duration(*f.StartSpreadNS).Round(10*time.Microsecond)))
	}
	for _, s := range all[1:] {
		if s.Tool != all[0].Tool {
			out = append(out, fmt.Sprintf("shard %d is from another build of queuedyno than shard %d", s.Run.Shard.Index, all[0].Run.Shard.Index))
			break
		}
	}
	return append(out, attributed(all, func(s shard) []string { return s.Warnings })...)
}
