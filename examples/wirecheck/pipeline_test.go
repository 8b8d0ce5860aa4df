package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/queuedyno/queuedyno/examples/wirecheck/capturetest"
	"github.com/queuedyno/queuedyno/examples/wirecheck/pcap"
	"github.com/queuedyno/queuedyno/examples/wirecheck/tcp"
)

const (
	runID   = "0123456789abcde"
	another = "fedcba987654321"

	warmup = 20 // jobs before the window, as many after it
	window = 200

	epoch = 1_700_000_000_000_000_000
)

func jobID(run string, n int) string {
	return fmt.Sprintf("%s-%s-8%s-8000-%012x", run[:8], run[8:12], run[12:], n)
}

func frame(texts ...string) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(texts))
	for _, t := range texts {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(t), t)
	}
	return b
}

func update(id, status string) string {
	return fmt.Sprintf(`{"tenantId":"t1","jobId":%q,"status":%q,"error":null}`, id, status)
}

// tape is a capture in the making: packets in any order, of connections that
// begin with the first packet of each.
type tape struct {
	packets []pcap.Packet
	next    map[[2]netip.AddrPort]uint32
}

func addr(port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
}

const server = 6379

// add captures bytes from one port to another at a time in nanoseconds after
// the epoch.
func (c *tape) add(at int64, from, to int, data []byte) {
	s := tcp.Segment{From: addr(from), To: addr(to)}
	key := [2]netip.AddrPort{s.From, s.To}
	if c.next == nil {
		c.next = map[[2]netip.AddrPort]uint32{}
	}
	if _, known := c.next[key]; !known {
		s.Seq, s.SYN = -uint32(from), true // soon to start again at zero
		c.packets = append(c.packets, pcap.Packet{At: epoch, Data: capturetest.Packet(pcap.Ethernet, s)})
		c.next[key] = s.Seq + 1
	}
	s.Seq, s.SYN, s.Payload = c.next[key], false, data
	c.next[key] += uint32(len(data))
	c.packets = append(c.packets, pcap.Packet{At: epoch + at, Data: capturetest.Packet(pcap.Ethernet, s)})
}

func (c *tape) file() []byte {
	slices.SortStableFunc(c.packets, func(a, b pcap.Packet) int { return int(a.At - b.At) })
	return capturetest.File(binary.LittleEndian, capturetest.Nano, pcap.Ethernet, c.packets...)
}

const producer, consumer, subscriber = 50001, 50002, 50003

// lasted is how long job n took on the wire, in microseconds: 5, 10, … 1000 over
// the window, in another order, and far more outside of it.
func lasted(n int) int64 {
	if n < warmup || n >= warmup+window {
		return 900_000
	}
	return int64((n-warmup)*7%window+1) * 5
}

// pipeline is the capture of a run at 1000/s, with everything in it that must
// not count: another run's jobs, updates of jobs that only began, answers, a
// consumer's PUBLISH of what the subscriber gets later, repeated messages.
func pipeline() *tape {
	var c tape
	c.add(1, subscriber, server, frame("SUBSCRIBE", "updates"))
	c.add(2, server, subscriber, []byte("*3\r\n$9\r\nsubscribe\r\n$7\r\nupdates\r\n:1\r\n"))
	type event struct {
		at       int64
		from, to int
		data     []byte
	}
	var events []event
	for n := range warmup + window + warmup {
		for _, run := range []string{runID, another} {
			at := int64(n) * 1_000_000
			took := lasted(n) * 1000
			if run == another {
				at, took = at+300, 50
			}
			id := jobID(run, n)
			events = append(events,
				event{at, producer, server, frame("LPUSH", "q", id)},
				event{at + took/10, server, producer, []byte(":1\r\n")},
				event{at + took/8, server, consumer, frame("q", id)},
				event{at + took/6, consumer, server, frame("PUBLISH", "updates", update(id, "RUNNING"))},
				event{at + took/5, server, subscriber, frame("message", "updates", update(id, "RUNNING"))},
				event{at + took/2, consumer, server, append(frame("PUBLISH", "updates", update(id, "COMPLETED")), frame("BRPOP", "q", "1")...)},
				event{at + took, server, subscriber, frame("message", "updates", update(id, "COMPLETED"))},
				event{at + took + 5, server, subscriber, frame("message", "updates", update(id, "COMPLETED"))},
			)
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return int(a.at - b.at) })
	for _, e := range events {
		c.add(e.at, e.from, e.to, e.data)
	}
	return &c
}

// report is the result.json of pipeline with the given figures, as a tree that
// a test may change.
func report(p50, p99 int64) map[string]any {
	return map[string]any{
		"schema":   1,
		"run":      map[string]any{"id": runID, "scenario": "steady"},
		"scenario": map[string]any{"subscribers": 1, "batch": 1, "load": map[string]any{"rate": "1000/s", "arrivals": "constant"}},
		"window":   map[string]any{"from_ns": warmup * 1_000_000, "scheduled": window, "completed": window},
		"stages":   map[string]any{"from_send": map[string]any{"p50_ns": p50, "p99_ns": p99}},
		"validity": map[string]any{"verdict": "valid"},
	}
}
