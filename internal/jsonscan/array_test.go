package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/queuedyno/queuedyno/internal/jsonscan"
)

func elements(m []byte) (all []string, err error) {
	e := jsonscan.Array(m)
	for e.Next() {
		all = append(all, string(e.Value))
	}
	return all, e.End()
}

func TestBrokenArraysAreRefused(t *testing.T) {
	t.Parallel()
	for _, m := range []string{``, `{}`, `[`, `[1`, `[1,`, `[1 2]`, `[,1]`, `[1,,2]`, `[1]x`, `["a]`, `[{]`} {
		if all, err := elements([]byte(m)); err == nil {
			t.Errorf("%s was read as %q", m, all)
		}
	}
}

// FuzzArray: no message panics, and of valid JSON there are the elements that
// encoding/json finds.
func FuzzArray(f *testing.F) {
	for _, m := range []string{`[]`, ` [1, "a]", {"b":[2,"}"]} ,null]` + "\n\x00", "\ufeff[[],[[]]]", `[1,2`, `[1 2]`, `{"a":1}`, `[NaN]`} {
		f.Add([]byte(m))
	}
	f.Fuzz(func(t *testing.T, m []byte) {
		all, err := elements(m)
		var want []json.RawMessage
		plain := bytes.TrimPrefix(m, []byte("\ufeff"))
		if !jsonscan.IsArray(m) || json.Unmarshal(plain, &want) != nil {
			return
		}
		if err != nil || len(all) != len(want) {
			t.Fatalf("%q: %q, %v; want %d elements", m, all, err, len(want))
		}
		for i := range all {
			if all[i] != string(want[i]) {
				t.Errorf("%q: element %d is %q, want %q", m, i, all[i], want[i])
			}
		}
	})
}
