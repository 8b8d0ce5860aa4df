// Package dialecttest is what every dialect has to hold.
package dialecttest

import (
	"testing"

	"github.com/queuedyno/queuedyno/internal/dialect"
)

// ID is the id of a job.
const ID = "0123abcd-0000-4000-8000-0000000000ff"

// Layout checks a dialect whose lists have the ids of jobs alone: a job is found as it was
// written and by its id, has the size that was announced, and a changed one does not pass for
// it. The jobs are tried with each of the arguments, with a payload and without.
func Layout(t *testing.T, d dialect.Dialect, jobs dialect.Jobs, args ...string) {
	t.Helper()
	for _, jobs.Args = range args {
		for _, payload := range []string{"", "abc"} {
			jobs.Payload = payload != ""
			l, err := d.Layout(jobs)
			if err != nil {
				t.Fatal(err)
			}
			j := dialect.Job{Payload: payload}
			copy(j.ID[:], ID)
			element := l.Append(nil, j)
			if len(element) != l.Max(len(payload)) {
				t.Errorf("%q has %d bytes, and Max is %d", element, len(element), l.Max(len(payload)))
			}
			for _, e := range []string{string(element), ID} {
				if got := l.Find([]byte(e)); string(got) != ID || !l.Whole([]byte(e), j) {
					t.Errorf("in %q the id %q was found, whole = %t", e, got, l.Whole([]byte(e), j))
				}
			}
			if element[len(element)-1]++; l.Whole(element, j) {
				t.Errorf("%q passes for whole", element)
			}
		}
	}
}
