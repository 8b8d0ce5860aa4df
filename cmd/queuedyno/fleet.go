package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/fleet"
	"github.com/queuedyno/queuedyno/internal/interrupt"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/merge"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/override"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/shard"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

const fleetHelp = `Run the shards of one load as pods on Kubernetes. The pods are those of an Indexed Job;
each runs "queuedyno run --shard". Needs Kubernetes 1.29, an image of queuedyno that the
nodes can pull, and a secret with the URL of the Redis under test.`

func (p *program) fleetVerb() *cobra.Command {
	return group("fleet", "Run the shards of a load on Kubernetes, merge their results", fleetHelp, p.fleetManifest(), p.fleetRun())
}

// fleeting is a verb of fleet at work.
type fleeting struct {
	p *program
	override.Flags
	file, queue, channel string
	allowFaults          bool
	manifest             fleet.Manifest
	secret               [2]string
}

// fleetMeetTimeout is how long the shards wait for each other, unless a flag says it:
// nodes may have to pull the image.
const fleetMeetTimeout = 5 * time.Minute

func (p *program) declareFleet(cmd *cobra.Command, named string) *fleeting {
	f := p.flagsOf(cmd)
	g := &fleeting{p: p, secret: [2]string{"queuedyno", fleet.DefaultSecretKey}}
	m := &g.manifest
	m.CPU, m.Memory, m.MeetTimeout = 2, "1Gi", fleetMeetTimeout
	declareFile(f, &g.file)
	f.Group("Kubernetes")
	flags.Var(f, &m.Shards, "shards", "n", "`NUMBER` of shards, each a pod (required)", func(text string) (int, error) {
		n, err := literal.Int(text)
		if err == nil && (n < 1 || n > shard.Max) {
			err = fmt.Errorf("%q: the number of shards must be from 1 to %d", text, shard.Max)
		}
		return n, err
	})
	flags.Var(f, &m.Image, "image", "", "container `IMAGE` of queuedyno (required)", func(text string) (string, error) {
		if text == "" || strings.ContainsAny(text, " \t\r\n") {
			return "", fmt.Errorf("%q is not the name of an image", text)
		}
		return text, nil
	})
	flags.Var(f, &m.Namespace, "namespace", "", "`NAMESPACE` for the pods (default: that of kubectl's context)", fleet.CheckNamespace)
	flags.List(f, &m.NodeSelector, "node-selector", ",", "run only on nodes with the label `KEY=VALUE` (repeatable)", fleet.ParseLabel)
	flags.Var(f, &m.CPU, "cpu", "", "whole `NUMBER` of CPUs that each pod requests and is limited to; 0 requests none, and a pod may then be short of CPU (default 2)", literal.WholeInt)
	flags.Var(f, &m.Memory, "memory", "", "`SIZE` of memory that each pod requests and is limited to (default 1Gi)", fleet.ParseMemory)
	flags.Var(f, &g.secret, "redis-secret", "", "secret `NAME[/KEY]` with the URL of the Redis under test (default queuedyno/REDIS_URL)", fleet.ParseSecret)
	f.Switch(&m.HostNetwork, "host-network", "", "use the network of the nodes: no overlay network between the pods and Redis")
	flags.Var(f, &m.Name, "fleet", "", "`NAME` of the Job and of the meeting of the shards (default "+named+")", fleet.CheckName)
	flags.Var(f, &m.MeetTimeout, "meet-timeout", "", "how `LONG` the pods may take to start, and a shard waits for the others (default 5m)", literal.Duration(1))
	g.Flags = override.Declare(f, "run")
	f.Group("Faults")
	f.Switch(&g.allowFaults, "allow-faults", "", "allow faults on the Redis under test; they affect all of its clients")
	f.Group("Queue")
	flags.Var(f, &g.queue, "queue", "", "`KEY` of the queue of external consumers (default: each shard makes its own)", keyName)
	flags.Var(f, &g.channel, "channel", "", "`NAME` of the channel of external consumers (default: each shard has its own)", keyName)
	cmd.Args = cobra.MaximumNArgs(1)
	cmd.ValidArgsFunction = p.scenarioNames(&g.file)
	return g
}

// plan completes the manifest. All that is wrong is in the problems.
func (g *fleeting) plan(verb string, names []string) (s scenario.Scenario, problems problem.List) {
	m := &g.manifest
	problems = slices.Clone(g.Problems)
	if m.Shards == 0 && !g.Tried("shards") {
		problems.Add("the number of shards is not given", "add it: -n 8")
	}
	if m.Image == "" && !g.Tried("image") {
		problems.Add("no image is named", "build one with deploy/image/build NAME, push it to a registry of the cluster, and add --image NAME")
	}
	m.Secret, m.SecretKey = g.secret[0], g.secret[1]
	src, picked, unknown := g.p.pick(g.file, names)
	problems = append(problems, unknown...)
	if len(picked) == 0 {
		return s, problems
	}
	s, notes := g.Apply(picked[0])
	problems = append(problems, g.ReplayProblems(s.Load.Replay.File != "")...)
	for _, n := range notes {
		g.p.console.Note("%s: %s", verb, n)
	}
	opened := s
	if err := opened.Open(); err != nil {
		return s, append(problems, problem.Of(fmt.Errorf("scenario %q: %w", s.Name, err)))
	}
	opened = opened.WithDefaults()
	problems = append(problems, g.Check(opened)...)
	if m.Shards > 0 {
		opened.Shard = pace.Shard{Of: m.Shards}
		problems.AddAll(fmt.Sprintf("scenario %q: ", s.Name), problem.All(shard.Check(opened))...)
	}
	for _, one := range fault.Refuse(s.Faults, fault.Place{Kind: string(redisserver.URL), Allowed: g.allowFaults}) {
		problems.Add(fmt.Sprintf("scenario %q: %s", s.Name, one.What), one.Hint)
	}
	switch {
	case s.External:
		problems = append(problems, externalNames(s, g.queue, g.channel, g.Source("channel"), false)...)
	case g.queue != "":
		problems.Add(fmt.Sprintf("scenario %q: the consumers of each shard would take the jobs of the others from %q", s.Name, g.queue),
			"remove --queue: each shard makes its own queue; or add --consumers external")
	}
	if src.comes(s.Name) {
		// Their limits are for the load that they come with.
		opened.Shard = pace.Shard{}
		for _, n := range opened.ScaleThresholds(g.Asked().Thresholds) {
			g.p.console.Note("%s: %s: %s", verb, s.Name, n)
		}
		s.Thresholds = opened.Thresholds
	}
	if len(problems) == 0 {
		problems = append(problems, g.pack(s)...)
	}
	m.Drain = opened.DrainTimeout
	return s, problems
}

// pack puts what the pods need into the manifest.
func (g *fleeting) pack(s scenario.Scenario) problem.List {
	m := &g.manifest
	m.Scenario = s.Name
	for flag, text := range map[string]string{"--queue": g.queue, "--channel": g.channel} {
		if text != "" {
			m.Args = append(m.Args, flag, text)
		}
	}
	slices.Sort(m.Args) // no value of one begins with a dash that the other has
	if g.allowFaults {
		m.Args = append(m.Args, "--allow-faults")
	}
	var err error
	if name := s.Load.Replay.File; name != "" {
		if m.Replay, err = os.ReadFile(name); err != nil {
			return problem.List{problem.Of(err)}
		}
		s.Load.Replay.File = fleet.ReplayFile
	}
	var b bytes.Buffer
	if err := scenario.Encode(&b, []scenario.Scenario{s}); err != nil {
		return problem.List{problem.Of(err)}
	}
	m.File = b.Bytes()
	if err := m.CheckSize(); err != nil {
		return problem.List{problem.Of(err)}
	}
	return nil
}

const fleetManifestHelp = `Print the Kubernetes manifest of a load in shards: a ConfigMap with the scenario as the
flags change it, and an Indexed Job with a pod for each shard. Nothing is created.

The pods request whole CPUs and are limited to them, mount no token, do not run as root,
and have a read-only root file system. The URL of the Redis under test comes from a
secret. "queuedyno merge" makes one result out of their logs.`

func (p *program) fleetManifest() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "manifest SCENARIO -n SHARDS --image IMAGE",
		Short: "Print the manifest of an Indexed Job",
		Long:  fleetManifestHelp,
		Example: "  queuedyno fleet manifest orders -n 8 --image registry.example/queuedyno:1 | kubectl create -f -\n" +
			"  kubectl logs -l job-name=queuedyno-orders --tail=-1 | queuedyno merge -",
	}
	g := p.declareFleet(cmd, "queuedyno-SCENARIO")
	cmd.RunE = p.verb(func(_ context.Context, names []string) error {
		s, problems := g.plan("fleet manifest", names)
		if err := problem.Usage(problems...); err != nil {
			return err
		}
		g.manifest.Name = cmp.Or(g.manifest.Name, fleet.NameOf(s.Name, ""))
		return g.manifest.Write(p.stdout)
	})
	return cmd
}

const fleetRunHelp = `Run a load in shards on Kubernetes with your kubectl: create the manifest of "queuedyno
fleet manifest", show what the pods log, merge their results, and remove the Job and the
ConfigMap.

Ctrl-C makes the shards stop sending, drain and report; their results are merged. A second
Ctrl-C does not wait for them. What was created is removed either way. A shard without a
result makes the merged result invalid. Kubernetes removes the Job an hour after its end
if this command could not.`

// fleetKept is how long Kubernetes keeps the Job of a fleet run that could not remove it.
const fleetKept = time.Hour

func (p *program) fleetRun() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "run SCENARIO -n SHARDS --image IMAGE",
		Short:   "Run a load in shards on Kubernetes, merge the results, check the thresholds",
		Long:    fleetRunHelp,
		Example: "  queuedyno fleet run orders -n 8 --image registry.example/queuedyno:1 -r 80k/s -d 1m",
	}
	g := p.declareFleet(cmd, "queuedyno-SCENARIO-RANDOM")
	f := p.flags[cmd]
	r := &fleetRunning{fleeting: g}
	f.Group("Kubernetes")
	f.Text(&r.context, "context", "", "`CONTEXT` of kubectl (default: the current one)")
	r.out = outcome.Declare(f)
	r.declare(p, f)
	cmd.RunE = p.verb(r.run)
	return cmd
}

// fleetRunning is the verb fleet run at work.
type fleetRunning struct {
	*fleeting
	showing
	out     *outcome.Directory
	context string
}

const (
	fleetVerbName = "fleet run"
	// fleetPoll is the time between two looks at the pods, fleetPatience the time that their
	// logs may take after their end, and fleetShown the number of shards whose logs are shown
	// while they go on.
	fleetPoll     = 2 * time.Second
	fleetPatience = 30 * time.Second
	fleetShown    = 4
)

func (r *fleetRunning) run(ctx context.Context, names []string) error {
	s, problems := r.plan(fleetVerbName, names)
	kubectl := fleet.Kubectl{Environ: r.p.environ, Apart: apart}
	var err error
	if kubectl.Program, err = exec.LookPath("kubectl"); err != nil {
		problems.Add("there is no kubectl in PATH", "install it, or use queuedyno fleet manifest")
	}
	if r.context != "" {
		kubectl.Global = []string{"--context", r.context}
	}
	place := r.out.Place(fleetVerbName, s.Name, s.Name+"-fleet", time.Now())
	if s.Name != "" {
		problems.Err(place.Check())
	}
	if err := problem.Usage(problems...); err != nil {
		return err
	}
	r.manifest.Name = cmp.Or(r.manifest.Name, fleet.NameOf(s.Name, strings.ToLower(rand.Text()[:8])))
	r.manifest.Keep = fleetKept
	ctx, signals := interrupt.Listen(ctx, r.p.console)
	defer signals.Close()
	reserved, err := outcome.Reserve(r.p.console, fleetVerbName, place)
	if err != nil {
		return err
	}
	defer outcome.Release(reserved)
	dir, err := os.MkdirTemp("", "queuedyno-fleet-")
	if err != nil {
		return fmt.Errorf("keep the logs of the pods: %w", err)
	}
	defer os.RemoveAll(dir)
	signals.During("the shards drain and report")
	logs, err := fleet.Run(ctx, fleet.Options{
		Kubectl: kubectl, Manifest: r.manifest, Dir: dir, Poll: fleetPoll, Patience: fleetPatience, Stop: signals.Stop,
		Note: func(format string, args ...any) { r.p.console.Note(fleetVerbName+": "+format, args...) },
		Line: func(shard int, line string) {
			if shard < fleetShown {
				r.p.console.Note("shard %d: %s", shard, strings.TrimPrefix(line, "queuedyno: "))
			}
		},
	})
	return r.report(s, reserved[0], logs, err, signals.Happened())
}

// report merges what the shards reported. failed is why the fleet ended early, or nil.
func (r *fleetRunning) report(s scenario.Scenario, reserved *store.Reservation, logs []fleet.Log, failed error, interrupted bool) error {
	var ending outcome.Outcomes
	fail := func(what, hint string) {
		ending = append(ending, outcome.Outcome{Name: s.Name, Code: problem.CouldNotRun, Words: "failed", Problems: problem.List{{What: what, Hint: hint}}})
	}
	var sources []merge.Source
	silent, heard := map[int]fleet.Log{}, map[int]bool{}
	for _, log := range logs {
		if log.Results == 0 {
			silent[log.Shard] = log
			continue
		}
		heard[log.Shard] = true
		sources = append(sources, merge.Source{Name: "pod " + log.Pod, Open: func() (io.ReadCloser, error) { return os.Open(log.File) }})
	}
	for _, fault := range problem.Joined(failed) {
		if !interrupted || !errors.Is(fault, context.Canceled) {
			one := problem.Of(fault)
			fail(one.What, one.Hint)
		}
	}
	for _, i := range slices.Sorted(maps.Keys(silent)) {
		if heard[i] {
			continue // by another pod of the shard
		}
		said := silent[i].Silence()
		if len(sources) > 0 {
			r.p.console.Note("%s: %s", fleetVerbName, said)
			continue
		}
		fail(said, "")
	}
	if len(sources) == 0 {
		fail("no shard left a result; nothing was written", "")
		if interrupted {
			ending[len(ending)-1].Code = problem.Interrupted
		}
		return outcome.Worst(ending)
	}
	var all merge.Merger
	if err := all.AddAll(sources, store.ParseRun); err != nil {
		for _, one := range problem.All(err) {
			fail(one.What, one.Hint)
		}
		return outcome.Worst(ending)
	}
	res, err := all.Result()
	if err != nil {
		return err
	}
	return outcome.Worst(append(ending, r.p.merged(res, interrupted, reserved, r.showing)))
}
