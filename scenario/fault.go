package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
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

// FaultKinds lists the kinds of faults.
func FaultKinds() (all []FaultKind) {
	for _, s := range faultShapes() {
		all = append(all, s.kind)
	}
	return all
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
	var all []string
	for _, s := range faultShapes() {
		all = append(all, s.example)
	}
	return strings.Join(all, ", ")
}

// End is when the fault is over, from the start of the load. ok is false for one that
// stays: a kill without a restart.
func (f Fault) End() (at time.Duration, ok bool) {
	if f.Kind == KillFault {
		return f.At + f.Restart, f.Restart > 0
	}
	return f.At + f.For, true
}

// String is the fault as [ParseFault] reads it: "10s+2s:pause=redis".
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.At.String())
	if f.For != 0 {
		b.WriteString("+" + f.For.String())
	}
	b.WriteString(":" + string(f.Kind) + "=" + string(f.Target))
	for _, p := range append(f.details(), f.Network.details()...) {
		b.WriteString("," + p.key)
		if p.value != "" {
			b.WriteString("=" + p.value)
		}
	}
	if f.Name != "" {
		b.WriteString(",name=" + f.Name)
	}
	return b.String()
}

// details are the keys that are set besides the time, the kind and the target.
func (f Fault) details() (all []pair) {
	if f.Count != 0 {
		all = append(all, pair{key: "count", value: strconv.Itoa(f.Count)})
	}
	if f.Factor != 0 {
		all = append(all, pair{key: "factor", value: decimal(f.Factor)})
	}
	if f.Restart != 0 {
		all = append(all, pair{key: "restart", value: f.Restart.String()})
	}
	if f.Memory != (MemoryLimit{}) {
		all = append(all, pair{key: "to", value: f.Memory.String()})
	}
	if f.Force {
		all = append(all, pair{key: "force"})
	}
	return all
}

// inYAML is the fault as it stands in a file.
func (f Fault) inYAML() string {
	words := []string{"at: " + f.At.String()}
	if f.For != 0 {
		words = append(words, "for: "+f.For.String())
	}
	if f.Kind == NetworkFault {
		words = append(words, "network: "+f.Network.inYAML(f.Target))
	} else {
		words = append(words, string(f.Kind)+": "+string(f.Target))
	}
	for _, p := range f.details() {
		if p.value == "" {
			p.value = "true"
		}
		words = append(words, p.key+": "+p.value)
	}
	if f.Name != "" {
		words = append(words, "name: "+quote(f.Name)) // 12 and true are names, too
	}
	return "{" + strings.Join(words, ", ") + "}"
}

// isSwitch reports whether a key of a fault needs no value in a flag.
func isSwitch(key string) bool { return key == "force" || new(Network).flag(key) != nil }

// ParseFault reads a fault as a flag gives it: TIME[+LENGTH]:KIND=TARGET, and with
// commas in between what else belongs to the kind, such as restart=1s.
func ParseFault(text string) (Fault, error) {
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
		case !cut && i > 0 && isSwitch(key):
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
		_, err := literal.Word("kind of fault", FaultKinds()...)(string(kind))
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

// faultKeys are the keys of a fault besides its kinds.
func faultKeys() []string {
	return []string{"at", "for", "restart", "count", "factor", "to", "force", "name"}
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
func (f *Fault) set(key, text string) (err error) {
	switch key {
	case "at":
		f.At, err = literal.Duration(0)(text)
	case "for":
		f.For, err = literal.Duration(1)(text)
	case "restart":
		f.Restart, err = literal.Duration(1)(text)
	case "count":
		f.Count, err = literal.Int(text)
	case "factor":
		f.Factor, err = factor(text)
	case "to":
		f.Memory, err = ParseMemoryLimit(text)
	case "force":
		f.Force, err = literal.Bool(text)
	case "name":
		f.Name, err = faultName(text)
	default:
		if !slices.Contains(networkKeys(), key) {
			return fmt.Errorf("unknown key %q%s", key, orList(key, append(faultKeys(), networkKeys()...)))
		}
		err = f.Network.set(key, text)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", key, err)
	}
	return err
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
	f.yaml = func(s Scenario) string {
		all := make([]string, len(s.Faults))
		for i, one := range s.Faults {
			all[i] = one.inYAML()
		}
		return inBrackets(all)
	}
	f.whole = (*scenarioReader).readFaults
	return f
}

// faultSeparator stands between faults: commas are inside of them.
const faultSeparator = ";"

func parseFaults(text string) (all []Fault, err error) {
	for one := range strings.SplitSeq(text, faultSeparator) {
		f, err := ParseFault(one)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

func faultsText(all []Fault) string {
	texts := make([]string, len(all))
	for i, f := range all {
		texts[i] = f.String()
	}
	return strings.Join(texts, faultSeparator)
}
