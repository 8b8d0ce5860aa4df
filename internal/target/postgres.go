package target

import (
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/postgres"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/serverstart"
	"github.com/queuedyno/queuedyno/postgresserver"
)

// Postgres says which Postgres a verb uses for jobs that are stored before they are
// pushed. Its field is the value of the flag.
type Postgres struct {
	Source string

	set    *flags.Set
	getenv func(string) string
}

// postgresFlag is the flag of [DeclarePostgres].
const postgresFlag = "postgres"

// DeclarePostgres declares the flag for a Postgres that is used or started.
func DeclarePostgres(set *flags.Set, getenv func(string) string) *Postgres {
	p := &Postgres{Source: "auto", set: set, getenv: getenv}
	set.Group("Postgres")
	set.Text(&p.Source, postgresFlag, "", "Postgres for --entry postgres: a `URL` (postgres://), or auto, process or docker to start one "+
		"(default auto: POSTGRES_URL if set, otherwise the first of process and docker that is available)")
	return p
}

// exists reports whether the source is a URL and not a kind of Postgres to start.
func (p *Postgres) exists() bool {
	switch p.Source {
	case "", "auto", string(postgresserver.Process), string(postgresserver.Docker):
		return false
	}
	return true
}

// Kind is where the Postgres comes from as far as the flags say: url, process or docker,
// or empty when that is found out when it is started.
func (p *Postgres) Kind() string {
	named := p.getenv("POSTGRES_URL")
	switch auto := p.Source == "" || p.Source == "auto"; {
	case p.exists(), auto && named != "" && named != "auto":
		return string(postgresserver.URL)
	case auto:
		return ""
	}
	return p.Source
}

// Options are those to start the Postgres with, checked. They write to log.
func (p *Postgres) Options(log func(line string)) (postgresserver.Options, error) {
	if p.exists() {
		if _, err := postgres.Address(p.Source); err != nil {
			return postgresserver.Options{}, serverstart.Usagef("%s: %w", p.set.Source(postgresFlag), err)
		}
	}
	return postgresserver.Options{Source: p.Source, Getenv: p.getenv, Log: log}, nil
}

// Problems refuses the flag on the command line where no job is stored: it would have
// no effect.
func (p *Postgres) Problems(stored bool) problem.List {
	if stored || !p.set.Written(postgresFlag) {
		return nil
	}
	return problem.List{{What: "--" + postgresFlag + ": no job is stored in Postgres", Hint: "add --entry postgres"}}
}

// Shown is the Postgres in words without secrets.
func (p *Postgres) Shown() string {
	if !p.exists() {
		return p.Source
	}
	if address, err := postgres.Address(p.Source); err == nil {
		return address
	}
	return "url"
}
