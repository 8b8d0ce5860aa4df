package redisfacts

import (
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
)

// sums are the beginnings of the figures of INFO that can be added up.
var sums = []string{
	"total_", "used_cpu_", "expired_", "evicted_", "rejected_", "keyspace_", "acl_access_denied", "unexpected_error",
	"client_output_buffer_limit", "client_query_buffer_limit", "io_threaded_", "reply_buffer_", "aof_delayed_fsync",
	"connected_clients", "blocked_clients", "connected_slaves", "instantaneous_ops_per_sec",
}

// mergeFacts makes one of the facts of several servers.
func mergeFacts(nodes []Node) Facts {
	if len(nodes) == 1 {
		return *nodes[0].Facts
	}
	all := Facts{Info: map[string]string{}, Commands: map[string]CommandFacts{}, Config: map[string]string{}}
	var versions, ids, modes []string
	said := map[string][]string{}
	for _, n := range nodes {
		f := n.Facts
		versions, modes, ids = append(versions, f.Version), append(modes, f.Mode), append(ids, f.Info["run_id"])
		for key, text := range f.Info {
			said[key] = append(said[key], text)
		}
		for name, c := range f.Commands {
			s := all.Commands[name]
			s.Calls += c.Calls
			s.USec += c.USec
			s.Rejected += c.Rejected
			s.Failed += c.Failed
			all.Commands[name] = s
		}
		for _, w := range f.Withheld {
			all.Withheld = append(all.Withheld, n.Address+": "+w)
		}
	}
	all.Version, all.Mode = distinct(versions), distinct(modes)
	for key, texts := range said {
		if text, ok := agree(key, texts, len(nodes)); ok {
			all.Info[key] = text
		}
	}
	if id := distinct(ids); id != "" {
		all.Info["run_id"] = id
	}
	for _, n := range nodes {
		for name := range n.Facts.Config {
			var values []string
			for _, m := range nodes {
				values = append(values, m.Facts.Config[name])
			}
			all.Config[name] = distinct(values)
		}
	}
	return all
}

// agree is the sum of a counter, or what all servers say alike.
func agree(key string, texts []string, servers int) (string, bool) {
	if slices.ContainsFunc(sums, func(p string) bool { return strings.HasPrefix(key, p) }) {
		sum, whole := 0.0, true
		for _, text := range texts {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return "", false
			}
			sum += n
			whole = whole && !strings.Contains(text, ".")
		}
		if whole {
			return strconv.FormatFloat(sum, 'f', 0, 64), true
		}
		return strconv.FormatFloat(sum, 'f', 6, 64), true
	}
	for _, text := range texts {
		if text != texts[0] {
			return "", false
		}
	}
	return texts[0], len(texts) == servers
}

// distinct is what all say alike, or each different value once, in order.
func distinct(values []string) string {
	seen := map[string]bool{}
	for _, v := range values {
		seen[v] = true
	}
	if len(seen) == 1 {
		return values[0]
	}
	delete(seen, "")
	return strings.Join(slices.Sorted(maps.Keys(seen)), ", ")
}

// replicas are those that the masters name.
func replicas(masters []Node) []Node {
	var out []Node
	for _, m := range masters {
		for i := 0; m.Facts != nil; i++ {
			text, ok := m.Facts.Info["slave"+strconv.Itoa(i)]
			if !ok {
				break
			}
			if addr, ok := replicaAddress(text); ok {
				out = append(out, Node{Address: addr, Role: "replica"})
			}
		}
	}
	return out
}

// replicaAddress reads "ip=10.0.0.7,port=6380,state=online,…".
func replicaAddress(text string) (addr string, ok bool) {
	fields := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(pair, "=")
		fields[name] = value
	}
	if fields["ip"] == "" || fields["port"] == "" {
		return "", false
	}
	return net.JoinHostPort(fields["ip"], fields["port"]), true
}
