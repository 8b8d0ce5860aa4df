package verify

import (
	"context"
	"slices"

	"github.com/queuedyno/queuedyno/result"
)

// Try makes one experiment once.
func Try(ctx context.Context, o Options, name string) (Experiment, error) {
	all := plan()
	e := all[slices.IndexFunc(all, func(e experiment) bool { return e.name == name })]
	x := Experiment{Name: e.name}
	r := &rig{o: o}
	err := e.do(ctx, r, &x)
	x.judge()
	if x.busy(r.results); err != nil {
		return x, err
	}
	return x, nil
}

// Laws holds results against the laws.
func Laws(results ...*result.Result) Experiment {
	var x Experiment
	_ = laws(context.Background(), &rig{results: results}, &x)
	x.judge()
	return x
}

// Meaning says what experiments with these outcomes mean.
func Meaning(r Report, all int) string { return meaning(r, all) }
