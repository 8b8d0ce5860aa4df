package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-shellwords"
	"github.com/spf13/pflag"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/scenario"
)

// armFlags are the flags of one side of a comparison.
type armFlags struct {
	redis, redisArgs, image *value[string]
	file, scenario          *value[string]
	args, cmd               *value[string]
	worker                  *value[string]
}

func addArmFlags(f *flags, side compare.Side) armFlags {
	who := "the " + string(side)
	if side == compare.Base {
		who = "the baseline"
	}
	flag := func(name, usage string) *value[string] {
		return add(f, string(side)+"-"+name, "", usage+" of "+who, anyText)
	}
	return armFlags{
		redis:     flag("redis", "Redis, as --redis (`URL`, process, docker …),"),
		redisArgs: flag("redis-args", "`ARGS` for the redis-server"),
		image:     flag("image", "`IMAGE` of the container"),
		file:      flag("file", "scenario `FILE`"),
		scenario:  flag("scenario", "`SCENARIO`"),
		worker:    add(f, string(side)+"-worker", "", "`COMMAND` that starts the workers, as --worker, of "+who, literal.Text),
		args:      flag("args", "further `FLAGS` of run in one string, like '--work 2ms',"),
		cmd:       flag("cmd", "`COMMAND` in place of a run, for sh: prints Go benchmark lines or result.json;"),
	}
}

// arm is one side of a comparison, checked.
type arm struct {
	side compare.Side
	// command is what is run for a scenario, empty for none.
	command  string
	scenario scenario.Scenario
	redis    redisserver.Options
	// source is the Redis in words that hold no secret.
	source string
	tls    []string
	// worker is the command that starts the workers, empty for none, shown the
	// same without secrets, and start the time that it may take, 0 for the default.
	worker, shown string
	start         time.Duration
}

// arm works out one side from the flags of both and its own.
func (c *comparing) arm(side compare.Side, own armFlags, names []string) (arm, []fault) {
	a := arm{side: side, command: own.cmd.get()}
	if a.command != "" {
		var faults []fault
		if len(names) > 0 {
			faults = append(faults, fault{fmt.Sprintf("--%s-cmd takes the place of a scenario, and %q is named", side, names[0]), "leave one of them out"})
		}
		for _, v := range []*value[string]{own.redis, own.redisArgs, own.image, own.file, own.scenario, own.args, own.worker} {
			if v.given() {
				faults = append(faults, fault{fmt.Sprintf("--%s has no meaning beside --%s-cmd", v.name, side), "say it in the command"})
			}
		}
		return a, faults
	}
	r := c.running
	use := func(mine, both *value[string]) *value[string] {
		if mine.given() {
			return mine
		}
		return both
	}
	r.redis, r.redisArgs, r.image, r.file = use(own.redis, c.redis), use(own.redisArgs, c.redisArgs), use(own.image, c.image), use(own.file, c.file)
	r.worker = use(own.worker, c.worker)
	a.worker, a.start = r.workerCommand(), r.workerStart.get()
	if own.scenario.given() {
		names = []string{own.scenario.get()}
	}
	faults := a.load(r, own, names)
	var err error
	if a.redis, err = r.server(); err != nil {
		faults = append(faults, faultOf(err))
	}
	if own.image.given() && a.redis.Source != "docker" {
		faults = append(faults, fault{fmt.Sprintf("--%s goes with a container only", own.image.name), "add --redis docker"})
	}
	a.redis.Log = nil
	faults = append(faults, r.certificates()...)
	a.source = a.redis.Source
	url := a.redis.Source
	if url == "auto" && isURL(r.p.env("REDIS_URL")) {
		url = r.p.env("REDIS_URL")
	}
	a.shown = hiding(url)(oneLine(a.worker))
	if isURL(url) && len(faults) == 0 {
		a.source = addressOf(a.redis)
	}
	for flag, file := range map[string]*value[string]{"--cacert": r.cacert, "--cert": r.cert, "--key": r.key} {
		if file.given() && strings.HasPrefix(url, "rediss://") {
			a.tls = append(a.tls, flag, file.get())
		}
	}
	if r.tlsSkipVerify.get() && strings.HasPrefix(url, "rediss") {
		a.tls = append(a.tls, "--tls-skip-verify")
	}
	return a, faults
}

// addressOf is a Redis named by its URL, without secrets.
func addressOf(o redisserver.Options) string {
	s, err := redisserver.Start(context.Background(), o) // does not dial
	if err != nil {
		return "url"
	}
	defer s.Close()
	return s.Address()
}

// load finds the scenario of the arm.
func (a *arm) load(r running, own armFlags, names []string) []fault {
	src, err := r.p.findScenarios(r.file.get())
	if err != nil {
		return asFailure(r.p.badScenarios(src, err)).faults
	}
	picked, faults := src.pick(names)
	if len(picked) == 0 {
		return faults
	}
	s, _ := r.apply(picked[0])
	if faults := r.check(r.flags, s); len(faults) > 0 {
		return faults
	}
	more, err := ownFlags(own.args)
	if err != nil {
		return append(faults, faultOf(err))
	}
	faults = append(faults, more.faults...)
	if more.says("seed") {
		faults = append(faults, fault{fmt.Sprintf("--%s: both sides have the arrivals of one seed", own.args.name), "give --seed to " + r.verb() + " itself"})
	}
	if more.says("threshold") {
		r.p.console.note("%s: --%s: thresholds are not checked in a comparison; --metric chooses what decides", r.verb(), own.args.name)
	}
	s, _ = more.apply(s)
	s.Thresholds = nil
	if s.Load.Observed {
		return append(faults, fault{
			fmt.Sprintf("scenario %q: its producers are external, and the two sides need the same load", s.Name), "name another scenario",
		})
	}
	if a.worker != "" && !s.External {
		faults = append(faults, fault{fmt.Sprintf("--%s: --consumers and --%s both say who works on the jobs", own.args.name, r.worker.name), "leave one of them out"})
	} else if s.External && a.worker == "" {
		faults = append(faults, fault{
			fmt.Sprintf("scenario %q: its consumers are external, and do not know the servers of the runs", s.Name),
			"have them started for each run with --worker, or --base-worker and --candidate-worker",
		})
	}
	faults = append(faults, r.workerFaults([]scenario.Scenario{s})...)
	replays := s.Load.Replay.File != ""
	faults = append(faults, r.replayFaults(r.flags, replays)...)
	opened := s
	if err := opened.Open(); err != nil {
		faults = append(faults, faultOf(fmt.Errorf("scenario %q: %w", s.Name, err)))
	}
	for _, one := range append(more.replayFaults(more.flags, replays), more.check(more.flags, s)...) {
		faults = append(faults, fault{fmt.Sprintf("--%s: %s", own.args.name, one.what), one.hint})
	}
	a.scenario = s
	return faults
}

// ownFlags reads the flags of run in the string of --base-args.
func ownFlags(v *value[string]) (runFlags, error) {
	f := &flags{set: pflag.NewFlagSet("", pflag.ContinueOnError), given: map[string]string{}}
	r := addSome(f, "run")
	shell := shellwords.NewParser()
	args, err := shell.Parse(v.get())
	if err != nil || shell.Position >= 0 {
		return r, &hinted{fmt.Sprintf("--%s: %q cannot be split into flags", v.name, v.get()), "quote it as for a shell"}
	}
	if err := f.set.Parse(args); err != nil {
		var unknown *pflag.NotExistError
		if errors.As(err, &unknown) {
			return r, &hinted{fmt.Sprintf("--%s: unknown flag --%s", v.name, unknown.GetSpecifiedName()), "it takes those flags of run that change the scenario, such as --work, --consumers or --batch"}
		}
		return r, &hinted{fmt.Sprintf("--%s: %v", v.name, err), ""}
	}
	if f.set.NArg() > 0 {
		return r, &hinted{fmt.Sprintf("--%s: %q is no flag", v.name, f.set.Arg(0)), fmt.Sprintf("the scenario is named with --%s", strings.Replace(v.name, "-args", "-scenario", 1))}
	}
	for i := range f.faults {
		f.faults[i].what = fmt.Sprintf("--%s: %s", v.name, f.faults[i].what)
	}
	return r, nil
}

// settings are what the arm was asked to be, for the record: the scenario's keys
// as a file would hold them, and the server.
func (a arm) settings() map[string]string {
	if a.command != "" {
		return map[string]string{"cmd": redact(a.command)}
	}
	set := a.scenario.Settings()
	set["scenario"], set["redis"] = a.scenario.Name, a.source
	if len(a.redis.Args) > 0 {
		set["redis-args"] = strings.Join(a.redis.Args, " ")
	}
	if a.redis.Image != "" {
		set["image"] = a.redis.Image
	}
	if a.shown != "" {
		set["worker"] = a.shown
	}
	return set
}

// file writes the scenario for the process that runs it.
func (a arm) file(name string) error {
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
