package meeting

import (
	"fmt"
	"strconv"
	"strings"
	"time"
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
	const most = 10
	var names []string
	for _, i := range e.Missing[:min(most, len(e.Missing))] {
		names = append(names, strconv.Itoa(i))
	}
	what := "shard " + strings.Join(names, ", ")
	if len(e.Missing) > 1 {
		what = "shards " + strings.Join(names, ", ")
	}
	if more := len(e.Missing) - most; more > 0 {
		what += fmt.Sprintf(" and %d more", more)
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
