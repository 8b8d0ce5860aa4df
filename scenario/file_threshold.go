package scenario

import (
	"errors"
	"fmt"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/threshold"
)

// thresholdList gathers the thresholds of a scenario as they are read.
type thresholdList struct {
	*scenarioReader
	all []string
	ok  bool
}

// thresholds reads a list of thresholds. They are checked here and not only by
// Validate because here it is known where in the file each character stands. The
// forms in which k6 keeps them are read as well: by metric, and as a mapping that
// says when to abort.
func (r *scenarioReader) thresholds(n ast.Node) ([]string, bool) {
	l := &thresholdList{r, nil, true}
	value := r.resolve(n)
	if value == nil {
		return nil, false
	}
	if isMapping(value) {
		l.byMetric(value)
	} else {
		l.list("", value, `["end_to_end.p99 < 50ms", "lost == 0"]`)
	}
	return l.all, l.ok
}

func isMapping(value ast.Node) bool {
	switch value.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

// list reads a list of thresholds, of one metric if that stands above them.
func (l *thresholdList) list(name string, n ast.Node, example string) {
	items, ok := l.items(n, example)
	l.ok = l.ok && ok
	for _, item := range items {
		if !l.one(name, item) {
			return
		}
	}
}

// one reads a threshold in any form. It is false when there are too many.
func (l *thresholdList) one(name string, n ast.Node) bool {
	if len(l.all) == maxThresholds {
		l.fault(n, "more than %d thresholds; remove some", maxThresholds)
		l.ok = false
		return false
	}
	switch value := l.resolve(n); {
	case value == nil:
		l.ok = false
	case isMapping(value):
		l.mapped(name, value)
	default:
		l.expr(name, value, "")
	}
	return true
}

// expr takes in one threshold. The metric, if there is one, stands before it, and
// abort after it.
func (l *thresholdList) expr(name string, n ast.Node, abort string) {
	value, expr, number, isText := l.scalar(n)
	if !isText || number {
		what := `a threshold in quotes such as "lost == 0"`
		if number && name != "" {
			if m, err := metric.Lookup(name); err == nil {
				what = fmt.Sprintf("a condition such as %q", name+" "+limitOn(m, expr))
			}
		}
		l.expected(n, value, what)
		l.ok = false
		return
	}
	before := ""
	if name != "" {
		before = name + ": "
	}
	whole := before + expr + abort
	var syntax *threshold.SyntaxError
	if _, err := threshold.Parse(whole); errors.As(err, &syntax) {
		at := placeOf(value)
		if offset := syntax.Offset - len(before); offset >= 0 && offset <= len(expr) {
			at = l.within(value, expr, offset)
		}
		l.faultAt(at, "%s", syntax.Msg)
		l.ok = false
	}
	l.at[fmt.Sprintf("thresholds[%d]", len(l.all))] = placeOf(value)
	l.all = append(l.all, whole)
}

// limitOn is the number as a limit on the metric.
func limitOn(m metric.Metric, number string) string {
	switch {
	case m.Kind == metric.Duration:
		return "< " + number + "ms"
	case m.Better == metric.Higher:
		return ">= " + number
	case number == "0":
		return "== 0"
	}
	return "< " + number
}

// byMetric reads "end_to_end: ["p(95)<200"]", one entry a metric.
func (l *thresholdList) byMetric(n ast.Node) {
	entries, ok := l.entries(n, `["end_to_end.p99 < 50ms", "lost == 0"]`)
	l.ok = l.ok && ok
	for _, e := range entries {
		switch value := l.resolve(e.value).(type) {
		case nil:
			l.ok = false
		case *ast.SequenceNode:
			l.list(e.key, value, `["p(95)<200"]`)
		default:
			if !l.one(e.key, value) {
				return
			}
		}
	}
}

// mapped reads a mapping in the place of a threshold: one that says when to abort,
// or one or more with their metrics.
func (l *thresholdList) mapped(name string, n ast.Node) {
	entries, ok := l.entries(n, `{threshold: "lost == 0", abortOnFail: true}`)
	if !ok {
		l.ok = false
		return
	}
	keys := map[string]ast.Node{}
	for _, e := range entries {
		keys[e.key] = e.value
	}
	if keys["threshold"] == nil {
		if name != "" {
			l.fault(n, `write the condition as text, such as %s: ["p(95)<200"]`, name)
			l.ok = false
			return
		}
		l.byMetric(n)
		return
	}
	for _, e := range entries {
		switch e.key {
		case "threshold", "abortOnFail", "delayAbortEval":
		default:
			l.faultAt(e.at, "unknown key %q; the keys here are threshold, abortOnFail, delayAbortEval", e.key)
			l.ok = false
		}
	}
	abort := ""
	if v := keys["abortOnFail"]; v != nil {
		yes, ok := l.text(v, truthForm, "true or false")
		l.ok = l.ok && ok
		if yes == "true" {
			abort = " abort"
		}
	}
	if v := keys["delayAbortEval"]; v != nil {
		var after time.Duration
		good := l.read(v, scalarForm, "a duration such as 10s", func(text string) (err error) {
			after, err = literal.Duration(0)(text)
			return err
		})
		l.ok = l.ok && good
		if abort != "" && after > 0 {
			abort += fmt.Sprintf(" after %dms", after.Round(time.Millisecond).Milliseconds())
		}
	}
	l.expr(name, keys["threshold"], abort)
}
