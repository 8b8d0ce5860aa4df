package result

import (
	"reflect"
	"strings"

	"github.com/queuedyno/queuedyno/internal/ledger"
)

// Ledger accounts for every job of the run, warm-up and drain included:
// scheduled = notified + lost + abandoned, and lost is the sum of its legs.
type Ledger struct {
	Scheduled int64 `json:"scheduled"` // came due before the load ended
	Sent      int64 `json:"sent"`      // handed to a connection
	Acked     int64 `json:"acked"`     // push acknowledged
	Popped    int64 `json:"popped"`    // taken by a consumer
	Finished  int64 `json:"finished"`  // work done
	Published int64 `json:"published"` // publish acknowledged
	Notified  int64 `json:"notified"`  // seen by every subscriber
	Lost      int64 `json:"lost"`
	// Abandoned are jobs that were given up because the run was stopped from
	// outside: those in transit when it was stopped at once, and those that were
	// due and not yet sent.
	Abandoned int64 `json:"abandoned"`
	// LostByLeg counts the lost jobs by leg; see [Legs].
	LostByLeg map[Leg]int64 `json:"lost_by_leg"`
	// Duplicated counts extra pops and extra notifications of the same job.
	Duplicated int64 `json:"duplicated"`
	// OutOfOrder counts notifications of jobs with a lower number than an earlier
	// one of the same subscriber. Some are normal with several consumers.
	OutOfOrder int64 `json:"out_of_order"`
	// Corrupt counts elements and messages with this run's mark that cannot be its
	// jobs.
	Corrupt int64 `json:"corrupt"`
	// Unreadable counts messages on the channel without a job id or a status, as
	// one of the subscribers saw them.
	Unreadable int64 `json:"unreadable"`
	// Foreign counts elements and messages that are not of this run.
	Foreign int64 `json:"foreign"`
	// Failed counts jobs that ended with status FAILED.
	Failed int64 `json:"failed"`
	// Redelivered counts jobs that the queue delivered to a second worker.
	Redelivered int64 `json:"redelivered,omitempty"`
	// Errors counts error replies and broken connections by operation.
	Errors map[string]int64 `json:"errors"`
	// Reconnects counts connections that were lost and opened again, by operation:
	// push, consume and receive. Idle connections that were closed are counted here
	// and not in Errors.
	Reconnects map[string]int64 `json:"reconnects,omitempty"`
	// LostJobs lists the first 1000 lost jobs that were sent, in the order of their
	// numbers.
	LostJobs []LostJob `json:"lost_jobs,omitempty"`
	// Prefilled is the number of jobs in the queue before the load began; the other
	// counts include them.
	Prefilled int64 `json:"prefilled,omitempty"`
}

// Count is the counter with that JSON key: "lost", and for "errors" the number of
// errors over all operations. It is 0 for an unknown key.
func (l *Ledger) Count(key string) (n int64) {
	if key == "errors" {
		for _, errors := range l.Errors {
			n += errors
		}
		return n
	}
	if field := l.field(key); field != nil {
		n = *field
	}
	return n
}

// SetCount sets the counter with that JSON key. It does nothing for an unknown key, and
// for "errors", which are counted by operation.
func (l *Ledger) SetCount(key string, n int64) {
	if field := l.field(key); field != nil {
		*field = n
	}
}

// field is the counter with that JSON key, nil when no counter has it.
func (l *Ledger) field(key string) *int64 {
	v := reflect.ValueOf(l).Elem()
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if n, counts := v.Field(i).Addr().Interface().(*int64); counts && name == key {
			return n
		}
	}
	return nil
}

// LostJob is a job that did not arrive.
type LostJob struct {
	// ID is the job's id. Of a job that came in by HTTP it is the number of the job,
	// which {{.Job}} puts into the request: the API chose the id.
	ID  string `json:"id"`
	Leg Leg    `json:"leg"`
}

// Leg names the part of the way on which a job was lost, such as "in_queue". [Legs] are
// all of them.
type Leg string

// Meaning says where a job of the leg was lost. It is empty for a leg that is not in [Legs].
func (l Leg) Meaning() string {
	leg, _ := ledger.LegOf(string(l))
	return leg.Meaning
}

// Legs lists every leg in the order of a job's way.
func Legs() []Leg {
	var legs []Leg
	for _, l := range ledger.Legs() {
		legs = append(legs, Leg(l.Key))
	}
	return legs
}
