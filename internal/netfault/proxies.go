package netfault

import (
	"errors"
	"net"
	"sync"
)

// Proxies are the proxies of one group of clients, such as the consumers: one for each
// address that they dial, started when it is first asked for. They work with a cluster
// and behind sentinels, since the address is replaced after it was found. The zero
// value is ready. They are safe for concurrent use.
type Proxies struct {
	mu     sync.Mutex
	closed bool
	at     map[target]*Proxy
	faults map[*Fault][]func() error // what ends each, in every proxy
}

// target is an address that is dialled.
type target struct{ network, addr string }

// Route returns the loopback address, host:port, to dial by TCP in place of an address.
// A client of TLS must still expect the name of the address that it has asked for.
func (ps *Proxies) Route(network, addr string) (proxied string, err error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.closed {
		return "", net.ErrClosed
	}
	if p := ps.at[target{network, addr}]; p != nil {
		return p.Addr(), nil
	}
	p, err := Listen(network, addr)
	if err != nil {
		return "", err
	}
	for f, ends := range ps.faults {
		end, err := p.Begin(*f)
		if err != nil {
			return "", errors.Join(err, p.Close())
		}
		ps.faults[f] = append(ends, end)
	}
	if ps.at == nil {
		ps.at = map[target]*Proxy{}
	}
	ps.at[target{network, addr}] = p
	return p.Addr(), nil
}

// Begin begins a fault in all proxies, those included that are started while it is on,
// and returns what ends it, which may be called more than once. Several faults may
// overlap.
func (ps *Proxies) Begin(f Fault) (end func() error, err error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.closed {
		return nil, net.ErrClosed
	}
	var ends []func() error
	for _, p := range ps.at {
		end, err := p.Begin(f)
		if err != nil {
			return nil, errors.Join(err, all(ends))
		}
		ends = append(ends, end)
	}
	if ps.faults == nil {
		ps.faults = map[*Fault][]func() error{}
	}
	ps.faults[&f] = ends
	return sync.OnceValue(func() error {
		ps.mu.Lock()
		defer ps.mu.Unlock()
		ends := ps.faults[&f]
		delete(ps.faults, &f)
		return all(ends)
	}), nil
}

// all calls each of them.
func all(fs []func() error) error {
	var errs []error
	for _, f := range fs {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// Counts are the sums over all proxies.
func (ps *Proxies) Counts() Counts {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var sum Counts
	for _, p := range ps.at {
		c := p.Counts()
		sum.Connections += c.Connections
		sum.Open += c.Open
		sum.Up += c.Up
		sum.Down += c.Down
		sum.Swallowed += c.Swallowed
	}
	return sum
}

// Close closes all proxies and waits for their goroutines. What ends a fault does
// nothing after that.
func (ps *Proxies) Close() error {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.closed = true
	var errs []error
	for _, p := range ps.at {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}
