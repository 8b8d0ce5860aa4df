package target

import (
	"context"
	"errors"
	"slices"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/postgresserver"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/scenario"
)

// Servers are what scenarios run against: a Redis, and a Postgres where one of the
// scenarios stores its jobs.
type Servers struct {
	redis    *redisserver.Server    // nil when no scenario needs one
	postgres *postgresserver.Server // nil when no scenario stores its jobs
}

// Start starts the Redis and the Postgres, without the one whose options are nil.
func Start(ctx context.Context, redis *redisserver.Options, postgres *postgresserver.Options) (*Servers, error) {
	s := &Servers{}
	var err error
	if postgres != nil {
		if s.postgres, err = postgresserver.Start(ctx, *postgres); err != nil {
			return nil, err
		}
	}
	if redis != nil {
		if s.redis, err = redisserver.Start(ctx, *redis); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// HasRedis reports whether there is a Redis.
func (s *Servers) HasRedis() bool { return s.redis != nil }

// Kind is where the Redis comes from.
func (s *Servers) Kind() redisserver.Kind {
	if s.redis == nil {
		return "none"
	}
	return s.redis.Kind()
}

// Address is the URL of the Redis without secrets.
func (s *Servers) Address() string {
	if s.redis == nil {
		return ""
	}
	return s.redis.Address()
}

// URL is that of the Redis. It may hold a secret.
func (s *Servers) URL() string {
	if s.redis == nil {
		return ""
	}
	return s.redis.URL()
}

// Ended is closed when a Redis that Start started has ended.
func (s *Servers) Ended() <-chan struct{} {
	if s.redis == nil {
		return nil
	}
	return s.redis.Ended()
}

// Close ends what Start started.
func (s *Servers) Close() (err error) {
	if s.redis != nil {
		err = s.redis.Close()
	}
	if s.postgres != nil {
		err = errors.Join(err, s.postgres.Close())
	}
	return err
}

// Database is the URL of the Postgres and where it comes from, both empty without one.
// The URL may hold a secret.
func (s *Servers) Database() (url, kind string) {
	if s.postgres == nil {
		return "", ""
	}
	return s.postgres.URL(), string(s.postgres.Kind())
}

// Notes are sentences that every report on the servers must carry.
func (s *Servers) Notes() (notes []string) {
	if s.redis != nil && s.redis.Note() != "" {
		notes = append(notes, s.redis.Note())
	}
	if s.postgres != nil && s.postgres.Note() != "" {
		notes = append(notes, s.postgres.Note())
	}
	return notes
}

// Stored reports whether one of the scenarios stores its jobs.
func Stored(all ...scenario.Scenario) bool {
	return slices.ContainsFunc(all, func(s scenario.Scenario) bool { return s.Entry.Kind == scenario.EntryPostgres })
}

// For are the options of the Postgres for those scenarios, checked: nil when none of them
// stores its jobs. They write to log.
func (p *Postgres) For(log func(line string), all ...scenario.Scenario) (*postgresserver.Options, problem.List) {
	if !Stored(all...) {
		return nil, p.Problems(len(all) == 0)
	}
	o, err := p.Options(log)
	if err != nil {
		return nil, problem.List{problem.Of(err)}
	}
	return &o, nil
}
