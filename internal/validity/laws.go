package validity

import (
	"fmt"

	"github.com/queuedyno/queuedyno/result"
)

// The widest tolerances with which a comparison of samples and stamps still says
// something. A wider one would find nothing wrong with anything.
const (
	littleDecides      = 0.50
	utilisationDecides = 0.25
)

// laws holds what was sampled against what the jobs' own stamps say. A comparison
// has three outcomes: within its tolerance; outside of it; and a tolerance so wide
// that it cannot tell, as after a stall or on a host that is too busy to look when
// it was meant to.
func (j *judge) laws() {
	q, w := j.m.Queue, j.m.Workers
	if j.m.Faults.Any {
		j.unknown("little", broken)
		j.unknown("utilisation", broken)
		return
	}
	switch {
	case q.Mean == nil || q.Stamps == nil:
		j.unknown("little", "the length of the queue was not sampled")
	case *q.Mean < 1 && *q.Stamps < 1:
		j.unknown("little", fmt.Sprintf("the queue held %.2f jobs on average; below 1 the samples say little", *q.Mean))
	case *q.Stamps <= 0:
		j.unknown("little", "no job spent time in the queue by its stamps")
	default:
		j.little()
	}
	switch {
	case w.Mean == nil || w.Stamps == nil:
		j.unknown("utilisation", "without service time there is nothing to sample")
	default:
		diff := *w.Mean - *w.Stamps
		within := 0.05 + 3*w.Noise + w.Bias
		j.compare("utilisation", diff, 0, within, utilisationDecides,
			fmt.Sprintf("sampled, %.1f%% of the workers were busy; by the jobs' stamps %.1f%%", 100**w.Mean, 100**w.Stamps),
			": the number of workers or the clock is not what it seems")
	}
}

// little compares the length of the queue as the server tells it with the jobs'
// time in it by their stamps: L = λW (Little's law).
func (j *judge) little() {
	e := j.m.Queue
	ratio := *e.Mean / *e.Stamps
	within := 0.10 + (3*e.Noise+e.Bias) / *e.Stamps
	why := ": every job is accounted for, so it is a time that is wrong: the clock of the stamps, or jobs of others in the queue"
	lost, duplicated, others := j.r.Ledger.Lost, j.r.Ledger.Duplicated, j.m.Strangers+j.vanished()
	if lost+duplicated+others > 0 {
		why = fmt.Sprintf(": jobs are lost (%d), duplicated (%d) or handled by another program (%d)", lost, duplicated, others)
	}
	j.compare("little", ratio, 1, within, littleDecides,
		fmt.Sprintf("LLEN was %.1f jobs on average, and %.1f by the jobs' stamps (Little's law)", *e.Mean, *e.Stamps), why)
}

// compare notes a comparison of samples with stamps: v should be want, within a
// tolerance that decides only up to a limit.
func (j *judge) compare(name string, v, want, within, decides float64, detail, why string) {
	off := max(v-want, want-v)
	relation := "within"
	if off > within {
		relation = "not within"
	}
	detail = fmt.Sprintf("%s, %s %.0f%% of each other", detail, relation, 100*within)
	if off <= within && within > decides {
		j.v.Checks[name] = result.Check{Value: &v, Limit: &within, Unit: "ratio", Effect: Undecided, Detail: detail + ": the samples are too coarse to tell"}
		return
	}
	j.check(name, v, within, "ratio", off <= within, detail, result.Suspect, detail+why)
}
