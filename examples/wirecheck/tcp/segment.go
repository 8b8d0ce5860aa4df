// Package tcp turns captured packets back into the byte streams that they
// carried, and keeps for each byte when it was captured first.
//
// It follows no state machine and checks no sums (on a loopback interface
// they are not filled in). It refuses to guess: a stream with a hole says so.
// Begin reading at [Decode] and [Streams].
package tcp

import (
	"encoding/binary"
	"net/netip"

	"github.com/queuedyno/queuedyno/examples/wirecheck/pcap"
)

// Segment is what one packet says of one direction of a connection.
type Segment struct {
	From, To netip.AddrPort
	// Seq is the sequence number of the first byte of Payload; in a segment
	// with SYN, of the SYN itself.
	Seq uint32
	SYN bool
	// Payload is a slice of the packet. What a snap length cut off is not in
	// it, and so becomes a hole in the stream.
	Payload []byte
}

const (
	etherIPv4, etherIPv6 = 0x0800, 0x86dd
	protocolTCP          = 6
)

// Decode reads a packet of the given link type. ok is false for what carries no
// whole TCP header: other protocols, later fragments, IPv6 with extension
// headers, packets that were cut too short.
func Decode(link pcap.LinkType, packet []byte) (s Segment, ok bool) {
	var protocolAt, header int
	switch link {
	case pcap.Ethernet:
		protocolAt, header = 12, 14
	case pcap.LinuxSLL:
		protocolAt, header = 14, 16
	case pcap.LinuxSLL2:
		protocolAt, header = 0, 20
	default:
		return s, false
	}
	if len(packet) < header {
		return s, false
	}
	var from, to netip.Addr
	body := packet[header:]
	switch binary.BigEndian.Uint16(packet[protocolAt:]) {
	case etherIPv4:
		from, to, body, ok = ipv4(body)
	case etherIPv6:
		from, to, body, ok = ipv6(body)
	}
	if !ok || len(body) < 20 {
		return s, false
	}
	offset := int(body[12]>>4) * 4
	if offset < 20 || offset > len(body) {
		return s, false
	}
	return Segment{
		From:    netip.AddrPortFrom(from, binary.BigEndian.Uint16(body[0:])),
		To:      netip.AddrPortFrom(to, binary.BigEndian.Uint16(body[2:])),
		Seq:     binary.BigEndian.Uint32(body[4:]),
		SYN:     body[13]&2 != 0,
		Payload: body[offset:],
	}, true
}

func ipv4(b []byte) (from, to netip.Addr, body []byte, ok bool) {
	if len(b) < 20 || b[0]>>4 != 4 || b[9] != protocolTCP {
		return from, to, nil, false
	}
	header := int(b[0]&15) * 4
	fragment := binary.BigEndian.Uint16(b[6:]) & 0x1fff
	body, ok = cut(b, header, int(binary.BigEndian.Uint16(b[2:])))
	return netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20])), body, ok && header >= 20 && fragment == 0
}

func ipv6(b []byte) (from, to netip.Addr, body []byte, ok bool) {
	if len(b) < 40 || b[0]>>4 != 6 || b[6] != protocolTCP {
		return from, to, nil, false
	}
	total := int(binary.BigEndian.Uint16(b[4:]))
	if total > 0 {
		total += 40
	}
	body, ok = cut(b, 40, total)
	return netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40])), body, ok
}

// cut is what lies between a header and the total length of its packet; bytes
// beyond that are padding. The length of a packet that the kernel has yet to
// segment, larger than the field can hold, is written as 0: it has no padding.
func cut(b []byte, header, total int) ([]byte, bool) {
	if total == 0 || total > len(b) {
		total = len(b)
	}
	if header > total {
		return nil, false
	}
	return b[header:total], true
}
