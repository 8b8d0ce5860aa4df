// Package observe follows external jobs by the updates that are published
// about them: how many began and ended, and how long each took in between. It
// sees what every subscriber can see, takes no job, and knows neither when
// one was due nor which were lost. Begin reading at [Observer].
package observe

import (
	"time"

	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
)

// Observer takes in messages one after another. It remembers a bounded number of
// jobs from RUNNING to their end, and belongs to one goroutine. Use [New].
type Observer struct {
	form   updates.Mapping
	counts result.Updates
	odd    *result.Unrecognized
	// strange are the updates of another status that may be ends.
	strange int64
	begun   begun
	alone   int64
}

// New returns an observer that has heard nothing.
func New() *Observer { return &Observer{begun: newBegun(maxBegun)} }

// Mapped is [New] for updates in the form of the mapping.
func Mapped(form updates.Mapping) *Observer {
	o := New()
	o.form = form
	return o
}

// End is the end of a job.
type End struct {
	// Running is the time from RUNNING to COMPLETED or FAILED; it has a meaning
	// when Paired is true, which it is not when RUNNING was not heard.
	Running time.Duration
	Paired  bool
	// Work is how long the worker says that the work took, zero when it says
	// nothing.
	Work time.Duration
	// Failed is true for FAILED, false for COMPLETED.
	Failed bool
}

// Hear takes in one message, which was received at a moment of the caller's
// monotonic clock. It reports whether it was about the end of a job. The message
// is not kept.
func (o *Observer) Hear(message []byte, at time.Duration) (end End, ended bool) {
	u, err := o.form.View(message)
	if err != nil {
		o.counts.Unreadable++
		if o.counts.Unreadable == 1 {
			o.odd = OddOf(&o.form, message, err.Error(), nil) // before one of another status
		}
		return End{}, false
	}
	switch u.Status {
	case jobqueue.Running:
		o.counts.Running++
		o.begun.begin(u.JobID, at)
		return End{}, false
	case jobqueue.Completed:
		o.counts.Completed++
	case jobqueue.Failed:
		o.counts.Failed++
	default:
		o.counts.Other++
		if !EndsNothing(u.Status) {
			o.strange++
		}
		if o.odd == nil {
			o.odd = OddOf(&o.form, message, UnknownStatus(u.Status), nil)
		}
		return End{}, false
	}
	end = End{Work: u.Work, Failed: u.Status == jobqueue.Failed}
	if from, known := o.begun.end(u.JobID); known {
		end.Running, end.Paired = at-from, true
	} else {
		o.alone++
	}
	return end, true
}

// Counts are the messages heard so far.
func (o *Observer) Counts() result.Updates { return o.counts }

// Odd is the first message that could not be read, or else the first of another
// status; nil without one.
func (o *Observer) Odd() *result.Unrecognized { return o.odd }

// Instead is how many messages may have been meant as the ends of jobs, and were not
// understood. Where RUNNING was, what cannot be read is probably something else.
func (o *Observer) Instead() int64 {
	if o.counts.Running > 0 {
		return o.strange
	}
	return o.strange + o.counts.Unreadable
}

// Alone is how many jobs ended whose RUNNING was not heard.
func (o *Observer) Alone() int64 { return o.alone }

// Forgotten is how many jobs began too long ago to be remembered, or with an id
// that is too long.
func (o *Observer) Forgotten() int64 { return o.begun.forgotten }

// Open is how many jobs have begun and not ended, as far as was heard.
func (o *Observer) Open() int64 { return int64(o.begun.order.Len()) }
