package engine

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/browser"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
)

// Readers are WebSocket clients of the user's API.
type Readers interface {
	// Open connects all of them. From then on what they read is passed to the events,
	// by one goroutine for each client.
	Open(ctx context.Context, e ReaderEvents) error
	// Close disconnects them; no event comes after it has returned.
	Close()
}

// ReaderEvents are what becomes of WebSocket clients, which are numbered from 0.
type ReaderEvents struct {
	// Heard is called for each update that a client read. The update is valid during
	// the call.
	Heard func(client int, at time.Time, update updates.View)
	// Ignored is called for each message that is not an update.
	Ignored func(client int, message []byte, why error)
	// Gap is called when a client has its connection back.
	Gap func(client int, lost error, gap time.Duration)
}

// readers are the WebSocket clients of a run, and who of them should read what.
type readers struct {
	clients Readers
	each    []*listener
	live    atomic.Bool // the load has begun: what is read may be about its jobs
	// understood is true when an update was read, ignored counts other messages, and
	// first quotes the first of them.
	understood atomic.Bool
	ignored    atomic.Int64
	first      atomic.Pointer[string]
	// perTenant is how many clients each tenant has, nil when all read everything.
	perTenant []int32
}

// of is how many clients should read the end of a job of that tenant.
func (r *readers) of(tenant int) int32 {
	if r.perTenant == nil {
		return int32(len(r.each))
	}
	return r.perTenant[tenant]
}

// openReaders connects the WebSocket clients.
func (r *run) openReaders() error {
	exit := r.s.Exit.WebSocket
	if exit.URL == "" {
		return nil
	}
	open := r.o.OpenReaders
	if open == nil {
		open = r.newReaders
	}
	clients, err := open(exit, max(1, r.s.Tenants.Count))
	if err != nil {
		return err
	}
	all := &readers{clients: clients}
	if exit.PerTenant() {
		all.perTenant = make([]int32, max(1, r.s.Tenants.Count))
	}
	for i := range exit.Clients {
		l := &listener{reader: true}
		r.listen(l)
		all.each = append(all.each, l)
		if all.perTenant != nil {
			all.perTenant[i%len(all.perTenant)]++
		}
	}
	for i, l := range all.each {
		l.alone = all.of(i%max(1, r.s.Tenants.Count)) == 1
		l.begins = r.s.Subscribers == 0 && i < max(1, len(all.perTenant)) // the first that reads of the job
	}
	r.account.readers = all
	return clients.Open(r.ctx, ReaderEvents{
		Heard: func(client int, at time.Time, u updates.View) {
			if all.live.Load() {
				all.understood.Store(true)
				all.each[client].read(u.JobID, u.Status, int64(at.Sub(r.epoch)))
			}
		},
		Ignored: func(_ int, message []byte, why error) {
			if all.live.Load() && all.ignored.Add(1) == 1 {
				first := fmt.Sprintf("%.120q (%s)", message, why)
				all.first.Store(&first)
			}
		},
		Gap: func(_ int, lost error, gap time.Duration) {
			if r.ctx.Err() == nil && all.live.Load() {
				r.problem("read", lost)
				r.reconnect("read", lost, gap, false)
			}
		},
	})
}

// warnOfReaders says that no client understood anything, if that is so. Other messages
// are normal where some are updates: greetings, heartbeats.
func (r *run) warnOfReaders() {
	if all := r.readers; all != nil && !all.understood.Load() && all.ignored.Load() > 0 {
		r.warn("WebSocket clients read %d messages, and none was an update with a job's id and status; the first: %s", all.ignored.Load(), *all.first.Load())
	}
}

// read notes what a WebSocket client read about a job.
func (l *listener) read(id []byte, status jobqueue.Status, at int64) {
	n, o, early := l.identify(id, status, at)
	if early || o != flight.Ours {
		return // the API passes on the ends of the jobs of others, too
	}
	l.heard(n, at, status)
	l.r.done(n, id)
}

// heard notes that the work on job n has begun, or that it has ended.
func (l *listener) heard(n, at int64, status jobqueue.Status) {
	switch status {
	case jobqueue.Running:
		l.running(n, at)
	case jobqueue.Completed, jobqueue.Failed:
		l.ended(n, at, status, 0)
	}
}

// expect sets how many listeners should receive the end of a job.
func (a *account) expect(j *flight.Job, tenant int) {
	switch {
	case a.readers == nil:
	case a.blackBox:
		j.Left.Store(a.readers.of(tenant))
	default:
		j.Unread.Store(a.readers.of(tenant))
	}
}

// closeReaders disconnects the WebSocket clients.
func (r *run) closeReaders() {
	if r.readers != nil {
		r.readers.clients.Close()
	}
}

// Listening is the number of listeners that may receive a job's end.
func listening(s scenario.Scenario) int { return s.Subscribers + s.Exit.WebSocket.Clients }

// newReaders is the WebSocket clients of package browser.
func (r *run) newReaders(exit scenario.WebSocketExit, tenants int) (Readers, error) {
	exit, err := exit.Expand(os.LookupEnv)
	if err != nil {
		return nil, err
	}
	mapping, err := mappingOf(exit)
	if err != nil {
		return nil, err
	}
	b := &browsers{o: browser.Options{
		URL: exit.URL, Headers: exit.Headers, Subprotocol: exit.Subprotocol, First: exit.Message, Clients: exit.Clients, Mapping: mapping,
		Policy: subscribersPolicy, Route: r.way(scenario.ExitTarget),
	}}
	for i := range tenants {
		b.o.Tenants = append(b.o.Tenants, flight.TenantName(i))
	}
	return b, nil
}

// browsers are the clients of package browser.
type browsers struct {
	o   browser.Options
	all *browser.Clients
}

func (b *browsers) Open(ctx context.Context, e ReaderEvents) (err error) {
	b.o.Heard, b.o.Ignored = e.Heard, e.Ignored
	b.o.Gap = func(g browser.Gap) {
		if !g.Ended {
			e.Gap(g.Client, g.Err, g.To.Sub(g.From))
		}
	}
	b.all, err = browser.Open(ctx, b.o)
	return err
}

func (b *browsers) Close() {
	if b.all != nil {
		b.all.Close()
	}
}

// mappingOf says where the messages of an exit hold what is read.
func mappingOf(exit scenario.WebSocketExit) (updates.Mapping, error) {
	if exit.ID == "jobId" && exit.Status == "status" && exit.Tenant == "" {
		return updates.Mapping{}, nil
	}
	text := "id=" + updates.Dotted(exit.ID) + ",status=" + updates.Dotted(exit.Status)
	if exit.Tenant != "" {
		text += ",tenant=" + updates.Dotted(exit.Tenant)
	}
	return updates.ParseMapping(text)
}
