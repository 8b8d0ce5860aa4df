package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno"
	"github.com/queuedyno/queuedyno/internal/nearest"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/scenario"
)

// defaultFile is the scenario file that is looked for in the working directory.
const defaultFile = "scenarios.yaml"

// source is a scenario file that was read.
type source struct {
	// name is the file's, as it appears in messages; where says in words which
	// of the possible files it is.
	name, where string
	bundled     bool // it is the one that comes with the command
	scenarios   []scenario.Scenario
	// besides are the bundled scenarios where the file is one that was found: they can be named
	// as well, unless it has one with that name.
	besides []scenario.Scenario
}

// findScenarios reads the named file, "-" being standard input; else
// ./scenarios.yaml where there is one, and the bundled scenarios besides; else the bundled
// file.
func (p *program) findScenarios(file string) (source, error) {
	src := source{name: file, where: file}
	var data []byte
	var err error
	switch {
	case file == "-":
		src = source{name: "stdin", where: "standard input"}
		data, err = io.ReadAll(io.LimitReader(p.stdin, maxFile))
	case file != "":
		data, err = readFile(file)
	default:
		src = source{name: defaultFile, where: "./" + defaultFile}
		data, err = readFile(defaultFile)
		if errors.Is(err, fs.ErrNotExist) {
			src.bundled = true
			src.where = "the bundled scenarios (there is no ./" + defaultFile + ")"
			data, err = queuedyno.Scenarios(), nil
		} else if err == nil {
			if src.besides, err = scenario.Parse(src.name, queuedyno.Scenarios()); err != nil {
				return src, err
			}
		}
	}
	if err != nil {
		return src, badFile("read scenarios", src.name, err)
	}
	src.scenarios, err = scenario.Parse(src.name, data)
	return src, err
}

// maxFile is more than [scenario.Parse] accepts: enough for it to see that a
// file is too large, and not enough to fill the memory.
const maxFile = 4 << 20

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// badFile is the failure of somebody who named a file that cannot be read.
func badFile(op, name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return problem.Exit(problem.BadUsage, fmt.Sprintf("%s: there is no file %q", op, name), "")
	}
	return problem.Exit(problem.BadUsage, fmt.Sprintf("%s: %v", op, err), "")
}

// names are those of the scenarios, in the file's order.
func (s source) names() []string {
	names := make([]string, len(s.scenarios))
	for i, one := range s.scenarios {
		names[i] = one.Name
	}
	return names
}

func (s source) has(name string) bool { return slices.Contains(s.names(), name) }

// comes reports whether the scenario of that name comes with the command.
func (s source) comes(name string) bool { return s.bundled || !s.has(name) }

// pick returns the scenarios of the given names, or the first when none is
// given, and all that is wrong with the names.
func (s source) pick(names []string) ([]scenario.Scenario, problem.List) {
	if len(names) == 0 {
		return s.scenarios[:min(1, len(s.scenarios))], nil
	}
	var picked []scenario.Scenario
	var problems problem.List
	for i, name := range names {
		at := slices.Index(s.names(), name)
		besides := slices.IndexFunc(s.besides, func(one scenario.Scenario) bool { return one.Name == name })
		switch {
		case slices.Contains(names[:i], name):
			problems.Add(fmt.Sprintf("scenario %q is named twice", name), "")
		case at >= 0:
			picked = append(picked, s.scenarios[at])
		case besides >= 0:
			picked = append(picked, s.besides[besides])
		case strings.Contains(name, "://"):
			// It may hold a password and is not repeated.
			problems.Add("a URL is not a scenario", "use --redis URL to choose the Redis under test")
		default:
			problems = append(problems, s.unknown(name))
		}
	}
	return picked, problems
}

// pick returns the scenarios of the given names in a file, or its first one, and all that
// is wrong with them.
func (p *program) pick(file string, names []string) (source, []scenario.Scenario, problem.List) {
	src, err := p.findScenarios(file)
	if err != nil {
		return source{}, nil, p.badScenarios(src, err)
	}
	picked, problems := src.pick(names)
	return src, picked, problems
}

func (s source) unknown(name string) problem.Problem {
	return problem.Problem{
		What: fmt.Sprintf("unknown scenario %q in %s%s", name, s.name, nearest.Clause(name, s.names())),
		Hint: "there are " + strings.Join(s.names(), ", ") + s.alsoThere(),
	}
}

// alsoThere says that the bundled scenarios can be named, too.
func (s source) alsoThere() string {
	if len(s.besides) == 0 {
		return ""
	}
	return ", and those that come with queuedyno, such as " + s.besides[0].Name
}

// badScenarios are the problems of a file that cannot be used. What is wrong in it is
// printed as it is; what is returned only counts it.
func (p *program) badScenarios(src source, err error) problem.List {
	var all scenario.FileErrors
	if !errors.As(err, &all) {
		return problem.AsFailure(err).Problems
	}
	for _, one := range all {
		p.console.Verbatim(one.Error())
	}
	return problem.List{{What: src.name + ": " + number.Plural(len(all), "problem")}}
}

// latestWord means the result that ended last.
const latestWord = "latest"

// latest puts the result that ended last in the place of the word. What really
// has that name comes first.
func (r *reporting) latest(results []string) ([]string, error) {
	at := slices.Index(results, latestWord)
	if at < 0 {
		if r.flags.Written("out") {
			return nil, problem.Exit(problem.BadUsage, "--out requires latest", "queuedyno report latest --out DIR")
		}
		return results, nil
	}
	if _, err := os.Lstat(latestWord); err == nil {
		r.p.console.Note("report: %q is a path here, so it is reported instead of the result that ended last", latestWord)
		return results, nil
	}
	found, notes, err := store.Latest(r.out)
	if err != nil {
		return nil, problem.Usage(problem.Of(err))
	}
	for _, note := range notes {
		r.p.console.Note("report: %s", note)
	}
	r.p.console.Note("report: latest is %q, %s that ended %s", found.Path, found.What, found.EndedAt.UTC().Format("2006-01-02 15:04:05Z"))
	results = slices.Clone(results)
	results[at] = found.Path
	return results, nil
}
