package jobqueue

import "fmt"

// Ping is a connection that only carries PINGs, to see how long the server takes to
// answer. It belongs to one goroutine, except that Close may be called from another.
type Ping struct{ w *wire }

// newPing makes a Ping of a connection that is used for nothing else.
func newPing(w *wire) *Ping { return &Ping{w} }

// Ping returns when the answer has been read.
func (p *Ping) Ping() error {
	p.w.out = append(p.w.out, pingCommand...)
	err := p.w.flush()
	if err == nil {
		err = p.w.expect(0)
	}
	if err == nil {
		_, _, err = p.w.in.head()
		err = p.w.broken(err)
	}
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}

// Close ends the connection and a Ping that waits.
func (p *Ping) Close() error { return p.w.close() }
