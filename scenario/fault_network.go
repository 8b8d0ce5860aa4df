package scenario

import "time"

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
		k := keyOfFault(e.key)
		if e.key == "on" {
			k = faultKey{form: textForm, what: "whose connections are affected, such as consumers"}
		} else if !k.network {
			r.faultAt(e.at, "unknown key %q%s", e.key, orList(e.key, append(ownKeys(true), "on")))
			ok = false
			continue
		}
		good := r.read(e.value, k.form, k.what, func(text string) error {
			if e.key == "on" {
				return f.choose(NetworkFault, text)
			}
			return f.set(e.key, text)
		})
		ok = ok && good
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
