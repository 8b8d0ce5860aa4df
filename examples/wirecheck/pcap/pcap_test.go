package pcap_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/queuedyno/queuedyno/examples/wirecheck/capturetest"
	"github.com/queuedyno/queuedyno/examples/wirecheck/pcap"
)

func TestEveryClassicFormatGivesTheSamePackets(t *testing.T) {
	t.Parallel()
	want := []pcap.Packet{
		{At: 1_700_000_000_123_456_000, Data: []byte("one")},
		{At: 1_700_000_000_999_999_000, Data: nil},
		{At: 1_700_000_001_000_000_000, Data: []byte("and three")},
	}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, magic := range []uint32{capturetest.Micro, capturetest.Nano} {
			t.Run(fmt.Sprintf("%v/%x", order, magic), func(t *testing.T) {
				t.Parallel()
				r, err := pcap.NewReader(bytes.NewReader(capturetest.File(order, magic, 0xf0000000|pcap.LinuxSLL2, want...)))
				if err != nil {
					t.Fatal(err)
				}
				if r.Link() != pcap.LinuxSLL2 {
					t.Errorf("Link() = %d, want %d", r.Link(), pcap.LinuxSLL2)
				}
				for i, w := range want {
					got, err := r.Next()
					if err != nil || got.At != w.At || !bytes.Equal(got.Data, w.Data) {
						t.Fatalf("packet %d: Next() = %d %q, %v, want %d %q", i, got.At, got.Data, err, w.At, w.Data)
					}
				}
				if _, err := r.Next(); err != io.EOF {
					t.Errorf("after the last packet: Next() = %v, want io.EOF", err)
				}
			})
		}
	}
}

func TestNanosecondsAreKept(t *testing.T) {
	t.Parallel()
	r, err := pcap.NewReader(bytes.NewReader(capturetest.File(binary.LittleEndian, capturetest.Nano, pcap.Ethernet, pcap.Packet{At: 1_700_000_000_123_456_789})))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := r.Next(); err != nil || p.At != 1_700_000_000_123_456_789 {
		t.Errorf("Next() = %d, %v, want 1700000000123456789", p.At, err)
	}
}

func TestAFileThatEndsInsideAPacketIsNotTakenForWhole(t *testing.T) {
	t.Parallel()
	whole := capturetest.File(binary.LittleEndian, capturetest.Micro, pcap.Ethernet, pcap.Packet{At: 1e9, Data: []byte("payload")})
	for n := range len(whole) {
		r, err := pcap.NewReader(bytes.NewReader(whole[:n]))
		if n < 24 {
			if !errors.Is(err, pcap.ErrFormat) {
				t.Errorf("%d bytes: NewReader() = %v, want ErrFormat", n, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if _, err = r.Next(); n == 24 && err != io.EOF || n > 24 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes: Next() = %v", n, err)
		}
	}
}

func TestWhatIsNotAClassicCaptureIsRefused(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"pcapng":               append([]byte{0x0a, 0x0d, 0x0d, 0x0a}, make([]byte, 40)...),
		"text":                 []byte("tcpdump: listening on lo, link-type EN10MB"),
		"another version":      append([]byte{0xd4, 0xc3, 0xb2, 0xa1, 9, 0}, make([]byte, 40)...),
		"an impossible packet": append(capturetest.File(binary.LittleEndian, capturetest.Micro, pcap.Ethernet), bytes.Repeat([]byte{0xff}, 16)...),
	} {
		r, err := pcap.NewReader(bytes.NewReader(b))
		if err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, pcap.ErrFormat) {
			t.Errorf("%s: error %v, want ErrFormat", name, err)
		}
	}
}

// Whatever the bytes, the reader ends, and gives no more than there is.
func FuzzReader(f *testing.F) {
	f.Add(capturetest.File(binary.LittleEndian, capturetest.Micro, pcap.Ethernet, pcap.Packet{At: 1e9, Data: []byte("abc")}))
	f.Add(capturetest.File(binary.BigEndian, capturetest.Nano, pcap.LinuxSLL, pcap.Packet{At: 5, Data: []byte{0}}, pcap.Packet{At: 6}))
	f.Add([]byte{0x0a, 0x0d, 0x0d, 0x0a})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := pcap.NewReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		total := 24
		for {
			p, err := r.Next()
			if err != nil {
				break
			}
			if total += 16 + len(p.Data); total > len(b) || p.At < 0 {
				t.Fatalf("%d bytes of packets, stamp %d, out of a file of %d", total, p.At, len(b))
			}
		}
	})
}
