package browser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/queuedyno/queuedyno/internal/endpoint"
	"github.com/queuedyno/queuedyno/internal/jsonscan"
	"github.com/queuedyno/queuedyno/internal/reconnect"
)

// client is one WebSocket client.
type client struct {
	of     *Clients
	index  int
	tenant string

	mu     sync.Mutex
	conn   *websocket.Conn
	socket net.Conn // below conn
	closed bool

	buf   bytes.Buffer
	since time.Time // the last message, or the connection

	_ [64]byte // no cache line is shared between clients
}

// connect connects and sends the first message.
func (c *client) connect(ctx context.Context) error {
	e, o := c.of.endpoint, &c.of.o
	u, err := e.URL(c.tenant, 0)
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	var socket net.Conn
	traced := httptrace.WithClientTrace(within, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { socket = i.Conn }})
	dial := &websocket.DialOptions{HTTPClient: c.of.http, HTTPHeader: e.Header(c.tenant, 0)}
	if host := dial.HTTPHeader["Host"]; len(host) > 0 {
		dial.Host = host[0]
	}
	if o.Subprotocol != "" {
		dial.Subprotocols = []string{o.Subprotocol}
	}
	conn, res, err := websocket.Dial(traced, u.String(), dial)
	if err != nil {
		return c.refused(ctx, res, err)
	}
	if o.Subprotocol != "" && conn.Subprotocol() == "" {
		conn.CloseNow()
		return &endpoint.Error{Op: "connect to", Address: e.Address, Kind: endpoint.Protocol,
			Err: fmt.Errorf("the server does not speak the subprotocol %s, and a browser would give up", o.Subprotocol), Remedy: "correct the subprotocol, or remove it"}
	}
	conn.SetReadLimit(o.Limit)
	if o.First != "" {
		if err := conn.Write(within, websocket.MessageText, []byte(c.of.first.String(c.tenant, 0))); err != nil {
			conn.CloseNow()
			return e.Explain("send the first message to", ctx, err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		conn.CloseNow()
		return context.Canceled
	}
	c.conn, c.socket, c.since = conn, socket, time.Now()
	return nil
}

// disconnect says goodbye and closes the connection, after a second in any case.
func (c *client) disconnect() {
	c.mu.Lock()
	c.closed = true
	conn, socket := c.conn, c.socket
	c.mu.Unlock()
	if conn == nil {
		return
	}
	force := time.AfterFunc(time.Second, func() { socket.Close() })
	defer force.Stop()
	conn.Close(websocket.StatusGoingAway, "")
}

// run reads messages until Close, over one connection after another.
func (c *client) run() {
	for {
		err := c.read()
		from := time.Now()
		if c.of.ctx.Err() != nil {
			return
		}
		gap := Gap{Client: c.index, From: from, Err: c.explainLoss(err)}
		select {
		case c.of.lost <- gap.Err:
		default:
		}
		c.reconnect(&gap)
		if c.of.o.Gap != nil {
			c.of.o.Gap(gap)
		}
		if gap.Ended {
			return
		}
	}
}

// reconnect connects again, and completes the gap.
func (c *client) reconnect(gap *Gap) {
	c.conn.CloseNow()
	for failures := 1; ; failures++ {
		reconnect.Wait(c.of.o.Policy.Pause(failures), c.of.ctx.Done())
		if c.of.ctx.Err() == nil {
			if c.connect(c.of.ctx) == nil {
				gap.To = c.since
				return
			}
		}
		if c.of.ctx.Err() != nil {
			gap.To, gap.Ended = time.Now(), true
			return
		}
	}
}

// read reads messages until the connection is lost. Its context has no end, which would
// cost a timer for each frame: disconnect ends it.
func (c *client) read() error {
	for {
		_, r, err := c.conn.Reader(context.Background())
		if err != nil {
			return err
		}
		c.buf.Reset()
		if _, err := c.buf.ReadFrom(r); err != nil {
			return err
		}
		c.since = time.Now()
		c.hear(c.buf.Bytes())
	}
}

// hear reads a message, which is an update or an array of updates.
func (c *client) hear(message []byte) {
	if !jsonscan.IsArray(message) {
		c.one(message)
		return
	}
	all := jsonscan.Array(message)
	for all.Next() {
		c.one(all.Value)
	}
	if err := all.End(); err != nil {
		c.ignore(message, err)
	}
}

func (c *client) one(message []byte) {
	update, err := c.of.o.Mapping.View(message)
	if err != nil {
		c.ignore(message, err)
		return
	}
	c.of.o.Heard(c.index, c.since, update)
}

func (c *client) ignore(message []byte, err error) {
	if c.of.o.Ignored != nil {
		c.of.o.Ignored(c.index, message, err)
	}
}

// explainLoss is the error of a connection that was lost.
func (c *client) explainLoss(err error) error {
	e := c.of.endpoint
	lost := &endpoint.Error{Op: "read from", Address: e.Address, Kind: endpoint.Closed}
	var bye websocket.CloseError
	switch {
	case errors.As(err, &bye):
		lost.Err = fmt.Errorf("the server closed the connection with code %d", int(bye.Code))
		if bye.Reason != "" {
			lost.Err = fmt.Errorf("%w: %s", lost.Err, e.Excerpt([]byte(bye.Reason)))
		}
		lost.Remedy = "see the log of the API; if it closes every connection at once, correct the headers, the subprotocol or the first message"
	case errors.Is(err, websocket.ErrMessageTooBig):
		lost.Kind, lost.Err = endpoint.TooLarge, fmt.Errorf("a message is larger than %d KiB", c.of.o.Limit>>10)
		lost.Remedy = "let the API send one update in a message, or a few"
	default:
		x := e.Explain("read from", c.of.ctx, err)
		if x.Kind == endpoint.Closed {
			x.Err = fmt.Errorf("the server closed the connection")
			x.Remedy = "see the log of the API; if it closes every connection at once, correct the headers, the subprotocol or the first message"
		}
		return x
	}
	return lost
}

// refused is the error of a handshake.
func (c *client) refused(ctx context.Context, res *http.Response, err error) error {
	e := c.of.endpoint
	if res == nil {
		return e.Explain("connect to", ctx, err)
	}
	x := &endpoint.Error{Op: "connect to", Address: e.Address, Kind: endpoint.Status, Status: res.StatusCode}
	text := fmt.Sprintf("the server answered %d %s, not a WebSocket", res.StatusCode, http.StatusText(res.StatusCode))
	if res.Body != nil {
		if answer, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10)); len(answer) > 0 {
			text += ": " + e.Excerpt(answer)
		}
	}
	switch code := res.StatusCode; {
	case code == http.StatusSwitchingProtocols:
		x.Kind, text = endpoint.Protocol, "the server does not complete the handshake as WebSocket demands"
		x.Remedy = "correct the subprotocol or the path of the URL, or see the log of the API"
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		x.Remedy = "set the header that the API asks for, such as Authorization, Cookie or Origin, or correct its value"
	case code == http.StatusUpgradeRequired:
		x.Remedy = "the API asks for another protocol or version; correct the path or the subprotocol"
	case code >= 300 && code <= 399:
		x.Kind, x.Remedy = endpoint.Redirect, "redirects are not followed; write the URL to which the API redirects"
	case code >= 500:
		x.Remedy = "see the log of the API, and of a proxy in between"
	default:
		x.Remedy = "correct the path of the URL to that of the WebSocket"
	}
	x.Err = errors.New(text)
	return x
}
