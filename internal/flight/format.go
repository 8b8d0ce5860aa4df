package flight

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/draw"
)

// Format is how a job looks in the list: its id alone, JSON with a payload, or
// As another system writes it.
type Format struct {
	Run     uint64
	spread  *Spread
	json    bool
	sidekiq *Sidekiq  // nil unless jobs look as Sidekiq's
	fill    string    // as long as the longest payload
	sizes   draw.Size // of the payloads, where they differ
	names   []string  // of the tenants
	Most    int       // bytes of the largest job
}

// Between the parts of a job as JSON: {"jobId":"…","tenantId":"…","payload":"…"}.
const (
	beforeID      = `{"jobId":"`
	beforeTenant  = `","tenantId":"`
	beforePayload = `","payload":"`
	afterPayload  = `"}`
)

func NewFormat(run uint64, s scenario.Scenario, sp *Spread) Format {
	f := Format{Run: run, spread: sp, Most: IDLen}
	for i := range max(1, s.Tenants.Count) {
		f.names = append(f.names, TenantName(i))
	}
	// A worker that is not ours cannot know the tenant by the id.
	f.json = s.LargestPayload() > 0 || s.External && len(f.names) > 1
	if f.json {
		f.fill, f.sizes = filler(s.LargestPayload()), s.Payloads
		f.Most = len(beforeID) + IDLen + len(beforeTenant) + len(f.names[len(f.names)-1]) + len(beforePayload) + len(f.fill) + len(afterPayload)
	}
	return f
}

// As makes jobs look as Sidekiq's, unless the form is nil.
func (f *Format) As(k *Sidekiq) {
	if f.sidekiq = k; k != nil {
		f.Most = k.most(len(f.fill))
	}
}

// TenantName is the name of the i-th tenant, counted from 0.
func TenantName(i int) string { return "t" + strconv.Itoa(i+1) }

// Tenant is the name of whose job n is.
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
func (f *Format) Append(dst []byte, n int64) []byte {
	if f.sidekiq != nil {
		return f.sidekiq.append(dst, f, n)
	}
	if !f.json {
		return AppendJobID(dst, f.Run, n)
	}
	dst = append(dst, beforeID...)
	dst = AppendJobID(dst, f.Run, n)
	dst = append(dst, beforeTenant...)
	dst = append(dst, f.Tenant(n)...)
	dst = append(dst, beforePayload...)
	dst = append(dst, f.payload(n)...)
	return append(dst, afterPayload...)
}

// payload is what job n carries.
func (f *Format) payload(n int64) string {
	if len(f.sizes.Parts) == 0 {
		return f.fill
	}
	return f.fill[:f.sizes.At(f.spread.seed, n)]
}

// whole reports whether what follows the id of job n is as it was sent.
func (f *Format) whole(rest []byte, n int64) bool {
	tenant := f.Tenant(n)
	return len(rest) == len(beforeTenant)+len(tenant)+len(beforePayload)+len(f.payload(n))+len(afterPayload) &&
		bytes.HasPrefix(rest, []byte(beforeTenant)) && rest[len(rest)-1] == '}'
}

// Origin says whose an element or an id is.
type Origin int

const (
	Ours    Origin = iota
	Foreign        // somebody else's
	Corrupt        // bears our mark and is damaged
)

// Read finds a job in an element of the list.
func (f *Format) Read(element []byte) (id []byte, n int64, o Origin) {
	if f.sidekiq != nil {
		return f.sidekiq.read(element, f)
	}
	if !f.json {
		n, o = f.Identify(element)
		return element, n, o
	}
	rest, ok := bytes.CutPrefix(element, []byte(beforeID))
	if !ok || len(rest) < IDLen {
		return nil, 0, Foreign
	}
	id = rest[:IDLen]
	n, o = f.Identify(id)
	if o == Ours && !f.whole(rest[IDLen:], n) {
		return nil, 0, Corrupt
	}
	return id, n, o
}

// Identify finds a job's number in its id.
func (f *Format) Identify(id []byte) (n int64, o Origin) {
	run, n, ok := parseJobID(id)
	switch {
	case !ok || run != f.Run:
		return 0, Foreign
	case n > MaxNumber:
		return 0, Corrupt
	}
	return n, Ours
}
