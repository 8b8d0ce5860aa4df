// Package servertest is what the helpers for tests have in common, whatever server they
// give: the rule for when none is available, and one server for a whole test binary.
//
// Begin reading at [Missing], [Start] and [Shared].
package servertest

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/serverstart"
)

// Missing ends the test because what it needs, such as "redis" or "docker", is
// not there: with a skip, or as a failure if QUEUEDYNO_REQUIRE names it.
func Missing(tb testing.TB, need string, reason error) {
	tb.Helper()
	if requires(os.Getenv("QUEUEDYNO_REQUIRE"), need) {
		tb.Fatalf("%s is required by QUEUEDYNO_REQUIRE: %v", need, reason)
	}
	tb.Skipf("needs %s: %v", need, reason)
}

// Start starts a server, of which name is the name, and closes it at the end of the test.
// Only its absence can be excused, by [Missing], and not its failure.
func Start[S interface{ Close() error }](tb testing.TB, name, need string, start func(context.Context) (S, error)) S {
	tb.Helper()
	s, err := start(tb.Context())
	if errors.Is(err, serverstart.ErrUnavailable) {
		Missing(tb, need, err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close %s: %v", name, err)
		}
	})
	return s
}

// requires reports whether the list of what must be there names the need.
func requires(list, need string) bool {
	words := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	return slices.Contains(words, need)
}
