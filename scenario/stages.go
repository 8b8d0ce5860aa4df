package scenario

import (
	"slices"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// Headline is the stage that reports put first: of a load that is observed, how
// long the jobs were worked on.
func (s Scenario) Headline() metric.Stage {
	if s.Load.Observed {
		return metric.Running
	}
	return metric.EndToEnd
}

// Measured are the stages that a run of the scenario sees.
func (s Scenario) Measured() []metric.Stage {
	return slices.DeleteFunc(metric.Stages(), func(stage metric.Stage) bool {
		if s.Load.Observed {
			return stage != metric.Running && stage != metric.WorkTime
		}
		switch stage {
		case metric.Queue:
			return s.External
		case metric.Publish, metric.Notify:
			return s.External || s.Notify == jobqueue.NoNotify
		case metric.First:
			return s.External || s.Notify == jobqueue.NoNotify || s.Subscribers < 2
		case metric.Pickup, metric.Running:
			return !s.External && !s.Work.Running || s.Notify == jobqueue.NoNotify
		}
		return false
	})
}
