package flight

import "github.com/queuedyno/queuedyno/internal/dialect"

// foreign is a job as a library writes it.
type foreign struct{ dialect.Layout }

// job is job n.
func (f *Format) job(n int64) (j dialect.Job) {
	f.AppendID(j.ID[:0], n)
	j.Run, j.Number, j.Payload = f.Run, f.spread.Number(n), f.payload(n)
	return j
}

func (l foreign) max(f *Format) int { return l.Max(len(f.fill)) }

func (l foreign) append(dst []byte, f *Format, n int64) []byte { return l.Append(dst, f.job(n)) }

func (l foreign) read(element []byte, f *Format) (id []byte, n int64, o Origin) {
	if id = l.Find(element); id == nil {
		return nil, 0, Foreign
	}
	n, o = f.Identify(id)
	if o == Ours && !l.Whole(element, f.job(n)) {
		return nil, 0, Corrupt
	}
	return id, n, o
}

// The ids have one length.
var _ = [1]struct{}{}[IDLen-dialect.IDLen]
