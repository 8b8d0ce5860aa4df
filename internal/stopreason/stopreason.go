// Package stopreason names the reasons for which the load of a run ends, and puts them
// into words.
package stopreason

import (
	"fmt"

	"github.com/queuedyno/queuedyno/result"
)

// The values of [result.Info.StopReason].
const (
	JobsSent       = "jobs_sent"        // all jobs were sent
	ScheduleOver   = "schedule_over"    // all jobs that were due in the load's duration were sent
	NotAllSent     = "not_all_sent"     // the schedule was over long ago, and jobs were still to be sent
	JobsEnded      = "jobs_ended"       // as many jobs of others had ended as were to be observed
	TimeOver       = "time_over"        // the time for observing others was over
	NoProgress     = "no_progress"      // a closed loop in which every token is taken, and no job completes
	NotUnderstood  = "not_understood"   // the same, as no message of the workers was understood
	NoneUnderstood = "none_understood"  // no message of the first ones that may be ends of jobs was understood
	NoneTaken      = "none_taken"       // external workers took no job, for long
	NoneEnded      = "none_ended"       // no end of a job was heard from external workers, for long
	MaxBacklog     = "max_backlog"      // more jobs waited than the scenario allows
	Threshold      = "threshold"        // a threshold that aborts was broken
	ServerKilled   = "server_killed"    // a fault of the scenario ended the server for good
	Outside        = "stopped"          // stopped from outside; what was sent could still arrive
	AtOnce         = "stopped_at_once"  // stopped from outside at once
	ThenAtOnce     = "stopped_then_cut" // stopped from outside, and then at once
	Error          = "error"            // an error ended the run
	Checkpoint     = "checkpoint"       // nothing ended it by then: the result is that of a moment, and no other followed
)

// Reasons lists all reasons.
func Reasons() []string {
	return []string{
		JobsSent, ScheduleOver, NotAllSent, JobsEnded, TimeOver, NoProgress, NotUnderstood,
		NoneUnderstood, NoneTaken, NoneEnded, MaxBacklog, Threshold, ServerKilled, Outside, AtOnce, ThenAtOnce, Error, Checkpoint,
	}
}

// Words say why the load of a run ended, empty where the result does not say.
func Words(r *result.Result) string {
	load := r.Scenario.Load
	switch r.Run.StopReason {
	case JobsSent:
		return fmt.Sprintf("all %d jobs were sent", load.Jobs)
	case ScheduleOver:
		return fmt.Sprintf("the schedule of %s was over", load.Duration)
	case NotAllSent:
		return fmt.Sprintf("the schedule was over for %s, and not all of its jobs could be sent", r.Scenario.DrainTimeout)
	case JobsEnded:
		return fmt.Sprintf("%d jobs had ended", load.Jobs)
	case TimeOver:
		return fmt.Sprintf("the time of %s was over", load.Duration)
	case NoProgress:
		return fmt.Sprintf("no job was completed for %s, and all tokens of the closed loop are taken", r.Scenario.DrainTimeout)
	case NotUnderstood:
		return "no message of the workers was understood, and all tokens of the closed loop are taken"
	case NoneUnderstood:
		words := fmt.Sprintf("the run was ended at %.1f s: of the messages on the channel that may be the ends of jobs none could be understood", r.Run.StoppedAtS)
		if r.NotUnderstood != nil {
			words += "; the first: " + r.NotUnderstood.String()
		}
		return words
	case NoneTaken:
		return fmt.Sprintf("the run was ended at %.1f s: no worker had taken a job", r.Run.StoppedAtS)
	case NoneEnded:
		return fmt.Sprintf("the run was ended at %.1f s: no end of a job had been heard", r.Run.StoppedAtS)
	case MaxBacklog:
		return fmt.Sprintf("the run was ended by max_backlog: at %.1f s more than %d jobs waited in the queue", r.Run.StoppedAtS, load.MaxBacklog)
	case Threshold:
		words := fmt.Sprintf("the run was ended at %.1f s by the threshold %q", r.Run.StoppedAtS, r.Run.Aborted)
		for _, o := range r.Thresholds {
			if o.Expr == r.Run.Aborted {
				words += ": " + o.Reason
				break
			}
		}
		return words
	case ServerKilled:
		return fmt.Sprintf("a fault of the scenario ended the server for good at %.1f s", r.Run.StoppedAtS)
	case Outside:
		return "stopped from outside"
	case AtOnce:
		return "stopped at once from outside"
	case ThenAtOnce:
		return "stopped from outside, and then at once"
	case Error:
		return "error: " + r.Run.Error
	case Checkpoint:
		return fmt.Sprintf("the run did not end; this is its checkpoint of %s", r.Run.EndedAt.UTC().Format("2006-01-02 15:04:05Z"))
	}
	return r.Run.StopText
}
