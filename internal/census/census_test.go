package census

import (
	"strings"
	"testing"
)

func TestWhatNewConnectionsDoIsToldFromTheirLastCommand(t *testing.T) {
	t.Parallel()
	line := func(id, flags, cmd string) string {
		return "id=" + id + " addr=127.0.0.1:1 laddr=127.0.0.1:2 fd=8 name= age=1 idle=0 flags=" + flags + " db=0 sub=0 cmd=" + cmd + " user=default redir=-1\n"
	}
	inDB := func(line, db string) string { return strings.Replace(line, " db=0 ", " db="+db+" ", 1) }
	before := readClients(line("3", "N", "client|list") + line("4", "b", "brpop") + line("5", "N", "ping"))
	for _, c := range []struct {
		what string
		list []string
		want ConnectedClients
	}{
		{"who was there before does not count", []string{line("4", "b", "brpop"), line("5", "N", "rpop")}, ConnectedClients{}},
		{"who asks does not count", []string{line("9", "N", "client|list")}, ConnectedClients{}},
		{"a worker that waits", []string{line("6", "N", "publish"), line("7", "b", "brpop")}, ConnectedClients{Connected: 2, Waiting: 1}},
		{"workers of another database", []string{inDB(line("6", "b", "brpop"), "3"), inDB(line("7", "N", "rpop"), "3")}, ConnectedClients{Connected: 2, Elsewhere: 2, ElsewhereDB: 3}},
		{"one of ours and one of another database", []string{line("6", "b", "brpop"), inDB(line("7", "b", "xreadgroup"), "1")},
			ConnectedClients{Connected: 2, Waiting: 1, Elsewhere: 1, ElsewhereDB: 1}},
		{"somebody who does something else in another database", []string{inDB(line("6", "N", "publish"), "9")}, ConnectedClients{Connected: 1}},
		{"a worker of a stream", []string{line("6", "b", "xreadgroup")}, ConnectedClients{Connected: 1, Waiting: 1}},
		{"a worker that waits in a module's command", []string{line("6", "b", "mod.take")}, ConnectedClients{Connected: 1, Waiting: 1}},
		{"a worker that polls", []string{line("6", "N", "rpop"), line("7", "N", "LMOVE")}, ConnectedClients{Connected: 2, Asking: 2}},
		{"a worker between two waits", []string{line("6", "N", "brpop")}, ConnectedClients{Connected: 1, Asking: 1}},
		{"a worker that polls by a script", []string{line("6", "N", "evalsha"), line("7", "N", "exec")}, ConnectedClients{Connected: 2, Scripts: 2}},
		{"one that waits for replicas", []string{line("6", "b", "wait")}, ConnectedClients{Connected: 1}},
		{"somebody who has said nothing", []string{line("6", "N", "NULL")}, ConnectedClients{Connected: 1}},
		{"a server that is older than subcommands", []string{line("6", "N", "client"), line("7", "b", "blpop")}, ConnectedClients{Connected: 2, Waiting: 1}},
	} {
		if got := readClients(strings.Join(c.list, "")).since(before); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
	}
}

func TestNumbersAloneSayHowManyHaveCome(t *testing.T) {
	t.Parallel()
	before := readCounts("# Clients\r\nconnected_clients:2\r\nblocked_clients:1\r\n")
	for text, want := range map[string]ConnectedClients{
		"connected_clients:5\r\nblocked_clients:3\r\n": {Connected: 3, Waiting: 2, Counted: true},
		"connected_clients:1\r\nblocked_clients:0\r\n": {Counted: true},
		"connected_clients:4\r\n":                      {Connected: 2, Counted: true, Mute: true},
	} {
		if got := readCounts(text).since(before); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}
