// Package pcap reads capture files of the classic libpcap format, as
// "tcpdump -w" writes them: either byte order, stamps in microseconds or in
// nanoseconds.
//
// It refuses the newer pcapng format, and it does not look into packets. Begin
// reading at [Reader.Next].
package pcap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// LinkType says what a packet of a capture begins with.
type LinkType uint32

// The link types of captures on a loopback interface: Ethernet is that of lo,
// the two others are those of the interface "any".
const (
	Ethernet LinkType = 1
	LinuxSLL LinkType = 113
	// LinuxSLL2 is what newer versions of tcpdump choose for "any".
	LinuxSLL2 LinkType = 276
)

// MaxPacket is the largest packet in bytes that a capture may hold. tcpdump
// itself stops at a quarter of it; anything larger is a damaged file.
const MaxPacket = 1 << 20

// Packet is one captured packet.
type Packet struct {
	// At is when it was captured, in nanoseconds since 1970.
	At int64
	// Data is what was kept of it, valid until the next call of [Reader.Next].
	Data []byte
}

// Reader reads one capture. It is not safe for concurrent use.
type Reader struct {
	src   io.Reader
	order binary.ByteOrder
	tick  int64 // nanoseconds in a unit of the stamps' second half
	link  LinkType
	buf   []byte
}

// ErrFormat is wrapped by every error about a file that is not a classic
// capture, or a damaged one.
var ErrFormat = errors.New("not a classic pcap file")

const (
	magicMicro  = 0xa1b2c3d4
	magicNano   = 0xa1b23c4d
	magicPcapng = 0x0a0d0d0a

	headerLen = 24
	recordLen = 16
)

// NewReader reads the header of a capture. Reads are small: give it something
// buffered.
func NewReader(src io.Reader) (*Reader, error) {
	var h [headerLen]byte
	if _, err := io.ReadFull(src, h[:]); err != nil {
		return nil, fmt.Errorf("read capture header: %w: %w", ErrFormat, err)
	}
	r := &Reader{src: src}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(h[0:]) {
		case magicMicro:
			r.order, r.tick = order, 1000
		case magicNano:
			r.order, r.tick = order, 1
		case magicPcapng:
			return nil, fmt.Errorf("read capture header: %w: this is pcapng; capture with tcpdump -w, or convert it with editcap -F pcap", ErrFormat)
		}
	}
	if r.order == nil {
		return nil, fmt.Errorf("read capture header: %w: it begins with %x", ErrFormat, h[:4])
	}
	if major := r.order.Uint16(h[4:]); major != 2 {
		return nil, fmt.Errorf("read capture header: %w: version %d, want 2", ErrFormat, major)
	}
	// The upper bits of the word are about frame check sequences.
	r.link = LinkType(r.order.Uint32(h[20:]) & 0xffff)
	return r, nil
}

// Link says what every packet of the capture begins with.
func (r *Reader) Link() LinkType { return r.link }

// Next reads one packet. It returns [io.EOF] at the end of the file, and an
// error that wraps [io.ErrUnexpectedEOF] where the file ends inside a packet.
func (r *Reader) Next() (Packet, error) {
	var h [recordLen]byte
	if _, err := io.ReadFull(r.src, h[:]); err == io.EOF {
		return Packet{}, io.EOF
	} else if err != nil {
		return Packet{}, fmt.Errorf("read packet header: %w", err)
	}
	size := r.order.Uint32(h[8:])
	if size > MaxPacket {
		return Packet{}, fmt.Errorf("read packet: %w: a packet of %d bytes", ErrFormat, size)
	}
	if cap(r.buf) < int(size) {
		r.buf = make([]byte, size)
	}
	data := r.buf[:size]
	if _, err := io.ReadFull(r.src, data); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return Packet{}, fmt.Errorf("read packet: %w", err)
	}
	at := int64(r.order.Uint32(h[0:]))*1_000_000_000 + int64(r.order.Uint32(h[4:]))*r.tick
	return Packet{At: at, Data: data}, nil
}
