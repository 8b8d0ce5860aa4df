package validity

import "github.com/queuedyno/queuedyno/result"

// Trouble are the reasons for which a run that goes on would not be valid if it ended
// now. They come from the checks that can be made before the end: what is judged by the
// whole window, and what only the end of the run can tell, is not among them. The result
// holds the scenario, the window and its completed jobs so far, and no stages.
func Trouble(r *result.Result, m Measured) []string {
	if r.Window.Completed == 0 {
		return nil // nothing to judge yet
	}
	return judged(r, m, probes{}).v.Reasons
}
