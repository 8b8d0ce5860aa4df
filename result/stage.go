package result

import "github.com/queuedyno/queuedyno/internal/metric"

// Stage names one measured leg of a job's way, such as "queue" or "end_to_end".
// Per job, in exact nanoseconds, end_to_end = lateness + queue + work + notify.
//
//	lateness      due to sent: the generator's own delay
//	enqueue       sent to push acknowledged
//	queue         sent to popped
//	pickup        due to RUNNING received
//	running       RUNNING received to end received
//	work          popped to work done
//	publish       work done to publish acknowledged
//	notify        work done to notification parsed, by the last subscriber
//	notify_first  the same, by the first of several subscribers
//	end_to_end    due to notification parsed: the headline
//	from_send     sent to notification parsed: what coordinated omission would hide
type Stage = metric.Stage
