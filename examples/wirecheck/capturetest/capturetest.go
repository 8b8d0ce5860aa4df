// Package capturetest makes captures for tests: files, packets and segments
// with just the fields that this module reads. Sums are left at zero, as the
// kernel leaves them on a loopback interface. Begin reading at [File].
package capturetest

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/queuedyno/queuedyno/examples/wirecheck/pcap"
	"github.com/queuedyno/queuedyno/examples/wirecheck/tcp"
)

// The magic numbers of the two kinds of classic capture.
const (
	Micro uint32 = 0xa1b2c3d4
	Nano  uint32 = 0xa1b23c4d
)

// File is a capture of the given packets. With [Micro], stamps are cut to
// whole microseconds.
func File(order binary.AppendByteOrder, magic uint32, link pcap.LinkType, packets ...pcap.Packet) []byte {
	tick := int64(1000)
	if magic == Nano {
		tick = 1
	}
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = order.AppendUint32(b, 262144)
	b = order.AppendUint32(b, uint32(link))
	for _, p := range packets {
		b = order.AppendUint32(b, uint32(p.At/1e9))
		b = order.AppendUint32(b, uint32(p.At%1e9/tick))
		b = order.AppendUint32(b, uint32(len(p.Data)))
		b = order.AppendUint32(b, uint32(len(p.Data)))
		b = append(b, p.Data...)
	}
	return b
}

// Packet is s as it is captured on a link of the given type. The IP version is
// that of s.From. The packet ends in two bytes of padding that belong to
// nothing.
func Packet(link pcap.LinkType, s tcp.Segment) []byte {
	v4 := s.From.Addr().Is4()
	ether := uint16(0x86dd)
	if v4 {
		ether = 0x0800
	}
	var b []byte
	switch link {
	case pcap.Ethernet:
		b = binary.BigEndian.AppendUint16(make([]byte, 12), ether)
	case pcap.LinuxSLL:
		b = binary.BigEndian.AppendUint16(make([]byte, 14), ether)
	case pcap.LinuxSLL2:
		b = append(binary.BigEndian.AppendUint16(nil, ether), make([]byte, 18)...)
	}
	const options = 12 // as on every segment with time stamps
	if v4 {
		b = append(b, 0x45, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(20+20+options+len(s.Payload)))
		b = append(b, 0, 0, 0x40, 0, 64, 6, 0, 0)
	} else {
		b = append(b, 0x60, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(20+options+len(s.Payload)))
		b = append(b, 6, 64)
	}
	b = append(append(b, s.From.Addr().AsSlice()...), s.To.Addr().AsSlice()...)
	b = binary.BigEndian.AppendUint16(b, s.From.Port())
	b = binary.BigEndian.AppendUint16(b, s.To.Port())
	b = binary.BigEndian.AppendUint32(b, s.Seq)
	flags := byte(0x10)
	if s.SYN {
		flags |= 2
	}
	b = append(b, 0, 0, 0, 0, (20+options)/4<<4, flags, 0, 0, 0, 0, 0, 0)
	b = append(b, make([]byte, options)...)
	return append(append(b, s.Payload...), 0xee, 0xee)
}

// Cut cuts a stream of bytes at random places into segments of up to most
// bytes. The first of them is like the given one, the others follow it.
func Cut(random *rand.Rand, first tcp.Segment, data []byte, most int) []tcp.Segment {
	var out []tcp.Segment
	for len(data) > 0 {
		n := min(len(data), 1+random.IntN(most))
		s := first
		s.Payload = slices.Clone(data[:n])
		out = append(out, s)
		first.Seq += uint32(n)
		data = data[n:]
	}
	return out
}
