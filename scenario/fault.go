package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/nearest"
)

// Fault is something that a run breaks on purpose and, unless it stays broken,
// repairs again. What it did to the jobs is in the result.
type Fault struct {
	// At is when the fault begins, from the start of the load.
	At time.Duration `json:"at_ns"`
	// For is how long it lasts. A pause and slow workers need it; a kill has Restart.
	For time.Duration `json:"for_ns,omitempty"`
	// Kind is what happens, and Target is what it happens to.
	Kind   FaultKind   `json:"kind"`
	Target FaultTarget `json:"target"`
	// Restart is how long after a kill the target is started again. Zero means never.
	Restart time.Duration `json:"restart_ns,omitempty"`
	// Count is how many workers are killed or paused. Zero means all of them.
	Count int `json:"count,omitempty"`
	// Factor is how many times as long slow workers take for a job.
	Factor float64 `json:"factor,omitempty"`
	// Force makes a replica of a cluster take over without asking its master.
	Force bool `json:"force,omitempty"`
	// Memory is the limit of a [MemoryFault].
	Memory MemoryLimit `json:"memory,omitzero"`
	// Network is what happens to the connections of the target, for [NetworkFault].
	Network Network `json:"network,omitzero"`
	// Name is how thresholds and reports call the fault, such as crash in
	// fault.crash.lost: letters, digits, - and _. No two faults have the same. Optional.
	Name string `json:"name,omitempty"`
}

// FaultKind is what a [Fault] does.
type FaultKind string

// The kinds of faults.
const (
	// PauseFault stops processes for a while, as SIGSTOP does: a server, which then answers
	// nothing, or workers. Connections stay open.
	PauseFault FaultKind = "pause"
	// KillFault ends a process at once, as kill -9 does: the server, which is started
	// again with what it has on disk, or workers, which drop the jobs that they have.
	KillFault FaultKind = "kill"
	// DisconnectFault makes a server close the connections of one pool.
	DisconnectFault FaultKind = "disconnect"
	// SlowFault makes workers take several times as long for a job.
	SlowFault FaultKind = "slow"
	// NetworkFault slows or breaks the connections of one pool, by a proxy in their way.
	NetworkFault FaultKind = "network"
	// FailoverFault makes a replica take over from the master that has the run's queue,
	// the first of them where there are several: behind sentinels, or in a cluster.
	FailoverFault FaultKind = "failover"
	// MemoryFault lowers the server's limit of memory, maxmemory, for a while.
	MemoryFault FaultKind = "maxmemory"
)

// FaultTarget is what a [Fault] happens to.
type FaultTarget string

// The targets of faults.
const (
	RedisTarget FaultTarget = "redis"
	// NodeTarget is one of several servers: the master that has the run's queue, the first
	// of them where there are several.
	NodeTarget        FaultTarget = "node"
	WorkersTarget     FaultTarget = "workers"
	ProducersTarget   FaultTarget = "producers"
	ConsumersTarget   FaultTarget = "consumers"
	SubscribersTarget FaultTarget = "subscribers"
	// PostgresTarget is the Postgres of an entry that stores the jobs. For a disconnect
	// it is the connections of the run to it.
	PostgresTarget FaultTarget = "postgres"
	// EntryTarget are the connections to the API or to the Postgres of the entry, and
	// ExitTarget those of the WebSocket clients. Only faults of the network have them.
	EntryTarget FaultTarget = "entry"
	ExitTarget  FaultTarget = "exit"
)

// faultShape is what belongs to a kind of fault.
type faultShape struct {
	kind    FaultKind
	targets []FaultTarget
	// needs and takes are the keys besides at that it must have and may have.
	needs, takes []string
	example      string
}

// faultShapes is the table of the kinds of faults.
func faultShapes() []faultShape {
	return []faultShape{
		{PauseFault, []FaultTarget{RedisTarget, WorkersTarget, PostgresTarget}, []string{"for"}, []string{"count"}, "10s+2s:pause=redis"},
		{KillFault, []FaultTarget{RedisTarget, WorkersTarget, NodeTarget, PostgresTarget}, nil, []string{"restart", "count"}, "20s:kill=redis,restart=1s"},
		{DisconnectFault, []FaultTarget{ProducersTarget, ConsumersTarget, SubscribersTarget, PostgresTarget}, nil, nil, "40s:disconnect=subscribers"},
		{SlowFault, []FaultTarget{WorkersTarget}, []string{"for", "factor"}, nil, "30s+5s:slow=workers,factor=4"},
		{NetworkFault, []FaultTarget{ProducersTarget, ConsumersTarget, SubscribersTarget, EntryTarget, ExitTarget}, nil, []string{"for"}, "30s+5s:network=consumers,latency=50ms"},
		{FailoverFault, []FaultTarget{RedisTarget}, nil, []string{"force"}, "50s:failover=redis"},
		{MemoryFault, []FaultTarget{RedisTarget}, []string{"for", "to"}, nil, "30s+5s:maxmemory=redis,to=80%"},
	}
}

// faultKinds lists the kinds of faults.
func faultKinds() []FaultKind {
	return each(faultShapes(), func(s faultShape) FaultKind { return s.kind })
}

// shapeOf is the row of a kind.
func shapeOf(k FaultKind) (faultShape, bool) {
	all := faultShapes()
	i := slices.IndexFunc(all, func(s faultShape) bool { return s.kind == k })
	if i < 0 {
		return faultShape{}, false
	}
	return all[i], true
}

// faultExamples are texts of all kinds, for messages.
func faultExamples() string {
	return strings.Join(each(faultShapes(), func(s faultShape) string { return s.example }), ", ")
}

// End is when the fault is over, from the start of the load. ok is false for one that
// stays: a kill without a restart.
func (f Fault) End() (at time.Duration, ok bool) {
	if f.Kind == KillFault {
		return f.At + f.Restart, f.Restart > 0
	}
	return f.At + f.For, true
}

// String is the fault as a flag gives it: "10s+2s:pause=redis".
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.At.String())
	if f.For != 0 {
		b.WriteString("+" + f.For.String())
	}
	b.WriteString(":" + string(f.Kind) + "=" + string(f.Target))
	for _, k := range f.details() {
		b.WriteString("," + k.name)
		if k.form != truthForm {
			b.WriteString("=" + k.get(f))
		}
	}
	return b.String()
}

// inYAML is the fault as it stands in a file.
func (f Fault) inYAML() string {
	words, network := []string{"at: " + f.At.String()}, []string{"on: " + string(f.Target)}
	if f.For != 0 {
		words = append(words, "for: "+f.For.String())
	}
	var details []string
	for _, k := range f.details() {
		value := k.get(f)
		if k.free {
			value = quote(value)
		}
		if k.network {
			network = append(network, k.name+": "+value)
		} else {
			details = append(details, k.name+": "+value)
		}
	}
	if f.Kind == NetworkFault {
		words = append(words, "network: {"+strings.Join(network, ", ")+"}")
	} else {
		words = append(words, string(f.Kind)+": "+string(f.Target))
	}
	return "{" + strings.Join(append(words, details...), ", ") + "}"
}

// parseFault reads a fault as a flag gives it: TIME[+LENGTH]:KIND=TARGET, and with
// commas in between what else belongs to the kind, such as restart=1s.
func parseFault(text string) (Fault, error) {
	var f Fault
	when, what, cut := strings.Cut(strings.TrimSpace(text), ":")
	if !cut {
		return f, fmt.Errorf("%q is not a fault; write it like %s", text, faultExamples())
	}
	at, length, lasts := strings.Cut(when, "+")
	var errs []error
	errs = append(errs, f.set("at", at))
	if lasts {
		errs = append(errs, f.set("for", length))
	}
	for i, part := range strings.Split(what, ",") {
		key, value, cut := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case !cut && i > 0 && keyOfFault(key).form == truthForm:
			errs = append(errs, f.set(key, "true"))
		case !cut:
			errs = append(errs, fmt.Errorf("%q is not of the form KEY=VALUE; write it like %s", part, faultExamples()))
		case i == 0:
			errs = append(errs, f.choose(FaultKind(key), value))
		default:
			errs = append(errs, f.set(key, value))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return Fault{}, fmt.Errorf("fault %q: %w", text, oneLine(err))
	}
	return f, nil
}

// oneLine puts errors that were joined on one line.
func oneLine(err error) error { return errors.New(strings.ReplaceAll(err.Error(), "\n", "; ")) }

// choose sets the kind and the target.
func (f *Fault) choose(kind FaultKind, target string) error {
	shape, known := shapeOf(kind)
	if !known {
		_, err := literal.Word("kind of fault", faultKinds()...)(string(kind))
		return err
	}
	t, err := wordOf("target of "+string(kind), shape.targets)(target)
	if err == nil {
		f.Kind, f.Target = kind, t
	}
	return err
}

// wordOf is [literal.Word], also where there is one word only.
func wordOf[T ~string](what string, valid []T) func(string) (T, error) {
	if len(valid) > 1 {
		return literal.Word(what, valid...)
	}
	return func(s string) (T, error) {
		if s != string(valid[0]) {
			return "", fmt.Errorf("unknown %s %q; there is %s", what, s, valid[0])
		}
		return valid[0], nil
	}
}

// faultName is a valid name of a fault.
func faultName(text string) (string, error) {
	letters := func(r rune) bool {
		return r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) || r == '-' || r == '_'
	}
	if text == "" || len(text) > maxName || strings.TrimFunc(text, letters) != "" {
		return "", fmt.Errorf("%q is not the name of a fault; use 1 to %d letters, digits, - and _, such as crash", text, maxName)
	}
	return text, nil
}

// set reads the value of a key.
func (f *Fault) set(key, text string) error {
	k := keyOfFault(key)
	if k.set == nil {
		return fmt.Errorf("unknown key %q%s", key, orList(key, keyNames(faultKeys())))
	}
	if err := k.set(f, text); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// orList suggests the nearest of the words, or lists them.
func orList(word string, valid []string) string {
	if near := nearest.Clause(word, valid); near != "" {
		return near
	}
	return "; the keys here are " + strings.Join(valid, ", ")
}

// faultsField is that of the faults. A file holds each as a mapping, or as a flag
// gives it.
func faultsField() Field {
	list := kind[[]Fault]{what: "a list of faults", parse: parseFaults, format: faultsText}
	f := row("faults", list, func(s *Scenario) *[]Fault { return &s.Faults }, Field{
		Group: "Faults", Flag: "fault", Verbs: []string{"run"}, Many: true, Separator: faultSeparator,
		Usage:   "break something on purpose, a `FAULT` such as " + faultExamples() + " (repeatable); replaces the scenario's faults",
		Columns: []Column{{"faults", func(s Scenario) string { return faultsText(s.Faults) }}},
	})
	f.yaml = func(s Scenario) string { return inBrackets(each(s.Faults, Fault.inYAML)) }
	f.whole = (*scenarioReader).readFaults
	return f
}

// faultSeparator stands between faults: commas are inside of them.
const faultSeparator = ";"

func parseFaults(text string) (all []Fault, err error) {
	for one := range strings.SplitSeq(text, faultSeparator) {
		f, err := parseFault(one)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

func faultsText(all []Fault) string { return strings.Join(each(all, Fault.String), faultSeparator) }
