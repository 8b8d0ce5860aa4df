package record

import "github.com/queuedyno/queuedyno/internal/recovery"

// MaxTracked bounds the jobs that a [Track] keeps, in 16 MB.
const MaxTracked = 1 << 20

// Track is when jobs were due and when they ended: all of them, or every k-th when there
// are many. nil keeps nothing.
type Track struct {
	Jobs []recovery.Job
	// Every is how many jobs each of Jobs represents.
	Every int64
	seen  int64
}

// NewTrack returns a track with room for as many jobs as it ever keeps.
func NewTrack() *Track { return &Track{Jobs: make([]recovery.Job, 0, MaxTracked), Every: 1} }

func (t *Track) add(due, ended int64) {
	if t == nil {
		return
	}
	if t.seen++; t.seen%t.Every != 0 {
		return
	}
	if len(t.Jobs) == MaxTracked {
		kept := t.Jobs[:0]
		for i := 1; i < len(t.Jobs); i += 2 {
			kept = append(kept, t.Jobs[i])
		}
		t.Jobs, t.Every = kept, 2*t.Every
		if t.seen%t.Every != 0 {
			return
		}
	}
	t.Jobs = append(t.Jobs, recovery.Job{Due: due, Ended: ended})
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
