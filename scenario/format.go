package scenario

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/scenario/draw"
)

// format is how a job looks in the list: its id alone, JSON with a payload, or
// as another system writes it.
type format struct {
	run     uint64
	spread  *spread
	json    bool
	sidekiq *sidekiqForm // nil unless jobs look as Sidekiq's
	fill    string       // as long as the longest payload
	sizes   draw.Size    // of the payloads, where they differ
	names   []string     // of the tenants
	most    int          // bytes of the largest job
}

// Between the parts of a job as JSON: {"jobId":"…","tenantId":"…","payload":"…"}.
const (
	beforeID      = `{"jobId":"`
	beforeTenant  = `","tenantId":"`
	beforePayload = `","payload":"`
	afterPayload  = `"}`
)

func newFormat(run uint64, s Scenario, sp *spread) format {
	f := format{run: run, spread: sp, most: idLen}
	for i := range max(1, s.Tenants.Count) {
		f.names = append(f.names, TenantName(i))
	}
	// A worker that is not ours cannot know the tenant by the id.
	f.json = s.largestPayload() > 0 || s.External && len(f.names) > 1
	if f.json {
		f.fill, f.sizes = filler(s.largestPayload()), s.Payloads
		f.most = len(beforeID) + idLen + len(beforeTenant) + len(f.names[len(f.names)-1]) + len(beforePayload) + len(f.fill) + len(afterPayload)
	}
	return f
}

// as makes jobs look as Sidekiq's, unless the form is nil.
func (f *format) as(k *sidekiqForm) {
	if f.sidekiq = k; k != nil {
		f.most = k.most(len(f.fill))
	}
}

// TenantName is the name of the i-th tenant, counted from 0.
func TenantName(i int) string { return "t" + strconv.Itoa(i+1) }

// tenant is the name of whose job n is.
func (f *format) tenant(n int64) string { return f.names[f.spread.tenant(n)] }

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

// append appends job n.
func (f *format) append(dst []byte, n int64) []byte {
	if f.sidekiq != nil {
		return f.sidekiq.append(dst, f, n)
	}
	if !f.json {
		return appendJobID(dst, f.run, n)
	}
	dst = append(dst, beforeID...)
	dst = appendJobID(dst, f.run, n)
	dst = append(dst, beforeTenant...)
	dst = append(dst, f.tenant(n)...)
	dst = append(dst, beforePayload...)
	dst = append(dst, f.payload(n)...)
	return append(dst, afterPayload...)
}

// payload is what job n carries.
func (f *format) payload(n int64) string {
	if len(f.sizes.Parts) == 0 {
		return f.fill
	}
	return f.fill[:f.sizes.At(f.spread.seed, n)]
}

// whole reports whether what follows the id of job n is as it was sent.
func (f *format) whole(rest []byte, n int64) bool {
	tenant := f.tenant(n)
	return len(rest) == len(beforeTenant)+len(tenant)+len(beforePayload)+len(f.payload(n))+len(afterPayload) &&
		bytes.HasPrefix(rest, []byte(beforeTenant)) && rest[len(rest)-1] == '}'
}

// origin says whose an element or an id is.
type origin int

const (
	ours    origin = iota
	foreign        // somebody else's
	corrupt        // bears our mark and is damaged
)

// read finds a job in an element of the list.
func (f *format) read(element []byte) (id []byte, n int64, o origin) {
	if f.sidekiq != nil {
		return f.sidekiq.read(element, f)
	}
	if !f.json {
		n, o = f.identify(element)
		return element, n, o
	}
	rest, ok := bytes.CutPrefix(element, []byte(beforeID))
	if !ok || len(rest) < idLen {
		return nil, 0, foreign
	}
	id = rest[:idLen]
	n, o = f.identify(id)
	if o == ours && !f.whole(rest[idLen:], n) {
		return nil, 0, corrupt
	}
	return id, n, o
}

// identify finds a job's number in its id.
func (f *format) identify(id []byte) (n int64, o origin) {
	run, n, ok := parseJobID(id)
	switch {
	case !ok || run != f.run:
		return 0, foreign
	case n > maxNumber:
		return 0, corrupt
	}
	return n, ours
}
