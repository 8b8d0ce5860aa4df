package verify

import (
	"fmt"
	"strings"
)

// meaning is what the report says to somebody who is no statistician, in two
// sentences.
func meaning(r Report, all int) string {
	var failed []string
	for _, x := range r.Experiments {
		if !x.Pass {
			failed = append(failed, x.Name)
		}
	}
	if len(failed) > 0 {
		return fmt.Sprintf("On this machine, now, queuedyno did not measure what is known to be true: %s failed twice. "+
			"Do not rely on its figures here until the machine is less busy or the cause is found; the rows marked FAIL say by how much they would mislead you.",
			strings.Join(failed, ", "))
	}
	if len(r.Experiments) < all {
		return fmt.Sprintf("The %d experiments that were asked for, of %d, came out as they had to. "+
			"What the others would show is not known; run all of them before you rely on figures from this machine.",
			len(r.Experiments), all)
	}
	return "On this machine queuedyno measures what is known to be true: when the server or the workers hang, every job that had to wait shows how long, and every job that was lost, doubled or damaged is found where it happened. " +
		"So a latency that it reports here is what your users would have felt, apart from the generator's own delay, which the pacing rows show and every report repeats as lateness."
}
