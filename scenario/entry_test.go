package scenario_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/scenario"
)

// parse reads one scenario with these lines below its load.
func parse(lines string) (scenario.Scenario, error) {
	all, err := scenario.Parse("f", []byte("version: 1\nscenarios:\n  a:\n    load: {rate: 1}\n    "+strings.ReplaceAll(lines, "\n", "\n    ")+"\n"))
	if err != nil {
		return scenario.Scenario{}, err
	}
	return all[0], nil
}

func TestAFileSaysHowJobsComeInAndWhereTheirEndIsSeen(t *testing.T) {
	t.Parallel()
	for lines, want := range map[string]scenario.Scenario{
		`entry: push`:           {},
		`exit: subscriber`:      {},
		`entry: postgres`:       {Entry: scenario.Entry{Kind: scenario.EntryPostgres}},
		`entry: {postgres: {}}`: {Entry: scenario.Entry{Kind: scenario.EntryPostgres}},
		`entry: {postgres: {table: jobs, connections: 10}}`: {Entry: scenario.Entry{Kind: scenario.EntryPostgres, Postgres: scenario.PostgresEntry{Table: "jobs", Connections: 10}}},
		"consumers: external\nentry: http://127.0.0.1:3000/jobs": {
			External: true, Entry: scenario.Entry{Kind: scenario.EntryHTTP, HTTP: scenario.HTTPEntry{URL: "http://127.0.0.1:3000/jobs"}},
		},
		"consumers: external\n" + `entry: {http: {method: PUT, url: "http://127.0.0.1:3000/jobs", body: '{"tenantId":"{{.Tenant}}"}', headers: {Authorization: "Bearer ${API_TOKEN}"}, id: .data.id, status: [200, 202], connections: 50, timeout: 2s}}`: {
			External: true, Entry: scenario.Entry{Kind: scenario.EntryHTTP, HTTP: scenario.HTTPEntry{
				Method: "PUT", URL: "http://127.0.0.1:3000/jobs", Body: `{"tenantId":"{{.Tenant}}"}`, Headers: map[string]string{"Authorization": "Bearer ${API_TOKEN}"},
				ID: ".data.id", Status: []int{200, 202}, Connections: 50, Timeout: 2 * time.Second,
			}},
		},
		`exit: "ws://127.0.0.1:3000/ws"`: {Exit: scenario.Exit{WebSocket: scenario.WebSocketExit{URL: "ws://127.0.0.1:3000/ws"}}},
		`exit: {websocket: {url: "ws://127.0.0.1:3000/ws?tenant={{.Tenant}}", clients: 20, id: jobId, status: status, tenant: tenantId, subprotocol: v1, message: hello, headers: {Cookie: "${SESSION}"}}}`: {
			Exit: scenario.Exit{WebSocket: scenario.WebSocketExit{
				URL: "ws://127.0.0.1:3000/ws?tenant={{.Tenant}}", Clients: 20, ID: "jobId", Status: "status", Tenant: "tenantId",
				Subprotocol: "v1", Message: "hello", Headers: map[string]string{"Cookie": "${SESSION}"},
			}},
		},
	} {
		got, err := parse(lines)
		if err != nil {
			t.Errorf("%s: %v", lines, err)
			continue
		}
		want.Name, want.Load = got.Name, got.Load
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", lines, diff)
		}
		var again scenario.Scenario
		if b, err := json.Marshal(got); err != nil || json.Unmarshal(b, &again) != nil || !cmp.Equal(got, again) {
			t.Errorf("%s: comes back from JSON otherwise: %v\n%s", lines, err, cmp.Diff(got, again))
		}
	}
}

func TestAMistakenEntryOrExitIsRefusedWithItsRemedy(t *testing.T) {
	t.Parallel()
	const external, api = "consumers: external\n", `entry: {http: {url: "http://127.0.0.1/"}}`
	for lines, want := range map[string]string{
		`entry: redis`:            `f:5:12: unknown entry "redis"; there are push, postgres, and http:// or https:// with the URL of your API`,
		`entry: posgres`:          `did you mean "postgres"?`,
		`entry: ftp://127.0.0.1/`: `does not begin with http:// or https://; write it like http://127.0.0.1:3000/`,
		`entry: 5`:                `expected push, postgres, a URL in quotes, or a mapping such as {postgres: {table: jobs}}, found the number 5`,
		`entry: {}`:               `it is empty; write entry: {postgres: {table: jobs}}, or remove it`,
		`entry: {postgres: }`:     `expected a mapping such as {table: jobs, connections: 10}, found nothing`,
		`entry: {postgres: {}, http: {url: "http://x"}}`: `jobs come in one way; remove postgres or http`,
		`entry: {postgres: {tabel: jobs}}`:               `unknown key "tabel" (did you mean "table"?)`,
		`entry: {postgres: {table: "jobs; drop"}}`:       `"jobs; drop" is not the name of a table; write it like jobs or app.jobs`,
		`entry: {postgres: {connections: 10_001}}`:       `f:5:24: entry.postgres.connections: 10,001 is more than 10,000`,
		`table: jobs`:                                                                   `it belongs below entry.postgres`,
		external + `entry: postgres`:                                                    `the external workers update the rows, so they must know the table; write entry: {postgres: {table: jobs}}`,
		`entry: {http: {url: "http://127.0.0.1/"}}`:                                     `f:3:3: consumers: your API pushes the jobs of an HTTP entry, and your workers take them; write consumers: external`,
		external + "batch: 2\n" + api:                                                   `f:6:5: batch: each job of an HTTP entry is a request; remove it`,
		external + "prefill: 2\n" + api:                                                 `the run cannot fill the queue; remove it`,
		external + "queues: [1, 2]\n" + api:                                             `your API chooses the queue of a job that comes in by HTTP; remove it`,
		external + "payload: 1KB\n" + api:                                               `write a larger entry.http.body`,
		external + `entry: {http: {body: x}}`:                                           `the URL is missing; write entry: {http: {url: http://127.0.0.1:3000/jobs}}`,
		external + `entry: {http: {url: "127.0.0.1:3000"}}`:                             `f:6:20: entry.http.url: "127.0.0.1:3000" cannot be read as a URL`,
		external + `entry: {http: {url: "http:///x"}}`:                                  `names no host`,
		external + `entry: {http: {url: "http://x/#y"}}`:                                `no server receives what follows the # of a URL; remove it`,
		external + `entry: {http: {url: "http://{{.Tenant}}.x/"}}`:                      `has a host that depends on the job, and connections are kept`,
		external + `entry: {http: {url: "http://x/{{.Id}}"}}`:                           `unknown name "{{.Id}}"; there is {{.Tenant}} and {{.Job}}`,
		external + `entry: {http: {url: "http://x/{{.Tenat"}}`:                          `unknown name "{{.Tenat"`,
		external + `entry: {http: {url: "http://x/{{ .Tenan }}"}}`:                      `did you mean {{.Tenant}}?`,
		external + `entry: {http: {url: "http://x/${1}"}}`:                              `"${1}" is not the name of an environment variable, such as ${API_TOKEN}; write $${ for the characters ${`,
		external + `entry: {http: {url: "http://u:pw@x/"}}`:                             `the password would be in files and reports; write ${NAME} in its place`,
		external + `entry: {http: {url: "http://x/?access_token=pw"}}`:                  `the value of access_token would be in files and reports`,
		external + `entry: {http: {url: "http://x/", headers: {Authorization: pw}}}`:    `the value of Authorization would be in files and reports; write ${NAME} in its place`,
		external + `entry: {http: {url: "http://x/", headers: {"X-Api-Key": pw}}}`:      `the value of X-Api-Key would be in files and reports`,
		external + `entry: {http: {url: "http://x/", headers: {"a b": c}}}`:             `"a b" is not the name of a header`,
		external + `entry: {http: {url: "http://x/", headers: {A: "b\nc"}}}`:            `A: the value holds a line break`,
		external + `entry: {http: {url: "http://x/", headers: {accept: b, Accept: c}}}`: `Accept stands here twice; remove one`,
		external + `entry: {http: {url: "http://x/", headers: 5}}`:                      `expected a mapping such as {Authorization: "Bearer ${API_TOKEN}"}, found the number 5`,
		external + `entry: {http: {url: "http://x/", id: "data[0]"}}`:                   `elements of arrays cannot be named`,
		external + `entry: {http: {url: "http://x/", status: [200, 2]}}`:                `"2" is not the status code of an answer; write it like 200 or [200, 202]`,
		external + `entry: {http: {url: "http://x/", timeout: 2h}}`:                     `2h0m0s is not from 1ns to 1h0m0s`,
		external + `entry: {http: {url: "http://x/", method: get}}`:                     `"get" is not a method; write it like POST`,
		"producers: external\nentry: postgres":                                          `producers and workers are external, so the run only observes; remove it`,
		"producers: external\nexit: ws://x/":                                            `producers and workers are external, so the run only observes; remove it`,
		`exit: {websocket: {}}`:                                                         `it is empty; write websocket: {url: "ws://127.0.0.1:3000/ws", clients: 20}, or remove it`,
		`exit: {websocket: {clients: 3}}`:                                               `f:5:12: exit.websocket.url: the URL is missing; write exit: {websocket: {url: ws://127.0.0.1:3000/ws}}`,
		`exit: http://x/`:                                                               `does not begin with ws:// or wss://`,
		`exit: browser`:                                                                 `unknown exit "browser"; there are subscriber, and ws:// or wss://`,
		`exit: {websocket: {url: "ws://x/{{.Job}}"}}`:                                   `unknown name "{{.Job}}"; there is {{.Tenant}}`,
		`exit: {websocket: {url: "ws://x/", id: state, status: .state}}`:                `id and status are both at .state`,
		`exit: {websocket: {url: "ws://x/", subprotocol: "a b"}}`:                       `"a b" is not the name of a subprotocol`,
		"tenants: 9\n" + `exit: {websocket: {url: "ws://x/{{.Tenant}}", clients: 8}}`:   `8 clients leave tenants of the 9 without a client`,
		"notify: none\nexit: ws://x/":                                                   `with notify: none your API hears of no job`,
	} {
		if _, err := parse(lines); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", lines, err, want)
		}
	}
}

// TestNoMistakeShowsASecret: no message repeats the password of a URL or the value of a
// header, except in the line of the user's file.
func TestNoMistakeShowsASecret(t *testing.T) {
	t.Parallel()
	for key, texts := range map[string][]string{
		"entry":              {"ftp://u:pw1234@x/", "http://u:pw1234@[x/", "http://u:pw1234@/", "http://u:pw1/pw1234@x/", "http://u:pw1234", "http://u:#pw1234@x/", "http://u:pw1234@{{.Tenant}}/"},
		"exit":               {"http://u:pw1234@x/", "wss://x:pw1234"},
		"entry.http.headers": {"Authorization pw1234", "Bad Name: pw1234", "A: b\nA: pw1234"},
	} {
		for _, text := range texts {
			var s scenario.Scenario
			if err := fieldOf(t, key).Set(&s, text); err == nil || strings.Contains(err.Error(), "pw1234") {
				t.Errorf("%s: Set(%q) = %v, want an error without the password", key, text, err)
			}
		}
	}
	s := sound()
	s.External, s.Entry.Kind = true, scenario.EntryHTTP
	s.Entry.HTTP.URL = "http://u:pw1234@x/?sig=pw1234"
	s.Entry.HTTP.Headers = map[string]string{"Cookie": "pw1234", "X": "pw1234\x00"}
	if faults := fmt.Sprint(s.Validate()); strings.Contains(faults, "pw1234") || strings.Count(faults, "entry.http") != 3 {
		t.Errorf("Validate() = %s, want three faults without the password", faults)
	}
}

func TestOnlyExpandPutsTheEnvironmentIntoARequest(t *testing.T) {
	t.Parallel()
	s := sound()
	s.External = true
	s.Entry.Kind, s.Entry.HTTP = scenario.EntryHTTP, scenario.HTTPEntry{
		URL: "${API}/jobs", Headers: map[string]string{"Authorization": "Bearer ${API_TOKEN}"}, Body: `{"literal": "$${API_TOKEN}", "tenant": "{{.Tenant}}"}`,
	}
	s.Exit.WebSocket = scenario.WebSocketExit{URL: "ws://x/?token=${API_TOKEN}", Message: "${API_TOKEN}", Headers: map[string]string{"Cookie": "${API_TOKEN}"}}
	env := map[string]string{"API": "http://127.0.0.1:3000", "API_TOKEN": "pw1234"}
	lookup := func(name string) (string, bool) { value, set := env[name]; return value, set }

	h, err := s.Entry.HTTP.Expand(lookup)
	if err != nil || h.URL != "http://127.0.0.1:3000/jobs" || h.Headers["Authorization"] != "Bearer pw1234" || h.Body != `{"literal": "${API_TOKEN}", "tenant": "{{.Tenant}}"}` {
		t.Errorf("entry: %+v, %v", h, err)
	}
	w, err := s.Exit.WebSocket.Expand(lookup)
	if err != nil || w.URL != "ws://x/?token=pw1234" || w.Message != "pw1234" || w.Headers["Cookie"] != "pw1234" {
		t.Errorf("exit: %+v, %v", w, err)
	}
	var file bytes.Buffer
	if err := scenario.Encode(&file, []scenario.Scenario{s}); err != nil {
		t.Fatal(err)
	}
	stored, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, written := range []string{file.String(), string(stored), fmt.Sprint(s.Settings()), fmt.Sprintf("%+v", s)} {
		if strings.Contains(written, "pw1234") || !strings.Contains(written, "API_TOKEN") {
			t.Errorf("a secret is in, or its name is not: %s", written)
		}
	}

	env = map[string]string{"API": "127.0.0.1", "EMPTY": ""}
	_, err = s.Entry.HTTP.Expand(lookup)
	for _, want := range []string{
		`entry.http.url: "${API}/jobs" is no URL that begins with http:// or https:// once the environment variables are in it; correct them`,
		"entry.http.headers.Authorization: the environment variable API_TOKEN is not set; set it before the run",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Expand: %v, want %q", err, want)
		}
	}
	if _, err := (scenario.WebSocketExit{URL: "ws://x/${EMPTY}"}).Expand(lookup); err == nil {
		t.Error("an empty variable was taken for a value")
	}
}

func TestASettingOfAnotherEntryIsRefused(t *testing.T) {
	t.Parallel()
	s := sound()
	s.Entry.HTTP.Body, s.Entry.Postgres.Connections = "x", 3
	var fields []string
	for _, f := range s.Validate() {
		fields = append(fields, f.Field)
	}
	if diff := cmp.Diff([]string{"entry.postgres.connections", "entry.http.body"}, fields); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestOneFlagSetsTheConnectionsOfEitherEntry(t *testing.T) {
	t.Parallel()
	connections := fieldOf(t, "entry.postgres.connections")
	for _, row := range []struct {
		entry          string
		postgres, http int
	}{{"postgres", 7, 0}, {"http://127.0.0.1/", 0, 7}} {
		var s scenario.Scenario
		if err := fieldOf(t, "entry").Set(&s, row.entry); err != nil {
			t.Fatal(err)
		}
		if err := connections.Set(&s, "7"); err != nil || s.Entry.Postgres.Connections != row.postgres || s.Entry.HTTP.Connections != row.http {
			t.Errorf("%s: %+v, %v", row.entry, s.Entry, err)
		}
		for _, c := range connections.Columns {
			if cell := c.Cell(s); cell != "7" {
				t.Errorf("%s: column %s has %q, want 7", row.entry, c.Name, cell)
			}
		}
		// Another kind takes its settings along.
		if err := fieldOf(t, "entry").Set(&s, "push"); err != nil || !cmp.Equal(s, scenario.Scenario{}) {
			t.Errorf("push leaves %+v, %v", s.Entry, err)
		}
	}
}

func TestEachTenantHasAClientUnlessTheFileSaysOtherwise(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]int{"ws://x/": 1, "ws://x/{{.Tenant}}": 30} {
		s := scenario.Scenario{Tenants: scenario.Tenants{Count: 30}}
		s.Exit.WebSocket.URL = url
		if got := s.WithDefaults().Exit.WebSocket.Clients; got != want {
			t.Errorf("%s: %d clients, want %d", url, got, want)
		}
	}
}
