package redisserver

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/serverstart"
)

// source starts a server of one kind.
type source = func(context.Context, Options) (*Server, error)

// startAuto takes $REDIS_URL if it is set, else the first source that starts.
func startAuto(ctx context.Context, o Options, sources ...source) (*Server, error) {
	if v := o.Getenv("REDIS_URL"); v != "" && v != "auto" {
		o.Source = v
		s, err := Start(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("REDIS_URL: %w", err)
		}
		o.Log("redis: " + describe(s) + ", from REDIS_URL")
		return s, nil
	}
	s, skipped, err := serverstart.First(ctx, o, len(o.Args) > 0, sources...)
	if err != nil {
		return nil, fmt.Errorf("find a redis: %w", err)
	}
	o.Log("redis: " + describe(s) + "; " + strings.Join(slices.Concat([]string{"REDIS_URL is not set"}, skipped), "; "))
	if s.Note() != "" {
		o.Log("redis: " + s.Note())
	}
	return s, nil
}

// describe names a server for people.
func describe(s *Server) string {
	what := map[Kind]string{
		URL:      "existing server",
		Process:  "private redis-server process",
		Docker:   "private Docker container",
		Embedded: "embedded server",
		Sentinel: "private redis-server processes and their sentinels",
		Cluster:  "private cluster of redis-server processes",
	}[s.Kind()]
	return what + " at " + s.Address()
}
