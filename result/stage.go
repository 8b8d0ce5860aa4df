package result

import "github.com/queuedyno/queuedyno/internal/metric"

// Stage names one measured leg of a job's way, such as "queue" or "end_to_end".
// Per job, in exact nanoseconds,
// end_to_end = lateness [+ store] + queue + work [+ save] + notify [+ broadcast].
//
//	lateness      due to sent: the generator's own delay
//	store         sent to row inserted, of jobs that are stored in Postgres
//	enqueue       push written to push acknowledged
//	queue         push written to popped
//	pickup        due to RUNNING received
//	running       RUNNING received to end received
//	work          popped to work done
//	save          work done to row updated, of jobs that are stored in Postgres
//	publish       publish written to publish acknowledged
//	notify        publish written to notification parsed, by the last subscriber
//	notify_first  the same, by the first of several subscribers
//	broadcast     notification parsed to message read by the last WebSocket client
//	request       due to answer read, of jobs that come in by HTTP
//	end_to_end    due to the last of these: the headline
//	from_send     sent to the same: what coordinated omission would hide
type Stage = metric.Stage
