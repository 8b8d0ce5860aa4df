package scenario

import (
	"math"
	"sync"
	"sync/atomic"
)

// The stamps of a job, nanoseconds since the run's epoch.
const (
	tDue       = iota // the schedule says that it is to be sent
	tSent             // just before the write
	tAcked            // the push was acknowledged
	tPopped           // a consumer has it
	tDone             // its work is done; just before the publish
	tPublished        // the publish was acknowledged
	tNotified         // the notification was parsed, by the last subscriber
	tFirst            // the same, by the first one
	tRunning          // the update that the work has begun was parsed
	tTold             // no moment: how long the worker says that the work took
	stamps
)

// absent is the stamp of what has not happened.
const absent = math.MinInt64

// The marks of a job: which stamps it has.
const (
	mSent uint64 = 1 << iota
	mAcked
	mPopped
	mDone
	mPublished
	mNobody // the publish reached nobody
	mNotified
	mQueued  // found in the queue at the end
	mClosed  // recorded or given up; nothing more may happen to it
	mRunning // the worker said that it has begun
	mAgain   // it was given to another worker, or to the same a second time

	markBits = 16
	// mComplete are the marks without which a job is not complete. The answer
	// to a push or a publish may come after the notification did.
	mComplete = mAcked | mDone | mPublished | mNotified
	// mOutside are those of a job that workers outside this process have in
	// hands in between.
	mOutside = mAcked | mNotified
)

// job is one job on its way. The word holds its number plus one, so that a slot
// that is used again is never taken for the job before, and its marks. A stamp
// is written by one goroutine, before the mark that announces it; whoever sets
// the last mark of a job reads them all.
type job struct {
	word  atomic.Uint64
	left  atomic.Int32 // subscribers that have not received it
	stamp [stamps]int64
}

// mark sets a mark on job n. first is false when the mark was there already;
// here is false when n is not on its way (any more). marks are those after.
func (j *job) mark(n int64, m uint64) (marks uint64, first, here bool) {
	for {
		w := j.word.Load()
		if w>>markBits != uint64(n)+1 || w&mClosed != 0 {
			return 0, false, false
		}
		if w&m == m {
			return w, false, true
		}
		if j.word.CompareAndSwap(w, w|m) {
			return w | m, true, true
		}
	}
}

const (
	blockBits = 8
	blockJobs = 1 << blockBits
	// dirBlocks is the length of a run's directory: a span of 16.8 million job
	// numbers, in 512 kB.
	dirBlocks = 1 << 16
)

// block is the storage of blockJobs jobs with consecutive numbers.
type block struct {
	base int64
	open atomic.Int32 // jobs that are not closed
	jobs [blockJobs]job
	// seen holds a bit for each job and subscriber, when there are several.
	seen []atomic.Uint64
}

// flight holds the jobs on their way, found by number without a lock: a
// directory of blocks, of which each is given back when its last job is closed.
// Memory follows the jobs in flight, not the length of the run. The few blocks
// that a straggler keeps open for more than its length move to a map.
type flight struct {
	subscribers int
	words       int // of seen, a job
	dir         []atomic.Pointer[block]
	mu          sync.Mutex
	old         map[int64]*block
	olds        atomic.Int64
	top         atomic.Int64 // no job at or above it was started
	free        []*block
}

// newFlight returns a flight with a directory of the given number of blocks, a
// power of two.
func newFlight(subscribers, blocks int) *flight {
	f := &flight{subscribers: subscribers, dir: make([]atomic.Pointer[block], blocks), old: map[int64]*block{}}
	if subscribers > 1 {
		f.words = (subscribers + 63) / 64
	}
	return f
}

// slot is where the directory holds the block of job n.
func (f *flight) slot(n int64) *atomic.Pointer[block] {
	return &f.dir[int(n>>blockBits)&(len(f.dir)-1)]
}

// start takes job n in and returns its slot, without marks. Each number is
// started once.
func (f *flight) start(n int64) *job {
	base := n &^ (blockJobs - 1)
	slot := f.slot(n)
	b := slot.Load()
	if b == nil || b.base != base {
		b = f.open(slot, base)
	}
	j := &b.jobs[n&(blockJobs-1)]
	j.left.Store(int32(f.subscribers))
	return j
}

// launch makes job n visible to all: it is about to be written.
func (j *job) launch(n int64) { j.word.Store((uint64(n)+1)<<markBits | mSent) }

// open returns the block for the base, which it makes if need be.
func (f *flight) open(slot *atomic.Pointer[block], base int64) *block {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := slot.Load()
	if b != nil && b.base == base {
		return b
	}
	if b != nil && b.base > base {
		// A producer that fell far behind: its block was moved out or never made.
		if o := f.old[base]; o != nil {
			return o
		}
		o := f.fresh(base)
		f.old[base] = o
		f.olds.Store(int64(len(f.old)))
		return o
	}
	if b != nil {
		f.old[b.base] = b
		f.olds.Store(int64(len(f.old)))
	}
	if o := f.old[base]; o != nil {
		return o
	}
	b = f.fresh(base)
	slot.Store(b)
	return b
}

// fresh is a cleared block. The caller holds mu.
func (f *flight) fresh(base int64) *block {
	var b *block
	if n := len(f.free); n > 0 {
		b, f.free = f.free[n-1], f.free[:n-1]
	} else {
		b = &block{seen: make([]atomic.Uint64, f.words*blockJobs)}
	}
	b.base = base
	if top := base + blockJobs; top > f.top.Load() {
		f.top.Store(top)
	}
	b.open.Store(blockJobs)
	return b
}

// find returns the slot where job n is, if it is on its way. The job may be
// closed by another at any moment; marks tell.
func (f *flight) find(n int64) (*block, *job) {
	base := n &^ (blockJobs - 1)
	b := f.slot(n).Load()
	if b == nil || b.base != base {
		if f.olds.Load() == 0 {
			return nil, nil
		}
		f.mu.Lock()
		b = f.old[base]
		f.mu.Unlock()
		if b == nil {
			return nil, nil
		}
	}
	return b, &b.jobs[n&(blockJobs-1)]
}

// close ends job n; its block goes back when it was the last. Only one caller
// can be the one to set mClosed.
func (f *flight) close(b *block) {
	if b.open.Add(-1) > 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	slot := f.slot(b.base)
	if slot.Load() == b {
		slot.Store(nil)
	} else {
		delete(f.old, b.base)
		f.olds.Store(int64(len(f.old)))
	}
	// Clear before somebody else gets it. A late duplicate that still holds the
	// block finds no job of its number, and cannot set a mark.
	for i := range b.jobs {
		b.jobs[i].word.Store(0)
	}
	for i := range b.seen {
		b.seen[i].Store(0)
	}
	if len(f.free) < 64 {
		f.free = append(f.free, b)
	}
}

// each calls fn for every job that is on its way and not closed. Nothing else
// may use f meanwhile.
func (f *flight) each(fn func(n int64, j *job, marks uint64)) {
	visit := func(b *block) {
		for i := range b.jobs {
			j := &b.jobs[i]
			if w := j.word.Load(); w != 0 && w&mClosed == 0 {
				fn(int64(w>>markBits)-1, j, w&(1<<markBits-1))
			}
		}
	}
	for i := range f.dir {
		if b := f.dir[i].Load(); b != nil {
			visit(b)
		}
	}
	for _, b := range f.old {
		visit(b)
	}
}
