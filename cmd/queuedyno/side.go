package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-shellwords"
	"github.com/spf13/pflag"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/override"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/startedworker"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/scenario"
)

// sideFlags are the flags of one side of a comparison.
type sideFlags struct {
	side                                                       compare.Side
	redis, redisArgs, image, file, scenario, worker, args, cmd string
}

// flag is the name of a flag of the side.
func (s sideFlags) flag(name string) string { return string(s.side) + "-" + name }

func (s *sideFlags) declare(f *flags.Set, side compare.Side) {
	s.side = side
	who := "the " + string(side)
	if side == compare.Base {
		who = "the baseline"
	}
	text := func(to *string, name, usage string) { f.Text(to, s.flag(name), "", fmt.Sprintf(usage, who)) }
	text(&s.scenario, "scenario", "`SCENARIO` of %s")
	text(&s.file, "file", "scenario `FILE` of %s")
	f.Completes(flags.Files, s.flag("file"))
	text(&s.args, "args", "more `FLAGS` of run for %s, as one string, e.g. '--work 2ms'")
	text(&s.redis, "redis", "Redis of %s, as --redis: a `URL`, process, sentinel, cluster, docker or embedded")
	text(&s.redisArgs, "redis-args", "`ARGS` for the redis-server of %s")
	text(&s.image, "image", "container `IMAGE` of %s")
	flags.Var(f, &s.worker, s.flag("worker"), "", "`COMMAND` that starts the workers of "+who+", as --worker", literal.Text)
	text(&s.cmd, "cmd", "`COMMAND` for sh to run for %s instead of a scenario; it prints Go benchmark lines or a result.json")
}

// contender is one side of a comparison, checked.
type contender struct {
	side compare.Side
	// command is what is run instead of a scenario, empty for none.
	command  string
	scenario scenario.Scenario
	redis    redisserver.Options
	// shown is the Redis in words without secrets, and named whether it is an existing one.
	shown string
	named bool
	tls   []string
	// worker is the command that starts the workers, empty for none, shownWorker the
	// same without secrets, and start the time that it may take, 0 for the default.
	worker, shownWorker string
	start               time.Duration
}

// contender works out one side from the flags of both and its own.
func (c *comparing) contender(side compare.Side, own sideFlags, names []string) (contender, problem.List) {
	a := contender{side: side, command: own.cmd}
	if a.command != "" {
		var problems problem.List
		if len(names) > 0 {
			problems.Add(fmt.Sprintf("--%s-cmd replaces the scenario, and %q is named", side, names[0]), "remove one of them")
		}
		for _, name := range []string{"redis", "redis-args", "image", "file", "scenario", "args", "worker"} {
			if c.Given(own.flag(name)) {
				problems.Add(fmt.Sprintf("--%s does not apply with --%s-cmd", own.flag(name), side), "say it in the command")
			}
		}
		return a, problems
	}
	redis, mine := *c.redis, c.Flags
	use := func(name, text string, to *string) {
		if c.Given(own.flag(name)) {
			*to = text
		}
	}
	file := c.file
	use("redis", own.redis, &redis.Source)
	use("redis-args", own.redisArgs, &redis.Args)
	use("image", own.image, &redis.Image)
	use("file", own.file, &file)
	if c.Given(own.flag("worker")) {
		mine.Command, mine.Worker.Flag = own.worker, own.flag("worker")
	}
	a.worker = mine.WorkerCommand()
	if c.Given("worker-start") {
		a.start = c.Start
	}
	if own.scenario != "" {
		names = []string{own.scenario}
	}
	problems := c.load(&a, mine, own, file, names)
	var err error
	a.redis, err = redis.Options(nil)
	problems.Err(err)
	if c.Given(own.flag("image")) && redis.Source != "docker" {
		problems.Add(fmt.Sprintf("--%s requires --redis docker", own.flag("image")), "add --redis docker")
	}
	problems = append(problems, redis.Problems()...)
	url := redis.URL()
	a.shownWorker = startedworker.Hide(url)(console.OneLine(a.worker))
	a.shown, a.named = redis.Shown(), redis.Exists()
	if strings.HasPrefix(url, "rediss") {
		for flag, file := range map[string]string{"--cacert": redis.CACert, "--cert": redis.Cert, "--key": redis.Key} {
			if file != "" {
				a.tls = append(a.tls, flag, file)
			}
		}
		if redis.SkipVerify {
			a.tls = append(a.tls, "--tls-skip-verify")
		}
	}
	return a, problems
}

// load finds the scenario of a contender. mine are the flags of both sides.
func (c *comparing) load(a *contender, mine override.Flags, own sideFlags, file string, names []string) problem.List {
	_, picked, problems := c.p.pick(file, names)
	if len(picked) == 0 {
		return problems
	}
	s, _ := mine.Apply(picked[0])
	if problems := mine.Check(s); len(problems) > 0 {
		return problems
	}
	args := own.flag("args")
	more, err := ownFlags(args, own.args)
	if err != nil {
		return append(problems, problem.Of(err))
	}
	problems.AddAll("--"+args+": ", more.Problems...)
	if more.Given("seed") {
		problems.Add(fmt.Sprintf("--%s: both sides use the arrivals of one seed", args), "give --seed to "+c.verb+" itself")
	}
	if more.Given("threshold") {
		c.p.console.Note("%s: --%s: a comparison does not check thresholds; --metric chooses what decides", c.verb, args)
	}
	s, _ = more.Apply(s)
	s.Thresholds = nil
	if s.Load.Observed {
		problems.Add(fmt.Sprintf("scenario %q: its producers are external, and the two sides need the same load", s.Name), "choose another scenario")
		return problems
	}
	if a.worker != "" && !s.External {
		problems.Add(fmt.Sprintf("--%s: --consumers and --%s both say who does the jobs", args, mine.WorkerFlag()), "remove one of them")
	} else if s.External && a.worker == "" {
		problems.Add(fmt.Sprintf("scenario %q: its consumers are external, and cannot know the servers of the runs", s.Name),
			"start them for each run with --worker, or --base-worker and --candidate-worker")
	}
	problems = append(problems, mine.WorkerProblems([]scenario.Scenario{s})...)
	replays := s.Load.Replay.File != ""
	problems = append(problems, mine.ReplayProblems(replays)...)
	opened := s
	if err := opened.Open(); err != nil {
		problems = append(problems, problem.Of(fmt.Errorf("scenario %q: %w", s.Name, err)))
	}
	problems.AddAll("--"+args+": ", append(more.ReplayProblems(replays), more.Check(s)...)...)
	a.scenario = s
	return problems
}

// ownFlags reads the flags of run in the text of --base-args or --candidate-args,
// which is the flag of that name.
func ownFlags(flag, text string) (override.Flags, error) {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	o := override.Declare(flags.New(set), "run")
	shell := shellwords.NewParser()
	args, err := shell.Parse(text)
	if err != nil || shell.Position >= 0 {
		return o, &problem.Hinted{What: fmt.Sprintf("--%s: %q cannot be split into flags", flag, text), Remedy: "quote it as for a shell"}
	}
	if err := set.Parse(args); err != nil {
		var unknown *pflag.NotExistError
		if errors.As(err, &unknown) {
			return o, &problem.Hinted{What: fmt.Sprintf("--%s: unknown flag --%s", flag, unknown.GetSpecifiedName()), Remedy: "it takes the flags of run that change the scenario, such as --work, --consumers or --batch"}
		}
		return o, &problem.Hinted{What: fmt.Sprintf("--%s: %v", flag, err)}
	}
	if set.NArg() > 0 {
		return o, &problem.Hinted{What: fmt.Sprintf("--%s: %q is not a flag", flag, set.Arg(0)), Remedy: fmt.Sprintf("name the scenario with --%s", strings.Replace(flag, "-args", "-scenario", 1))}
	}
	return o, nil
}

// settings are what the side was asked to be, for the record: the scenario's keys
// as a file would hold them, and the server.
func (a contender) settings() map[string]string {
	if a.command != "" {
		return map[string]string{"cmd": console.Redact(a.command)}
	}
	set := a.scenario.Settings()
	set["scenario"], set["redis"] = a.scenario.Name, a.shown
	if len(a.redis.Args) > 0 {
		set["redis-args"] = strings.Join(a.redis.Args, " ")
	}
	if a.redis.Image != "" {
		set["image"] = a.redis.Image
	}
	if a.shownWorker != "" {
		set["worker"] = a.shownWorker
	}
	return set
}

// file writes the scenario for the process that runs it.
func (a contender) file(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write scenario: %w", err)
	}
	if err := scenario.Encode(f, []scenario.Scenario{a.scenario}); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
