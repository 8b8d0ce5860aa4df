package scenario

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/nearest"
)

const (
	entryGroup  = "Entry and exit"
	headerLines = "\n" // between the headers in one text
)

func entryFields(builds []string) []Field {
	request := func(s *Scenario) *HTTPEntry { return &s.Entry.HTTP }
	return []Field{
		{
			Key: "entry", Group: entryGroup, Flag: "entry", Verbs: builds, form: textForm,
			what:  `push, postgres, a URL in quotes, or a mapping such as {postgres: {table: jobs}}`,
			Words: []string{"push\tstraight into the queue", "postgres\ta row first", "http://", "https://"},
			Usage: "how jobs come in, a `KIND`: push (straight into the queue), postgres (INSERT a row, then push its id), " +
				"or the http:// or https:// URL of your API, which pushes them (default push)",
			Columns: []Column{
				{"entry", func(s Scenario) string { return s.Entry.Kind.String() }},
				{"entry_settings", func(s Scenario) string { return s.settingsOf("entry") }},
			},
			get: Scenario.entryText, set: (*Scenario).setEntry,
		},
		row("entry.postgres.table", kind[string]{form: textForm, what: `text in quotes such as "jobs"`, parse: tableText, format: plain[string]}, func(s *Scenario) *string { return &s.Entry.Postgres.Table }, Field{
			Group: entryGroup,
			Flag:  "entry-table", Verbs: builds,
			Usage: "`TABLE` that holds the jobs of --entry postgres, with the columns id, tenant_id, status and error (default: one that the run creates and drops)",
		}),
		entryConnections(builds),
		row("entry.http.url", texts(), func(s *Scenario) *string { return &request(s).URL }, Field{
			Usage: "URL of your API, with {{.Tenant}} for the tenant, {{.Job}} for the number of the job, and ${NAME} for an environment variable",
		}),
		row("entry.http.method", kind[string]{form: textForm, what: "a method such as POST", parse: methodText, format: plain[string]}, func(s *Scenario) *string { return &request(s).Method }, Field{
			Usage: "method of the request (default POST)",
		}),
		headersRow("entry.http.headers", func(s *Scenario) *map[string]string { return &request(s).Headers }, Field{
			Flag: "entry-header", Verbs: builds,
			Usage: "`HEADER` of the request to your API, e.g. 'Authorization: Bearer ${API_TOKEN}' (repeatable; in the environment one a line); replaces the scenario's",
		}),
		row("entry.http.body", texts(), func(s *Scenario) *string { return &request(s).Body }, Field{
			Group: entryGroup,
			Flag:  "entry-body", Verbs: builds, Usage: "`BODY` of the request to your API, e.g. '{\"tenantId\":\"{{.Tenant}}\"}'",
		}),
		row("entry.http.id", pathTexts(), func(s *Scenario) *string { return &request(s).ID }, Field{
			Group: entryGroup,
			Flag:  "entry-id", Verbs: builds, Usage: "`PATH` of the job's id in the JSON of your API's answer, e.g. jobId or .data.id (default jobId)",
		}),
		statusRow(),
		row("entry.http.connections", wholes(literal.Int), func(s *Scenario) *int { return &request(s).Connections }, Field{
			Usage: "number of requests that may be unanswered at once (default 50)",
		}),
		row("entry.http.timeout", spans(1), func(s *Scenario) *time.Duration { return &request(s).Timeout }, Field{
			Usage: "maximum time to wait for an answer of your API (default 10s)",
		}),
	}
}

func exitFields(builds []string) []Field {
	clients := func(s *Scenario) *WebSocketExit { return &s.Exit.WebSocket }
	return []Field{
		{
			Key: "exit", Group: entryGroup, Flag: "exit", Verbs: builds, form: textForm,
			what:  `subscriber, a URL in quotes, or a mapping such as {websocket: {url: "ws://127.0.0.1:3000/ws"}}`,
			Words: []string{"subscriber\ton Redis", "ws://", "wss://"},
			Usage: "where the end of a job is seen, a `KIND`: subscriber (on Redis), or the ws:// or wss:// URL at which clients read messages from your API (default subscriber)",
			Columns: []Column{
				{"exit", Scenario.exitWord},
				{"exit_settings", func(s Scenario) string { return s.settingsOf("exit") }},
			},
			get: func(s Scenario) string { return s.Exit.WebSocket.URL }, set: (*Scenario).setExit,
		},
		row("exit.websocket.url", texts(), func(s *Scenario) *string { return &clients(s).URL }, Field{
			Usage: "URL of your API, with {{.Tenant}} for the tenant of the client and ${NAME} for an environment variable",
		}),
		headersRow("exit.websocket.headers", func(s *Scenario) *map[string]string { return &clients(s).Headers }, Field{
			Flag: "exit-header", Verbs: builds,
			Usage: "`HEADER` of the WebSocket handshake, e.g. 'Cookie: session=${SESSION}' (repeatable; in the environment one a line); replaces the scenario's",
		}),
		row("exit.websocket.subprotocol", texts(), func(s *Scenario) *string { return &clients(s).Subprotocol }, Field{
			Usage: "subprotocol that the clients ask for, e.g. graphql-ws",
		}),
		row("exit.websocket.message", texts(), func(s *Scenario) *string { return &clients(s).Message }, Field{
			Usage: "message that a client sends first, e.g. to subscribe to its tenant's jobs",
		}),
		row("exit.websocket.clients", wholes(literal.Int), func(s *Scenario) *int { return &clients(s).Clients }, Field{
			Group: entryGroup,
			Flag:  "exit-clients", Verbs: builds, Vary: count(true),
			Columns: []Column{{"exit_clients", func(s Scenario) string { return numberCell(s.Exit.WebSocket.Clients) }}},
			Usage:   "`NUMBER` of WebSocket clients; a job ends when the last of its clients has read the message (default 1, or one for each tenant if the URL has the tenant)",
		}),
		row("exit.websocket.id", pathTexts(), func(s *Scenario) *string { return &clients(s).ID }, Field{
			Group: entryGroup,
			Flag:  "exit-id", Verbs: builds, Usage: "`PATH` of the job's id in the JSON of a WebSocket message (default jobId)",
		}),
		row("exit.websocket.status", pathTexts(), func(s *Scenario) *string { return &clients(s).Status }, Field{
			Usage: "path of the job's status in the JSON of a message (default status)",
		}),
		row("exit.websocket.tenant", pathTexts(), func(s *Scenario) *string { return &clients(s).Tenant }, Field{
			Usage: "path of the tenant in the JSON of a message, to check that no client hears of another tenant's jobs (default: not checked)",
		}),
	}
}

// entryText is what setEntry reads.
func (s Scenario) entryText() string {
	if s.Entry.Kind == EntryHTTP {
		return s.Entry.HTTP.URL
	}
	return string(s.Entry.Kind)
}

// setEntry reads the word of a kind or the URL of an API. The settings of another
// kind go, those of the same kind stay.
func (s *Scenario) setEntry(text string) error {
	text = strings.TrimSpace(text)
	switch {
	case text == pushWord:
		s.Entry = Entry{}
	case text == string(EntryPostgres):
		s.Entry = Entry{Kind: EntryPostgres, Postgres: s.Entry.Postgres}
	case isURL(text):
		if err := checkURL(text, "http", "https"); err != nil {
			return err
		}
		s.Entry = Entry{Kind: EntryHTTP, HTTP: s.Entry.HTTP}
		s.Entry.HTTP.URL = text
	default:
		return fmt.Errorf("unknown entry %q%s; there are push, postgres, and http:// or https:// with the URL of your API", text, nearest.Clause(text, []string{pushWord, string(EntryPostgres)}))
	}
	return nil
}

// setExit reads the word subscriber or the URL of an API.
func (s *Scenario) setExit(text string) error {
	text = strings.TrimSpace(text)
	switch {
	case text == subscriberWord:
		s.Exit = Exit{}
	case isURL(text):
		if err := checkURL(text, "ws", "wss"); err != nil {
			return err
		}
		s.Exit.WebSocket.URL = text
	default:
		return fmt.Errorf("unknown exit %q%s; there are subscriber, and ws:// or wss:// with the URL of your API", text, nearest.Clause(text, []string{subscriberWord}))
	}
	return nil
}

func (s Scenario) exitWord() string {
	if s.Exit.Given() {
		return "websocket"
	}
	return subscriberWord
}

// entryConnections is the field of the pool of connections to Postgres. Its flag is
// that of the connections to an API as well, whichever the entry is.
func entryConnections(builds []string) Field {
	f := row("entry.postgres.connections", wholes(literal.Int), func(s *Scenario) *int { return &s.Entry.Postgres.Connections }, Field{
		Group: entryGroup,
		Flag:  "entry-connections", Verbs: builds, Vary: count(true), also: "entry.http.connections",
		Columns: []Column{{"entry_connections", func(s Scenario) string {
			return numberCell(max(s.Entry.Postgres.Connections, s.Entry.HTTP.Connections))
		}}},
		Usage: "`NUMBER` of connections to Postgres (default 10), or of requests to your API that may be unanswered at once (default 50)",
	})
	set := f.set
	f.set = func(s *Scenario, text string) error {
		if s.Entry.Kind != EntryHTTP {
			return set(s, text)
		}
		n, err := literal.Int(text)
		if err == nil {
			s.Entry.HTTP.Connections = n
		}
		return err
	}
	return f
}

func numberCell(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// settingsOf are the settings of a section as a file has them on one line.
func (s Scenario) settingsOf(section string) string {
	return strings.Join(each(s.pairs(Fields(), section), pair.text), ", ")
}

func pathTexts() kind[string] {
	return kind[string]{form: textForm, what: "a path such as jobId or .data.id", parse: literal.Text, format: plain[string]}
}

func tableText(text string) (string, error) {
	text = strings.TrimSpace(text)
	return text, checkTable(text)
}

func methodText(text string) (string, error) {
	text = strings.TrimSpace(text)
	if !methodName.MatchString(text) {
		return "", fmt.Errorf("%s is not a method; write it like POST", quoted(text))
	}
	return text, nil
}

// statusRow is the field of the status codes of an API that accepts a job.
func statusRow() Field {
	codes := func(text string) (all []int, err error) {
		for part := range strings.SplitSeq(text, ",") {
			n, err := strconv.Atoi(strings.TrimSpace(part))
			if err != nil || n < 200 || n > 599 {
				return nil, fmt.Errorf("%q is not the status code of an answer; write it like 200 or [200, 202]", part)
			}
			all = append(all, n)
		}
		return all, nil
	}
	text := func(all []int) string { return strings.Join(each(all, plain[int]), ",") }
	f := row("entry.http.status", kind[[]int]{form: wholeForm, what: "a status code such as 202", parse: codes, format: text}, func(s *Scenario) *[]int { return &s.Entry.HTTP.Status }, Field{
		Usage: "status codes with which your API accepts a job, e.g. [200, 202] (default: 200 to 299)",
	})
	f.list = func(items []string) string { return strings.Join(items, ",") }
	f.yaml = func(s Scenario) string { return inBrackets(each(s.Entry.HTTP.Status, plain[int])) }
	return f
}

// headersRow is a field of headers: as a text "Name: value", one a line; in a file a
// mapping.
func headersRow(key string, at func(*Scenario) *map[string]string, f Field) Field {
	f.Group, f.Many, f.Separator = entryGroup, true, headerLines
	f = row(key, kind[map[string]string]{form: textForm, what: `a mapping such as {Authorization: "Bearer ${API_TOKEN}"}`, parse: headerTexts, format: headersText}, at, f)
	f.yaml = func(s Scenario) string {
		all := *at(&s)
		pairs := each(slices.Sorted(maps.Keys(all)), func(name string) string { return quote(name) + ": " + quote(all[name]) })
		return "{" + strings.Join(pairs, ", ") + "}"
	}
	f.whole = func(r *scenarioReader, n ast.Node) (ok, is bool) {
		if !isMapping(r.resolve(n)) {
			return false, false
		}
		entries, ok := r.entries(n, f.what)
		all := map[string]string{}
		for _, e := range entries {
			text, good := r.text(e.value, textForm, `text in quotes such as "Bearer ${API_TOKEN}"`)
			all[e.key], ok = text, ok && good
		}
		if ok && len(all) > 0 {
			*at(&r.s) = all
		}
		return ok, true
	}
	return f
}

// headersText is what headerTexts reads.
func headersText(all map[string]string) string {
	return strings.Join(each(slices.Sorted(maps.Keys(all)), func(name string) string { return name + ": " + all[name] }), headerLines)
}

// headerTexts reads "Name: value", one a line.
func headerTexts(text string) (map[string]string, error) {
	all := map[string]string{}
	for line := range strings.SplitSeq(text, headerLines) {
		name, value, cut := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		_, twice := all[name]
		switch {
		case !cut: // the whole line may be a secret
			return nil, errors.New("a header has no colon; write it like 'Accept: application/json'")
		case !headerName.MatchString(name):
			return nil, fmt.Errorf("%s is not the name of a header; write it like 'Accept: application/json'", quoted(name))
		case twice:
			return nil, fmt.Errorf("the header %s is given twice; remove one", name)
		}
		all[name] = strings.TrimSpace(value)
	}
	return all, nil
}
