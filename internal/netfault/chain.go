package netfault

import (
	"bytes"
	"sync"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// chain is what data goes through in one direction of a connection while a fault slows
// or swallows it. Its goroutines end after close or dissolve, once the other end takes
// what is under way or is closed.
type chain struct {
	in     chan *stream.StreamChunk
	closed bool
	rate   int64
	stages []*stage
	done   chan struct{} // closed when all is delivered
	wg     sync.WaitGroup
}

// newChain makes the chain of a state, nil for one that leaves the direction alone.
// deliver writes what comes out, until it returns false.
func newChain(s *state, direction int, deliver func([]byte) bool) *chain {
	w := s.way[direction]
	c := &chain{in: make(chan *stream.StreamChunk), done: make(chan struct{}), rate: w.rate}
	out := (<-chan *stream.StreamChunk)(c.in)
	switch {
	case s.swallow:
		out = c.add(&toxics.TimeoutToxic{}, out, 0, false)
	case w == way{}:
		return nil
	default:
		// The bandwidth comes first: it holds one chunk at a time, so that little waits
		// for it when the fault ends.
		if w.rate > 0 {
			out = c.add(&toxics.BandwidthToxic{Rate: w.rate}, out, 0, false)
		}
		if w.latency > 0 {
			if w.rate > 0 {
				out = c.add(restamp{}, out, 0, false)
			}
			toxic := &toxics.LatencyToxic{Latency: w.latency, Jitter: w.jitter}
			out = c.add(toxic, out, toxic.GetBufferSize(), true)
		}
	}
	go func() {
		defer close(c.done)
		ok := true
		for chunk := range out {
			ok = ok && deliver(chunk.Data)
		}
		c.wg.Wait()
	}()
	return c
}

// stage is a toxic at work.
type stage struct {
	stub *toxics.ToxicStub
	// hurry is whether the toxic can be interrupted. Toxiproxy's bandwidth cannot: it
	// would log to standard error.
	hurry bool
	done  chan struct{}
}

// add puts a toxic at the end of the chain. The toxic has a buffer of that many chunks.
func (c *chain) add(toxic toxics.Toxic, in <-chan *stream.StreamChunk, buffer int, hurry bool) (out <-chan *stream.StreamChunk) {
	if buffer > 0 {
		in = c.buffered(in, buffer)
	}
	next := make(chan *stream.StreamChunk)
	s := &stage{stub: toxics.NewToxicStub(in, next), hurry: hurry, done: make(chan struct{})}
	c.stages = append(c.stages, s)
	c.wg.Go(func() {
		defer close(s.done)
		toxic.Pipe(s.stub)
		if s.stub.Closed() {
			return
		}
		for chunk := range in { // interrupted
			next <- chunk
		}
		s.stub.Close()
	})
	return next
}

// buffered is the channel with a buffer.
func (c *chain) buffered(in <-chan *stream.StreamChunk, size int) <-chan *stream.StreamChunk {
	out := make(chan *stream.StreamChunk, size)
	c.wg.Go(func() {
		defer close(out)
		for chunk := range in {
			out <- chunk
		}
	})
	return out
}

// chunk is a copy of the data.
func chunk(data []byte, arrived time.Time) *stream.StreamChunk {
	return &stream.StreamChunk{Data: bytes.Clone(data), Timestamp: arrived}
}

// piece is the first part of the data that may be one chunk. One takes at most 100 ms,
// so that a limit of bandwidth ends soon.
func (c *chain) piece(data []byte) []byte {
	if c.rate > 0 {
		return data[:min(len(data), int(min(c.rate*100, bufferSize)))]
	}
	return data
}

// close says that no more goes in. What is in comes out as the fault has it.
func (c *chain) close() {
	if !c.closed {
		c.closed = true
		close(c.in)
	}
}

// dissolve lets out at once what is in, and waits until it is delivered or the other
// end is closed. A chunk in the limit of bandwidth still takes its time.
func (c *chain) dissolve() {
	c.close()
	for _, s := range c.stages {
		if !s.hurry {
			continue
		}
		select {
		case s.stub.Interrupt <- struct{}{}:
		case <-s.done:
		}
	}
	<-c.done
}

// restamp lets a delay begin when data has come so far, and not when it arrived.
type restamp struct{}

func (restamp) Pipe(s *toxics.ToxicStub) {
	for chunk := range s.Input {
		chunk.Timestamp = time.Now()
		s.Output <- chunk
	}
	s.Close()
}
