package postgresserver

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/serverstart"
)

// source starts a server of one kind.
type source = func(context.Context, Options) (*Server, error)

// startAuto takes $POSTGRES_URL if it is set, else the first source that starts.
func startAuto(ctx context.Context, o Options, sources ...source) (*Server, error) {
	if v := o.Getenv("POSTGRES_URL"); v != "" && v != "auto" {
		o.Source = v
		s, err := Start(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("POSTGRES_URL: %w", err)
		}
		o.Log("postgres: " + describe(s) + ", from POSTGRES_URL")
		return s, nil
	}
	if strings.HasPrefix(o.Getenv("DATABASE_URL"), "postgres") {
		o.Log("postgres: DATABASE_URL is not used; to run against that database, name it with --postgres or in POSTGRES_URL")
	}
	s, skipped, err := serverstart.First(ctx, o, len(o.Settings) > 0, sources...)
	if err != nil {
		return nil, fmt.Errorf("find a postgres: %w", err)
	}
	o.Log("postgres: " + describe(s) + "; " + strings.Join(slices.Concat([]string{"POSTGRES_URL is not set"}, skipped), "; "))
	if s.Note() != "" {
		o.Log("postgres: " + s.Note())
	}
	return s, nil
}

// describe names a server for people.
func describe(s *Server) string {
	what := map[Kind]string{
		URL:     "existing database",
		Process: "private postgres process",
		Docker:  "private Docker container",
	}[s.Kind()]
	return what + " at " + s.Address()
}
