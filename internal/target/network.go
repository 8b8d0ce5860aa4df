package target

import (
	"errors"
	"fmt"

	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/internal/netfault"
	"github.com/queuedyno/queuedyno/scenario"
)

// Network are the proxies of the pools that a scenario has faults of the network for.
// All other connections are direct. It is safe for concurrent use.
type Network struct {
	ways map[scenario.FaultTarget]*netfault.Proxies
}

var _ fault.Network = (*Network)(nil)

// NewNetwork prepares the proxies for the faults, nil where no fault is one of the
// network. It starts none: each is started for the first connection that takes it.
func NewNetwork(faults []scenario.Fault) *Network {
	n := &Network{ways: map[scenario.FaultTarget]*netfault.Proxies{}}
	for _, f := range faults {
		if f.Kind == scenario.NetworkFault && n.ways[f.Target] == nil {
			n.ways[f.Target] = &netfault.Proxies{}
		}
	}
	if len(n.ways) == 0 {
		return nil
	}
	return n
}

// Route is for [jobqueue.Config].
func (n *Network) Route(pool, network, addr string) (string, error) {
	way := n.ways[scenario.FaultTarget(pool)]
	if way == nil {
		return "", nil
	}
	return way.Route(network, addr)
}

// Break begins a fault in the way of a pool, and returns what ends it.
func (n *Network) Break(pool scenario.FaultTarget, f scenario.Network) (repair func() error, err error) {
	way := n.ways[pool]
	if way == nil {
		return nil, fmt.Errorf("the connections of the %s have no proxy", pool)
	}
	return way.Begin(netfault.Fault{
		Latency: f.Latency, Jitter: f.Jitter, Bandwidth: f.Bandwidth,
		Down: f.Down, Reset: f.Reset, Swallow: f.Swallow,
	})
}

// Way finds the address of the proxy of a pool, nil for a pool without a fault.
func (n *Network) Way(pool scenario.FaultTarget) func(network, addr string) (at string, err error) {
	if way := n.ways[pool]; way != nil {
		return way.Route
	}
	return nil
}

// Close ends the proxies.
func (n *Network) Close() error {
	var errs []error
	for _, way := range n.ways {
		errs = append(errs, way.Close())
	}
	return errors.Join(errs...)
}
