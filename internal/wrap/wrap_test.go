package wrap_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/wrap"
)

func TestLinesAreFullAndNoLongerThanAsked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                 {""},
		"one two":          {"one two"},
		"µµµ µµµ x":        {"µµµ µµµ", "x"},
		"a letters enough": {"a", "letters", "enough"},
		"unbreakable a b":  {"unbreakable", "a b"},
	} {
		if got := wrap.Words(strings.Fields(text), 7); !slices.Equal(got, want) {
			t.Errorf("%q is broken into %q, want %q", text, got, want)
		}
	}
}
