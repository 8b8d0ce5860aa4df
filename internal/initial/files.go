package initial

import (
	"cmp"
	"fmt"
	"strings"
)

// File is a file for the repository.
type File struct {
	// Path is from the root, with slashes.
	Path string
	Data []byte
}

// Files are the files for a repository: scenarios, a benchmark where there is Go, a job for
// CI, and a .gitignore for the results where a Git repository has none.
func (r Repository) Files() []File {
	all := []File{{"scenarios.yaml", []byte(r.scenarios())}}
	if r.Go {
		all = append(all, File{"bench_test.go", []byte(r.benchmark())})
	}
	if r.Git && !r.Ignored {
		all = append(all, File{".gitignore", []byte("# what queuedyno run writes\n" + resultsLine + "\n")})
	}
	if r.GitLab && !r.GitHub {
		return append(all, File{".gitlab/queuedyno.yml", []byte(r.gitlab())})
	}
	return append(all, File{".github/workflows/queuedyno.yml", []byte(r.github())})
}

// form is how the jobs of the library are written into the queue, as keys of a scenario,
// and whether this version can do that. A repository without a library has plain jobs.
func (r Repository) form() (keys []string, ok bool) {
	if r.Library == "" {
		return nil, true
	}
	facts, known := forms[r.Library]
	if !known {
		return nil, false
	}
	name := facts.jobName
	if r.Library == "sidekiq" && r.JobClass != "" {
		name = r.JobClass
	}
	return []string{"dialect: " + r.Library, "job_name: " + name}, true
}

// docs is where the documentation is.
const docs = "https://github.com/queuedyno/queuedyno/blob/main/docs/"

// forms are what a scenario for the workers of a library needs: its name for a job, what
// starts its workers where the repository does not show it, and what to know.
var forms = map[string]struct {
	jobName, command string
	about            []string
}{
	"sidekiq": {jobName: "HardJob", about: needMiddleware("sidekiq")},
	"asynq":   {jobName: "mail:send # the type of your tasks", about: needMiddleware("asynq")},
	"celery": {jobName: "tasks.work # the name of your task", command: `celery -A APP worker -Q "$QUEUE"`, about: []string{
		"The workers of this repository do the tasks. They need a result_backend in the same",
		"Redis, and task_track_started:",
		docs + "celery.md#what-your-workers-need",
	}},
	"rq": {jobName: "tasks.work # the name of your function", command: `rq worker -u "$REDIS_URL" "$QUEUE"`, about: []string{
		"The workers of this repository do the jobs. They need nothing for that.",
		docs + "workers.md#workers-of-rq",
	}},
	"bullmq": {jobName: "job # the name of your jobs", about: []string{
		"The workers of this repository do the jobs. They need nothing for that.",
		"bull is BullMQ's default prefix.",
		docs + "bullmq.md",
	}},
}

func needMiddleware(library string) []string {
	return []string{
		"The workers of this repository do the jobs. " + library + " announces nothing when a job ends, so",
		"that they need a few lines of middleware first:",
		docs + "workers.md#workers-of-" + library,
	}
}

// example is what to replace with the command that starts the workers, where the repository
// does not show it.
func (r Repository) example() string {
	return cmp.Or(forms[r.Library].command, "COMMAND")
}

// command is how real workers are put under load.
func (r Repository) command() string {
	c := "queuedyno run workers --worker '" + cmp.Or(r.Worker, r.example()) + "'"
	switch r.Library {
	case "":
		c += r.names() // those in the source of other workers are not of their queue
	case "bullmq":
		c += " --queue bull:" + cmp.Or(r.JobQueue, "NAME")
	}
	return c
}

// names are the flags for the names that stand in the source.
func (r Repository) names() (flags string) {
	if r.Queue != "" {
		flags += " --queue " + r.Queue
	}
	if r.Channel != "" {
		flags += " --channel " + r.Channel
	}
	return flags
}

// Step is a command to type, and in a few words what comes of it.
type Step struct{ Command, What string }

// Next are the commands to type next, in their order: at most four. workers says that
// the scenarios that are there have the one that [Repository.Files] calls workers.
func (r Repository) Next(workers bool) []Step {
	next := []Step{{"queuedyno doctor", "what here would spoil a measurement"}, {"queuedyno run", "the queue, with simulated workers"}}
	if s := r.Redis; s.Port != "" {
		next = []Step{{"docker compose up -d " + s.Name, "the Redis of " + s.File}, {"queuedyno run -u redis://localhost:" + s.Port, "the queue in it, with simulated workers"}}
	}
	if workers {
		next = append(next, Step{r.command(), "your own workers, with a private Redis"})
	}
	if r.Go {
		next = append(next, Step{"go mod tidy && go test -bench Queue .", "the benchmark; the first part adds queuedyno to go.mod"})
	}
	return next
}

// resultsLine keeps the results of runs out of a repository.
const resultsLine = "/results/"

// Unignored says what a .gitignore lacks, and is empty where it lacks nothing.
func (r Repository) Unignored() string {
	if !r.Git || !r.Ignored || r.Results {
		return ""
	}
	return "runs write into results/, which .gitignore does not have: add the line " + resultsLine
}

// Names says what is to be known of the names of the queue and the channel, where the source
// does not show any.
func (r Repository) Names() (lines []string) {
	for _, u := range r.Unresolved {
		remedy := "add --" + u.What + " NAME"
		if r.Library == "bullmq" {
			remedy = "replace NAME by it"
		}
		lines = append(lines, u.String()+": "+remedy)
	}
	switch {
	case len(lines) > 0:
	case r.Library == "bullmq" && r.JobQueue == "":
		lines = append(lines, "the source shows no queue: replace NAME by that in new Worker(…)")
	case r.hasWorkers() && r.Library == "" && r.Queue == "":
		lines = append(lines, "the source shows no queue: your workers have to read QUEUE and CHANNEL, or add --queue and --channel")
	}
	return lines
}

// hasWorkers reports whether the repository seems to have workers.
func (r Repository) hasWorkers() bool {
	return r.Worker != "" || r.Queue != "" || r.Library != "" || r.Client != ""
}

func (r Repository) scenarios() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Loads for the queue of this repository, made by \"queuedyno init\". They are yours to")
	line("# change: put in the rates, worker counts and times that you have or expect.")
	line("#")
	line("#   queuedyno validate      checks this file")
	line("#   queuedyno doctor        finds what would spoil a measurement on this host")
	line("#   queuedyno run           runs the first scenario, on a private Redis unless REDIS_URL is set")
	line("#   queuedyno run smoke     runs the one with that name")
	if s := r.Redis; s.Port != "" {
		line("#")
		line("# The Redis of %s (%s): docker compose up -d %s, then", s.File, s.Image, s.Name)
		line("#   queuedyno run -u redis://localhost:%s", s.Port)
	}
	line("version: 1")
	line("scenarios:")
	line("  queue:")
	line("    # Workers of queuedyno do the jobs: this measures the queue, and needs nothing of yours.")
	line("    description: How long does a job take at 200 jobs/s, from its due time to its notification?")
	line("    # poisson: jobs arrive at random, like those of independent users. 10s at 200/s after")
	line("    # the warm-up are 2,000 jobs; a p99 needs 1,000.")
	line("    load: {rate: 200/s, duration: 12s, arrivals: poisson}")
	line("    warmup: 2s")
	line("    producers: 2         # processes that push jobs")
	line("    consumers: 8         # jobs that are done at the same time")
	line("    work: {time: 5ms}    # how long one job takes")
	line("    thresholds: [\"end_to_end.p99 < 100ms\", \"lost == 0\"]")
	line("")
	line("  smoke:")
	line("    # For CI: too short for latencies on a shared machine, long enough to lose a job.")
	line("    description: Is every one of 1,000 jobs accounted for?")
	line("    load: {rate: 200/s, jobs: 1000}")
	line("    consumers: 4")
	line("    thresholds: [\"lost == 0\", \"duplicated == 0\", \"errors == 0\"]")
	keys, ok := r.form()
	switch {
	case !r.hasWorkers():
		return b.String()
	case !ok:
		line("")
		line("  # Jobs of %s have a form that this version of queuedyno cannot push. The scenarios above", r.Library)
		line("  # measure the Redis under them. To measure the workers, publish updates from them and let")
		line("  # your application push the jobs: see \"producers: external\" in docs/workers.md of queuedyno.")
		return b.String()
	}
	line("")
	line("  workers:")
	about := forms[r.Library].about
	if about == nil {
		about = []string{
			"The workers of this repository do the jobs. They have to publish an update when a job",
			`ends, such as {"jobId":"…","status":"COMPLETED"}:`,
			docs + "workers.md#what-a-worker-has-to-do",
		}
	}
	for _, text := range about {
		line("    # %s", text)
	}
	line("    #")
	line("    #   %s", r.command())
	line("    #")
	line("    # starts a Redis and then the workers, with REDIS_URL, QUEUE and CHANNEL in their")
	line("    # environment, and ends both.")
	switch word, _, _ := strings.Cut(r.example(), " "); {
	case r.Worker != "":
	case r.Library == "celery":
		line("    # APP is the module of your application.")
	case word == "COMMAND":
		line("    # COMMAND is what starts your workers.")
	}
	line("    description: How long do jobs take with the workers of this repository?")
	line("    load: {rate: 100/s, duration: 13s}")
	line("    warmup: 3s")
	line("    consumers: external")
	for _, key := range keys {
		line("    %s", key)
	}
	line("    thresholds: [\"end_to_end.p95 < 1s\", \"lost == 0\", \"failed == 0\"]")
	return b.String()
}

func (r Repository) benchmark() string {
	return `package ` + strings.TrimSuffix(cmp.Or(r.Package, "bench"), "_test") + `_test

import (
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/queuetest"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/scenario"
)

// BenchmarkQueue measures jobs from their push to their notification, on a Redis that is
// started for the benchmark:
//
//	go mod tidy
//	go test -bench Queue -benchtime 5s .
//
// To measure your own queue, implement jobqueue.Backend for it and give that in place of
// redistest.Queue.
func BenchmarkQueue(b *testing.B) {
	queuetest.Benchmark(b, redistest.Queue(b), scenario.Scenario{
		Producers: 2, Consumers: 8, Work: scenario.Work{Time: time.Millisecond},
	})
}
`
}

// image is the Redis for CI: that of the compose file, if its name is complete.
func (r Repository) image() string {
	if i := r.Redis.Image; i != "" && !strings.ContainsAny(i, "${}") {
		return i
	}
	return "redis:7-alpine"
}

// checked is the scenario that CI runs.
func (r Repository) checked() string { return cmp.Or(r.Checked, "smoke") }

func (r Repository) github() string {
	return `# Does the queue lose a job? Made by "queuedyno init". The report is in the summary of the run.
name: queuedyno
on:
  pull_request:
  workflow_dispatch:
permissions:
  contents: read
jobs:
  queue:
    runs-on: ubuntu-latest
    timeout-minutes: 15
    services:
      redis:
        image: ` + r.image() + `
        ports: ["6379:6379"]
    env:
      REDIS_URL: redis://localhost:6379
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-go@v6
        with:
          go-version: stable
          cache: false
      - run: go install github.com/queuedyno/queuedyno/cmd/queuedyno@latest
      - run: queuedyno doctor ` + r.checked() + `
      # The verdict goes to the summary and to annotations; a failed threshold is exit code 99.
      - run: queuedyno run ` + r.checked() + ` --name ` + r.checked() + `
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: queuedyno
          path: results
`
}

func (r Repository) gitlab() string {
	return `# Does the queue lose a job? Made by "queuedyno init". Add to .gitlab-ci.yml:
#
#   include: .gitlab/queuedyno.yml
queuedyno:
  image: golang:1
  services:
    - name: ` + r.image() + `
      alias: redis
  variables:
    REDIS_URL: redis://redis:6379
  script:
    - go install github.com/queuedyno/queuedyno/cmd/queuedyno@latest
    - queuedyno doctor ` + r.checked() + `
    - queuedyno run ` + r.checked() + ` --name ` + r.checked() + `
  artifacts:
    when: always
    paths: [results]
`
}
