// Package library finds the dialect of a scenario. It is the one list of all of them.
package library

import (
	"cmp"

	"github.com/queuedyno/queuedyno/internal/announced"
	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/internal/dialect/asynq"
	"github.com/queuedyno/queuedyno/internal/dialect/bullmq"
	"github.com/queuedyno/queuedyno/internal/dialect/celery"
	"github.com/queuedyno/queuedyno/internal/dialect/rq"
	"github.com/queuedyno/queuedyno/internal/dialect/sidekiq"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
)

var all = map[string]dialect.Dialect{
	"sidekiq": sidekiq.Dialect{},
	"celery":  celery.Dialect{},
	"bullmq":  bullmq.Dialect{},
	"asynq":   asynq.Dialect{},
	"rq":      rq.Dialect{},
}

// Of is the dialect of the scenario, nil for plain jobs.
func Of(s scenario.Scenario) dialect.Dialect { return all[s.Dialect] }

// Facts are those of the scenario's dialect, and zero for plain jobs.
func Facts(s scenario.Scenario) dialect.Facts {
	if d := Of(s); d != nil {
		return d.Facts()
	}
	return dialect.Facts{}
}

// Mapping is the form of the updates: as the library announces them, else as the scenario says.
func Mapping(s scenario.Scenario) (updates.Mapping, error) {
	if text := cmp.Or(Facts(s).Update, s.Update); text != "" {
		return updates.ParseMapping(text)
	}
	return updates.Mapping{}, nil
}

// Announced reports whether updates are announced elsewhere than on the run's channel.
func Announced(s scenario.Scenario) bool {
	form, err := Mapping(s)
	return err == nil && (form.Source() != nil || Facts(s).Announces())
}

// SetsKeys reports whether the workers announce updates by setting keys.
func SetsKeys(s scenario.Scenario) bool {
	form, err := Mapping(s)
	return err == nil && form.Source() != nil && form.Source().Keys
}

// Over is the queue as the scenario's workers use it. ids is what the ids of the run's jobs
// begin with, and no other ids do; it is empty to hear the jobs of all clients. The queue that
// is returned can be a [dialect.Sweeper]. The caller closes the backend.
func Over(s scenario.Scenario, b jobqueue.Backend, ids string) (jobqueue.Backend, error) {
	form, err := Mapping(s)
	if d := Of(s); d != nil && err == nil {
		b, err = d.Over(b, ids)
	}
	if err == nil && form.Source() != nil {
		err = announced.Listen(b, form, ids)
	}
	return b, err
}
