package literal_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/literal"
)

func TestWhatCannotBeReadIsRefusedWithTheRemedy(t *testing.T) {
	t.Parallel()
	word := literal.Word("design", "list", "stream")
	for _, row := range []struct {
		name string
		err  error
		says string
	}{
		{"no unit", second(literal.Duration(0)("10")), `"10" has no unit; write it like 10s or 10ms`},
		{"no duration", second(literal.Duration(0)("soon")), "is not a duration"},
		{"below zero", second(literal.Duration(0)("-1s")), "must not be negative"},
		{"more than an int64", second(literal.Count("99999999999999999999")), "is too large"},
		{"more than an int", second(literal.Int("9999999999")), "is too large"},
		{"no share", second(literal.Share("120%")), "is not a share"},
		{"not a number", second(literal.Number("NaN")), "is not a number"},
		{"no truth value", second(literal.Bool("perhaps")), "is neither true nor false"},
		{"a slip", second(word("strem")), `unknown design "strem" (did you mean "stream"?); there are list and stream`},
	} {
		if row.err == nil || !strings.Contains(row.err.Error(), row.says) {
			t.Errorf("%s: %v, want it to say %q", row.name, row.err, row.says)
		}
	}
}

// TestWhatWouldBecomeADefaultIsAnErrorOfItsOwn holds what lets a file add that the
// key can be left out.
func TestWhatWouldBecomeADefaultIsAnErrorOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"no count":    second(literal.Count("0")),
		"no duration": second(literal.Duration(1)("0s")),
		"no text":     second(literal.Text(" ")),
	} {
		if unset := (*literal.UnsetError)(nil); !errors.As(err, &unset) {
			t.Errorf("%s: %v, want an UnsetError", name, err)
		}
	}
	if err := second(literal.Whole("0")); err != nil {
		t.Errorf("Whole(0): %v, but 0 is whole", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestASeedStaysAWholeNumberEverywhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "", "42": "", " 9007199254740991 ": "",
		"9007199254740992": "2^53-1", "18446744073709551615": "2^53-1", "18446744073709551616": "2^53-1", "-1": "not a whole number", "1e3": "not a whole number", "": "not a whole number",
	} {
		_, err := literal.Seed(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("Seed(%q): %v, want %q", text, err, want)
		}
	}
}

func TestANumberOfBytesReadsWhatItWrites(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"1": 1, "2MiB": 2 << 20, "500KB": 500_000, " 3 GiB ": 3 << 30, "100B": 100, "1024": 1024, "1001": 1001} {
		got, err := literal.Bytes(text)
		if again, wrong := literal.Bytes(literal.BytesText(got)); err != nil || got != want || wrong != nil || again != want {
			t.Errorf("Bytes(%q) = %d, %v, written as %q; want %d", text, got, err, literal.BytesText(got), want)
		}
	}
	for _, text := range []string{"", "0", "-1MiB", "2mb", "1.5MiB", "9999999999GiB", "MiB"} {
		if got, err := literal.Bytes(text); err == nil {
			t.Errorf("Bytes(%q) = %d, want an error", text, got)
		}
	}
}
