package postgres_test

import (
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/postgres"
)

const exampleURL = "postgres://user:password@localhost:5432/database"

func TestAddressHasNoSecret(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ url, want string }{
		{"postgres://localhost/jobs", "postgres://localhost:5432/jobs"},
		{"postgres://app:hunter2@no.such.host.invalid/jobs", "postgres://no.such.host.invalid:5432/jobs"}, // connects to nothing
		{"postgresql://app:hunter2@db.example:6000/jobs?sslmode=require", "postgres://db.example:6000/jobs"},
		{"postgres://app:p%2Fw%40@[::1]:6000/my%20jobs", "postgres://[::1]:6000/my%20jobs"},
		{"postgres://app@h1:6000,h2:6001/jobs?password=hunter2&target_session_attrs=read-write", "postgres://h1:6000,h2:6001/jobs"},
		{"postgres:///jobs?host=/run/postgresql&password=hunter2", "postgres:///jobs?host=/run/postgresql"},
		{"postgres://app:hunter2@%2Frun%2Fpostgresql/jobs", "postgres:///jobs?host=/run/postgresql"},
	} {
		got, err := postgres.Address(row.url)
		if err != nil || got != row.want {
			t.Errorf("Address(%q) = %q, %v, want %q", row.url, got, err, row.want)
		}
	}
}

func TestMalformedURLIsRedactedAndExplained(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ url, shown, says string }{
		{"postgres://app:hunter2@host:99999/jobs", `"postgres://app:***@host:99999/jobs"`, "from 1 to 65535"},
		{"postgres://app:hunter2@host:0/jobs", `"postgres://app:***@host:0/jobs"`, "from 1 to 65535"},
		{"postgres://app:hunter2@h1:1,h2:x/jobs", `"postgres://app:***@h1:1,h2:***/jobs"`, "from 1 to 65535"},
		{"postgres://app:hunter2@host:/jobs", `"postgres://app:***@host:/jobs"`, "from 1 to 65535"},
		{"postgres://app:hunter2", `"postgres://app:***"`, "from 1 to 65535"},
		{"postgres://app:hunter2@::1/jobs", `"postgres://app:***@::1/jobs"`, "in brackets"},
		{"mysql://app:hunter2@host/jobs", `"mysql://app:***@host/jobs"`, "postgres or postgresql"},
		{"dokcer", `"dokcer"`, "auto, process or docker"},
		{"localhost:5432", `"localhost:5432"`, exampleURL},
		{"postgres://app:hunter/2@host/jobs", `"postgres://app:***@host/jobs"`, "%2F for /"},
		{"postgres://app:hunter#2@host/jobs", `"postgres://app:***@host/jobs"`, "%23 for #"},
		{"postgres://app:hunter@2@host/jobs", `"postgres://app:***@host/jobs"`, "%40 for @"},
		{"postgres://app:hunter 2@host/jobs", `"postgres://app:***@host/jobs"`, "%20 for a space"},
		{"postgres://app:hunter%2@host/jobs", `"postgres://app:***@host/jobs"`, "hexadecimal"},
		{"postgres://app:hunter%zz2@host/jobs", `"postgres://app:***@host/jobs"`, "hexadecimal"},
		{"postgres://host/jobs#hunter2", `"postgres://host/jobs#***"`, "'#'"},
		{"postgres://host/jobs?password=hunter%2", `"postgres://host/jobs?***"`, "options after the ?"},
		{"postgres://host/jobs?sslmode=hunter2&password=hunter2", `"postgres://host/jobs?***"`, "sslmode"},
		{"postgres://app:hunter2@host/jobs?sslmode=verify-ca&sslrootcert=/no/such/file", `"postgres://app:***@host/jobs?***"`, "/no/such/file"},
	} {
		got, err := postgres.Address(row.url)
		if err == nil {
			t.Errorf("Address(%q) = %q, want an error", row.url, got)
			continue
		}
		for _, want := range []string{"postgres URL " + row.shown + ": ", row.says} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("Address(%q): %v, want it to say %q", row.url, err, want)
			}
		}
		if strings.Contains(err.Error(), "hunter") || strings.Contains(err.Error(), "\n") {
			t.Errorf("Address(%q): %q shows the password, or has several lines", row.url, err)
		}
	}
}

// FuzzURL plants a secret inside a password, and fails if an error or an address shows
// it, whatever surrounds it.
func FuzzURL(f *testing.F) {
	const secret = "hunter2"
	f.Add("postgres", "user", "", "", "localhost:5432/jobs")
	f.Add("postgresql", "", "p@", "/#?", "[::1]:0/x?sslmode=x#y")
	f.Add("postgres", "u", "%", ":%zz", "h1:1,h2:2/jobs?host=/run")
	f.Add("postgres", "u", "", "", "host/jobs?service=none")
	f.Add("a@b:", "", ":", "\x00 ", "host:port")
	f.Fuzz(func(t *testing.T, scheme, user, before, after, rest string) {
		// A secret that is written twice cannot be protected.
		for _, s := range []string{scheme, user, before, after, rest} {
			if strings.Contains(s, secret) || strings.Contains(s, "://") {
				t.Skip("the secret, or the start of a URL, is written twice")
			}
		}
		if strings.Contains(user, ":") || strings.HasSuffix(scheme, ":") {
			t.Skip("the secret is not in the password alone")
		}
		raw := scheme + "://" + user + ":" + before + secret + after + "@" + rest
		address, err := postgres.Address(raw)
		if err != nil {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("Address(%q): %v shows the secret", raw, err)
			}
			return
		}
		if strings.Contains(address, secret) {
			t.Errorf("Address(%q) = %q shows the secret", raw, address)
		}
		// An address is a good URL itself and its own address.
		if again, err := postgres.Address(address); err != nil || again != address {
			t.Errorf("Address(%q) = %q, %v, the address of %q", address, again, err, raw)
		}
	})
}
