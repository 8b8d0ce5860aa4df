package netfault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy forwards connections to one address, with the faults that are on. It is safe
// for concurrent use.
type Proxy struct {
	network, upstream string
	addr              *net.TCPAddr

	state atomic.Pointer[state]
	ctx   context.Context // ends when the proxy is closed
	stop  context.CancelFunc
	wg    sync.WaitGroup // of all goroutines

	mu       sync.Mutex // guards what follows, and changes of state
	faults   []*Fault
	listener net.Listener // nil while it is down
	free     func()       // gives up the port that is reserved while it is down
	sessions map[*session]struct{}

	connections atomic.Int64
	delivered   [2]atomic.Int64
	swallowed   atomic.Int64
}

// Listen starts a proxy in front of an address, "tcp" or "unix", which is not dialled
// before a client comes. Close ends it.
func Listen(network, upstream string) (*Proxy, error) {
	switch network {
	case "tcp", "tcp4", "tcp6", "unix":
	default:
		return nil, fmt.Errorf("network fault: a proxy forwards tcp and unix, not %q", network)
	}
	l, err := listen(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("network fault: start a proxy: %w", err)
	}
	p := &Proxy{network: network, upstream: upstream, addr: l.Addr().(*net.TCPAddr), listener: l, sessions: map[*session]struct{}{}}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.state.Store(together(nil))
	p.wg.Go(func() { p.accept(l) })
	return p, nil
}

// Addr is where clients connect, host:port. It does not change.
func (p *Proxy) Addr() string { return p.addr.String() }

// Begin begins a fault and returns what ends it, which may be called more than once.
// Several faults may overlap. Begin after Close returns [net.ErrClosed].
//
// The end of a fault that is down fails where another process has taken the port, which
// is reserved except on Windows; the proxy then remains down.
func (p *Proxy) Begin(f Fault) (end func() error, err error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	if err := p.change(func() { p.faults = append(p.faults, &f) }); err != nil {
		return nil, errors.Join(err, p.end(&f))
	}
	return sync.OnceValue(func() error { return p.end(&f) }), nil
}

// end ends a fault. Nothing is left to end after Close.
func (p *Proxy) end(f *Fault) error {
	err := p.change(func() {
		p.faults = slices.DeleteFunc(p.faults, func(g *Fault) bool { return g == f })
	})
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// change changes the faults, and brings all connections into the new state.
func (p *Proxy) change(faults func()) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.state.Load()
	if old.closed {
		return net.ErrClosed
	}
	faults()
	now := together(p.faults)
	p.set(old, now)
	var err error
	switch {
	case now.down:
		err = p.refuse()
	case p.listener == nil:
		err = p.listenAgain()
	}
	for s := range p.sessions {
		switch {
		case now.down:
			s.end(false)
		case now.reset:
			s.end(true)
		default:
			s.wake()
		}
	}
	return err
}

// set replaces the state. The caller holds mu.
func (p *Proxy) set(old, now *state) {
	p.state.Store(now)
	close(old.changed)
}

// refuse makes the kernel refuse connections, and keeps the port. The caller holds mu.
func (p *Proxy) refuse() error {
	if p.listener == nil {
		return nil
	}
	free, err := reserve(p.addr)
	p.listener.Close()
	p.listener, p.free = nil, free
	if err != nil {
		return fmt.Errorf("network fault: keep the port %d: %w", p.addr.Port, err)
	}
	return nil
}

// listenAgain accepts connections where it did before. The caller holds mu.
func (p *Proxy) listenAgain() error {
	l, err := listen(p.addr)
	if err != nil {
		return fmt.Errorf("network fault: accept connections again: %w", err)
	}
	p.release()
	p.listener = l
	p.wg.Go(func() { p.accept(l) })
	return nil
}

// release gives up the reserved port. The caller holds mu.
func (p *Proxy) release() {
	if p.free != nil {
		p.free()
		p.free = nil
	}
}

// accept accepts connections until the listener is closed.
func (p *Proxy) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			p.admit(conn)
		case errors.Is(err, net.ErrClosed):
			return
		default: // too many open files, which may pass
			select {
			case <-time.After(10 * time.Millisecond):
			case <-p.ctx.Done():
				return
			}
		}
	}
}

// admit begins a session on a connection, unless a fault ends it at once.
func (p *Proxy) admit(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.connections.Add(1)
	s := newSession(p, conn)
	switch st := p.state.Load(); {
	case st.closed, st.down:
		s.end(false)
	case st.reset:
		s.end(true)
	default:
		p.sessions[s] = struct{}{}
		p.wg.Go(func() {
			s.run()
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(p.sessions, s)
		})
	}
}

// Counts are what the proxy has done so far.
func (p *Proxy) Counts() Counts {
	p.mu.Lock()
	open := len(p.sessions)
	p.mu.Unlock()
	return Counts{
		Connections: p.connections.Load(), Open: int64(open),
		Up: p.delivered[up].Load(), Down: p.delivered[down].Load(), Swallowed: p.swallowed.Load(),
	}
}

// Close closes all connections and waits until every goroutine of the proxy has ended.
func (p *Proxy) Close() error {
	p.mu.Lock()
	if old := p.state.Load(); !old.closed {
		p.set(old, &state{closed: true, changed: make(chan struct{})})
		if p.listener != nil {
			p.listener.Close()
		}
		p.release()
		p.stop()
		for s := range p.sessions {
			s.end(false)
		}
	}
	p.mu.Unlock()
	p.wg.Wait()
	return nil
}
