package redisconn

import "fmt"

// Ping is a connection that only carries PINGs, to see how long the server takes to
// answer. It belongs to one goroutine, except that Close may be called from another.
type Ping struct{ w *Wire }

// NewPing makes a Ping of a connection that is used for nothing else.
func NewPing(w *Wire) *Ping { return &Ping{w} }

// Ping returns when the answer has been read.
func (p *Ping) Ping() error {
	p.w.Out = append(p.w.Out, PingCommand...)
	err := p.w.Flush()
	if err == nil {
		err = p.w.ExpectWithin(0)
	}
	if err == nil {
		_, _, err = p.w.In.Head()
		err = p.w.Broken(err)
	}
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}

// Close ends the connection and a Ping that waits.
func (p *Ping) Close() error { return p.w.Close() }
