package render

import (
	"fmt"

	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/result"
)

// bySecond joins the rows of the timeline up to each one that holds stages: the
// rows of a short run are shorter than a second.
func bySecond(timeline []result.Second) []result.Second {
	var out []result.Second
	open := false
	for _, row := range timeline {
		row.BacklogMax = row.Peak()
		if open {
			last := &out[len(out)-1]
			row.LengthS += last.LengthS
			row.Offered += last.Offered
			row.Sent += last.Sent
			row.Notified += last.Notified
			row.BacklogMax = max(row.BacklogMax, last.BacklogMax)
			if row.QueueLen == nil {
				row.QueueLen = last.QueueLen
			}
			*last = row
		} else {
			out = append(out, row)
		}
		open = len(row.Stages) == 0 && row.LengthS < 0.95
	}
	return out
}

// peakWords say how many jobs waited at most, and when; nothing where no job did
// or where that is unknown.
func peakWords(r *result.Result) string {
	if r.Observed != nil {
		return ""
	}
	var peak result.Second
	for _, row := range r.Timeline {
		if row.Peak() > peak.Peak() {
			peak = row
		}
	}
	if peak.Peak() == 0 {
		return ""
	}
	last := r.Timeline[len(r.Timeline)-1]
	decimals := 0
	if peak.LengthS < 0.5 && last.ElapsedS <= 60 {
		decimals = 1
	}
	return fmt.Sprintf("at most %s sent and not yet notified, at %.*f s", number.Plural(peak.Peak(), "job"), decimals, peak.ElapsedS)
}
