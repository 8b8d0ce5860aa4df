package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/hoststat"
	"github.com/queuedyno/queuedyno/internal/live"
	"github.com/queuedyno/queuedyno/internal/probe"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/target"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/internal/workergroup"
	"github.com/queuedyno/queuedyno/result"
)

// children makes the runs of a comparison, each in its own process.
type children struct {
	sides map[compare.Side]*child
	// dir holds what the processes write; it is removed at the end.
	dir     string
	environ []string
	getenv  func(string) string
	n       int
	// naming is how the figures of commands are named, nil before the first pair is complete.
	naming  *compare.Naming
	results map[string]*result.Result
	// postgres is the value of --postgres.
	postgres string
	// page shows the runs under their labels, nil without --live.
	page *livePage
}

// child is one side of a comparison, and what its runs said of it.
type child struct {
	contender
	label string
	// printed is what its first command printed as benchmarks, nil for none.
	printed *compare.Printed
	// redis and postgres are those of its last run.
	redis    result.Redis
	postgres *result.Postgres
}

// childPatience is how long a process may take to end after it was asked to.
const childPatience = 20 * time.Second

// run makes one run.
func (c *children) run(ctx context.Context, side compare.Side, pair int, seed uint64) (compare.Run, error) {
	c.n++
	a := c.sides[side]
	began := time.Now()
	res, printed, err := c.result(ctx, a.contender, pair, seed)
	if err != nil {
		if ctx.Err() == nil {
			c.page.failed(string(side), sideTitle(a.label, pair), err.Error())
		}
		return compare.Run{}, err
	}
	if printed != nil {
		return c.benchmarks(a, printed, compare.Run{StartedAt: began.UTC(), Took: time.Since(began), Lost: printed.Lost})
	}
	run := compare.FromResult(res)
	run.Took = time.Since(began)
	run.File = fmt.Sprintf("runs/%03d-%s.json", c.n, side)
	shown := *res
	shown.Run.Scenario = sideTitle(a.label, pair)
	c.page.show(string(side), render.Of(&shown))
	c.results[run.File], a.redis, a.postgres = res, res.Redis, res.Postgres
	return run, nil
}

// benchmarks completes a run that printed benchmarks. The figures of the first
// pair are named when both sides of it are known. A later run has to print what
// the first run of its side printed.
func (c *children) benchmarks(a *child, p *compare.Printed, run compare.Run) (compare.Run, error) {
	if c.naming == nil {
		a.printed = p
		return run, nil
	}
	run.Figures, run.Lines = c.naming.Figures(*p)
	first, _ := c.naming.Figures(*a.printed)
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(first)) {
		if _, ok := run.Figures[name]; !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return run, fmt.Errorf("the command did not print %s, unlike the first time", strings.Join(missing, ", "))
	}
	return run, nil
}

// result starts the process and reads what it leaves: a result, or benchmarks.
func (c *children) result(ctx context.Context, a contender, pair int, seed uint64) (*result.Result, *compare.Printed, error) {
	dir := filepath.Join(c.dir, "run")
	defer os.RemoveAll(dir)
	if a.command != "" {
		return c.command(ctx, a, dir, pair, seed)
	}
	program, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("find this program: %w", err)
	}
	args := append([]string{
		"run", a.scenario.Name, "--file", filepath.Join(c.dir, string(a.side)+".yaml"), "--seed", fmt.Sprint(seed),
		"--out", c.dir, "--name", "run", "--quiet",
	}, a.tls...)
	env := c.childEnv()
	if target.IsURL(a.redis.Source) {
		// Every user of this host can read a command line, and the URL may hold a password.
		env = append(env, "REDIS_URL="+a.redis.Source)
		args = append(args, "--redis", "auto")
	} else {
		args = append(args, "--redis", a.redis.Source)
		if url := c.getenv("REDIS_URL"); url != "" && a.redis.Source == "auto" {
			env = append(env, "REDIS_URL="+url)
		}
	}
	if postgres := c.postgres; target.Stored(a.scenario) {
		url := c.getenv("POSTGRES_URL")
		if strings.Contains(postgres, "://") { // it may hold a password, too
			url, postgres = postgres, "auto"
		}
		if url != "" && postgres == "auto" {
			env = append(env, "POSTGRES_URL="+url)
		}
		args = append(args, "--postgres", postgres)
	}
	if a.worker != "" { // it may hold a password, too
		env = append(env, flags.Variable("worker")+"="+a.worker)
	}
	if a.start > 0 {
		args = append(args, "--worker-start", a.start.String())
	}
	if len(a.redis.Args) > 0 {
		args = append(args, "--redis-args", quoted(a.redis.Args))
	}
	if a.redis.Image != "" {
		args = append(args, "--image", a.redis.Image)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Args[0] = "queuedyno"
	cmd.Env = env
	if c.page != nil {
		cmd.Env = append(cmd.Env, secondsVariable+"=1")
		show := c.page.seconds(string(a.side))
		cmd.Stdout = &live.Reader{Show: func(s live.Second) {
			s.Facts.Run.Scenario = sideTitle(c.sides[a.side].label, pair)
			show(s, func() *result.Result { return s.Facts })
		}}
	}
	patience := childPatience
	if a.worker != "" {
		patience += workergroup.Patience
	}
	_, said, failed := c.exec(cmd, patience)
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	res, err := store.LoadAs[*result.Result](dir)
	switch {
	case err == nil && !res.Run.Failed:
		return res, nil, nil // whatever its thresholds or its validity say
	case err == nil:
		return nil, nil, errors.New(res.Run.Error)
	case said != "":
		return nil, nil, errors.New(said)
	case failed != nil:
		return nil, nil, failed
	}
	return nil, nil, err
}

// command runs a command of the user's.
func (c *children) command(ctx context.Context, a contender, dir string, pair int, seed uint64) (*result.Result, *compare.Printed, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", a.command)
	cmd.Env = append(slices.Clone(c.environ),
		"QUEUEDYNO_SEED="+fmt.Sprint(seed), "QUEUEDYNO_SIDE="+string(a.side), "QUEUEDYNO_PAIR="+fmt.Sprint(pair), "QUEUEDYNO_RESULT="+dir)
	out, said, failed := c.exec(cmd, childPatience)
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if _, err := os.Stat(dir); err == nil {
		res, err := store.LoadAs[*result.Result](dir)
		return res, nil, err
	}
	if text := bytes.TrimSpace(out); bytes.HasPrefix(text, []byte("{")) && !compare.IsTestJSON(text) {
		file := filepath.Join(c.dir, "printed.json")
		if err := os.WriteFile(file, text, 0o666); err != nil {
			return nil, nil, err
		}
		res, err := store.LoadAs[*result.Result](file)
		return res, nil, err
	}
	printed, err := compare.ReadBenchmarks(bytes.NewReader(out))
	if err != nil {
		return nil, nil, err
	}
	// go test tells what failed on standard output. Behind a pipe its exit code
	// is lost, so a failure counts however the command ended.
	if len(printed.Failed) > 0 {
		said = strings.TrimPrefix(printed.Failed[0], "--- ")
	}
	switch {
	case failed != nil && said != "":
		return nil, nil, fmt.Errorf("the command failed (%w): %s", failed, said)
	case failed != nil:
		return nil, nil, fmt.Errorf("the command failed: %w", failed)
	case len(printed.Failed) > 0:
		return nil, nil, fmt.Errorf("the command printed that a benchmark failed: %s", said)
	case len(printed.Lines) == 0:
		return nil, nil, &problem.Hinted{What: "the command printed neither Go benchmark lines nor a result.json", Remedy: "queuedyno run --json --quiet prints one; go test -bench prints the others"}
	}
	return nil, &printed, nil
}

// exec runs the process in its own process group, so that Ctrl-C reaches it only
// through us, and gives it that much time to end. It returns its output, unless that goes
// elsewhere, and the last line of its errors.
func (c *children) exec(cmd *exec.Cmd, patience time.Duration) (out []byte, said string, err error) {
	var stdout, stderr bytes.Buffer
	if cmd.Stderr = &stderr; cmd.Stdout == nil {
		cmd.Stdout = &stdout
	}
	apart(cmd)
	cmd.WaitDelay = patience
	err = cmd.Run()
	for line := range strings.Lines(stderr.String()) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "hint:") {
			said = strings.TrimPrefix(line, "queuedyno: run: ")
		}
	}
	return stdout.Bytes(), said, err
}

// childEnv is the environment without what would change a run of ours.
func (c *children) childEnv() (env []string) {
	for _, one := range c.environ {
		name, _, _ := strings.Cut(one, "=")
		image := name == "QUEUEDYNO_IMAGE" || name == "QUEUEDYNO_POSTGRES_IMAGE"
		if strings.HasPrefix(name, "QUEUEDYNO_") && !image || name == "REDIS_URL" || name == "POSTGRES_URL" || name == "GITHUB_ACTIONS" {
			continue
		}
		env = append(env, one)
	}
	return env
}

// quoted joins words so that a shell splits them into the same words again.
func quoted(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(out, " ")
}

// idle measures the host for a while in which no run is active. What the system does
// not report counts as idle, as does everything for a period of 0.
func idle(ctx context.Context, period time.Duration) (compare.Idle, error) {
	if period == 0 {
		return compare.Idle{}, ctx.Err()
	}
	p, err := probe.Start(ctx, nil, waiter.Precise)
	if err != nil {
		return compare.Idle{}, err
	}
	before := hoststat.Take()
	select {
	case <-ctx.Done():
	case <-time.After(period):
	}
	s := before.Until(hoststat.Take())
	found := p.Stop()
	if ctx.Err() != nil {
		return compare.Idle{}, ctx.Err()
	}
	var i compare.Idle
	if s.Busy != nil {
		i.Busy = *s.Busy
	}
	if found.Hiccup != nil {
		if v, err := found.Hiccup.Quantile(0.9, 0); err == nil {
			i.Hiccup = time.Duration(v)
		}
	}
	return i, nil
}
