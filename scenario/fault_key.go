package scenario

import (
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/literal"
)

// faultKey is a key of a fault besides its kind: how it is read and written.
type faultKey struct {
	name string
	form form
	what string // what a file holds here, for messages
	free bool   // any text: a file has it in quotes
	// network is true for what stands below that key in a file.
	network bool
	get     func(Fault) string // empty for one that is not set
	set     func(*Fault, string) error
}

// faultKeys is the table of the keys of faults, in the order in which they are written.
func faultKeys() []faultKey {
	yes := kind[bool]{form: truthForm, what: "true", parse: literal.Bool, format: plain[bool]}
	whole := kind[time.Duration]{what: "a duration such as 50ms", parse: literal.Duration(time.Millisecond), format: time.Duration.String}
	network := []faultKey{
		newFaultKey("latency", whole, func(f *Fault) *time.Duration { return &f.Network.Latency }),
		newFaultKey("jitter", whole, func(f *Fault) *time.Duration { return &f.Network.Jitter }),
		newFaultKey("bandwidth", kind[int64]{form: wholeForm, what: "a whole number of bytes per second such as 100000", parse: literal.Count, format: plain[int64]},
			func(f *Fault) *int64 { return &f.Network.Bandwidth }),
		newFaultKey("down", yes, func(f *Fault) *bool { return &f.Network.Down }),
		newFaultKey("reset", yes, func(f *Fault) *bool { return &f.Network.Reset }),
		newFaultKey("swallow", yes, func(f *Fault) *bool { return &f.Network.Swallow }),
	}
	for i := range network {
		network[i].network = true
	}
	return slices.Concat([]faultKey{
		newFaultKey("at", spans(0), func(f *Fault) *time.Duration { return &f.At }),
		newFaultKey("for", spans(1), func(f *Fault) *time.Duration { return &f.For }),
		newFaultKey("count", wholes(literal.Int), func(f *Fault) *int { return &f.Count }),
		newFaultKey("factor", kind[float64]{form: numberForm, what: "a number such as 4", parse: factor, format: decimal}, func(f *Fault) *float64 { return &f.Factor }),
		newFaultKey("restart", spans(1), func(f *Fault) *time.Duration { return &f.Restart }),
		newFaultKey("to", kind[MemoryLimit]{what: "a size such as 2MiB, or a share of the memory in use such as 80%", parse: parseMemoryLimit, format: MemoryLimit.String},
			func(f *Fault) *MemoryLimit { return &f.Memory }),
		newFaultKey("force", yes, func(f *Fault) *bool { return &f.Force }),
	}, network, []faultKey{
		newFaultKey("name", kind[string]{form: textForm, what: "a name such as crash", parse: faultName, format: plain[string], free: true}, func(f *Fault) *string { return &f.Name }),
	})
}

func newFaultKey[T any](name string, k kind[T], at func(*Fault) *T) faultKey {
	get, set := accessors(k, at)
	return faultKey{name: name, form: k.form, what: k.what, free: k.free, get: get, set: set}
}

// keyOfFault is the key of that name, a zero one if no key has it.
func keyOfFault(name string) faultKey {
	for _, k := range faultKeys() {
		if k.name == name {
			return k
		}
	}
	return faultKey{}
}

// ownKeys are the names of the keys that stand below network in a file, or of the others.
func ownKeys(network bool) []string {
	return keyNames(slices.DeleteFunc(faultKeys(), func(k faultKey) bool { return k.network != network }))
}

func keyNames(keys []faultKey) []string {
	return each(keys, func(k faultKey) string { return k.name })
}

// details are the keys that are set besides the time.
func (f Fault) details() []faultKey {
	return slices.DeleteFunc(faultKeys(), func(k faultKey) bool { return k.name == "at" || k.name == "for" || k.get(f) == "" })
}
