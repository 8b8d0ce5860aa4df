package scenario

import (
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/queuedyno/queuedyno/scenario/pace"
)

// Each reader below takes the value of a key and returns what it says, or
// false after a fault at its place.

// scalar is the resolved value and its text; number is true when it was
// written as a plain number. Other kinds of values have no text.
func (f *file) scalar(n ast.Node) (value ast.Node, text string, number, ok bool) {
	value = f.resolve(n)
	switch v := value.(type) {
	case nil:
		return nil, "", false, false
	case *ast.StringNode:
		return v, v.Value, false, true
	case *ast.LiteralNode:
		if v.Value == nil {
			return v, "", false, true
		}
		return v, strings.TrimRight(v.Value.Value, "\n"), false, true
	case *ast.IntegerNode, *ast.FloatNode:
		return v, nameOf(v), true, true
	default:
		return v, "", false, false
	}
}

// expected tells that a value is of the wrong kind.
func (f *file) expected(n, value ast.Node, what string) {
	if value != nil {
		f.fault(n, "expected %s, found %s", what, describe(value))
	}
}

// words reads text.
func (f *file) words(n ast.Node) (string, bool) {
	value, text, number, ok := f.scalar(n)
	if !ok || number {
		f.expected(n, value, `text in quotes such as "steady"`)
		return "", false
	}
	return text, true
}

// digits is the text of a whole number without the underscores, false when
// the value is not one.
func (f *file) digits(n ast.Node, example string) (string, bool) {
	value, text, number, ok := f.scalar(n)
	digits := strings.ReplaceAll(text, "_", "")
	plain := strings.TrimPrefix(digits, "-")
	isWhole := ok && plain != "" && strings.Trim(plain, "0123456789") == ""
	switch {
	case !isWhole:
		f.expected(n, value, "a whole number such as "+example)
		return "", false
	case !number:
		f.fault(n, "expected a whole number such as %s, found %s; remove the quotes", example, describe(value))
		return "", false
	case len(plain) > 1 && plain[0] == '0':
		f.fault(n, "%s begins with a zero, which some read as octal; remove it", digits)
		return "", false
	}
	return digits, true
}

// whole reads a whole number.
func (f *file) whole(n ast.Node, example string) (int64, bool) {
	digits, ok := f.digits(n, example)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		f.fault(n, "%s is too large a number", digits)
		return 0, false
	}
	return v, true
}

// positive reads a number of things of which at least one is needed. A zero
// would silently become the default.
func (f *file) positive(n ast.Node) (int64, bool) {
	v, ok := f.whole(n, "2")
	if ok && v == 0 {
		f.fault(n, "0 is less than 1; leave the key out for the default")
		return 0, false
	}
	return v, ok
}

// pool is positive for what is an int.
func (f *file) pool(n ast.Node) (int, bool) {
	v, ok := f.positive(n)
	if ok && int64(int(v)) != v {
		f.fault(n, "%d is too large a number", v)
		return 0, false
	}
	return int(v), ok
}

// seed reads a whole number. [Scenario.Validate] refuses one that is too large.
func (f *file) seed(n ast.Node) (uint64, bool) {
	if _, text, number, ok := f.scalar(n); ok && !number && len(text) > 19 && strings.Trim(text, "0123456789") == "" {
		f.fault(n, "%s is not a seed; write a whole number from 0 to %d", text, uint64(MaxSeed)) // YAML takes it for text
		return 0, false
	}
	digits, ok := f.digits(n, "42")
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		f.fault(n, "%s is not a seed; write a whole number from 0 to %d", digits, uint64(MaxSeed))
		return 0, false
	}
	return v, true
}

// rate reads jobs per time.
func (f *file) rate(n ast.Node) (pace.Rate, bool) {
	value, text, _, ok := f.scalar(n)
	if !ok {
		f.expected(n, value, "a rate such as 1000/s or max")
		return pace.Rate{}, false
	}
	r, err := pace.ParseRate(text)
	if err != nil {
		f.fault(n, "%s", err)
		return pace.Rate{}, false
	}
	return r, true
}

// span reads a duration.
func (f *file) span(n ast.Node) (time.Duration, bool) {
	value, text, number, ok := f.scalar(n)
	if !ok {
		f.expected(n, value, "a duration such as 10s")
		return 0, false
	}
	d, err := time.ParseDuration(text)
	switch {
	case err == nil:
		return d, true
	case number:
		f.fault(n, "expected a duration such as 10s, found %s; a duration has a unit: write %ss", describe(value), text)
	default:
		f.fault(n, "%s is not a duration; write it like 10s, 1m30s or 500ms", quoted(text))
	}
	return 0, false
}

// length is a span that is not zero, which would silently become the default.
func (f *file) length(n ast.Node) (time.Duration, bool) {
	d, ok := f.span(n)
	if ok && d == 0 {
		f.fault(n, "a duration of 0 cannot be asked for here; leave the key out for the default")
		return 0, false
	}
	return d, ok
}

// size reads a number of bytes.
func (f *file) size(n ast.Node) (int, bool) {
	const what = "a size in bytes such as 100, 100B, 1KB or 1KiB"
	value, text, number, ok := f.scalar(n)
	if !ok {
		f.expected(n, value, what)
		return 0, false
	}
	if number {
		text = strings.ReplaceAll(text, "_", "")
	}
	bytes, ok := parseSize(text)
	if !ok {
		f.fault(n, "expected %s, found %s", what, describe(value))
		return 0, false
	}
	return bytes, true
}

// parseSize reads "100", "100B", "1KB" (1,000), "1KiB" (1,024), "2MB" and so on.
func parseSize(text string) (int, bool) {
	number := strings.TrimRight(text, "BKMGik")
	factor := int64(1)
	switch strings.TrimSuffix(text[len(number):], "B") {
	case "":
	case "k", "K":
		factor = 1e3
	case "M":
		factor = 1e6
	case "G":
		factor = 1e9
	case "Ki":
		factor = 1 << 10
	case "Mi":
		factor = 1 << 20
	case "Gi":
		factor = 1 << 30
	default:
		return 0, false
	}
	number = strings.TrimSpace(number)
	digits := strings.Replace(strings.TrimPrefix(number, "-"), ".", "", 1)
	if digits == "" || len(digits) > 20 || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	v, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, false
	}
	v.Mul(v, new(big.Rat).SetInt64(factor))
	if !v.IsInt() || !v.Num().IsInt64() || int64(int(v.Num().Int64())) != v.Num().Int64() {
		return 0, false
	}
	return int(v.Num().Int64()), true
}
