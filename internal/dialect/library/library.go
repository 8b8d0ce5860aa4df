// Package library finds the dialect of a scenario. It is the one list of all of them.
package library

import (
	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/internal/dialect/asynq"
	"github.com/queuedyno/queuedyno/internal/dialect/bullmq"
	"github.com/queuedyno/queuedyno/internal/dialect/celery"
	"github.com/queuedyno/queuedyno/internal/dialect/sidekiq"
	"github.com/queuedyno/queuedyno/scenario"
)

var all = map[scenario.Dialect]dialect.Dialect{
	scenario.SidekiqDialect: sidekiq.Dialect{},
	scenario.CeleryDialect:  celery.Dialect{},
	scenario.BullMQDialect:  bullmq.Dialect{},
	scenario.AsynqDialect:   asynq.Dialect{},
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
