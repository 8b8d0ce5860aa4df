// Package probe measures, during a load, what the host, this process and the
// server do to somebody who wants next to nothing of them. Held against the
// load's latencies that tells whose they are. Begin reading at [Start].
package probe

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/waiter"
)

// Period is how often each probe asks.
const Period = 10 * time.Millisecond

// Pinger sends PING to a server on a separate connection.
type Pinger interface {
	// Ping returns when the answer is there.
	Ping() error
	// Close ends the connection and any Ping that waits.
	Close() error
}

// Findings are what the probes measured, in nanoseconds. Ping is nil when there
// is no server to ask.
type Findings struct {
	// Hiccup is by how much a goroutine that only waits woke too late.
	Hiccup *latency.Histogram
	// Echo is the time of a round trip over a loopback connection of this
	// process: what the Go runtime and the kernel take.
	Echo *latency.Histogram
	// Ping is the time of a PING.
	Ping *latency.Histogram
}

// Probes are probes at work.
type Probes struct {
	found   Findings
	ping    Pinger
	stop    []func()
	waiters []waiter.Waiter
	all     sync.WaitGroup
}

// Start sets the probes to work until Stop. ping may be nil. It closes ping,
// also when it fails.
func Start(ctx context.Context, ping Pinger, newWaiter func() (waiter.Waiter, error)) (*Probes, error) {
	p := &Probes{ping: ping, found: Findings{Hiccup: latency.New()}}
	fail := func(err error) (*Probes, error) {
		p.Stop()
		return nil, fmt.Errorf("start the probes: %w", err)
	}
	if ping != nil {
		p.found.Ping = latency.New()
		p.stop = append(p.stop, func() { ping.Close() })
	}
	client, server, err := loopback(ctx)
	if err != nil {
		return fail(err)
	}
	p.found.Echo = latency.New()
	p.stop = append(p.stop, func() { client.Close(); server.Close() })
	for range 3 {
		w, err := newWaiter()
		if err != nil {
			return fail(err)
		}
		p.waiters = append(p.waiters, w)
		p.stop = append(p.stop, w.Stop)
	}
	p.all.Go(func() { hiccups(p.waiters[0], p.found.Hiccup) })
	p.all.Go(func() { io.Copy(server, server) })
	p.all.Go(func() {
		var b [16]byte
		every(p.waiters[1], p.found.Echo, func() error {
			if _, err := client.Write(b[:]); err != nil {
				return err
			}
			_, err := io.ReadFull(client, b[:])
			return err
		})
	})
	if ping != nil {
		p.all.Go(func() { every(p.waiters[2], p.found.Ping, ping.Ping) })
	}
	return p, nil
}

// Stop ends the probes and returns what they found. A question that is still
// open counts with the time that it has taken so far.
func (p *Probes) Stop() Findings {
	for _, stop := range p.stop {
		stop()
	}
	p.all.Wait()
	for _, w := range p.waiters {
		w.Close()
	}
	return p.found
}

// hiccups waits again and again and notes how late it woke.
func hiccups(w waiter.Waiter, h *latency.Histogram) {
	for {
		from := time.Now()
		if !w.Wait(Period) {
			return
		}
		h.Record(int64(time.Since(from) - Period))
	}
}

// every asks at a fixed schedule. A question that takes longer than a period
// makes the following ones late, and they count from when they were due: the
// probe must not leave out what it is there to find.
func every(w waiter.Waiter, h *latency.Histogram, ask func() error) {
	due := time.Now()
	for {
		if ahead := time.Until(due); ahead > 0 && !w.Wait(ahead) {
			return
		}
		// The timer's own delay is the hiccup meter's matter, not this probe's.
		from := due
		if now := time.Now(); now.Sub(due) < Period {
			from = now
		}
		err := ask()
		h.Record(int64(time.Since(from)))
		if err != nil {
			return
		}
		due = due.Add(Period)
	}
}

// loopback returns both ends of a TCP connection to ourselves.
func loopback(ctx context.Context) (client, server net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	var d net.Dialer
	if client, err = d.DialContext(ctx, "tcp", l.Addr().String()); err != nil {
		return nil, nil, err
	}
	if server, err = l.Accept(); err != nil {
		client.Close()
		return nil, nil, err
	}
	return client, server, nil
}
