package scenario

import (
	"fmt"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/threshold"
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
		case metric.Store:
			return s.Entry.Kind != EntryPostgres
		case metric.Save:
			return s.Entry.Kind != EntryPostgres || s.External
		case metric.Request:
			return s.Entry.Kind != EntryHTTP
		case metric.Broadcast:
			return !s.Exit.Given()
		case metric.Enqueue:
			return s.Entry.Kind == EntryHTTP // the user's API pushes
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

// unmeasured says why a run does not measure a stage of the entry or of the exit, and
// what would change that. It is empty for the other stages, which may be missing for
// reasons that only a run knows.
func (s Scenario) unmeasured(stage metric.Stage) string {
	if slices.Contains(s.Measured(), stage) {
		return ""
	}
	switch stage {
	case metric.Store:
		return "store is measured for jobs that are stored in Postgres; write entry: postgres, or remove it"
	case metric.Save:
		return "save is measured where consumers of the run update rows in Postgres; write entry: postgres and a number of consumers, or remove it"
	case metric.Request:
		return "request is measured for jobs that come in by HTTP; give the URL of your API as the entry, or remove it"
	case metric.Broadcast:
		return "broadcast is measured for messages to WebSocket clients; give the URL of your API as the exit, or remove it"
	}
	return ""
}

// DropUnmeasured drops thresholds on stages of an entry or an exit, and on faults, that
// the scenario does not have. It keeps the thresholds in keep. The notes say what was
// dropped. It is for scenarios whose entry or faults were changed after their thresholds
// were written.
func (s *Scenario) DropUnmeasured(keep []string) (notes []string) {
	s.Thresholds = slices.DeleteFunc(slices.Clone(s.Thresholds), func(expr string) bool {
		t, err := threshold.Parse(expr)
		if err != nil || slices.Contains(keep, expr) {
			return false
		}
		stage, _, _ := strings.Cut(t.Metric, ".")
		switch {
		case s.unmeasured(metric.Stage(stage)) != "":
			notes = append(notes, fmt.Sprintf("threshold %s is ignored: %s is not measured with this entry and exit", t, stage))
		case s.faultless(t.Metric) != "":
			notes = append(notes, fmt.Sprintf("threshold %s is ignored: there is no such fault", t))
		default:
			return false
		}
		return true
	})
	return notes
}
