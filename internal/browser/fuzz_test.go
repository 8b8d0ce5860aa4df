package browser

import (
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/updates"
)

// Whatever a message of a WebSocket is: all of it is either heard or counted as ignored.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`{"tenantId":"t1","jobId":"4711","status":"COMPLETED","error":null}`, `[{"jobId":1,"status":"RUNNING"},{"jobId":2}]`,
		`[`, `[]`, `[1,"x",[{}]]`, `{"jobId":{},"status":[]}`, "\x00", "", `[{"jobId":"a","status":"FAILED"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		c := &client{of: &Clients{o: Options{
			Heard: func(_ int, _ time.Time, update updates.View) {
				if len(update.JobID) == 0 {
					t.Errorf("an update without an id in %q", message)
				}
			},
			Ignored: func(_ int, _ []byte, err error) {
				if err == nil {
					t.Errorf("%q is ignored without a reason", message)
				}
			},
		}}}
		c.hear(message)
	})
}
