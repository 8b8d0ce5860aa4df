package scenario

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// dialectRules are what a scenario of one dialect needs.
type dialectRules struct {
	word    string         // the dialect
	title   string         // of the library
	job     string         // what the library calls a kind of job
	example string         // of its name
	name    *regexp.Regexp // that it matches
	args    argsKind       // that a scenario chooses
	// announces says that the library itself announces the end of a job, and stream that it
	// does so in a stream, which forgets old entries.
	announces, stream bool
}

// mostInStream is how many jobs can be put in before anyone reads the events.
const mostInStream = 4000

// argsKind is what a library's jobs have as their arguments.
type argsKind string

const (
	arrayArgs  argsKind = `arguments, a JSON array such as [42, "a"]`
	objectArgs argsKind = `data, a JSON object such as {"user": 42}`
)

// begin is what the text of this kind begins with.
func (k argsKind) begin() string {
	if k == objectArgs {
		return "{"
	}
	return "["
}

// dialects are all dialects, the default first: the job's id, or JSON with it.
var dialects = []dialectRules{
	{word: "plain"},
	{word: "sidekiq", title: "Sidekiq", job: "class", example: "HardJob", args: arrayArgs,
		name: regexp.MustCompile(`^[A-Z][A-Za-z0-9_]*(::[A-Z][A-Za-z0-9_]*)*$`)},
	{word: "celery", title: "Celery", job: "task", example: "tasks.work", args: arrayArgs, announces: true,
		name: regexp.MustCompile(`^[\pL\pN_.:/@-]+$`)},
	{word: "bullmq", title: "BullMQ", job: "job name", example: "send-mail", args: objectArgs, announces: true, stream: true,
		name: regexp.MustCompile(`^[^\pC]+$`)},
	{word: "asynq", title: "asynq", job: "task type", example: "mail:send", args: objectArgs,
		name: regexp.MustCompile(`^[^\pC]+$`)},
	{word: "rq", title: "RQ", job: "function", example: "tasks.work", args: arrayArgs, announces: true,
		name: regexp.MustCompile(`^[\pL_][\pL\pN_]*(\.[\pL_][\pL\pN_]*)+$`)},
}

func dialectWords() []string {
	return each(dialects, func(d dialectRules) string { return d.word })
}

// dialectOf finds the rules of a dialect. Plain jobs have none.
func dialectOf(word string) (rules dialectRules, has bool) {
	if i := slices.Index(dialectWords(), word); i > 0 {
		return dialects[i], true
	}
	return rules, false
}

// dialect checks how jobs look in the queue.
func (v *validator) dialect() {
	oneOf(v, "dialect", cmp.Or(v.Dialect, dialects[0].word), dialectWords()...)
	rules, has := dialectOf(v.Dialect)
	if !has {
		const only = "plain jobs have none; remove it, or choose another dialect"
		v.faultIf(v.JobName != "", "job_name", []string{"dialect"}, only)
		v.faultIf(v.JobArgs != "", "job_args", []string{"dialect"}, only)
		return
	}
	switch {
	case v.Load.Observed || v.Entry.Kind == EntryHTTP: // the run puts no job in
	case v.JobName == "":
		v.fault("job_name", "%s jobs need a %s: set job_name: %s", rules.title, rules.job, rules.example)
	case len(v.JobName) > maxJobName || !rules.name.MatchString(v.JobName):
		v.fault("job_name", "%.60q is not the name of a %s %s, such as %s", v.JobName, rules.title, rules.job, rules.example)
	}
	none := func(field string, set bool, format string, args ...any) {
		v.faultIf(set, field, []string{"dialect", "consumers"}, format, args...)
	}
	none("dialect", !v.External && !v.Load.Observed, "only %s workers take %s jobs; write consumers: external", rules.title, rules.title)
	none("design", v.Design != jobqueue.List, "%s keeps its queues in lists; write design: list", rules.title)
	none("queues", len(v.Queues) > 1, "%s names its queues itself; run them one by one", rules.title)
	none("tenants.count", v.Tenants.Count > 1, "%s jobs have no tenant; remove it", rules.title)
	none("job_args", v.JobArgs != "" && !strings.HasPrefix(strings.TrimSpace(v.JobArgs), rules.args.begin()), "%.60q is not what a %s %s has: %s", v.JobArgs, rules.title, rules.job, rules.args)
	none("subscribers", v.Subscribers > 1 && rules.stream, "%s keeps one stream of events, which one subscriber reads; remove it", rules.title)
	none("prefill", v.Prefill > mostInStream && rules.stream, "%s keeps about 10,000 events, two for each job that is put in: more than %s jobs cannot be prefilled", rules.title, group(mostInStream))
	none("update", v.Update != "" && rules.announces, "%s announces the ends of jobs itself; remove it", rules.title)
	none("notify", v.Notify == jobqueue.ShardedPubSub && rules.announces, "%s announces the ends of jobs in its own way; remove it", rules.title)
}

// JobWords says what the jobs of a dialect are: "Celery task tasks.work". It is empty for
// plain ones.
func (s Scenario) JobWords() string {
	rules, has := dialectOf(s.Dialect)
	switch {
	case !has:
		return ""
	case s.JobName == "": // it is not this run that puts them in
		return "jobs of " + rules.title
	}
	return rules.title + " " + rules.job + " " + s.JobName
}

// jobArgs reads the arguments or the data of jobs, and keeps them as they were written.
func jobArgs(s string) (string, error) {
	if len(s) > maxJobArgs {
		return "", fmt.Errorf("it has %d bytes, and at most %d are allowed", len(s), maxJobArgs)
	}
	s = strings.TrimSpace(s)
	if !json.Valid([]byte(s)) || s[0] != '[' && s[0] != '{' {
		return "", fmt.Errorf("%.60q is neither a JSON array such as [42, \"a\"] nor a JSON object such as {\"user\": 42}", s)
	}
	return s, nil
}
