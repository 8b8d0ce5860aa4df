package census

import (
	"strings"
	"testing"
)

// Whatever a server answers to CLIENT LIST and INFO: no more connections than lines, and
// a comparison with any state before it has no negative count.
func FuzzReadClients(f *testing.F) {
	for _, seed := range []string{
		"id=3 addr=127.0.0.1:1 db=0 flags=b cmd=brpop\nid=4 addr=127.0.0.1:2 db=1 flags=N cmd=client|list\n",
		"connected_clients:5\r\nblocked_clients:-1\r\n", "id=99999999999999999999", "id=-1 flags=", "=\n=", "",
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		was, now := readClients(before), readClients(after)
		if len(now.all) > strings.Count(after, "\n")+1 {
			t.Errorf("%d connections in %q", len(now.all), after)
		}
		for _, one := range now.all {
			if one.id <= 0 || one.id > now.last {
				t.Errorf("connection %d, the last is %d, in %q", one.id, now.last, after)
			}
		}
		now.since(was)
		readCounts(after).since(readCounts(before))
	})
}
