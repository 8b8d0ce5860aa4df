package scenario

import (
	"errors"
	"maps"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// The bounds of entries and exits.
const (
	maxURL     = 2000
	maxBody    = 1 << 20
	maxTimeout = time.Hour
)

// entry checks how jobs come in.
func (v *validator) entry() {
	e := v.Entry
	with := []string{"entry"}
	if e.Kind != EntryPostgres {
		v.unused(with, e.Kind, "it is for jobs that are stored in Postgres; remove it, or write entry: postgres", map[string]bool{
			"entry.postgres.table": e.Postgres.Table != "", "entry.postgres.connections": e.Postgres.Connections != 0,
		})
	}
	if h := e.HTTP; e.Kind != EntryHTTP {
		v.unused(with, e.Kind, "it is for jobs that come in by HTTP; remove it, or give the URL of your API as the entry", map[string]bool{
			"entry.http.url": h.URL != "", "entry.http.method": h.Method != "", "entry.http.headers": len(h.Headers) > 0, "entry.http.body": h.Body != "",
			"entry.http.id": h.ID != "", "entry.http.status": len(h.Status) > 0, "entry.http.connections": h.Connections != 0, "entry.http.timeout": h.Timeout != 0,
		})
	}
	switch e.Kind {
	case EntryPush:
	case EntryPostgres:
		v.postgres()
	case EntryHTTP:
		v.http()
	default:
		v.fault("entry", "%q is no way for jobs to come in; write push, postgres, or the URL of your API", string(e.Kind))
	}
}

// unused finds settings of another kind of entry.
func (v *validator) unused(with []string, kind EntryKind, message string, set map[string]bool) {
	for _, field := range slices.Sorted(maps.Keys(set)) {
		v.faultIf(set[field], field, with, "%s (the entry is %s)", message, kind)
	}
}

func (v *validator) postgres() {
	p := v.Entry.Postgres
	if p.Table != "" {
		if err := checkTable(p.Table); err != nil {
			v.fault("entry.postgres.table", "%s", err)
		}
	} else if v.External && !v.Load.Observed {
		v.faultWith("entry.postgres.table", []string{"consumers"}, "the external workers update the rows, so they must know the table; write entry: {postgres: {table: jobs}}")
	}
	v.size("entry.postgres.connections", p.Connections, maxPool)
}

func (v *validator) http() {
	h := v.Entry.HTTP
	const section = "entry.http."
	v.url(section+"url", h.URL, []string{"http", "https"}, "entry: {http: {url: http://127.0.0.1:3000/jobs}}", tenantName, jobName)
	v.faultIf(!methodName.MatchString(h.Method), section+"method", nil, "%s is not a method; write it like POST", quoted(h.Method))
	v.headers(section+"headers", h.Headers, tenantName, jobName)
	v.template(section+"body", h.Body, tenantName, jobName)
	v.path(section+"id", h.ID)
	for _, code := range h.Status {
		if code < 200 || code > 599 {
			v.fault(section+"status", "%d is not the status code of an answer; write it like [200, 202]", code)
			break
		}
	}
	v.size(section+"connections", h.Connections, maxPool)
	v.faultIf(h.Timeout < 0 || h.Timeout > maxTimeout, section+"timeout", nil, "%s is not from 1ns to %s", h.Timeout, maxTimeout)
	if v.Load.Observed {
		return
	}
	pushed := func(field string, set bool, message string) {
		v.faultIf(set, field, []string{"entry"}, "%s", message)
	}
	pushed("consumers", !v.External, "your API pushes the jobs of an HTTP entry, and your workers take them; write consumers: external")
	pushed("batch", v.Batch > 1, "each job of an HTTP entry is a request; remove it")
	pushed("prefill", v.Prefill != 0, "your API pushes the jobs of an HTTP entry, so the run cannot fill the queue; remove it")
	pushed("queues", len(v.Queues) > 1, "your API chooses the queue of a job that comes in by HTTP; remove it")
	pushed("payload", v.LargestPayload() != 0, "your API makes the payload of a job that comes in by HTTP; remove it, or write a larger entry.http.body")
	pushed("job_name", v.JobName != "", "your API names the jobs of an HTTP entry; remove it")
	pushed("job_args", v.JobArgs != "", "your API makes the jobs of an HTTP entry; remove it, or write entry.http.body")
	rules, has := dialectOf(v.Dialect)
	pushed("dialect", has && !rules.announces, "your API pushes the jobs of an HTTP entry in the format of its library, and "+rules.title+" announces no ends; remove it")
}

// exit checks where the end is seen.
func (v *validator) exit() {
	if !v.Exit.Given() {
		return
	}
	w := v.Exit.WebSocket
	const section = "exit.websocket."
	v.url(section+"url", w.URL, []string{"ws", "wss"}, "exit: {websocket: {url: ws://127.0.0.1:3000/ws}}", tenantName)
	v.headers(section+"headers", w.Headers, tenantName)
	v.faultIf(w.Subprotocol != "" && !headerName.MatchString(w.Subprotocol), section+"subprotocol", nil, "%s is not the name of a subprotocol, such as graphql-ws", quoted(w.Subprotocol))
	v.template(section+"message", w.Message, tenantName)
	v.size(section+"clients", w.Clients, maxPool)
	v.path(section+"id", w.ID)
	v.path(section+"status", w.Status)
	if w.Tenant != "" {
		v.path(section+"tenant", w.Tenant)
	}
	v.faultIf(updates.Dotted(w.ID) == updates.Dotted(w.Status), section+"id", nil, "id and status are both at %s; they are different keys of a message", updates.Dotted(w.ID))
	if tenants := v.Tenants.Count; w.PerTenant() && w.Clients >= 1 && w.Clients < tenants && tenants <= maxTenants {
		v.faultWith(section+"clients", []string{"tenants", "tenants.count"}, "%s clients leave tenants of the %s without a client, and their jobs would never end; use at least %s clients, or fewer tenants", group(w.Clients), group(tenants), group(tenants))
	}
	v.faultIf(v.Notify == jobqueue.NoNotify, "exit", []string{"notify"}, "with notify: none your API hears of no job, so it has nothing to pass on; remove it, or choose pubsub")
}

// url checks a URL with names in it.
func (v *validator) url(field, text string, schemes []string, example string, names ...string) {
	switch {
	case text == "":
		v.fault(field, "the URL is missing; write %s", example)
	case len(text) > maxURL:
		v.fault(field, "longer than %s bytes", group(maxURL))
	case v.template(field, text, names...):
		if err := checkURL(text, schemes...); err != nil {
			v.fault(field, "%s", err)
		} else if part := secretIn(text); part != "" {
			v.fault(field, "%s would be in files and reports; write ${NAME} in its place, and set that environment variable", part)
		}
	}
}

// headers checks names and values.
func (v *validator) headers(field string, all map[string]string, names ...string) {
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		value := all[name]
		switch canonical := textproto.CanonicalMIMEHeaderKey(name); {
		case !headerName.MatchString(name):
			v.fault(field, "%s is not the name of a header, such as Authorization", quoted(name))
			continue
		case seen[canonical]:
			v.fault(field, "%s stands here twice; remove one", canonical)
		default:
			seen[canonical] = true
		}
		switch {
		case strings.ContainsFunc(value, unfitForHeader):
			v.fault(field, "%s: the value holds a line break or another control character; remove it", name)
		case isSecret(name) && value != "" && !hasVariable(value):
			v.fault(field, "the value of %s would be in files and reports; write ${NAME} in its place, and set that environment variable", name)
		default:
			v.template(field, value, names...)
		}
	}
}

// template checks a text with names in it and reports whether it is in order.
func (v *validator) template(field, text string, names ...string) bool {
	before := len(v.found)
	if len(text) > maxBody {
		v.fault(field, "longer than %s bytes", group(maxBody))
		return false
	}
	for _, err := range []error{checkVariables(text), checkTemplate(text, names...)} {
		if err != nil {
			v.fault(field, "%s", err)
		}
	}
	return len(v.found) == before
}

// path checks a path in JSON.
func (v *validator) path(field, text string) {
	if _, err := updates.ParsePath(updates.Dotted(text)); err != nil {
		v.fault(field, "%s", err)
	}
}

// unfitForHeader reports whether a character cannot be in the value of a header.
func unfitForHeader(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

var (
	headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}$")
	methodName = regexp.MustCompile(`^[A-Z]{1,20}$`)
	tableName  = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,62}$`)
)

// checkTable checks the name of a table.
func checkTable(text string) error {
	if !tableName.MatchString(text) {
		return errors.New(quoted(text) + " is not the name of a table; write it like jobs or app.jobs, with letters, digits and '_'")
	}
	return nil
}
