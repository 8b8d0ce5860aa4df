package tcp_test

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/queuedyno/queuedyno/examples/wirecheck/capturetest"
	"github.com/queuedyno/queuedyno/examples/wirecheck/pcap"
	"github.com/queuedyno/queuedyno/examples/wirecheck/tcp"
)

func links() []pcap.LinkType {
	return []pcap.LinkType{pcap.Ethernet, pcap.LinuxSLL, pcap.LinuxSLL2}
}

func segments() []tcp.Segment {
	return []tcp.Segment{
		{From: netip.MustParseAddrPort("127.0.0.1:40001"), To: netip.MustParseAddrPort("127.0.0.1:6379"), Seq: 1 << 31, Payload: []byte("*1\r\n$4\r\nPING\r\n")},
		{From: netip.MustParseAddrPort("[::1]:6379"), To: netip.MustParseAddrPort("[::1]:40001"), Seq: 7, SYN: true},
	}
}

func TestASegmentIsReadFromEveryLinkTypeWithoutItsPadding(t *testing.T) {
	t.Parallel()
	for _, link := range links() {
		for _, want := range segments() {
			got, ok := tcp.Decode(link, capturetest.Packet(link, want))
			if !ok || got.From != want.From || got.To != want.To || got.Seq != want.Seq || got.SYN != want.SYN || !bytes.Equal(got.Payload, want.Payload) {
				t.Errorf("link type %d: Decode() = %+v, %v, want %+v", link, got, ok, want)
			}
		}
	}
}

// A packet that the kernel has yet to cut up can be larger than the length
// field can say; the field is then 0.
func TestAPacketWithoutALengthIsTakenWhole(t *testing.T) {
	t.Parallel()
	want := segments()[0]
	packet := capturetest.Packet(pcap.Ethernet, want)
	packet = packet[:len(packet)-2]
	packet[14+2], packet[14+3] = 0, 0
	if got, ok := tcp.Decode(pcap.Ethernet, packet); !ok || !bytes.Equal(got.Payload, want.Payload) {
		t.Errorf("Decode() = %q, %v, want %q", got.Payload, ok, want.Payload)
	}
}

func TestWhatIsNoTCPIsLeftOut(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(p []byte) []byte{
		"UDP":                     func(p []byte) []byte { p[14+9] = 17; return p },
		"ARP":                     func(p []byte) []byte { p[12], p[13] = 8, 6; return p },
		"a later fragment":        func(p []byte) []byte { p[14+7] = 1; return p },
		"a header cut off":        func(p []byte) []byte { return p[:14+20+19] },
		"an impossible offset":    func(p []byte) []byte { p[14+20+12] = 0xf0; return p },
		"an impossible IP length": func(p []byte) []byte { p[14+2], p[14+3] = 0, 10; return p },
	} {
		packet := change(capturetest.Packet(pcap.Ethernet, segments()[0]))
		if s, ok := tcp.Decode(pcap.Ethernet, packet); ok {
			t.Errorf("%s: Decode() = %+v, want not ok", name, s)
		}
	}
	if _, ok := tcp.Decode(99, capturetest.Packet(pcap.Ethernet, segments()[0])); ok {
		t.Error("an unknown link type is taken for Ethernet")
	}
}

// Whatever the bytes, a payload is a part of its packet.
func FuzzDecode(f *testing.F) {
	for _, link := range links() {
		for _, s := range segments() {
			f.Add(uint32(link), capturetest.Packet(link, s))
		}
	}
	f.Fuzz(func(t *testing.T, link uint32, packet []byte) {
		s, ok := tcp.Decode(pcap.LinkType(link), packet)
		if ok && len(s.Payload)+40 > len(packet) {
			t.Fatalf("a payload of %d bytes in a packet of %d", len(s.Payload), len(packet))
		}
		if ok && !s.From.IsValid() {
			t.Fatal("a segment from nowhere")
		}
	})
}
