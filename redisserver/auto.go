package redisserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// source is one place a server can come from.
type source struct {
	kind  Kind
	start func(context.Context, Options) (*Server, error)
}

// startAuto takes $REDIS_URL if it is set, else the first source that starts.
func startAuto(ctx context.Context, o Options, sources []source) (*Server, error) {
	if v := o.Getenv("REDIS_URL"); v != "" && v != "auto" {
		o.Source = v
		s, err := Start(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("REDIS_URL: %w", err)
		}
		o.Log("redis: " + describe(s) + ", from REDIS_URL")
		return s, nil
	}
	passedOver := []string{"REDIS_URL is not set"}
	var all []error
	for _, src := range sources {
		s, err := src.start(ctx, o)
		if err == nil {
			o.Log("redis: " + describe(s) + "; " + strings.Join(passedOver, "; "))
			if s.Note() != "" {
				o.Log("redis: " + s.Note())
			}
			return s, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		// A server that is there and does not start with the user's arguments
		// is the user's to know about. Going on would try the same arguments
		// on the next source, after pulling an image for it.
		if len(o.Args) > 0 && !errors.Is(err, ErrUnavailable) {
			return nil, err
		}
		passedOver = append(passedOver, reason(err))
		all = append(all, err)
	}
	return nil, unavailable(fmt.Errorf("find a redis: %w", errors.Join(all...)), "")
}

// reason is the error without its remedy, which is of no use to someone who got
// another server instead.
func reason(err error) string {
	if k, ok := errors.AsType[*kindError](err); ok {
		return k.err.Error()
	}
	return err.Error()
}

// describe names a server for people.
func describe(s *Server) string {
	what := map[Kind]string{
		URL:      "existing server",
		Process:  "private redis-server process",
		Docker:   "private Docker container",
		Embedded: "embedded server",
	}[s.Kind()]
	return what + " at " + s.Address()
}
