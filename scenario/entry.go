package scenario

import (
	"cmp"
	"reflect"
	"time"
)

// Entry is how jobs come in. The zero Entry pushes them straight into the queue.
type Entry struct {
	// Kind says which of the fields below applies.
	Kind EntryKind `json:"kind,omitempty"`
	// Postgres is for [EntryPostgres], HTTP for [EntryHTTP].
	Postgres PostgresEntry `json:"postgres,omitzero"`
	HTTP     HTTPEntry     `json:"http,omitzero"`
}

// EntryKind is a way for jobs to come in.
type EntryKind string

// The ways.
const (
	EntryPush     EntryKind = ""         // pushed straight into the queue
	EntryPostgres EntryKind = "postgres" // stored as a row, then pushed
	EntryHTTP     EntryKind = "http"     // requested from the user's API, which stores and pushes
)

// String is the word for the kind in files and flags.
func (k EntryKind) String() string {
	if k == EntryPush {
		return pushWord
	}
	return string(k)
}

// PostgresEntry stores each job as a row before its id is pushed. The consumer that
// finished a job updates the row before it publishes.
type PostgresEntry struct {
	// Table holds the jobs, and must exist. Empty means a table that the run
	// creates, and drops afterwards.
	Table string `json:"table,omitempty"`
	// Connections is the size of the connection pool. Zero means 10.
	Connections int `json:"connections"`
}

// HTTPEntry requests each job from the user's API. {{.Tenant}} and {{.Job}} in the
// URL, the headers and the body are the tenant and the number of the job;
// ${NAME} is an environment variable.
type HTTPEntry struct {
	// Method is that of the request. Empty means POST.
	Method string `json:"method,omitempty"`
	// URL begins with http:// or https://.
	URL string `json:"url"`
	// Headers are those of the request by name.
	Headers map[string]string `json:"headers,omitempty"`
	// Body is that of the request.
	Body string `json:"body,omitempty"`
	// ID is the path of the job's id in the JSON of the answer, such as
	// "jobId" or ".data.id". Empty means "jobId".
	ID string `json:"id,omitempty"`
	// Status are the status codes with which the API accepts a job. Empty
	// means every code from 200 to 299.
	Status []int `json:"status,omitempty"`
	// Connections is how many requests may be unanswered at once. Zero means 50.
	Connections int `json:"connections"`
	// Timeout bounds the wait for an answer. Zero means 10 s.
	Timeout time.Duration `json:"timeout_ns"`
}

// Exit is where the end of a job is seen. With the zero Exit that is the subscriber.
type Exit struct {
	// WebSocket connects clients to the user's API, which hears the
	// notifications and passes them on. A job then ends when the last client
	// has read its message. An empty URL means no clients.
	WebSocket WebSocketExit `json:"websocket,omitzero"`
}

// WebSocketExit are clients that read messages about jobs from the user's API.
// {{.Tenant}} in the URL, the headers and the first message is the tenant of the
// client: the clients belong to the tenants in turn. ${NAME} is an environment
// variable.
type WebSocketExit struct {
	// URL begins with ws:// or wss://.
	URL string `json:"url"`
	// Headers are those of the handshake by name.
	Headers map[string]string `json:"headers,omitempty"`
	// Subprotocol is what the clients ask for. Empty means none.
	Subprotocol string `json:"subprotocol,omitempty"`
	// Message is what a client sends first, e.g. to subscribe. Empty means nothing.
	Message string `json:"message,omitempty"`
	// Clients is how many connect. Zero means one, or one for each tenant if
	// the tenant is in the URL, a header or the first message.
	Clients int `json:"clients"`
	// ID, Status and Tenant are paths in the JSON of a message, such as
	// "jobId" or ".data.id". An empty ID means "jobId", an empty Status
	// "status", and an empty Tenant that no message says it.
	ID     string `json:"id,omitempty"`
	Status string `json:"status,omitempty"`
	Tenant string `json:"tenant,omitempty"`
}

// Given reports whether the end of a job is seen elsewhere than at the subscriber.
func (e Exit) Given() bool { return !reflect.ValueOf(e).IsZero() }

// PerTenant reports whether a client hears only its tenant's jobs: then the tenant is
// in what it asks for.
func (w WebSocketExit) PerTenant() bool {
	if hasTenant(w.URL) || hasTenant(w.Message) {
		return true
	}
	for _, value := range w.Headers {
		if hasTenant(value) {
			return true
		}
	}
	return false
}

// What entries and exits have where they say nothing.
const (
	defaultEntryConnections = 10
	defaultHTTPConnections  = 50
	defaultHTTPTimeout      = 10 * time.Second
	defaultMethod           = "POST"
	defaultID               = "jobId"
	defaultStatus           = "status"
)

// entryDefaults fills in the defaults of the entry and of the exit.
func (s *Scenario) entryDefaults() {
	switch e := &s.Entry; e.Kind {
	case EntryPostgres:
		e.Postgres.Connections = cmp.Or(e.Postgres.Connections, defaultEntryConnections)
	case EntryHTTP:
		e.HTTP.Method = cmp.Or(e.HTTP.Method, defaultMethod)
		e.HTTP.ID = cmp.Or(e.HTTP.ID, defaultID)
		e.HTTP.Connections = cmp.Or(e.HTTP.Connections, defaultHTTPConnections)
		e.HTTP.Timeout = cmp.Or(e.HTTP.Timeout, defaultHTTPTimeout)
	}
	if !s.Exit.Given() {
		return
	}
	w := &s.Exit.WebSocket
	w.ID = cmp.Or(w.ID, defaultID)
	w.Status = cmp.Or(w.Status, defaultStatus)
	clients := 1
	if w.PerTenant() {
		clients = min(max(s.Tenants.Count, 1), maxPool)
	}
	w.Clients = cmp.Or(w.Clients, clients)
}
