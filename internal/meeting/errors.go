package meeting

import (
	"fmt"
	"strconv"
	"time"

	"github.com/queuedyno/queuedyno/internal/number"
)

// MissingError says which shards did not come to the meeting.
type MissingError struct {
	Missing []int         `json:"missing"`
	Of      int           `json:"of"`
	Waited  time.Duration `json:"waited_ns"`
	// Interrupted says that the one missing shard came and was interrupted.
	Interrupted bool `json:"interrupted,omitempty"`
}

func (e *MissingError) Error() string {
	var names []string
	for _, i := range e.Missing {
		names = append(names, strconv.Itoa(i))
	}
	what := "shard " + number.Few(names, 10)
	if len(e.Missing) > 1 {
		what = "shards " + number.Few(names, 10)
	}
	if e.Interrupted {
		return fmt.Sprintf("%s of %d was interrupted before the load began", what, e.Of)
	}
	return fmt.Sprintf("%s of %d did not come within %s", what, e.Of, e.Waited)
}

// Hint is the remedy.
func (e *MissingError) Hint() string {
	return "start all shards with the same Redis and the same --fleet, or wait longer with --meet-timeout"
}
