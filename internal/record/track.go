package record

import (
	"github.com/queuedyno/queuedyno/internal/recovery"
	"github.com/queuedyno/queuedyno/internal/thin"
)

// MaxTracked bounds the jobs that a [Track] keeps, in 16 MB.
const MaxTracked = 1 << 20

// Track is when jobs were due and when they ended: all of them, or every k-th when there
// are many. nil keeps nothing.
type Track struct{ thin.Series[recovery.Job] }

// NewTrack returns a track with room for as many jobs as it ever keeps.
func NewTrack() *Track { return &Track{thin.New[recovery.Job](MaxTracked)} }

func (t *Track) add(due, ended int64) {
	if t != nil {
		t.Add(recovery.Job{Due: due, Ended: ended})
	}
}

// faulted is what a recorder keeps of a run with faults.
type faulted struct {
	// Track is nil without faults.
	Track *Track
	away  []away
}

// away is a time in which producers could not send because of a fault.
type away struct{ from, to int64 }

// Excuse says that jobs due from that moment on are late because of a fault, until the
// moment that until is called with.
func (r *Recorder) Excuse(from int64) (until func(to int64)) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	i := len(r.away)
	r.away = append(r.away, away{from, recovery.Never})
	return func(to int64) {
		r.Mu.Lock()
		defer r.Mu.Unlock()
		r.away[i].to = to
	}
}

// excused reports whether a job that was due then is late because of a fault. The caller
// holds Mu.
func (r *Recorder) excused(due int64) bool {
	for _, a := range r.away {
		if due >= a.from && due <= a.to {
			return true
		}
	}
	return false
}

// Gone adds a job that will not arrive to the track.
func (r *Recorder) Gone(due int64) {
	if r.Track == nil {
		return
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	r.Track.add(due, recovery.Never)
}
