package result

import "fmt"

// StopReason is why the load of a run ended. [Result.Stopped] says it in words.
type StopReason string

const (
	StopJobsSent       StopReason = "jobs_sent"        // all jobs were sent
	StopScheduleOver   StopReason = "schedule_over"    // all jobs that were due in the load's duration were sent
	StopNotAllSent     StopReason = "not_all_sent"     // the schedule was over long ago, and jobs were still to be sent
	StopJobsEnded      StopReason = "jobs_ended"       // as many jobs of others had ended as were to be observed
	StopTimeOver       StopReason = "time_over"        // the time for observing others was over
	StopNoProgress     StopReason = "no_progress"      // a closed loop in which every token is taken, and no job completes
	StopNotUnderstood  StopReason = "not_understood"   // the same, as no message of the workers was understood
	StopNoneUnderstood StopReason = "none_understood"  // no message of the first ones that may be ends of jobs was understood
	StopMaxBacklog     StopReason = "max_backlog"      // more jobs waited than the scenario allows
	StopThreshold      StopReason = "threshold"        // a threshold that aborts was broken
	StopOutside        StopReason = "stopped"          // stopped from outside; what was sent could still arrive
	StopAtOnce         StopReason = "stopped_at_once"  // stopped from outside at once
	StopThenAtOnce     StopReason = "stopped_then_cut" // stopped from outside, and then at once
	StopError          StopReason = "error"            // an error ended the run
)

// StopReasons lists all reasons.
func StopReasons() []StopReason {
	return []StopReason{
		StopJobsSent, StopScheduleOver, StopNotAllSent, StopJobsEnded, StopTimeOver, StopNoProgress, StopNotUnderstood,
		StopNoneUnderstood, StopMaxBacklog, StopThreshold, StopOutside, StopAtOnce, StopThenAtOnce, StopError,
	}
}

// Stopped says in words why the load ended, empty where the result does not say.
func (r *Result) Stopped() string {
	load := r.Scenario.Load
	switch r.Run.StopReason {
	case StopJobsSent:
		return fmt.Sprintf("all %d jobs were sent", load.Jobs)
	case StopScheduleOver:
		return fmt.Sprintf("the schedule of %s was over", load.Duration)
	case StopNotAllSent:
		return fmt.Sprintf("the schedule was over for %s, and not all of its jobs could be sent", r.Scenario.DrainTimeout)
	case StopJobsEnded:
		return fmt.Sprintf("%d jobs had ended", load.Jobs)
	case StopTimeOver:
		return fmt.Sprintf("the time of %s was over", load.Duration)
	case StopNoProgress:
		return fmt.Sprintf("no job was completed for %s, and all tokens of the closed loop are taken", r.Scenario.DrainTimeout)
	case StopNotUnderstood:
		return "no message of the workers was understood, and all tokens of the closed loop are taken"
	case StopNoneUnderstood:
		words := fmt.Sprintf("the run was ended at %.1f s: of the messages on the channel that may be the ends of jobs none could be understood", r.Run.StoppedAtS)
		if r.NotUnderstood != nil {
			words += "; the first: " + r.NotUnderstood.String()
		}
		return words
	case StopMaxBacklog:
		return fmt.Sprintf("the run was ended by max_backlog: at %.1f s more than %d jobs waited in the queue", r.Run.StoppedAtS, load.MaxBacklog)
	case StopThreshold:
		words := fmt.Sprintf("the run was ended at %.1f s by the threshold %q", r.Run.StoppedAtS, r.Run.Aborted)
		for _, o := range r.Thresholds {
			if o.Expr == r.Run.Aborted {
				words += ": " + o.Reason
				break
			}
		}
		return words
	case StopOutside:
		return "stopped from outside"
	case StopAtOnce:
		return "stopped at once from outside"
	case StopThenAtOnce:
		return "stopped from outside, and then at once"
	case StopError:
		return "error: " + r.Run.Error
	}
	return r.Run.StopText
}
