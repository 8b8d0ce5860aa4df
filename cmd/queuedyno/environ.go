package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/queuedyno/queuedyno/internal/nearest"
	"github.com/queuedyno/queuedyno/scenario"
)

// noFlags are the variables with our prefix that stand for no flag: what a
// comparison tells its commands, what a worker tells a job's process, and what
// this project's tests read.
func noFlags() []string {
	return []string{
		"QUEUEDYNO_SEED", "QUEUEDYNO_SIDE", "QUEUEDYNO_PAIR", "QUEUEDYNO_RESULT",
		"QUEUEDYNO_JOB_ID", "QUEUEDYNO_TENANT_ID",
		"QUEUEDYNO_IMAGE", "QUEUEDYNO_REQUIRE", "QUEUEDYNO_CAMPAIGN",
	}
}

// readEnv gives the flags of a verb the values of their variables, and finds the
// variables that nobody reads. One that is a flag's but for a slip is refused, since
// a limit or a rate that is not heard makes another run of it; any other may be
// somebody else's, such as what Kubernetes sets for a service, and is only named.
func (p *program) readEnv(f *flags) {
	f.readEnv(p.env)
	var known, names []string
	for _, of := range p.flags {
		of.set.VisitAll(func(one *pflag.Flag) {
			if _, ours := one.Value.(twinned); ours {
				names = append(names, one.Name)
				known = append(known, twin(one.Name))
			}
		})
	}
	slices.Sort(names)
	names, known = slices.Compact(names), append(known, noFlags()...)
	for _, pair := range slices.Sorted(slices.Values(os.Environ())) {
		name, _, _ := strings.Cut(pair, "=")
		word, ours := strings.CutPrefix(name, twin(""))
		if !ours || slices.Contains(known, name) || p.env(name) == "" {
			continue
		}
		flag := strings.ToLower(strings.ReplaceAll(word, "_", "-"))
		near := scenario.Suggest(flag, names)
		switch {
		case near == "":
			p.console.note("%s stands for no flag and is not used", name)
		case nearest.Slip(flag, near):
			f.add(fault{fmt.Sprintf("%s: there is no flag --%s that it could stand for", name, flag), fmt.Sprintf("did you mean %s?", twin(near))})
		default:
			p.console.note("%s stands for no flag and is not used; did you mean %s?", name, twin(near))
		}
	}
}
