// Package servertest is what the helpers for tests have in common, whatever server they
// give: the rule for when none is available, and one server for a whole test binary.
//
// Begin reading at [Missing] and [Shared].
package servertest

import (
	"os"
	"slices"
	"strings"
	"testing"
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

// requires reports whether the list of what must be there names the need.
func requires(list, need string) bool {
	words := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	return slices.Contains(words, need)
}
