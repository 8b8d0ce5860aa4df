package lane_test

import (
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/lane"
)

func TestAllLanesExistAndNoOthers(t *testing.T) {
	t.Parallel()
	for n := 1; n < 5; n++ {
		all := lane.All(n)
		if err := lane.Check("queue", all, n); err != nil || len(all) != n {
			t.Errorf("%d lanes: %v, %v", n, all, err)
		}
		for _, bad := range []int{-1, n} {
			if err := lane.Check("queue", append(lane.All(n), bad), n); err == nil || !strings.Contains(err.Error(), "queue") {
				t.Errorf("lane %d of %d: %v", bad, n, err)
			}
		}
	}
	if lane.Check("channel", nil, 3) == nil {
		t.Error("no lane at all is accepted")
	}
}
