package tcp_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/queuedyno/queuedyno/examples/wirecheck/capturetest"
	"github.com/queuedyno/queuedyno/examples/wirecheck/tcp"
)

// However a stream is cut up, however much of it comes twice, cut differently,
// and in whatever order: the bytes are those that were sent, and each has the
// stamp of the first packet that carried it. Some of the streams begin so close
// to the end of the sequence numbers that these start again.
func TestAStreamIsWhatWasSentStampedWhenSeenFirst(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			want := make([]byte, 1+random.IntN(2000))
			for i := range want {
				want[i] = byte(random.Uint32())
			}
			syn := segments()[0]
			syn.Payload, syn.SYN, syn.Seq = nil, true, -uint32(random.IntN(3000))
			first := syn
			first.SYN = false
			first.Seq++
			sent := capturetest.Cut(random, first, want, 300)
			for range random.IntN(3) { // sent again, cut differently
				sent = append(sent, capturetest.Cut(random, first, want, 300)...)
			}
			random.Shuffle(len(sent), func(i, j int) { sent[i], sent[j] = sent[j], sent[i] })

			var streams tcp.Streams
			streams.Add(1, syn)
			stamps := make([]int64, len(want))
			for i, s := range sent {
				at := int64(1000 + i)
				streams.Add(at, s)
				from := int(s.Seq - first.Seq)
				for j := from; j < from+len(s.Payload); j++ {
					if stamps[j] == 0 {
						stamps[j] = at
					}
				}
			}
			if n := len(streams.All()); n != 1 {
				t.Fatalf("%d streams, want 1", n)
			}
			data, at, whole := streams.All()[0].Bytes()
			if !whole || !bytes.Equal(data, want) || !slices.Equal(at, stamps) {
				t.Errorf("Bytes() differs from what was sent: %d bytes, whole %v, want %d", len(data), whole, len(want))
			}
		})
	}
}

func TestAMissingSegmentIsAHoleAndEndsTheBytes(t *testing.T) {
	t.Parallel()
	s := segments()[0]
	syn := s
	syn.SYN, syn.Payload, syn.Seq = true, nil, s.Seq-1
	late := s
	late.Seq += uint32(len(s.Payload)) + 1
	var streams tcp.Streams
	streams.Add(1, syn)
	streams.Add(2, s)
	streams.Add(3, late)
	data, at, whole := streams.All()[0].Bytes()
	if whole || !bytes.Equal(data, s.Payload) || len(at) != len(data) {
		t.Errorf("Bytes() = %q, %v, want %q, false", data, whole, s.Payload)
	}
}

func TestAConnectionThatBeganBeforeTheCaptureIsNotWhole(t *testing.T) {
	t.Parallel()
	var streams tcp.Streams
	streams.Add(1, segments()[0])
	if _, _, whole := streams.All()[0].Bytes(); whole {
		t.Error("Bytes() says that the stream is whole")
	}
}

func TestASegmentFarAheadTakesNoMemory(t *testing.T) {
	t.Parallel()
	syn := segments()[0]
	syn.SYN, syn.Payload = true, nil
	far := segments()[0]
	far.Seq = syn.Seq + tcp.MaxAhead + 2
	var streams tcp.Streams
	streams.Add(1, syn)
	streams.Add(2, far)
	if data, _, whole := streams.All()[0].Bytes(); whole || cap(data) > 0 {
		t.Errorf("Bytes() is whole: %v, and holds %d bytes", whole, cap(data))
	}
}

func TestAKeepAliveChangesNothing(t *testing.T) {
	t.Parallel()
	s := segments()[0]
	syn := s
	syn.SYN, syn.Payload, syn.Seq = true, nil, s.Seq-1
	probe := s
	probe.Seq, probe.Payload = s.Seq-1, []byte{0}
	var streams tcp.Streams
	streams.Add(1, syn)
	streams.Add(2, probe)
	streams.Add(3, s)
	if data, _, whole := streams.All()[0].Bytes(); !whole || !bytes.Equal(data, s.Payload) {
		t.Errorf("Bytes() = %q, %v, want %q", data, whole, s.Payload)
	}
}

func TestTheNumberOfAFINIsNoHole(t *testing.T) {
	t.Parallel()
	s := segments()[0]
	syn := s
	syn.SYN, syn.Payload, syn.Seq = true, nil, s.Seq-1
	last := s
	last.Seq, last.Payload = s.Seq+uint32(len(s.Payload))+1, nil
	var streams tcp.Streams
	streams.Add(1, syn)
	streams.Add(2, s)
	streams.Add(3, last)
	if data, _, whole := streams.All()[0].Bytes(); !whole || !bytes.Equal(data, s.Payload) {
		t.Errorf("Bytes() = %q, %v, want %q, true", data, whole, s.Payload)
	}
}

func TestPortsThatMeetAgainAreAnotherConnection(t *testing.T) {
	t.Parallel()
	var streams tcp.Streams
	for i, text := range []string{"first", "second"} {
		s := segments()[0]
		s.Seq, s.SYN, s.Payload = uint32(1000*i), true, nil
		streams.Add(1, s)
		streams.Add(1, s) // a SYN that is sent again is the same connection
		s.Seq, s.SYN, s.Payload = s.Seq+1, false, []byte(text)
		streams.Add(2, s)
	}
	var got []string
	for _, s := range streams.All() {
		data, _, whole := s.Bytes()
		if !whole {
			t.Errorf("stream %q is not whole", data)
		}
		got = append(got, string(data))
	}
	if want := []string{"first", "second"}; !slices.Equal(got, want) {
		t.Errorf("streams %q, want %q", got, want)
	}
}
