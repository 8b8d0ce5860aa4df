package result

import "github.com/queuedyno/queuedyno/internal/metric"

// Stage names one measured leg of a job's way.
type Stage = metric.Stage

// The stages. Per job, in exact nanoseconds, EndToEnd = Lateness + Queue +
// WorkTime + Notify.
const (
	Lateness = metric.Lateness // due to sent: the generator's own delay
	Enqueue  = metric.Enqueue  // sent to push acknowledged
	Queue    = metric.Queue    // sent to popped
	Pickup   = metric.Pickup   // due to RUNNING received
	Running  = metric.Running  // RUNNING received to end received
	WorkTime = metric.WorkTime // popped to work done
	Publish  = metric.Publish  // work done to publish acknowledged
	Notify   = metric.Notify   // work done to notification parsed, by the last subscriber
	First    = metric.First    // the same by the first of several subscribers
	EndToEnd = metric.EndToEnd // due to notification parsed: the headline
	FromSend = metric.FromSend // sent to notification parsed: what coordinated omission would hide
)

// Stages lists every stage in the order in which reports show them. A result
// holds those that its run could see.
func Stages() []Stage { return metric.Stages() }
