package endpoint

import (
	"context"
	"net"
)

// Route finds the address to dial in place of another, as for a proxy; an empty one means
// the same address. Several goroutines may call it at once.
type Route func(network, addr string) (at string, err error)

// Via dials by way of the addresses that route finds, or directly if it is nil. TLS still
// expects the name of the address that was asked for.
func Via(d *net.Dialer, route Route) func(ctx context.Context, network, addr string) (net.Conn, error) {
	if route == nil {
		return d.DialContext
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		at, err := route(network, addr)
		if err != nil {
			return nil, err
		}
		if at != "" {
			network, addr = "tcp", at
		}
		return d.DialContext(ctx, network, addr)
	}
}
