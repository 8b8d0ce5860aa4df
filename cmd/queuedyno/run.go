package main

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const runHelp = `Run scenarios one after another, show what came out, write it to a directory of
its own for each under --out, and check the thresholds. Without a name it is the
file's first scenario.

The file is --file, else ./scenarios.yaml, else the bundled one. The Redis is
the one of REDIS_URL if that is set, else one that is started for the run and
ended after it; --redis names another. Flags stand for fields of the scenario,
for every scenario named. --rate is the TOTAL of all producers.

Every flag has a twin in the environment: --drain-timeout is also
QUEUEDYNO_DRAIN_TIMEOUT (lists with commas between). A flag comes before the
environment, the environment before the file, the file before the defaults.

The table goes to standard output, progress and errors to standard error.
Ctrl-C stops sending, drains what is on its way and reports; a second one stops
at once. "queuedyno --help" lists the exit codes.`

const runExample = `  queuedyno run
  queuedyno run steady -u redis://localhost:6379 -r 5k/s -d 30s -y 32
  queuedyno run steady -r max -n 200000 --warmup 0s
  queuedyno run steady --worker 'node worker.js' -r 500
  queuedyno run steady --threshold 'end_to_end.p99 < 20ms' --json > result.json`

func (p *program) runVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "run [SCENARIO...]",
		Short:   "Run scenarios, show and store the results, check the thresholds",
		Long:    runHelp,
		Example: runExample,
		Args:    cobra.ArbitraryArgs,
	}
	r := &running{p: p, runFlags: addRunFlags(p.flagsOf(cmd))}
	cmd.RunE = p.verb(func(cmd *cobra.Command, names []string) error {
		p.console.quiet = r.quiet.get()
		plan, err := r.plan(names)
		if err != nil {
			return err
		}
		return r.do(cmd.Context(), plan)
	})
	cmd.ValidArgsFunction = p.scenarioNames
	return cmd
}

// runFlags are the flags of the verb run.
type runFlags struct {
	*flags
	overrides
	file, redis, redisArgs, image *value[string]
	cacert, cert, key             *value[string]
	tlsSkipVerify                 *value[bool]
	out, name                     *value[string]
	tags                          *value[tag]
	force, quiet, json, noColor   *value[bool]
	allowInvalid, github          *value[bool]
	queue, channel                *value[string]
	allowNonEmpty                 *value[bool]
}

// addSome declares those of run's flags that are named, and those for fields of a
// scenario that the verb has.
func addSome(f *flags, verb string, names ...string) runFlags {
	own := f.set
	f.set = pflag.NewFlagSet("", pflag.ContinueOnError)
	f.set.SortFlags = false
	r := addRunFlags(f)
	for _, field := range r.table {
		if field.For(verb) {
			names = append(names, field.Flag)
		}
	}
	f.set.VisitAll(func(one *pflag.Flag) {
		if slices.Contains(names, one.Name) {
			own.AddFlag(one)
		}
	})
	f.set = own
	return r
}

func addRunFlags(f *flags) runFlags {
	r := runFlags{
		flags: f,
		file:  add(f, "file", "f", "scenario `FILE`, - for standard input (default ./scenarios.yaml, else the bundled one)", anyText),
		redis: add(f, "redis", "u", "the Redis under test: a `URL` (redis://, rediss:// or unix://), or one to start:\n"+
			"auto, process, docker or embedded (default auto: REDIS_URL if set,\n"+
			"else the first of process, docker and embedded that there is)", anyText),
		redisArgs: add(f, "redis-args", "", "more `ARGS` for the redis-server that is started, in one string as a shell would split it,\n"+
			"like '--appendonly yes'", anyText),
		image:  add(f, "image", "", "`IMAGE` of the container with --redis docker", anyText),
		cacert: add(f, "cacert", "", "`FILE` with an authority to trust with rediss://, in PEM form", anyText),
		cert:   add(f, "cert", "", "`FILE` with the client's certificate for rediss://, in PEM form", anyText),
		key:    add(f, "key", "", "`FILE` with the key of --cert, in PEM form", anyText),
	}
	r.tlsSkipVerify = addSwitch(f, "tls-skip-verify", "", "accept any certificate of the server with rediss://: encrypted, but not verified")
	r.queue = add(f, "queue", "", "`KEY` of the queue (default one of the run's own, which is removed after it);\n"+
		"of a queue named here only the run's own jobs are removed", keyName)
	r.channel = add(f, "channel", "", "`NAME` of the channel of the notifications (default one of the run's own)", keyName)
	r.allowNonEmpty = addSwitch(f, "allow-non-empty", "", "begin although jobs of somebody else wait in the queue")
	r.overrides = addOverrides(f)
	r.out = add(f, "out", "o", "`DIR` that the result directories are made in (default results)", anyText)
	r.name = add(f, "name", "", "`NAME` of the result directory (default <scenario>-<UTC time>)", directoryName)
	r.force = addSwitch(f, "force", "", "replace a result directory that exists")
	r.allowInvalid = addSwitch(f, "allow-invalid", "", "exit 0 and not 4 when the run was invalid; its thresholds still do not pass")
	r.tags = addMany(f, "tag", "", "label for the result, `KEY=VALUE`; may be repeated", parseTag)
	r.quiet = addSwitch(f, "quiet", "q", "no progress and no notes on standard error, only errors")
	r.json = addSwitch(f, "json", "", "write result.json to standard output instead of the table")
	r.noColor = addSwitch(f, "no-color", "", "no colour on a terminal (as NO_COLOR)")
	r.github = addSwitch(f, "github", "", "step summary and annotations for GitHub (default when GITHUB_ACTIONS is true; --github=false for none)")
	return r
}
