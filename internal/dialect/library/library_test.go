package library_test

import (
	"slices"
	"testing"

	"github.com/queuedyno/queuedyno/internal/dialect/library"
	"github.com/queuedyno/queuedyno/scenario"
)

// TestEveryDialectIsHere holds the list against what a scenario may say: each dialect but
// the plain one is there, and a scenario may describe updates where the library announces
// none itself.
func TestEveryDialectIsHere(t *testing.T) {
	t.Parallel()
	fields := scenario.Fields()
	at := slices.IndexFunc(fields, func(f scenario.Field) bool { return f.Key == "dialect" })
	for _, d := range fields[at].Words {
		s := scenario.Scenario{Name: "x", Dialect: d, External: true, Update: "id=.jobId,status=.status"}
		if (library.Of(s) == nil) != (d == "plain") {
			t.Errorf("dialect %s: Of = %v", d, library.Of(s))
		}
		refused := false
		for _, p := range s.WithDefaults().Validate() {
			refused = refused || p.Field == "update" && d != "plain"
		}
		if announces := library.Facts(s).Announces(); refused != announces {
			t.Errorf("dialect %s announces the ends of jobs: %t; update is refused: %t", d, announces, refused)
		}
	}
}
