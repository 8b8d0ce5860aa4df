// Package flight holds the jobs that are on their way: a lock-free table of them,
// with the stamps and marks of each, the ids that lead back to a job's number, and
// how a job is written into the queue.
//
// A job is found by its number alone. The goroutine that handles a leg of its way sets
// the stamp and the mark of that leg, and the one that sets the last mark closes the
// job, so memory follows the jobs in flight and not the length of the run. Begin
// reading at [Table] and [Job].
package flight

import (
	"math"
	"sync"
	"sync/atomic"
)

// The stamps of a job, nanoseconds since the run's epoch.
const (
	DueAt        = iota // the schedule says that it is to be sent
	SentAt              // just before the write
	AckedAt             // the push was acknowledged
	PoppedAt            // a consumer has it
	DoneAt              // its work is done; just before the publish
	PublishedAt         // the publish was acknowledged
	NotifiedAt          // the notification was parsed, by the last subscriber
	FirstAt             // the same, by the first one
	RunningAt           // the update that the work has begun was parsed
	WorkReported        // no moment: how long the worker says that the work took
	StoredAt            // the job's row was inserted; the push follows
	SavedAt             // the job's row was updated; the publish follows
	BroadcastAt         // the message was read, by the last WebSocket client
	Stamps
)

// Absent is the stamp of what has not happened.
const Absent = math.MinInt64

// The marks of a job: which stamps it has.
const (
	Sent uint64 = 1 << iota
	Acked
	Popped
	Done
	Published
	Unheard // the publish reached no subscriber
	Notified
	Queued  // found in the queue at the end
	Closed  // recorded or given up; nothing more may happen to it
	Running // the worker said that it has begun
	Again   // it was given to another worker, or to the same a second time
	Stored
	Saved
	Broadcast
	Unsaved // its row was not updated, so its end is not published
	// PushUnknown and PublishUnknown mean that the answer will not come, since the
	// connection was lost: whether the server did it is not known. A job that is
	// notified proves that it did.
	PushUnknown
	PublishUnknown

	MarkBits = 18
	// Complete are the marks without which a job is not complete. The answer
	// to a push or a publish may come after the notification did.
	Complete = Acked | Done | Published | Notified
	// Outside are those of a job that workers outside this process have in
	// hands in between.
	Outside = Acked | Notified
)

// Accepted reports whether the answer to the push of a job with those marks was
// received, or will not come.
func Accepted(marks uint64) bool { return marks&(Acked|PushUnknown) != 0 }

// PushedAt is when a job with those stamps was pushed: when it was sent, or where it is
// stored first when its row was there.
func PushedAt(stamp *[Stamps]int64) int64 {
	if at := stamp[StoredAt]; at != Absent {
		return at
	}
	return stamp[SentAt]
}

// Ended is when a job with those stamps ended: when the last WebSocket client read its
// message, or without clients when the last subscriber parsed its notification.
func Ended(stamp *[Stamps]int64) int64 {
	if at := stamp[BroadcastAt]; at != Absent {
		return at
	}
	return stamp[NotifiedAt]
}

// Job is one job on its way. The word holds its number plus one, so that a slot
// that is used again is never taken for the job before, and its marks. A stamp
// is written by one goroutine, before the mark that announces it; the goroutine that
// sets the last mark of a job reads them all.
type Job struct {
	Word atomic.Uint64
	Left atomic.Int32 // subscribers that have not received it
	// Unread is how many WebSocket clients have not read its message.
	Unread atomic.Int32
	Stamp  [Stamps]int64
}

// Mark sets a mark on job n. first is false when the mark was there already;
// here is false when n is not on its way (any more). marks are those after.
func (j *Job) Mark(n int64, m uint64) (marks uint64, first, here bool) {
	for {
		w := j.Word.Load()
		if w>>MarkBits != uint64(n)+1 || w&Closed != 0 {
			return 0, false, false
		}
		if w&m == m {
			return w, false, true
		}
		if j.Word.CompareAndSwap(w, w|m) {
			return w | m, true, true
		}
	}
}

const (
	blockBits = 8
	BlockJobs = 1 << blockBits
	// DirBlocks is the length of a run's directory: a span of 16.8 million job
	// numbers, in 512 kB.
	DirBlocks = 1 << 16
)

// Block is the storage of blockJobs jobs with consecutive numbers.
type Block struct {
	// base is the number of its first job. A late duplicate may read it while the block
	// is used again.
	base atomic.Int64
	open atomic.Int32 // jobs that are not closed
	jobs [BlockJobs]Job
	// Seen holds a bit for each job and subscriber, when there are several.
	Seen []atomic.Uint64
}

// Table holds the jobs on their way, found by number without a lock: a
// directory of blocks, of which each is given back when its last job is closed.
// Memory follows the jobs in flight, not the length of the run. The few blocks
// that a straggler keeps open for more than its length move to a map.
type Table struct {
	subscribers int
	Words       int // of seen, a job
	dir         []atomic.Pointer[Block]
	mu          sync.Mutex
	old         map[int64]*Block
	olds        atomic.Int64
	Top         atomic.Int64 // no job at or above it was started
	free        []*Block
}

// New returns a table for jobs whose end so many subscribers receive, and so many
// listeners altogether. Its directory has the given number of blocks, a power of two.
func New(subscribers, listeners, blocks int) *Table {
	f := &Table{subscribers: subscribers, dir: make([]atomic.Pointer[Block], blocks), old: map[int64]*Block{}}
	if listeners > 1 {
		f.Words = (listeners + 63) / 64
	}
	return f
}

// slot is where the directory holds the block of job n.
func (f *Table) slot(n int64) *atomic.Pointer[Block] {
	return &f.dir[int(n>>blockBits)&(len(f.dir)-1)]
}

// Start takes job n in and returns its slot, without marks. Each number is
// started once.
func (f *Table) Start(n int64) *Job {
	base := n &^ (BlockJobs - 1)
	slot := f.slot(n)
	b := slot.Load()
	if b == nil || b.base.Load() != base {
		b = f.open(slot, base)
	}
	j := &b.jobs[n&(BlockJobs-1)]
	j.Left.Store(int32(f.subscribers))
	return j
}

// Launch makes job n visible to all: it is about to be written.
func (j *Job) Launch(n int64) { j.Word.Store((uint64(n)+1)<<MarkBits | Sent) }

// open returns the block for the base, which it makes if need be.
func (f *Table) open(slot *atomic.Pointer[Block], base int64) *Block {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := slot.Load()
	if b != nil && b.base.Load() == base {
		return b
	}
	if b != nil && b.base.Load() > base {
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
		f.old[b.base.Load()] = b
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
func (f *Table) fresh(base int64) *Block {
	var b *Block
	if n := len(f.free); n > 0 {
		b, f.free = f.free[n-1], f.free[:n-1]
	} else {
		b = &Block{Seen: make([]atomic.Uint64, f.Words*BlockJobs)}
	}
	b.base.Store(base)
	if top := base + BlockJobs; top > f.Top.Load() {
		f.Top.Store(top)
	}
	b.open.Store(BlockJobs)
	return b
}

// Find returns the slot where job n is, if it is on its way. The job may be
// closed by another at any moment; marks tell.
func (f *Table) Find(n int64) (*Block, *Job) {
	base := n &^ (BlockJobs - 1)
	b := f.slot(n).Load()
	if b == nil || b.base.Load() != base {
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
	return b, &b.jobs[n&(BlockJobs-1)]
}

// Close ends job n; its block goes back when it was the last. Only one caller
// can be the one to set mClosed.
func (f *Table) Close(b *Block) {
	if b.open.Add(-1) > 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	slot := f.slot(b.base.Load())
	if slot.Load() == b {
		slot.Store(nil)
	} else {
		delete(f.old, b.base.Load())
		f.olds.Store(int64(len(f.old)))
	}
	// Clear it before it is used again. A late duplicate that still holds the
	// Block finds no job of its number, and cannot set a mark.
	for i := range b.jobs {
		b.jobs[i].Word.Store(0)
	}
	for i := range b.Seen {
		b.Seen[i].Store(0)
	}
	if len(f.free) < 64 {
		f.free = append(f.free, b)
	}
}

// Each calls fn for every job that is on its way and not closed. Nothing else
// may use f meanwhile.
func (f *Table) Each(fn func(n int64, j *Job, marks uint64)) {
	visit := func(b *Block) {
		for i := range b.jobs {
			j := &b.jobs[i]
			if w := j.Word.Load(); w != 0 && w&Closed == 0 {
				fn(int64(w>>MarkBits)-1, j, w&(1<<MarkBits-1))
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

// Blocks is how many blocks of jobs are in use, and how many are kept for later. It
// is for tests of the size; no other goroutine may use the table.
func (f *Table) Blocks() (used, free int) {
	used = len(f.old)
	for i := range f.dir {
		if f.dir[i].Load() != nil {
			used++
		}
	}
	return used, len(f.free)
}
