package workergroup

import "testing"

func TestOutputIsRelayedAsPlainText(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ line, want string }{
		{"\x1b[31mError: no\x1b[0m Redis\n", "Error: no Redis"},
		{"\x1b]0;owned\x07connected\n", "connected"},
		{"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n", "link"},
		{"10%\r50%\r100%\r\n", "100%"},
		{"a\x1b[2J\x1b[1;1Hb\x08\x07c\x00\n", "abc"},
		{"\u009b31mred\u009b0m\n", "red"},
		{"\x1bc\x1b(Breset\n", "reset"},
		{"tab\there, ümlaut, 日本\n", "tab\there, ümlaut, 日本"},
		{"cut off \x1b[3", "cut off 3"},
		{"\x1b]0;never ends", ""},
		{"hidden\u202etxt\n", "hiddentxt"},
	} {
		if got := printable(row.line); got != row.want {
			t.Errorf("printable(%q) = %q, want %q", row.line, got, row.want)
		}
	}
}
