package jobtable_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/jobtable"
	"github.com/queuedyno/queuedyno/internal/postgres"
	"github.com/queuedyno/queuedyno/internal/servertest"
	"github.com/queuedyno/queuedyno/postgresserver"
)

// TestOpenRefusesWhatARunCannotUse: each refusal names the cause and the remedy, shows no
// password, and leaves nothing behind.
func TestOpenRefusesWhatARunCannotUse(t *testing.T) {
	t.Parallel()
	const table = "CREATE TABLE jobs (id text PRIMARY KEY, tenant_id text NOT NULL, status text NOT NULL, error text%s)"
	plain := fmt.Sprintf(table, "")
	const secret = "hunter2-pg"
	wrong := func(url string) string { return as(url, server.User.Username(), secret) }
	reader := func(url string) string { return as(url, "reader", secret) }
	execute(t, database(t), "CREATE ROLE reader LOGIN PASSWORD '"+secret+"'")
	for name, row := range map[string]struct {
		ddl           []string
		table         string
		change        func(url string) string
		says, advises string
	}{
		"no table":         {nil, "jobs", nil, "check the table jobs at postgres://127.0.0.1:", "create it: CREATE TABLE jobs (id text PRIMARY KEY, tenant_id text NOT NULL, status text NOT NULL, error text)"},
		"a slip":           {[]string{plain}, "job", nil, "it does not exist", "write jobs if that is meant"},
		"another case":     {[]string{plain}, "Jobs", nil, "it does not exist", "write jobs if that is meant"},
		"no columns":       {[]string{"CREATE TABLE jobs (id text PRIMARY KEY, status text)"}, "jobs", nil, "it has no column tenant_id, error", "error text)"},
		"a column more":    {[]string{fmt.Sprintf(table, ", owner text NOT NULL")}, "jobs", nil, "SQLSTATE 23502", "give the further columns of the table a default"},
		"another type":     {[]string{"CREATE TABLE jobs (id bigint PRIMARY KEY, tenant_id text, status text, error text)"}, "jobs", nil, "SQLSTATE 22P02", "id must take a UUID"},
		"a short column":   {[]string{"CREATE TABLE jobs (id varchar(20) PRIMARY KEY, tenant_id text, status text, error text)"}, "jobs", nil, "SQLSTATE 22001", "id needs 36 characters"},
		"a status missing": {[]string{fmt.Sprintf(table, ", CHECK (status <> 'FAILED')")}, "jobs", nil, "SQLSTATE 23514", "status must allow PENDING, COMPLETED and FAILED"},
		"a foreign key":    {[]string{"CREATE TABLE tenants (id text PRIMARY KEY)", fmt.Sprintf(table, ", FOREIGN KEY (tenant_id) REFERENCES tenants")}, "jobs", nil, "SQLSTATE 23503", "foreign key"},
		"a rule":           {[]string{plain, "CREATE RULE r AS ON DELETE TO jobs DO INSTEAD NOTHING"}, "jobs", nil, "delete from the table jobs", "without a rule"},
		"no rights":        {[]string{plain, "GRANT SELECT, INSERT, UPDATE ON jobs TO reader"}, "jobs", reader, "SQLSTATE 42501", "GRANT SELECT, INSERT, UPDATE, DELETE"},
		"no right to make": {[]string{"REVOKE CREATE ON SCHEMA public FROM PUBLIC"}, "", reader, "create the table queuedyno_jobs_abcdef012345678", "GRANT CREATE ON SCHEMA public"},
		"wrong password":   {nil, "", wrong, "SQLSTATE 28P01", "correct the user or the password"},
		"no database":      {nil, "", func(url string) string { return strings.Replace(url, "?", "x?", 1) }, "SQLSTATE 3D000", "createdb"},
		"no server":        {nil, "", func(string) string { return "postgres://owner:" + secret + "@" + closedPort + "/postgres" }, "connection refused", "start Postgres"},
		"no URL":           {nil, "", func(string) string { return "mysql://owner:" + secret + "@127.0.0.1/" }, "the scheme must be postgres", ""},
	} {
		url := database(t, row.ddl...)
		o := options(url, row.table)
		if row.change != nil {
			o.URL = row.change(url)
		}
		_, err := jobtable.Open(t.Context(), o)
		known, ok := errors.AsType[*postgres.Error](err)
		switch {
		case !ok || !strings.Contains(err.Error(), row.says) || !strings.Contains(known.Hint(), row.advises):
			t.Errorf("%s: %v, want %q and the remedy %q", name, err, row.says, row.advises)
		case strings.Contains(err.Error()+known.Hint(), secret), strings.Contains(err.Error()+known.Hint(), password()):
			t.Errorf("%s: the password is in %v", name, err)
		case strings.Contains(err.Error(), "\n"):
			t.Errorf("%s: more than one error: %v", name, err)
		}
		if left := number(t, url, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'queuedyno' AND state <> 'idle'"); left != 0 {
			t.Errorf("%s: %d statements are left", name, left)
		}
		if row.table == "jobs" && row.ddl != nil {
			if rows := number(t, url, "SELECT count(*) FROM jobs"); rows != 0 {
				t.Errorf("%s: %d rows are left", name, rows)
			}
		}
	}
}

// closedPort is an address at which nothing listens: the kernel never gives port 1 to a
// server that asks for any.
const closedPort = "127.0.0.1:1"

// TestTooManyConnectionsAreRefusedBeforeTheLoad takes every connection of a server, which is
// therefore its own.
func TestTooManyConnectionsAreRefusedBeforeTheLoad(t *testing.T) {
	t.Parallel()
	if server == nil {
		servertest.Missing(t, "postgres", missing)
	}
	const few = 10
	s, err := postgresserver.Start(t.Context(), postgresserver.Options{Source: "process", Settings: []string{fmt.Sprintf("max_connections=%d", few)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	o := options(s.URL(), "")
	o.Connections = few + 1
	_, err = jobtable.Open(t.Context(), o)
	known, ok := errors.AsType[*postgres.Error](err)
	if !ok || postgres.Code(err) != "53300" || !strings.Contains(known.Hint(), "--entry-connections") {
		t.Errorf("Open = %v, want SQLSTATE 53300 and its remedy", err)
	}
}

func TestATableWithoutAnIndexIsCautionedAbout(t *testing.T) {
	t.Parallel()
	table := open(t, options(database(t, "CREATE TABLE jobs (id text, tenant_id text, status text, error text)"), "jobs"))
	if c := table.Facts().Cautions; len(c) != 1 || !strings.Contains(c[0], "every UPDATE reads the whole table") {
		t.Errorf("cautions %q, want one about the index", c)
	}
}
