package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/nearest"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// maxFaults and maxFactor bound what faults may ask for.
const (
	maxFaults = 50
	maxFactor = 1e6
)

// faults checks what the scenario breaks on purpose. Whether the server lets itself be
// broken is not known here.
func (v *validator) faults() {
	if len(v.Faults) > maxFaults {
		v.fault("faults", "%d faults are more than %d", len(v.Faults), maxFaults)
		return
	}
	for i, f := range v.Faults {
		field := fmt.Sprintf("faults[%d]", i)
		v.faultName(field, i)
		shape, known := shapeOf(f.Kind)
		if !known {
			v.fault(field, "unknown kind %q%s", f.Kind, orList(string(f.Kind), kindWords()))
			continue
		}
		if !slices.Contains(shape.targets, f.Target) {
			v.fault(field, "%s cannot happen to %q; its targets are %s", f.Kind, f.Target, strings.Join(each(shape.targets, plain[FaultTarget]), ", "))
			continue
		}
		v.faultKeys(field, f, shape)
		v.memory(field, f)
		v.network(field, f, shape)
		v.faultTimes(field, f)
		v.faultTarget(field, f)
		v.faultAlone(field, i)
	}
}

// faultName checks the name of a fault, if it has one.
func (v *validator) faultName(field string, i int) {
	name := v.Faults[i].Name
	if name == "" {
		return
	}
	if _, err := faultName(name); err != nil {
		v.fault(field+".name", "%s", err)
		return
	}
	if k := slices.IndexFunc(v.Faults[:i], func(f Fault) bool { return f.Name == name }); k >= 0 {
		v.faultWith(field+".name", []string{fmt.Sprintf("faults[%d]", k)}, "faults[%d] has the name %s as well; give each fault another one", k, name)
	}
}

// faultless says why a run cannot measure a metric of faults: the scenario does not have
// such a fault. It is empty for every other metric.
func (s Scenario) faultless(name string) string {
	if !metric.OfFaults(name) {
		return ""
	}
	fault, _, single := metric.OfFault(name)
	var names []string
	for _, f := range s.Faults {
		if f.Name != "" {
			names = append(names, f.Name)
		}
	}
	switch {
	case len(s.Faults) == 0:
		return "the scenario has no faults; add one, or remove the threshold"
	case !single || slices.Contains(names, fault):
		return ""
	case len(names) == 0:
		return fmt.Sprintf("no fault has a name; write name: %s at one of them", fault)
	}
	return fmt.Sprintf("no fault has the name %s%s", fault, cmp.Or(nearest.Clause(fault, names), "; the names are "+strings.Join(names, ", ")))
}

// faultFields are the fields of the faults, and what they come from.
func (v *validator) faultFields() []string {
	all := []string{"thresholds", "faults"}
	for i := range v.Faults {
		all = append(all, fmt.Sprintf("faults[%d]", i))
	}
	return all
}

// faultKeys checks that a fault has what belongs to its kind and nothing else.
func (v *validator) faultKeys(field string, f Fault, shape faultShape) {
	for _, k := range faultKeys() {
		set, needed, at := k.get(f) != "", slices.Contains(shape.needs, k.name), field+"."+k.name
		if k.network {
			at = field + ".network." + k.name
		}
		switch {
		case k.name == "at", k.name == "name", k.network && f.Kind == NetworkFault:
		case needed && !set:
			v.fault(field, "%s needs %s; write it like %s", f.Kind, k.name, shape.example)
		case set && f.Kind == KillFault && k.name == "for":
			v.fault(at, "a kill has no length; write restart: %s for a start after that time", f.For)
		case set && !needed && !slices.Contains(shape.takes, k.name),
			k.name == "count" && set && f.Target != WorkersTarget:
			v.fault(at, "%s=%s has no %s; remove it", f.Kind, f.Target, k.name)
		}
	}
	v.faultIf(f.Factor != 0 && !(f.Factor > 1 && f.Factor <= maxFactor), field+".factor", nil, "%v is not a number above 1, such as 4 for workers that take four times as long", f.Factor)
	v.faultIf(f.Count < 0, field+".count", nil, "%d is negative", f.Count)
}

// faultTimes checks that a fault happens while the load is on.
func (v *validator) faultTimes(field string, f Fault) {
	for _, one := range []struct {
		key string
		d   time.Duration
	}{{"at", f.At}, {"for", f.For}, {"restart", f.Restart}} {
		switch {
		case one.d < 0:
			v.fault(field+"."+one.key, "%s is negative", one.d)
			return
		case one.d > maxDuration:
			v.fault(field+"."+one.key, "%s is more than 30 days", one.d)
			return
		}
	}
	length := v.Load.Duration
	if byJobs := time.Duration(v.scheduleSeconds() * float64(time.Second)); byJobs > 0 && (length == 0 || byJobs < length) {
		length = byJobs
	}
	if length <= 0 || length > maxDuration {
		return // it is not known when the load ends
	}
	with := []string{"load.duration", "load.jobs", "load.rate", "load.steps", "load.replay"}
	if f.At >= length {
		v.faultWith(field+".at", with, "%s is not before the end of the load (%s); let it begin earlier, or make the load longer", f.At, length)
		return
	}
	if end, ends := f.End(); ends && end >= length+v.DrainTimeout {
		v.faultWith(field, append(with, "drain_timeout"), "it is over at %s, after the load and the drain timeout (%s): what it delays could never arrive; shorten it, or make the load longer", end, length+v.DrainTimeout)
	}
}

// faultTarget checks that the run has what is to be broken.
func (v *validator) faultTarget(field string, f Fault) {
	none := func(with, format string, args ...any) {
		v.faultWith(field, []string{with}, format, args...)
	}
	switch {
	case v.Load.Observed:
		none("producers", "the producers are external, so the run only observes and breaks nothing; remove the fault")
	case f.Target == WorkersTarget && v.External:
		// Whether a run starts them, and so can break them, is not known here.
	case f.Target == WorkersTarget && f.Kind == SlowFault && v.Work.Time == 0:
		none("work.time", "workers without work cannot be slow; set work.time")
	case f.Target == WorkersTarget && f.Count > v.Consumers:
		v.faultWith(field+".count", []string{"consumers"}, "there are %d workers, and count is %d; lower it, or leave it out for all", v.Consumers, f.Count)
	case f.Target == ConsumersTarget && v.External:
		none("consumers", "the consumers are external, and a run breaks the connections of built-in ones only; remove the fault, or use built-in consumers")
	case f.Target == ProducersTarget && v.Entry.Kind != "":
		none("entry", "with an entry the producers have no connections to Redis; remove the fault, or break the network of the entry")
	case f.Target == PostgresTarget && v.Entry.Kind != EntryPostgres:
		none("entry", "no job is stored in Postgres; set entry: postgres, or remove the fault")
	case f.Target == PostgresTarget && f.Kind == KillFault && f.Restart == 0:
		v.fault(field, "a Postgres that is killed for good lets no job in; add restart, such as restart: 2s")
	case f.Target == EntryTarget && v.Entry.Kind == "":
		none("entry", "the jobs are pushed straight into the queue; write on: producers, or set an entry")
	case f.Target == ExitTarget && !v.Exit.Given():
		none("exit", "there are no WebSocket clients; write on: subscribers, or set an exit")
	case f.Target == SubscribersTarget && v.Notify == jobqueue.NoNotify:
		none("notify", "with notify: none there are no subscribers; remove the fault")
	case f.OnServer() && (f.Kind == KillFault || f.Kind == MemoryFault) && v.Entry.Kind == EntryHTTP:
		none("entry", "your API decides what becomes of its Redis; remove the fault")
	}
}

// OnServer reports whether the fault happens to the server, or to one of several.
func (f Fault) OnServer() bool { return f.Target == RedisTarget || f.Target == NodeTarget }

// Away reports whether the server, or one of several, answers nothing during the fault.
func (f Fault) Away() bool { return f.OnServer() && f.Kind != MemoryFault }

// faultAlone checks that what is broken is whole when the fault begins.
func (v *validator) faultAlone(field string, i int) {
	f := v.Faults[i]
	for k, o := range v.Faults[:i] {
		with := []string{fmt.Sprintf("faults[%d]", k)}
		first, second := o, f
		if f.At < o.At {
			first, second = f, o
		}
		end, ends := first.End()
		switch {
		case first.Target == RedisTarget && !ends && second.At >= first.At:
			v.faultWith(field, with, "nothing can happen after faults[%d] and this one, of which the one at %s ends the server for good; add a restart to it", k, first.At)
		case (o.Target == f.Target || o.OnServer() && f.OnServer()) && second.At < end:
			v.faultWith(field, with, "it begins or lasts while faults[%d] breaks the same target; let one end before the other begins", k)
		case first.Away() && second.Kind == DisconnectFault && second.Target != PostgresTarget && second.At < end:
			v.faultWith(field, with, "faults[%d] and this one overlap, and a server that answers nothing closes no connection; let one end before the other begins", k)
		}
	}
}
