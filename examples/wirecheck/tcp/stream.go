package tcp

import "net/netip"

// MaxAhead is how many bytes a segment may lie ahead of everything seen before
// it. A segment further away belongs to no connection that works, and following
// it would take memory for nothing.
const MaxAhead = 16 << 20

// Stream is one direction of one connection.
type Stream struct {
	From, To netip.AddrPort
	base     uint32  // sequence number of data[0]
	data     []byte  // with zeros where nothing has been captured
	at       []int64 // for each byte; 0 where nothing has been captured
	broken   bool
}

// Bytes are the stream's bytes in order, up to its first hole, and for each
// when it was captured first, in nanoseconds since 1970. whole is false when
// there is a hole, or when the beginning of the connection was not captured.
func (s *Stream) Bytes() (data []byte, at []int64, whole bool) {
	n := 0
	for n < len(s.at) && s.at[n] != 0 {
		n++
	}
	return s.data[:n], s.at[:n], n == len(s.at) && !s.broken
}

// add puts a payload in its place. Bytes that are there already stay, with
// their stamps: what comes again is a retransmission.
func (s *Stream) add(at int64, seq uint32, payload []byte) {
	if len(payload) == 0 {
		return // after a FIN, which has a number too, it would lie beyond the end
	}
	// The distance from the end of what is known is signed and 32 bits wide,
	// so that sequence numbers may start again at zero on the way.
	end := len(s.data)
	from := end + int(int32(seq-(s.base+uint32(end))))
	if from > end+MaxAhead {
		s.broken = true
		return
	}
	if from < 0 {
		// A keep-alive carries the byte before the next one.
		payload = payload[min(-from, len(payload)):]
		from = 0
	}
	if grow := from + len(payload) - end; grow > 0 {
		s.data = append(s.data, make([]byte, grow)...)
		s.at = append(s.at, make([]int64, grow)...)
	}
	for i, c := range payload {
		if s.at[from+i] == 0 {
			s.data[from+i], s.at[from+i] = c, at
		}
	}
}

// Streams sorts segments into streams. The zero value is ready; it is not safe
// for concurrent use. It needs nine bytes of memory for each byte captured.
type Streams struct {
	all  []*Stream
	last map[ends]*Stream
}

type ends struct{ from, to netip.AddrPort }

// Add takes the next segment of the capture and the time of its packet in
// nanoseconds since 1970, which is never 0. It copies the payload.
func (s *Streams) Add(at int64, seg Segment) {
	key := ends{seg.From, seg.To}
	first := seg.Seq
	if seg.SYN {
		first++ // the SYN itself has a number
	}
	st := s.last[key]
	// Two ports may meet again: another SYN is another connection, the same
	// one again is a retransmission.
	if st == nil || seg.SYN && first != st.base {
		st = &Stream{From: seg.From, To: seg.To, base: first, broken: !seg.SYN}
		if s.last == nil {
			s.last = map[ends]*Stream{}
		}
		s.last[key] = st
		s.all = append(s.all, st)
	}
	st.add(at, first, seg.Payload)
}

// All are the streams in the order in which they began.
func (s *Streams) All() []*Stream { return s.all }
