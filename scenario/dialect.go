package scenario

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// Dialect is the library whose jobs are in the queue.
type Dialect string

// The dialects.
const (
	PlainDialect   Dialect = "plain"   // the job's id, or JSON with it
	SidekiqDialect Dialect = "sidekiq" // as Sidekiq's client pushes jobs; the id is the first argument
	CeleryDialect  Dialect = "celery"  // as Celery's client pushes tasks; the id is the task's id
)

// Dialects are all dialects, the default first.
func Dialects() []Dialect { return []Dialect{PlainDialect, SidekiqDialect, CeleryDialect} }

// dialectRules are what a scenario of one dialect needs.
type dialectRules struct {
	title   string         // of the library
	job     string         // what the library calls a kind of job
	example string         // of its name
	name    *regexp.Regexp // that it matches
	// args says that jobs have arguments that a scenario chooses, and announces that
	// the library itself announces the end of a job.
	args, announces bool
}

var dialects = map[Dialect]dialectRules{
	SidekiqDialect: {title: "Sidekiq", job: "class", example: "HardJob",
		name: regexp.MustCompile(`^[A-Z][A-Za-z0-9_]*(::[A-Z][A-Za-z0-9_]*)*$`)},
	CeleryDialect: {title: "Celery", job: "task", example: "tasks.work", args: true, announces: true,
		name: regexp.MustCompile(`^[\pL\pN_.:/@-]+$`)},
}

// dialect checks how jobs look in the queue.
func (v *validator) dialect() {
	oneOf(v, "dialect", orPlain(v.Dialect), Dialects()...)
	rules, has := dialects[v.Dialect]
	if !has {
		const only = "plain jobs have none; remove it, or choose another dialect"
		if v.JobName != "" {
			v.faultWith("job_name", []string{"dialect"}, only)
		}
		if v.JobArgs != "" {
			v.faultWith("job_args", []string{"dialect"}, only)
		}
		return
	}
	switch {
	case v.JobName == "":
		v.fault("job_name", "%s jobs need a %s: set job_name: %s", rules.title, rules.job, rules.example)
	case len(v.JobName) > maxJobName || !rules.name.MatchString(v.JobName):
		v.fault("job_name", "%.60q is not the name of a %s %s, such as %s", v.JobName, rules.title, rules.job, rules.example)
	}
	none := func(field string, set bool, format string, args ...any) {
		if set {
			v.faultWith(field, []string{"dialect", "consumers"}, format, args...)
		}
	}
	none("dialect", !v.External, "only %s workers take %s jobs; write consumers: external", rules.title, rules.title)
	none("design", v.Design != jobqueue.List, "%s keeps its queues in lists; write design: list", rules.title)
	none("queues", len(v.Queues) > 1, "%s names its queues itself; run them one by one", rules.title)
	none("tenants.count", v.Tenants.Count > 1, "%s jobs have no tenant; remove it", rules.title)
	none("job_args", v.JobArgs != "" && !rules.args, "the arguments of %s jobs are their id and their payload; remove it", rules.title)
	none("update", v.Update != "" && rules.announces, "%s announces the ends of jobs itself; remove it", rules.title)
	none("notify", v.Notify == jobqueue.ShardedPubSub && rules.announces, "%s publishes on plain channels; write notify: pubsub", rules.title)
}

func orPlain(d Dialect) Dialect {
	if d == "" {
		return PlainDialect
	}
	return d
}

// JobWords says what the jobs of a dialect are: "Celery task tasks.work". It is empty for
// plain ones.
func (s Scenario) JobWords() string {
	rules, has := dialects[s.Dialect]
	if !has {
		return ""
	}
	return rules.title + " " + rules.job + " " + s.JobName
}

// jobArgs reads the arguments of jobs, and keeps them as they were written.
func jobArgs(s string) (string, error) {
	if len(s) > maxJobArgs {
		return "", fmt.Errorf("it has %d bytes, and at most %d are allowed", len(s), maxJobArgs)
	}
	var all []json.RawMessage
	if err := json.Unmarshal([]byte(s), &all); err != nil || all == nil {
		return "", fmt.Errorf("%.60q is not a JSON array such as [42, \"a\"]", s)
	}
	return s, nil
}
