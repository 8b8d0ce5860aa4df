package flight

import (
	"errors"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/internal/dialect/library"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/draw"
)

// Format writes jobs as elements of the list, and finds them in elements.
type Format struct {
	Run    uint64
	Max    int // bytes of the largest job
	spread *Spread
	layout layout
	fill   string    // as long as the longest payload
	sizes  draw.Size // of the payloads, where they differ
	names  []string  // of the tenants
}

// layout is how a job looks in the list.
type layout interface {
	append(dst []byte, f *Format, n int64) []byte
	read(element []byte, f *Format) (id []byte, n int64, o Origin)
	// max is the size of the largest job.
	max(f *Format) int
}

var (
	_ layout = plain{}
	_ layout = foreign{}
)

// NewFormat is the format of a run's jobs on the backend.
func NewFormat(run uint64, s scenario.Scenario, sp *Spread, b jobqueue.Backend) (Format, error) {
	f := Format{Run: run, spread: sp}
	for i := range max(1, s.Tenants.Count) {
		f.names = append(f.names, TenantName(i))
	}
	// An external worker cannot know the tenant by the id.
	p := plain{json: s.LargestPayload() > 0 || s.External && len(f.names) > 1}
	if p.json {
		f.fill, f.sizes = filler(s.LargestPayload()), s.Payloads
	}
	f.layout = p
	if d := library.Of(s); d != nil && s.Entry.Kind != scenario.EntryHTTP {
		q, ok := b.(Named)
		if !ok {
			return Format{}, errors.New("this backend's queue has no name, and the jobs of a library need one")
		}
		l, err := d.Layout(dialect.Jobs{Queue: q.Queue(), Name: s.JobName, Args: s.JobArgs, Payload: s.LargestPayload() > 0})
		if err != nil {
			return Format{}, err
		}
		f.layout, f.fill, f.sizes = foreign{l}, filler(s.LargestPayload()), s.Payloads
	}
	f.Max = f.layout.max(&f)
	return f, nil
}

// Named is a backend whose queue has a name.
type Named interface{ Queue() string }

// TenantName is the name of the i-th tenant, counted from 0.
func TenantName(i int) string { return "t" + strconv.Itoa(i+1) }

// Tenant is the name of the tenant of job n.
func (f *Format) Tenant(n int64) string { return f.names[f.spread.Tenant(n)] }

// filler is n bytes of text that does not compress to nothing.
func filler(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	var b strings.Builder
	b.Grow(n)
	state := uint64(0x9e3779b97f4a7c15)
	for range n {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		b.WriteByte(letters[state>>58])
	}
	return b.String()
}

// Append appends job n.
func (f *Format) Append(dst []byte, n int64) []byte { return f.layout.append(dst, f, n) }

// Read finds a job in an element of the list.
func (f *Format) Read(element []byte) (id []byte, n int64, o Origin) {
	return f.layout.read(element, f)
}

// payload is what job n carries.
func (f *Format) payload(n int64) string {
	if len(f.sizes.Parts) == 0 {
		return f.fill
	}
	return f.fill[:f.sizes.At(f.spread.seed, f.spread.Number(n))]
}

// Origin says whose an element or an id is.
type Origin int

const (
	Ours    Origin = iota
	Foreign        // of another client
	Corrupt        // carries this run's mark and is damaged
)

// Identify finds a job's number in its id.
func (f *Format) Identify(id []byte) (n int64, o Origin) {
	run, n, ok := parseJobID(id)
	switch {
	case !ok || run != f.Run:
		return 0, Foreign
	case n > MaxNumber:
		return 0, Corrupt
	}
	n, here := f.spread.shard.Place(n, int(f.spread.batch))
	if !here {
		return 0, Corrupt
	}
	return n, Ours
}

// AppendID appends the id of job n.
func (f *Format) AppendID(dst []byte, n int64) []byte {
	return AppendJobID(dst, f.Run, f.spread.Number(n))
}
