package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/apiclient"
	"github.com/queuedyno/queuedyno/internal/endpoint"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/idmatch"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// API takes in jobs. Its methods may be called by several goroutines at once.
type API interface {
	// Do requests one job and appends its id to dst.
	Do(ctx context.Context, tenant string, job int64, dst []byte) ([]byte, error)
	// Check reports whether the API can be reached.
	Check(ctx context.Context) error
	Close()
}

// apiDoor requests jobs from the user's API, one at a time.
type apiDoor struct {
	r       *run
	tally   *ledger.Tally
	shard   *record.Shard
	id      []byte
	early   []idmatch.Hearing
	failing time.Time // since when every request failed
}

func (d *apiDoor) close() {}

// admit requests each job of a group.
func (d *apiDoor) admit(ctx context.Context, g pace.Group) error {
	for n := g.First; n < g.First+int64(g.Jobs); n++ {
		if err := d.request(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (d *apiDoor) request(ctx context.Context, n int64) error {
	var err error
	d.id, err = d.r.api.Do(ctx, flight.TenantName(d.r.spread.Tenant(n)), n, d.id[:0])
	at := d.r.now()
	b, j := d.r.flight.Find(n)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil // the run is over: what became of the job is not known
	case err != nil:
		return d.failed(b, j, n, err)
	}
	d.failing = time.Time{}
	j.Stamp[flight.AckedAt] = at
	d.tally.Add(ledger.Acked, 1)
	marks, _, _ := j.Mark(n, flight.Acked)
	var unique bool
	if d.early, unique = d.r.ids.Answered(d.id, n, d.early[:0]); !unique {
		d.r.problem("request", errSameID)
		d.r.surelyLost(b, j, n, d.tally, ledger.Unanswered)
		return nil
	}
	for _, h := range d.early {
		d.r.heardEarly(n, h, d.id)
	}
	d.r.finish(b, j, n, marks, d.shard)
	return nil
}

// errSameID says that two jobs cannot be distinguished.
var errSameID = errors.New("the API answered two requests with the same id: the end of the second job cannot be distinguished from that of the first")

// failed counts a request that failed. A job that the API refused is not there. Of the
// others that is not known, and their ids are not.
func (d *apiDoor) failed(b *flight.Block, j *flight.Job, n int64, err error) error {
	op, as := "request", ledger.Unanswered
	var known *endpoint.Error
	if errors.As(err, &known) {
		op += "_" + known.Counter()
		switch known.Kind {
		case endpoint.Status, endpoint.Refused, endpoint.Unreachable, endpoint.UnknownHost, endpoint.TLS:
			as = ledger.Refused
		}
	}
	d.r.problem(op, err)
	d.r.surelyLost(b, j, n, d.tally, as)
	if d.failing.IsZero() {
		d.failing = time.Now()
	} else if time.Since(d.failing) > d.r.patience() {
		return fmt.Errorf("no request was answered for %s: %w", d.r.patience(), err)
	}
	return nil
}

// probeJob is the number of the job that is requested before the load, so that what is
// wrong with the API shows before anything is measured.
const probeJob = -1

// unknownJob is the number where a message does not say which job it is about.
const unknownJob = -2

// openAPI checks the API: that it can be reached, and that it answers a job with an id.
func (r *run) openAPI() error {
	open := r.o.OpenAPI
	if open == nil {
		open = r.newAPI
	}
	api, err := open(r.s.Entry.HTTP)
	if err != nil {
		return err
	}
	r.api = api
	if err := r.api.Check(r.ctx); err != nil {
		return err
	}
	id, err := r.api.Do(r.ctx, flight.TenantName(0), probeJob, nil)
	if err != nil {
		return fmt.Errorf("the job that was requested to try the API: %w", err)
	}
	r.ids.Answered(id, probeJob, nil)
	r.warn("one job more than the load was requested before it, to try the API")
	return nil
}

// newAPI is a client of the API over HTTP.
func (r *run) newAPI(e scenario.HTTPEntry) (API, error) {
	e, err := e.Expand(os.LookupEnv)
	if err != nil {
		return nil, err
	}
	return apiclient.New(apiclient.Options{
		Method: e.Method, URL: e.URL, Headers: e.Headers, Body: e.Body, ID: e.ID, Status: e.Status,
		Connections: e.Connections, Timeout: e.Timeout, Route: r.way(scenario.EntryTarget),
	})
}

// heardOf are the statuses of which hearings are kept, with who heard them.
var heardOf = []jobqueue.Status{jobqueue.Running, jobqueue.Completed, jobqueue.Failed}

// hearing is one of a listener.
func hearing(listener int, status jobqueue.Status, at int64) idmatch.Hearing {
	return idmatch.Hearing{At: at, By: int64(listener*len(heardOf) + slices.Index(heardOf, status))}
}

// heardEarly carries out what a listener heard before the id was known to be that of a
// job.
func (r *run) heardEarly(n int64, h idmatch.Hearing, id []byte) {
	by := int(h.By)
	r.listeners[by/len(heardOf)].heard(n, h.At, heardOf[by%len(heardOf)])
	r.done(n, id)
}

// identify finds the number of the job with that id. It is early when the id is not
// known yet to be that of a job: then what was heard waits for the answer of the API.
func (l *listener) identify(id []byte, status jobqueue.Status, at int64) (n int64, o flight.Origin, early bool) {
	if l.r.ids == nil {
		n, o = l.r.format.Identify(id)
		return n, o, false
	}
	if !slices.Contains(heardOf, status) {
		return unknownJob, flight.Ours, false // it says nothing about a job that it could wait for
	}
	n, known := l.r.ids.Heard(id, hearing(l.index, status, at))
	return n, flight.Ours, !known || n == probeJob
}

// done forgets the id of a job that is over.
func (r *run) done(n int64, id []byte) {
	if r.ids == nil || n == unknownJob {
		return
	}
	if _, j := r.flight.Find(n); j == nil || j.Word.Load()>>flight.MarkBits != uint64(n)+1 || j.Word.Load()&flight.Closed != 0 {
		r.ids.Done(id)
	}
}

// requested finds the job that an element of the user's queue is about. The element is
// the id that the API answered with, or JSON that holds it.
func (r *run) requested(element string) (n int64, ok bool) {
	if n, ok = r.ids.Job([]byte(element)); ok {
		return n, true
	}
	var value any
	d := json.NewDecoder(strings.NewReader(element))
	d.UseNumber()
	if d.Decode(&value) != nil {
		return 0, false
	}
	return r.requestedIn(value)
}

func (r *run) requestedIn(value any) (n int64, ok bool) {
	switch v := value.(type) {
	case string:
		return r.ids.Job([]byte(v))
	case json.Number:
		return r.ids.Job([]byte(v))
	case []any:
		for _, in := range v {
			if n, ok = r.requestedIn(in); ok {
				return n, true
			}
		}
	case map[string]any:
		for _, in := range v {
			if n, ok = r.requestedIn(in); ok {
				return n, true
			}
		}
	}
	return 0, false
}
