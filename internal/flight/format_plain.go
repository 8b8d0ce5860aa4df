package flight

import "bytes"

// plain is a job as its id alone, or as JSON with its tenant and its payload:
// {"jobId":"…","tenantId":"…","payload":"…"}.
type plain struct{ json bool }

const (
	beforeID      = `{"jobId":"`
	beforeTenant  = `","tenantId":"`
	beforePayload = `","payload":"`
	afterPayload  = `"}`
)

func (p plain) max(f *Format) int {
	if !p.json {
		return IDLen
	}
	return len(beforeID) + IDLen + len(beforeTenant) + len(f.names[len(f.names)-1]) + len(beforePayload) + len(f.fill) + len(afterPayload)
}

func (p plain) append(dst []byte, f *Format, n int64) []byte {
	if !p.json {
		return f.AppendID(dst, n)
	}
	dst = append(dst, beforeID...)
	dst = f.AppendID(dst, n)
	dst = append(dst, beforeTenant...)
	dst = append(dst, f.Tenant(n)...)
	dst = append(dst, beforePayload...)
	dst = append(dst, f.payload(n)...)
	return append(dst, afterPayload...)
}

func (p plain) read(element []byte, f *Format) (id []byte, n int64, o Origin) {
	if !p.json {
		n, o = f.Identify(element)
		return element, n, o
	}
	if len(element) < len(beforeID)+IDLen || string(element[:len(beforeID)]) != beforeID {
		return nil, 0, Foreign
	}
	id, rest := element[len(beforeID):][:IDLen], element[len(beforeID)+IDLen:]
	n, o = f.Identify(id)
	if o == Ours && !whole(rest, f, n) {
		return nil, 0, Corrupt
	}
	return id, n, o
}

// whole reports whether what follows the id of job n is as it was sent.
func whole(rest []byte, f *Format, n int64) bool {
	tenant := f.Tenant(n)
	return len(rest) == len(beforeTenant)+len(tenant)+len(beforePayload)+len(f.payload(n))+len(afterPayload) &&
		bytes.HasPrefix(rest, []byte(beforeTenant)) && rest[len(rest)-1] == '}'
}
