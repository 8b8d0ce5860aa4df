package scenario

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// form is how the value of a key stands in a file.
type form int

const (
	scalarForm form = iota // a text or a number
	textForm
	wholeForm    // a whole number
	numberForm   // any number
	truthForm    // true or false
	externalForm // a whole number, or the word external
)

// external is the word for external producers and consumers.
const external = "external"

// kind is how the values of one type are read and written.
type kind[T any] struct {
	form   form
	what   string
	parse  func(string) (T, error)
	format func(T) string // never called with the zero value
	free   bool
	words  []string
}

func plain[T any](v T) string { return fmt.Sprint(v) }

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func spans(min time.Duration) kind[time.Duration] {
	return kind[time.Duration]{form: scalarForm, what: "a duration such as 10s", parse: literal.Duration(min), format: time.Duration.String}
}

func wholes[T int | int64](parse func(string) (T, error)) kind[T] {
	return kind[T]{form: wholeForm, what: "a whole number such as 2", parse: parse, format: plain[T]}
}

func numbers(parse func(string) (float64, error)) kind[float64] {
	return kind[float64]{form: numberForm, what: "a number such as 1.1", parse: parse, format: decimal}
}

func texts() kind[string] {
	return kind[string]{form: textForm, what: `text in quotes such as "steady"`, parse: literal.Text, format: plain[string], free: true}
}

func switches() kind[bool] {
	return kind[bool]{form: truthForm, what: "true or false", parse: literal.Bool, format: plain[bool]}
}

// choices are a few words; what they are is said in errors.
func choices[T ~string](what string, valid ...T) kind[T] {
	return kind[T]{form: textForm, what: `text in quotes such as "steady"`, parse: literal.Word(what, valid...), format: plain[T], words: each(valid, plain[T])}
}

// each is what f makes of each of them.
func each[T, U any](all []T, f func(T) U) []U {
	made := make([]U, len(all))
	for i, one := range all {
		made[i] = f(one)
	}
	return made
}

// row is the field that at points to.
func row[T any](key string, k kind[T], at func(*Scenario) *T, f Field) Field {
	f.Key, f.form, f.what, f.free = key, k.form, k.what, k.free
	if f.Words == nil {
		f.Words = k.words
	}
	f.get, f.set = accessors(k, at)
	for i := range f.Columns {
		if f.Columns[i].Cell == nil {
			f.Columns[i].Cell = func(s Scenario) string { return cell(*at(&s)) }
		}
	}
	return f
}

// accessors write and read as a text what at points to. The zero value is an empty text.
func accessors[S, T any](k kind[T], at func(*S) *T) (get func(S) string, set func(*S, string) error) {
	var none T
	zero := fmt.Sprint(none)
	get = func(s S) string {
		v := *at(&s)
		if fmt.Sprint(v) == zero {
			return ""
		}
		return k.format(v)
	}
	set = func(s *S, text string) error {
		v, err := k.parse(text)
		if err == nil {
			*at(s) = v
		}
		return err
	}
	return get, set
}

// cell is a value in the base unit of its kind: nanoseconds, bytes, a share of 1.
func cell(v any) string {
	switch v := v.(type) {
	case time.Duration:
		return strconv.FormatInt(int64(v), 10)
	case float64:
		return decimal(v)
	}
	return fmt.Sprint(v)
}

// column is a column with what the field holds, in its base unit.
func column(name string) []Column { return []Column{{Name: name}} }

// factor reads a number greater than zero.
func factor(s string) (float64, error) {
	v, err := literal.Number(s)
	if err != nil || v <= 0 || v > 1e6 {
		return 0, fmt.Errorf("%q is not a factor greater than 0, such as 2 or 0.5", s)
	}
	return v, nil
}

// parseSteps reads a load of several rates.
func parseSteps(s string) (pace.Steps, error) {
	all, err := pace.ParseSteps(s)
	if err == nil && len(all) == 0 {
		err = errors.New("there are no steps; write them like 30s:500,1m:2000")
	}
	return all, err
}

// limits reads thresholds with commas between them, and keeps them as written.
func limits(s string) (all []string, err error) {
	for expr := range strings.SplitSeq(s, ",") {
		if _, err := threshold.Parse(expr); err != nil {
			return nil, err
		}
		all = append(all, strings.TrimSpace(expr))
	}
	return all, nil
}

// weights reads "3", which are three queues with equal shares, or "1,2,7", which
// are the weights of three in the order of their priority. "3," is one of weight 3.
func weights(text string) ([]int, error) {
	list, isList := strings.CutSuffix(strings.TrimSpace(text), ",")
	var all []int
	for part := range strings.SplitSeq(list, ",") {
		w, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || w < 1 {
			return nil, fmt.Errorf("%q is neither a number of queues, such as 3, nor their weights, such as 1,2,7", text)
		}
		all = append(all, w)
	}
	if len(all) > 1 || isList {
		return all, nil
	}
	equal := make([]int, min(all[0], maxQueues+1))
	for i := range equal {
		equal[i] = 1
	}
	return equal, nil
}

// weightsText is what weights reads.
func weightsText(all []int) string {
	text := strings.Join(each(all, plain[int]), ",")
	if len(all) == 1 {
		text += ","
	}
	return text
}

// poolSize reads the size of a pool, or the word external.
func poolSize(s string) (n int, outside bool, err error) {
	if strings.TrimSpace(s) == external {
		return 0, true, nil
	}
	n, err = literal.Int(s)
	if unset := (*literal.UnsetError)(nil); errors.As(err, &unset) {
		err = &literal.UnsetError{Message: unset.Message + ", or external"}
	} else if err != nil {
		err = fmt.Errorf("%w, or external", err)
	}
	return n, false, err
}

// tenants reads "100" or "100:1.2".
func tenants(s string) (t Tenants, err error) {
	number, skew, cut := strings.Cut(s, ":")
	if t.Count, err = literal.Int(number); err == nil && cut {
		if t.Skew, err = literal.Number(skew); err != nil {
			err = fmt.Errorf("%q is not a number; write it like 100:1.2", skew)
		}
	}
	return t, err
}

func (t Tenants) text() string {
	if t.Skew != 0 {
		return fmt.Sprintf("%d:%s", t.Count, decimal(t.Skew))
	}
	return fmt.Sprint(t.Count)
}

// hold reads "10s" or "5s+10s".
func hold(s string) (h Hold, err error) {
	from, length, cut := strings.Cut(s, "+")
	if !cut {
		from, length = "0s", s
	}
	var errFrom, errFor error
	h.From, errFrom = literal.Duration(0)(from)
	h.For, errFor = literal.Duration(0)(length)
	return h, errors.Join(errFrom, errFor)
}

func (h Hold) text() string {
	if h.From != 0 {
		return h.From.String() + "+" + h.For.String()
	}
	return h.For.String()
}
