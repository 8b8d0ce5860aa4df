package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

const (
	// drainTimeout is for how long an API that stops finishes requests.
	drainTimeout = 20 * time.Second
	// pushTimeout limits an LPUSH, maxBody a request.
	pushTimeout = 5 * time.Second
	maxBody     = 1 << 20
)

// api takes jobs by HTTP and reports on them by WebSocket.
type api struct {
	store        *store
	queue        *jobqueue.Client
	hub          hub
	log          *slog.Logger
	sweep, stale time.Duration
	subscribed   atomic.Bool // to the updates of the workers
}

func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /jobs", a.create)
	mux.HandleFunc("GET /jobs/{id}", a.get)
	mux.HandleFunc("GET /ws", a.updates)
	mux.HandleFunc("GET /healthz", a.health)
	return mux
}

// run serves until ctx ends. Then it takes no more connections, answers the
// requests that it has, and says goodbye to the WebSocket clients.
func (a *api) run(ctx context.Context, listen string) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	// What runs in the background outlives ctx: requests that are being answered
	// may still need it.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	all.Go(func() { a.relay(background) })
	all.Go(func() { a.sweeper(background) })

	server := &http.Server{Handler: a.handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	a.log.Info("listening", "addr", listener.Addr().String())
	select {
	case err = <-failed:
	case <-ctx.Done():
		a.log.Info("stopping")
		limit, cancel := context.WithTimeout(background, drainTimeout)
		defer cancel()
		err = server.Shutdown(limit) // leaves WebSockets alone
	}
	a.hub.close()
	stop()
	all.Wait()
	return err
}

// create stores a job and pushes its id, in this order: an id without a row is
// nothing that a worker can do, while a row without an id is found by the sweeper.
func (a *api) create(w http.ResponseWriter, r *http.Request) {
	var body struct {
		TenantID string          `json:"tenantId"`
		Payload  json.RawMessage `json:"payload"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&body); err != nil {
		respondError(w, http.StatusBadRequest, "the body is not a job: "+err.Error())
		return
	}
	if body.TenantID == "" || strings.ContainsRune(body.TenantID, 0) { // Postgres stores no NUL
		respondError(w, http.StatusBadRequest, "tenantId is missing or not a text")
		return
	}
	// A client that hangs up now must not leave half a job.
	ctx := context.WithoutCancel(r.Context())
	j := job{ID: rand.Text(), TenantID: body.TenantID, Payload: body.Payload}
	if err := a.store.insert(ctx, j); err != nil {
		a.log.Error("job not stored", "job", j.ID, "err", err)
		respondError(w, http.StatusServiceUnavailable, "the job was not stored; try again")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, pushTimeout)
	defer cancel()
	if err := a.queue.Push(ctx, j.ID); err != nil {
		a.log.Error("job stored, but not pushed", "job", j.ID, "err", err)
		if a.sweep == 0 {
			respondError(w, http.StatusServiceUnavailable, "the job was stored, but no worker will get it")
			return
		}
	}
	respond(w, http.StatusAccepted, map[string]string{"jobId": j.ID})
}

func (a *api) get(w http.ResponseWriter, r *http.Request) {
	j, err := a.store.get(r.Context(), r.PathValue("id"))
	switch {
	case errors.Is(err, errNoJob):
		respondError(w, http.StatusNotFound, err.Error())
	case err != nil:
		a.log.Error("job not read", "err", err)
		respondError(w, http.StatusServiceUnavailable, "try again")
	default:
		respond(w, http.StatusOK, j)
	}
}

// updates is the WebSocket of a tenant's client. A real API takes the tenant from
// the session, not from the query.
func (a *api) updates(w http.ResponseWriter, r *http.Request) {
	tenant := r.URL.Query().Get("tenant")
	if tenant == "" {
		respondError(w, http.StatusBadRequest, "tenant is missing")
		return
	}
	a.hub.serve(w, r, tenant)
}

// health reports whether this process can do its work: a load balancer must not
// send clients to an API that would not hear of their jobs.
func (a *api) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	switch err := a.store.ping(ctx); {
	case err != nil:
		respondError(w, http.StatusServiceUnavailable, "no answer from postgres")
	case !a.subscribed.Load():
		respondError(w, http.StatusServiceUnavailable, "not subscribed at redis")
	default:
		respond(w, http.StatusOK, map[string]string{"status": "ok"})
	}
}

func respond(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // an error means that the client has gone
}

func respondError(w http.ResponseWriter, code int, reason string) {
	respond(w, code, map[string]string{"error": reason})
}
