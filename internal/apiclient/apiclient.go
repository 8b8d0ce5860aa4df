// Package apiclient requests jobs from the user's own API over HTTP and reads their ids
// in the answers. Begin reading at [Client].
package apiclient

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/endpoint"
	"github.com/queuedyno/queuedyno/internal/updates"
)

// Options are those of a [Client]. {{.Tenant}} and {{.Job}} in the URL, the headers and
// the body are the tenant and the number of the job.
type Options struct {
	Method  string // POST if empty
	URL     string // http:// or https://
	Headers map[string]string
	Body    string
	// ID is the path of the job's id in the answer: jobId, .data.id or $.data.id.
	// Empty means jobId.
	ID string
	// Status are the codes that the API answers to a job that it accepted. None
	// means 200 to 299.
	Status []int
	// Connections is how many there are at most, and so how many requests are
	// unanswered at once. A request waits for a connection. Zero means 50.
	Connections int
	// Timeout bounds the wait for a connection and for the answer. Zero means 10 s.
	Timeout time.Duration
	// TLS is the configuration for https. It may be nil.
	TLS *tls.Config
	// Route finds the address to dial in place of another. It may be nil.
	Route endpoint.Route
}

// The defaults.
const (
	defaultConnections = 50
	defaultTimeout     = 10 * time.Second
	defaultID          = "jobId"
)

// MaxAnswer is how large an answer may be. Larger ones are errors.
const MaxAnswer = 1 << 20

// Client sends one request for each job. It speaks HTTP/1.1, also over TLS, so that
// there are as many connections as were asked for; they stay open between requests. It
// uses no proxy, follows no redirect and asks for no compression. Several goroutines
// may use a Client at once.
type Client struct {
	endpoint  *endpoint.Endpoint
	method    string
	body      endpoint.Template
	bodyGiven bool
	path      [][]byte
	pathText  string
	status    []int
	timeout   time.Duration
	transport *http.Transport
	answers   sync.Pool
}

// New makes a client. It connects to nothing. The error is all that is wrong with the
// options, joined.
func New(o Options) (*Client, error) {
	c := &Client{
		method: cmp.Or(o.Method, http.MethodPost), status: slices.Clone(o.Status), timeout: cmp.Or(o.Timeout, defaultTimeout),
		answers: sync.Pool{New: func() any { return new(answer) }},
	}
	var problems []error
	names := []string{endpoint.Tenant, endpoint.Job}
	var err error
	if c.endpoint, err = endpoint.Parse(o.URL, o.Headers, []string{"http", "https"}, names); err != nil {
		problems = append(problems, err)
	}
	if c.body, err = endpoint.ParseTemplate(o.Body, names...); err != nil {
		problems = append(problems, fmt.Errorf("body: %w", err))
	}
	if c.path, err = parsePath(cmp.Or(o.ID, defaultID)); err != nil {
		problems = append(problems, fmt.Errorf("id: %w", err))
	} else {
		c.pathText = updates.Dotted(cmp.Or(o.ID, defaultID))
	}
	if strings.ContainsFunc(c.method, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		problems = append(problems, fmt.Errorf("method: %q is not a method; write it like POST", c.method))
	}
	for _, code := range c.status {
		if code < 200 || code > 599 {
			problems = append(problems, fmt.Errorf("status: %d is not the status code of an answer; write it like 202", code))
		}
	}
	if o.Connections < 0 || o.Timeout < 0 {
		problems = append(problems, errors.New("connections and timeout cannot be negative"))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if t := strings.TrimSpace(o.Body); strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[") {
		c.endpoint.SetDefault("Content-Type", "application/json")
	}
	c.endpoint.SetDefault("Accept", "application/json")
	c.endpoint.SetDefault("User-Agent", "queuedyno")
	c.bodyGiven = o.Body != ""
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	connections := cmp.Or(o.Connections, defaultConnections)
	c.transport = &http.Transport{
		Protocols: &protocols, TLSClientConfig: endpoint.TLSConfig(o.TLS),
		MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections,
		DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
		DialContext: endpoint.Via(&net.Dialer{KeepAlive: 15 * time.Second}, o.Route), TLSHandshakeTimeout: c.timeout,
	}
	return c, nil
}

// Close closes the connections that no request uses.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Address is the URL of the API without user, password and query.
func (c *Client) Address() string { return c.endpoint.Address }

// Check reports whether the API can be reached, by connecting to it. It sends no
// request, and so creates no job; only [Client.Do] finds out whether the API accepts
// one. The error is an [*endpoint.Error].
func (c *Client) Check(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, err := c.transport.DialContext(within, "tcp", c.endpoint.Host)
	if err == nil {
		if c.endpoint.TLS {
			config := c.transport.TLSClientConfig.Clone()
			if config.ServerName == "" {
				config.ServerName, _, _ = net.SplitHostPort(c.endpoint.Host)
			}
			secure := tls.Client(conn, config)
			err = secure.HandshakeContext(within)
		}
		conn.Close()
	}
	if err != nil {
		return c.endpoint.Explain("connect to", ctx, err)
	}
	return nil
}

// parsePath reads jobId, .data.id or $.data.id.
func parsePath(text string) ([][]byte, error) { return updates.ParsePath(updates.Dotted(text)) }
