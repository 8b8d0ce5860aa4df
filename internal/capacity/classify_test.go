package capacity_test

import (
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
)

func TestClassifyFollowsTheRuleOfRFC9971(t *testing.T) {
	t.Parallel()
	const full, short = 30 * time.Second, 5 * time.Second
	trials := func(word string) (all []capacity.Trial) {
		for _, c := range word {
			one := capacity.Trial{Length: full}
			one.Verdict = map[rune]capacity.Verdict{'G': "good", 'B': "bad", 'g': "good", 'b': "bad", '-': "invalid"}[c]
			if c == 'g' || c == 'b' {
				one.Length = short
			}
			all = append(all, one)
		}
		return all
	}
	for _, c := range []struct {
		word string
		want capacity.Bound
		why  string
	}{
		{"", capacity.Undecided, "nothing is known"},
		{"G", capacity.Undecided, "one full trial is a third of the goal, and the rest may still be bad"},
		{"GG", capacity.Lower, "whatever the third is, most of the goal was good"},
		{"B", capacity.Undecided, "one may be bad by chance"},
		{"BB", capacity.Upper, "more than half of the goal was bad"},
		{"GB", capacity.Undecided, "one each"},
		{"GGB", capacity.Lower, "two of three"},
		{"GBB", capacity.Upper, "two of three"},
		{"GGBB", capacity.Lower, "half of the time may be bad"},
		{"bbbbbbbbbb", capacity.Upper, "50 s of short ones outweigh the rest of the goal"},
		{"gggggggggg", capacity.Undecided, "short ones alone never confirm"},
		{"ggbb", capacity.Undecided, "short ones make up for each other"},
		{"GGgb", capacity.Lower, "a short bad one beside a short good one is forgiven"},
		{"--GG", capacity.Lower, "invalid ones do not count"},
		{"----", capacity.Undecided, "invalid ones do not count"},
	} {
		if got := capacity.Classify(trials(c.word), full); got != c.want {
			t.Errorf("Classify(%q) = %s, want %s: %s", c.word, got, c.want, c.why)
		}
	}
}
