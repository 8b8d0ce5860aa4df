package dialect_test

import (
	"encoding/json"
	"testing"

	"github.com/queuedyno/queuedyno/internal/dialect"
)

// With or without a payload the data is an object with what was given, and as long as it
// says.
func TestDataKeepsWhatItWasGiven(t *testing.T) {
	t.Parallel()
	for object, members := range map[string]int{"": 0, "{}": 0, " { } ": 0, `{"to":"them"}`: 1, "{\"a\": [1, {}],\n\"b\": null\n}": 2} {
		for _, payload := range []string{"", "abc"} {
			d, err := dialect.NewData(object, payload != "")
			if err != nil {
				t.Fatal(err)
			}
			text := d.Append(nil, payload)
			var got map[string]any
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatalf("%q became %q: %v", object, text, err)
			}
			want := members
			if payload != "" {
				want++
			}
			if len(got) != want || payload != "" && got["payload"] != payload || len(text) != d.Len(len(payload)) {
				t.Errorf("%q with the payload %q became %q, of %d bytes", object, payload, text, d.Len(len(payload)))
			}
		}
	}
	for _, object := range []string{"null", "[1]", "7", "{", `{"a":1}}`} {
		if _, err := dialect.NewData(object, false); err == nil {
			t.Errorf("%q passes for an object", object)
		}
	}
	if _, err := dialect.NewData(`{"payload": 1}`, true); err == nil {
		t.Error("a member payload is replaced by the payload")
	}
}
