package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// listener is a WebSocket client of the API, with another library than the
// API's.
type listener struct {
	t    *testing.T
	conn *websocket.Conn
}

func listen(t *testing.T, api, tenant string) *listener {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), socketURL(api, tenant), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &listener{t, conn}
}

func socketURL(api, tenant string) string {
	return "ws" + strings.TrimPrefix(api, "http") + "/ws?tenant=" + url.QueryEscape(tenant)
}

// read returns the next message.
func (l *listener) read() ([]byte, error) {
	if err := l.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	_, message, err := l.conn.ReadMessage()
	return message, err
}

func (l *listener) next() jobqueue.Update {
	l.t.Helper()
	message, err := l.read()
	if err != nil {
		l.t.Fatal(err)
	}
	u, err := jobqueue.ParseUpdate(message)
	if err != nil {
		l.t.Fatal(err)
	}
	return u
}

// until reads up to the message with the status of a job, and returns how often each
// job had an end.
func (l *listener) until(id string, status jobqueue.Status) (ends map[string]int) {
	l.t.Helper()
	ends = map[string]int{}
	for {
		u := l.next()
		if u.Status != jobqueue.Running {
			ends[u.JobID]++
		}
		if u.JobID == id && u.Status == status {
			return ends
		}
	}
}

// rest returns how often each job ended in what a tenant's client has not read yet.
// It publishes one more message: what was published before arrives before it.
func (l *listener) rest(s *system, tenant string) map[string]int {
	l.t.Helper()
	const last = "the last"
	if _, err := s.queue.Publish(l.t.Context(), jobqueue.Update{TenantID: tenant, JobID: last, Status: jobqueue.Completed}); err != nil {
		l.t.Fatal(err)
	}
	ends := l.until(last, jobqueue.Completed)
	delete(ends, last)
	return ends
}
