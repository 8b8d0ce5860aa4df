// Package rowscan reads the rows of a timeline out of the JSON of a result, in one pass and
// without allocation. It reads what queuedyno writes and refuses everything else, other valid
// JSON included: a caller that is refused reads the whole result with encoding/json, which also
// knows what is wrong. Begin reading at [Scan].
package rowscan

import (
	"errors"

	"github.com/queuedyno/queuedyno/result"
)

// Number is a number that may be absent.
type Number struct {
	N     int64
	Known bool
}

// NumberOf is the number at p, absent when p is nil.
func NumberOf(p *int64) Number {
	if p == nil {
		return Number{}
	}
	return Number{*p, true}
}

// Pointer is a pointer to the number, nil when it is absent.
func (n Number) Pointer() *int64 {
	if !n.Known {
		return nil
	}
	return &n.N
}

// Row is a row of a timeline, as [result.Second] describes it.
type Row struct {
	ElapsedS, LengthS        float64
	Phase                    string
	Offered, Sent, Notified  int64
	Lost                     int64
	Backlog, BacklogMax      int64
	QueueLen, BlockedClients Number
	Stages                   []Stage
}

// Stage is a stage in a row. Its quantiles are not kept: those of several rows cannot be
// added.
type Stage struct {
	Name  string
	Count int64
	Max   Number
	// HDR is the histogram, empty without one. It is valid until the next row.
	HDR []byte
}

// ErrForm is returned by [Scan] for what queuedyno does not write.
var ErrForm = errors.New("the timeline has another form than queuedyno writes")

// Of makes row the same as s. The stages come in no order.
func (r *Row) Of(s *result.Second) {
	*r = Row{
		ElapsedS: s.ElapsedS, LengthS: s.LengthS, Phase: s.Phase, Offered: s.Offered, Sent: s.Sent, Notified: s.Notified, Lost: s.Lost,
		Backlog: s.Backlog, BacklogMax: s.BacklogMax, QueueLen: NumberOf(s.QueueLen), BlockedClients: NumberOf(s.Blocked), Stages: r.Stages[:0],
	}
	for name, of := range s.Stages {
		if of != nil {
			r.Stages = append(r.Stages, Stage{string(name), of.Count, NumberOf(of.MaxNS), []byte(of.HDR)})
		}
	}
}

// Scan calls fn for each row of the JSON array, in its order, until fn returns an error, and
// returns that error. Rows before the place that [ErrForm] refuses have been passed to fn. The
// row is reused; what fn keeps of it must be copied, apart from the strings.
func Scan(array []byte, fn func(*Row) error) error {
	s := scanner{b: array}
	var row Row
	s.open('[')
	for first := true; s.next(']', first); first = false {
		s.row(&row)
		if s.failed {
			return ErrForm
		}
		if err := fn(&row); err != nil {
			return err
		}
	}
	s.space()
	if s.failed || s.at != len(s.b) {
		return ErrForm
	}
	return nil
}

// row reads one row, all of whose keys are known, and none is there twice.
func (s *scanner) row(r *Row) {
	*r = Row{Stages: r.Stages[:0]}
	seen := uint(0)
	s.open('{')
	for first := true; s.next('}', first); first = false {
		bit := uint(0)
		switch string(s.key()) {
		case "elapsed_s":
			bit, r.ElapsedS = 1<<0, s.decimal()
		case "length_s":
			bit, r.LengthS = 1<<1, s.decimal()
		case "phase":
			bit, r.Phase = 1<<2, s.word(0)
		case "offered":
			bit, r.Offered = 1<<3, s.whole()
		case "sent":
			bit, r.Sent = 1<<4, s.whole()
		case "notified":
			bit, r.Notified = 1<<5, s.whole()
		case "lost":
			bit, r.Lost = 1<<6, s.whole()
		case "backlog":
			bit, r.Backlog = 1<<7, s.whole()
		case "backlog_max":
			bit, r.BacklogMax = 1<<8, s.whole()
		case "queue_len":
			bit, r.QueueLen = 1<<9, s.number()
		case "blocked_clients":
			bit, r.BlockedClients = 1<<10, s.number()
		case "stages":
			bit = 1 << 11
			s.stages(r)
		}
		s.once(&seen, bit)
	}
}

// stages reads the stages of a row.
func (s *scanner) stages(r *Row) {
	if s.null() {
		return
	}
	s.open('{')
	for first := true; s.next('}', first); first = false {
		name := s.word(1 + len(r.Stages))
		s.expect(':')
		for _, had := range r.Stages {
			s.failed = s.failed || had.Name == name
		}
		one := Stage{Name: name}
		s.stage(&one)
		r.Stages = append(r.Stages, one)
	}
}

func (s *scanner) stage(of *Stage) {
	seen := uint(0)
	s.open('{')
	for first := true; s.next('}', first); first = false {
		bit := uint(0)
		switch string(s.key()) {
		case "count":
			bit, of.Count = 1<<0, s.whole()
		case "p50_ns":
			bit, _ = 1<<1, s.number()
		case "p90_ns":
			bit, _ = 1<<2, s.number()
		case "p99_ns":
			bit, _ = 1<<3, s.number()
		case "max_ns":
			bit, of.Max = 1<<4, s.number()
		case "hdr":
			bit, of.HDR = 1<<5, s.text()
		}
		s.once(&seen, bit)
	}
}
