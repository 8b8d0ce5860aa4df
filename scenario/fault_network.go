package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/literal"
)

// Network is what a [Fault] of the network does to the connections of its target: one
// of the fields, or latency, jitter and bandwidth together.
type Network struct {
	// Latency is by how much a round trip takes longer, half of it in each direction, and
	// Jitter by how much that varies at most. Both are whole milliseconds.
	Latency time.Duration `json:"latency_ns,omitempty"`
	Jitter  time.Duration `json:"jitter_ns,omitempty"`
	// Bandwidth limits each direction of each connection, in bytes per second.
	Bandwidth int64 `json:"bandwidth_bytes_per_s,omitempty"`
	// Down closes the connections and refuses new ones, Reset resets all of them, and
	// Swallow accepts what is sent and delivers nothing.
	Down    bool `json:"down,omitempty"`
	Reset   bool `json:"reset,omitempty"`
	Swallow bool `json:"swallow,omitempty"`
}

// minBandwidth is the lowest limit of bandwidth.
const minBandwidth = 1000

// networkKeys are the keys of a fault of the network besides at and for.
func networkKeys() []string {
	return []string{"latency", "jitter", "bandwidth", "down", "reset", "swallow"}
}

// flag is the switch of a key, nil where its value is not a yes or no.
func (n *Network) flag(key string) *bool {
	switch key {
	case "down":
		return &n.Down
	case "reset":
		return &n.Reset
	case "swallow":
		return &n.Swallow
	}
	return nil
}

// set reads the value of a key.
func (n *Network) set(key, text string) (err error) {
	if on := n.flag(key); on != nil {
		*on, err = literal.Bool(text)
		return err
	}
	switch key {
	case "latency":
		n.Latency, err = literal.Duration(time.Millisecond)(text)
	case "jitter":
		n.Jitter, err = literal.Duration(time.Millisecond)(text)
	case "bandwidth":
		n.Bandwidth, err = literal.Count(text)
	}
	return err
}

// details are the keys that are set, as a flag gives them: a switch has no value.
func (n Network) details() (all []pair) {
	if n.Latency != 0 {
		all = append(all, pair{key: "latency", value: n.Latency.String()})
	}
	if n.Jitter != 0 {
		all = append(all, pair{key: "jitter", value: n.Jitter.String()})
	}
	if n.Bandwidth != 0 {
		all = append(all, pair{key: "bandwidth", value: strconv.FormatInt(n.Bandwidth, 10)})
	}
	for _, key := range networkKeys() {
		if on := n.flag(key); on != nil && *on {
			all = append(all, pair{key: key})
		}
	}
	return all
}

// inYAML is the value of the key network in a file.
func (n Network) inYAML(on FaultTarget) string {
	words := []string{"on: " + string(on)}
	for _, p := range n.details() {
		if p.value == "" {
			p.value = "true"
		}
		words = append(words, p.key+": "+p.value)
	}
	return "{" + strings.Join(words, ", ") + "}"
}

// networkExample is what the key network looks like in a file.
const networkExample = "{on: consumers, latency: 50ms}"

// readNetwork reads the value of the key network.
func (r *scenarioReader) readNetwork(field string, f *Fault, e entry) bool {
	value := r.resolve(e.value)
	if value == nil {
		return false
	}
	if !isMapping(value) {
		r.fault(value, "expected what happens to the network, such as %s", networkExample)
		return false
	}
	entries, ok := r.entries(value, networkExample)
	for _, e := range entries {
		r.at[field+".network."+e.key] = e.at
		if !slices.Contains(networkKeys(), e.key) && e.key != "on" {
			r.faultAt(e.at, "unknown key %q%s", e.key, orList(e.key, append(networkKeys(), "on")))
			ok = false
			continue
		}
		form, what := scalarForm, "a duration such as 50ms"
		switch {
		case e.key == "on":
			form, what = textForm, "whose connections are affected, such as consumers"
		case e.key == "bandwidth":
			form, what = wholeForm, "a whole number of bytes per second such as 100000"
		case f.Network.flag(e.key) != nil:
			form, what = truthForm, "true"
		}
		text, read := r.text(e.value, form, what)
		if !read {
			ok = false
			continue
		}
		var err error
		if e.key == "on" {
			err = f.choose(NetworkFault, text)
		} else if err = f.Network.set(e.key, text); err != nil {
			err = fmt.Errorf("%s: %w", e.key, err)
		}
		if err != nil {
			r.refuse(e.value, err)
			ok = false
		}
	}
	if ok && f.Target == "" {
		r.fault(value, "on is missing: whose connections it affects, such as %s", networkExample)
		return false
	}
	return ok
}

// network checks what a fault does to the network.
func (v *validator) network(field string, f Fault, shape faultShape) {
	n := f.Network
	if f.Kind != NetworkFault {
		for _, p := range n.details() {
			v.fault(field+".network."+p.key, "%s=%s has no %s; remove it", f.Kind, f.Target, p.key)
		}
		return
	}
	slow := n.Latency != 0 || n.Jitter != 0 || n.Bandwidth != 0
	kinds := 0
	for _, on := range []bool{slow, n.Down, n.Reset, n.Swallow} {
		if on {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		v.fault(field, "it does nothing to the network; write what happens, like %s, or down, reset or swallow", shape.example)
	case kinds > 1:
		v.fault(field, "of what happens to the network only latency, jitter and bandwidth go together; write several faults, one after the other")
	case f.For == 0 && !n.Reset:
		v.fault(field, "%s needs for; write it like %s", f.Kind, shape.example)
	case n.Latency%time.Millisecond != 0 || n.Latency < 0:
		v.fault(field+".network.latency", "%s is not a number of whole milliseconds", n.Latency)
	case n.Jitter%time.Millisecond != 0 || n.Jitter < 0:
		v.fault(field+".network.jitter", "%s is not a number of whole milliseconds", n.Jitter)
	case n.Jitter > n.Latency:
		v.fault(field+".network.jitter", "%s is more than the latency of %s, which it can at most take away; lower it", n.Jitter, n.Latency)
	case n.Bandwidth != 0 && n.Bandwidth < minBandwidth:
		v.fault(field+".network.bandwidth", "%d bytes per second are less than %d", n.Bandwidth, minBandwidth)
	}
}
