package target_test

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/target"
)

// postgres reads the flag from a command line and an environment.
func postgres(t *testing.T, env []string, args ...string) *target.Postgres {
	t.Helper()
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	declared := flags.New(set)
	p := target.DeclarePostgres(declared, func(string) string { return "" })
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	declared.ReadEnv(env)
	return p
}

func TestThePostgresIsShownWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"auto": "auto", "process": "process", "docker": "docker",
		"postgres://me:hunter2@db.example:5433/jobs?sslmode=disable": "postgres://db.example:5433/jobs",
		"mysql://me:hunter2@db.example/":                             "url",
	} {
		p := postgres(t, nil, "--postgres", source)
		if got := p.Shown(); got != want {
			t.Errorf("%s: Shown() = %q, want %q", source, got, want)
		}
		o, err := p.Options(func(string) {})
		switch wrong := want == "url"; {
		case wrong && (err == nil || !strings.HasPrefix(err.Error(), "--postgres: ") || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("%s: Options() = %v, want an error of --postgres without the password", source, err)
		case !wrong && (err != nil || o.Source != source || o.Log == nil || o.Getenv == nil):
			t.Errorf("%s: Options() = %+v, %v", source, o, err)
		}
	}
}

func TestThePostgresFlagIsRefusedWhereNoJobIsStored(t *testing.T) {
	t.Parallel()
	written := postgres(t, nil, "--postgres", "process")
	if got := written.Problems(false); len(got) != 1 || got[0].Hint != "add --entry postgres" {
		t.Errorf("Problems(false) = %v, want one with its remedy", got)
	}
	if got := written.Problems(true); len(got) > 0 {
		t.Errorf("Problems(true) = %v, want none", got)
	}
	// A variable may be set for other runs.
	variable := postgres(t, []string{"QUEUEDYNO_POSTGRES=process"})
	if got := variable.Problems(false); len(got) > 0 || variable.Source != "process" {
		t.Errorf("the variable: %q, problems %v, want process and none", variable.Source, got)
	}
}
