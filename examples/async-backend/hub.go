package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	// clientBuffer is how many messages a client may be behind before it is
	// disconnected. A client never makes another one wait.
	clientBuffer = 256
	// writeTimeout limits one message: a client that takes nothing for so long is
	// gone. pingInterval finds clients that are gone and are sent nothing.
	writeTimeout = 10 * time.Second
	pingInterval = 30 * time.Second
)

// hub knows the WebSocket clients of each tenant. The zero value is ready.
type hub struct {
	mu      sync.Mutex
	clients map[string]map[*client]struct{}
	closed  bool
	serving sync.WaitGroup
}

// client is one WebSocket. When messages is closed, the client is sent what is
// left in it, and then the reason.
type client struct {
	messages chan []byte
	code     websocket.StatusCode
	reason   string
}

// broadcast passes a message to the clients of a tenant. It never waits: a client
// whose buffer is full is disconnected, and reads what it missed from the API.
func (h *hub) broadcast(tenant string, message []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.clients[tenant] {
		select {
		case c.messages <- message:
		default:
			h.drop(tenant, c, websocket.StatusPolicyViolation, "too slow: messages were dropped")
		}
	}
}

// drop ends a client. The caller holds the lock.
func (h *hub) drop(tenant string, c *client, code websocket.StatusCode, reason string) {
	if _, there := h.clients[tenant][c]; !there {
		return
	}
	delete(h.clients[tenant], c)
	if len(h.clients[tenant]) == 0 {
		delete(h.clients, tenant)
	}
	c.code, c.reason = code, reason
	close(c.messages)
}

// add returns a new client, or nil if the hub is closed.
func (h *hub) add(tenant string) *client {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	c := &client{messages: make(chan []byte, clientBuffer)}
	if h.clients == nil {
		h.clients = map[string]map[*client]struct{}{}
	}
	if h.clients[tenant] == nil {
		h.clients[tenant] = map[*client]struct{}{}
	}
	h.clients[tenant][c] = struct{}{}
	h.serving.Add(1)
	return c
}

func (h *hub) remove(tenant string, c *client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(tenant, c, websocket.StatusNormalClosure, "")
	h.serving.Done()
}

// close sends every client what it has not had yet, disconnects all, and waits.
func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	for tenant, clients := range h.clients {
		for c := range clients {
			h.drop(tenant, c, websocket.StatusGoingAway, "shutting down")
		}
	}
	h.mu.Unlock()
	h.serving.Wait()
}

// serve is the life of one WebSocket.
func (h *hub) serve(w http.ResponseWriter, r *http.Request, tenant string) {
	// The client counts before it is answered: it misses nothing that is
	// published after its handshake.
	c := h.add(tenant)
	if c == nil {
		respondError(w, http.StatusServiceUnavailable, "shutting down")
		return
	}
	defer h.remove(tenant, c)
	conn, err := websocket.Accept(w, r, nil) // checks the Origin of browsers
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	// Clients send nothing. CloseRead answers their pings and sees them leave.
	ctx := conn.CloseRead(r.Context())
	pings := time.NewTicker(pingInterval)
	defer pings.Stop()
	for err == nil {
		select {
		case message, open := <-c.messages:
			if !open {
				_ = conn.Close(c.code, c.reason)
				return
			}
			err = within(ctx, func(ctx context.Context) error { return conn.Write(ctx, websocket.MessageText, message) })
		case <-pings.C:
			err = within(ctx, conn.Ping)
		case <-ctx.Done():
			return
		}
	}
}

// within calls f with a context that ends after writeTimeout.
func within(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return f(ctx)
}
