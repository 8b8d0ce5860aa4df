package engine

import (
	"testing"

	"github.com/queuedyno/queuedyno/scenario"
)

func TestPathsOfAnExitBeginWithADotADollarOrNeither(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"data.id", ".data.id", "$.data.id"} {
		m, err := mappingOf(scenario.WebSocketExit{ID: id, Status: "state"})
		if want := "id=.data.id,status=.state"; err != nil || m.String() != want {
			t.Errorf("mappingOf(id %q) = %q, %v, want %q", id, m.String(), err, want)
		}
	}
}
