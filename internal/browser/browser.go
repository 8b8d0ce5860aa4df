// Package browser connects WebSocket clients to the user's API, as browsers do, and
// reads the updates of jobs in their messages. Begin reading at [Open].
package browser

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/queuedyno/queuedyno/internal/endpoint"
	"github.com/queuedyno/queuedyno/internal/reconnect"
	"github.com/queuedyno/queuedyno/internal/updates"
)

// Options are those of [Open]. {{.Tenant}} in the URL, the headers and the first
// message is the tenant of the client.
type Options struct {
	URL     string // ws:// or wss://
	Headers map[string]string
	// Subprotocol is what the clients ask for, First what they send first. Empty means
	// nothing.
	Subprotocol, First string
	// Clients is how many connect. Zero means one. Client i has the tenant
	// Tenants[i % len(Tenants)].
	Clients int
	Tenants []string
	// Mapping says where a message has the id and the status, and which words mean
	// what. The zero Mapping is the documented form.
	Mapping updates.Mapping
	// Limit is how large a message may be. A larger one ends the connection. Zero means
	// 1 MiB.
	Limit int64
	// Timeout bounds one handshake. Zero means 10 s.
	Timeout time.Duration
	// Settle is how long Open waits after the last handshake for servers that close the
	// connection right after it. Zero means 200 ms.
	Settle time.Duration
	// Policy is how a lost connection is opened again.
	Policy reconnect.Policy
	// TLS is the configuration for wss. It may be nil.
	TLS *tls.Config
	// Route finds the address to dial in place of another. It may be nil.
	Route endpoint.Route

	// Heard is called for each update, in the goroutine of the client. at is when the
	// message had been read. The update is valid until Heard returns.
	Heard func(client int, at time.Time, update updates.View)
	// Ignored is called for each message, and each element of an array, that is not an
	// update. It may be nil. The message is valid until Ignored returns.
	Ignored func(client int, message []byte, err error)
	// Gap is called when a client is connected again, before it hears anything, and
	// when Close ends a gap. It may be nil.
	Gap func(Gap)
}

// Gap is a time in which a client was not connected.
type Gap struct {
	Client int
	// From is when the client noticed the loss, To when it was connected again.
	From, To time.Time
	// Err is the loss.
	Err error
	// Ended says that Close ended the gap, not a connection.
	Ended bool
}

// Clients are WebSocket clients that are connected.
type Clients struct {
	o         Options
	endpoint  *endpoint.Endpoint
	first     endpoint.Template
	perTenant bool
	http      *http.Client
	all       []*client
	ctx       context.Context
	cancel    context.CancelFunc
	wg        sync.WaitGroup
	closing   sync.Once
	lost      chan error // the first losses
}

// Open connects all clients, sends their first messages and waits for the handshakes.
// If one cannot connect, none stays connected. The error is an [*endpoint.Error] unless
// the options are wrong.
func Open(ctx context.Context, o Options) (*Clients, error) {
	o.Clients, o.Limit = cmp.Or(o.Clients, 1), cmp.Or(o.Limit, 1<<20)
	o.Timeout, o.Settle = cmp.Or(o.Timeout, 10*time.Second), cmp.Or(o.Settle, 200*time.Millisecond)
	if len(o.Tenants) == 0 {
		o.Tenants = []string{""}
	}
	c := &Clients{o: o, lost: make(chan error, 1)}
	e, err := endpoint.Parse(o.URL, o.Headers, []string{"ws", "wss"}, []string{endpoint.Tenant})
	first, mistake := endpoint.ParseTemplate(o.First, endpoint.Tenant)
	if mistake != nil {
		mistake = fmt.Errorf("first message: %w", mistake)
	}
	if err := errors.Join(err, mistake); err != nil {
		return nil, err
	}
	c.endpoint, c.first = e, first
	c.perTenant = e.Has(endpoint.Tenant) || first.Has(endpoint.Tenant)
	scheme := "http://"
	if e.TLS {
		scheme = "https://"
	}
	e.SetDefault("Origin", scheme+e.Host) // as a page of the API's host
	e.SetDefault("User-Agent", "queuedyno")
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	transport := &http.Transport{
		Protocols: &protocols, TLSClientConfig: endpoint.TLSConfig(o.TLS), DisableKeepAlives: true,
		DialContext: endpoint.Via(&net.Dialer{}, o.Route),
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	for i := range o.Clients {
		c.all = append(c.all, &client{of: c, index: i, tenant: o.Tenants[i%len(o.Tenants)]})
	}
	if err := c.connect(ctx); err != nil {
		c.Close()
		return nil, err
	}
	for _, one := range c.all {
		c.wg.Go(one.run)
	}
	settled := time.NewTimer(o.Settle)
	defer settled.Stop()
	select {
	case <-settled.C:
		return c, nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case err = <-c.lost:
	}
	c.Close()
	return nil, err
}

// connect connects all clients, some at once. Its error is the first.
func (c *Clients) connect(ctx context.Context) error {
	const atOnce = 32
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, one := range c.all {
		g.Go(func() error { return one.connect(ctx) })
	}
	return g.Wait()
}

// Listeners are the clients that hear the jobs of Tenants[tenant]: those with that
// tenant, or all if neither URL nor headers nor first message name a tenant.
func (c *Clients) Listeners(tenant int) []int {
	var all []int
	for i := range c.all {
		if !c.perTenant || i%len(c.o.Tenants) == tenant {
			all = append(all, i)
		}
	}
	return all
}

// PerTenant reports whether a client hears its tenant only.
func (c *Clients) PerTenant() bool { return c.perTenant }

// Address is the URL without user, password and query.
func (c *Clients) Address() string { return c.endpoint.Address }

// Close disconnects all clients and waits for their goroutines. No callback runs after
// it.
func (c *Clients) Close() {
	c.closing.Do(func() {
		c.cancel()
		var wg sync.WaitGroup
		for _, one := range c.all {
			wg.Go(one.disconnect)
		}
		wg.Wait()
	})
	c.wg.Wait()
}
