package flags

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/queuedyno/queuedyno/internal/nearest"
	"github.com/queuedyno/queuedyno/internal/problem"
)

// elsewhere are the flags of other load testers, each with the flags that do it
// here and how to use them. The first entry whose flags the verb has is taken.
var elsewhere = map[string][]struct{ flags, hint string }{
	"workers":     {{"consumers", "use --consumers NUMBER (-y) for the workers that take jobs"}},
	"threads":     {{"consumers", "use --consumers NUMBER (-y) for the workers that take jobs"}},
	"concurrency": {{"in-flight consumers", "use --consumers NUMBER (-y) for workers, or --rate max --in-flight NUMBER for a closed loop"}, {"consumers", "use --consumers NUMBER (-y) for the jobs done at the same time"}},
	"c":           {{"in-flight consumers", "use --consumers NUMBER (-y) for workers, or --rate max --in-flight NUMBER for a closed loop"}, {"consumers", "use --consumers NUMBER (-y) for the jobs done at the same time"}},
	"vus":         {{"in-flight", "use --rate max --in-flight NUMBER: each of them sends its next job when the last one is done (--think adds a pause)"}},
	"clients":     {{"in-flight", "use --rate max --in-flight NUMBER for a closed loop, or --producers NUMBER (-x) for the connections that push"}},
	"connections": {{"producers consumers", "use --producers NUMBER (-x) and --consumers NUMBER (-y): each has its own connection"}, {"consumers", "use --consumers NUMBER (-y): each has its own connection"}},
	"rps":         {{"rate", "use --rate 500/s (-r): jobs per second, in total"}},
	"qps":         {{"rate", "use --rate 500/s (-r): jobs per second, in total"}},
	"time":        {{"duration", "use --duration 30s (-d)"}, {"for", "use --for 30s"}},
	"requests":    {{"jobs", "use --jobs NUMBER (-n)"}},
}

// Mistakes says everything that is wrong with the flags of a command line that
// pflag stopped reading at err. Each further unknown flag is found by declaring the
// one before it and reading again. command is the command as the user called it.
func Mistakes(command string, set *pflag.FlagSet, args []string, err error) (all problem.List) {
	see := command + " --help lists the flags"
	for range 20 {
		var unknown *pflag.NotExistError
		if !errors.As(err, &unknown) {
			break
		}
		name := unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" { // what follows it may be its value
			return append(all, unknownFlag("-"+name, name, set, see))
		}
		all = append(all, unknownFlag("--"+name, name, set, see))
		set.AddFlag(&pflag.Flag{Name: name, Value: ignored{}, NoOptDefVal: "true", Hidden: true})
		err = set.Parse(args)
	}
	if err != nil {
		all = append(all, mistake(err, see))
	}
	return all
}

// mistake words an error of pflag. It never repeats more of the command line than
// the flag's name: the rest may hold a password.
func mistake(err error, see string) problem.Problem {
	var (
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &missing):
		return problem.Problem{What: fmt.Sprintf("--%s: its value is missing", missing.GetFlag().Name), Hint: see}
	case errors.As(err, &invalid):
		return problem.Problem{What: fmt.Sprintf("--%s: %v", invalid.GetFlag().Name, invalid.Unwrap()), Hint: see}
	}
	return problem.Problem{What: err.Error(), Hint: see}
}

func unknownFlag(written, name string, set *pflag.FlagSet, see string) problem.Problem {
	p := problem.Problem{What: "unknown flag " + written, Hint: see}
	var known []string
	set.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	for _, other := range elsewhere[name] {
		if !slices.ContainsFunc(strings.Fields(other.flags), func(f string) bool { return !slices.Contains(known, f) }) {
			p.Hint = other.hint
			return p
		}
	}
	if near := nearest.Nearest(name, known); near != "" && len(name) > 1 {
		p.Hint = fmt.Sprintf("did you mean --%s?", near)
	}
	return p
}

// ignored is the value of a flag that does not exist.
type ignored struct{}

func (ignored) String() string   { return "" }
func (ignored) Set(string) error { return nil }
func (ignored) Type() string     { return "bool" }
