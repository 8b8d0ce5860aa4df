package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/queuedyno/queuedyno/scenario"
)

// flags are the flags of one verb together with their twins in the environment:
// --drain-timeout is also QUEUEDYNO_DRAIN_TIMEOUT. The flag wins. A variable
// that is set to nothing counts as not set.
type flags struct {
	set *pflag.FlagSet
	// faults are the values that could not be read, of flags and variables.
	faults []fault
	// variable is the one that is being read, empty for the command line.
	variable string
	// given says for each flag that has a value where it came from: the flag
	// as written in messages, or the variable.
	given map[string]string
}

// flagsOf makes the flags of a verb and remembers them.
func (p *program) flagsOf(cmd *cobra.Command) *flags {
	f := &flags{set: cmd.Flags(), given: map[string]string{}}
	f.set.SortFlags = false
	p.flags[cmd] = f
	return f
}

// twin is the variable that stands for a flag.
func twin(flag string) string {
	return "QUEUEDYNO_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// readEnv gives every flag that is not on the command line the value of its
// twin.
func (f *flags) readEnv(env func(string) string) {
	f.set.VisitAll(func(one *pflag.Flag) {
		v, ours := one.Value.(twinned)
		if !ours || one.Changed {
			return
		}
		variable := twin(one.Name)
		text := env(variable)
		if text == "" {
			return
		}
		f.variable = variable
		for _, part := range v.split(text) {
			_ = one.Value.Set(part)
		}
		f.variable = ""
	})
}

// source names where the value of a flag came from, for messages.
func (f *flags) source(name string) string {
	if s := f.given[name]; s != "" {
		return s
	}
	return "--" + name
}

// onCommandLine reports whether the flag was written, and not just set in the
// environment.
func (f *flags) onCommandLine(name string) bool { return f.given[name] == "--"+name }

func (f *flags) add(one fault) {
	if !slices.Contains(f.faults, one) {
		f.faults = append(f.faults, one)
	}
}

// flagFaults says all that is wrong with the flags of a command line that pflag
// stopped reading at err. Every further unknown flag is found by declaring the
// one before it and reading again.
func (p *program) flagFaults(cmd *cobra.Command, args []string, err error) []fault {
	var faults []fault
	for range 20 {
		var unknown *pflag.NotExistError
		if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
			break
		}
		name := unknown.GetSpecifiedName()
		faults = append(faults, unknownFlag(cmd, name))
		cmd.Flags().AddFlag(&pflag.Flag{Name: name, Value: ignored{}, NoOptDefVal: "true", Hidden: true})
		err = cmd.ParseFlags(args)
	}
	if err != nil {
		faults = append(faults, flagFault(cmd, err))
	}
	if f := p.flags[cmd]; f != nil {
		p.readEnv(f)
		faults = append(faults, f.faults...)
	}
	return faults
}

// flagFault words an error of pflag. It never repeats more of the command line
// than the flag's name: the rest may hold a password.
func flagFault(cmd *cobra.Command, err error) fault {
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown):
		return fault{fmt.Sprintf("unknown flag -%s", unknown.GetSpecifiedName()), see(cmd)}
	case errors.As(err, &missing):
		return fault{fmt.Sprintf("--%s: its value is missing", missing.GetFlag().Name), see(cmd)}
	case errors.As(err, &invalid):
		return fault{fmt.Sprintf("--%s: %v", invalid.GetFlag().Name, invalid.Unwrap()), see(cmd)}
	default:
		return fault{err.Error(), see(cmd)}
	}
}

func unknownFlag(cmd *cobra.Command, name string) fault {
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	f := fault{what: fmt.Sprintf("unknown flag --%s", name), hint: see(cmd)}
	if near := scenario.Suggest(name, known); near != "" {
		f.hint = fmt.Sprintf("did you mean --%s?", near)
	}
	return f
}

func see(cmd *cobra.Command) string { return cmd.CommandPath() + " --help lists the flags" }

// ignored is the value of a flag that does not exist.
type ignored struct{}

func (ignored) String() string   { return "" }
func (ignored) Set(string) error { return nil }
func (ignored) Type() string     { return "bool" }
