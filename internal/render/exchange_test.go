package render_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
)

// handedOn are the reports in one format: of every fixture of a run and of a
// comparison.
func handedOn(t *testing.T, format string) map[string]string {
	t.Helper()
	all := map[string]string{}
	encode := render.Format(format, render.Options{})
	for name, r := range rendertest.Results(t) {
		all["run "+name] = written(t, encode, r)
	}
	record := func(w io.Writer, r *compare.Record) error {
		return render.Of(r).Encode(w, format, render.Options{})
	}
	all["comparison"] = encoded(t, record, rendertest.Compared(1.3))
	all["empty comparison"] = encoded(t, record, &compare.Record{Name: "x"})
	return all
}

// TestBenchstatReadsEveryLine: it is held to the reader that benchstat has.
func TestBenchstatReadsEveryLine(t *testing.T) {
	t.Parallel()
	for name, text := range handedOn(t, "benchmark") {
		reader := benchfmt.NewReader(strings.NewReader(text), name)
		lines := 0
		for reader.Scan() {
			switch one := reader.Result().(type) {
			case *benchfmt.SyntaxError:
				t.Errorf("%s: %v in\n%s", name, one, text)
			case *benchfmt.Result:
				lines++
				if len(one.Values) == 0 || one.Iters < 1 || !strings.HasPrefix(string(one.Name), "Queuedyno/scenario=") {
					t.Errorf("%s: %q with %d iterations and %d values", name, one.Name, one.Iters, len(one.Values))
				}
			}
		}
		if err := reader.Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		units := reader.Units()
		if meta := units.GetBetter("jobs/s"); strings.Contains(text, "jobs/s\t") && meta != 1 {
			t.Errorf("%s: of jobs/s benchstat takes %d for better, want 1", name, meta)
		}
		if fixture, isRun := strings.CutPrefix(name, "run "); isRun && (lines == 1) != (render.LeftOut(rendertest.Results(t)[fixture]) == "") {
			t.Errorf("%s: %d lines in\n%s", name, lines, text)
		}
		if strings.HasPrefix(name, "run steady") {
			if lines != 1 || units.GetBetter("p50-sec") != -1 {
				t.Errorf("%s: %d lines, better %d", name, lines, units.GetBetter("p50-sec"))
			}
		}
		if name == "comparison" && lines != 8 {
			t.Errorf("%s: %d lines, want one for each of 8 runs", name, lines)
		}
	}
}

// TestActionFilesHaveOneDirectionEach: github-action-benchmark takes for its
// custom tools an array of objects with a name, a unit and a value.
func TestActionFilesHaveOneDirectionEach(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"action-smaller", "action-bigger"} {
		for name, text := range handedOn(t, format) {
			var entries []map[string]any
			if err := json.Unmarshal([]byte(text), &entries); err != nil || entries == nil {
				t.Errorf("%s of %s: %v, want an array:\n%s", format, name, err, text)
			}
			for _, e := range entries {
				title, ok1 := e["name"].(string)
				unit, ok2 := e["unit"].(string)
				_, ok3 := e["value"].(float64)
				if !ok1 || !ok2 || !ok3 || title == "" || unit == "" {
					t.Errorf("%s of %s: %v", format, name, e)
				}
				if bigger := strings.HasSuffix(title, "achieved_rate"); bigger != (format == "action-bigger") {
					t.Errorf("%s of %s holds %q", format, name, title)
				}
			}
		}
	}
}

// grammar is what the schema junit-10 of Jenkins' xUnit plugin allows: for each
// element its attributes, those that are required with a star, and its children.
func grammar() map[string]struct{ attributes, children []string } {
	return map[string]struct{ attributes, children []string }{
		"testsuites": {[]string{"name", "time", "tests", "failures", "errors"}, []string{"testsuite"}},
		"testsuite":  {[]string{"name*", "tests*", "failures*", "errors*", "time", "skipped", "timestamp"}, []string{"testcase", "system-out"}},
		"testcase":   {[]string{"name*", "time", "classname"}, []string{"failure", "error", "skipped"}},
		"failure":    {[]string{"type", "message"}, nil},
		"error":      {[]string{"type", "message"}, nil},
		"skipped":    {nil, nil}, // other schemas allow it no attributes
		"system-out": {nil, nil},
	}
}

func TestJUnitFilesFitTheSchemaOfJenkins(t *testing.T) {
	t.Parallel()
	for name, text := range handedOn(t, "junit") {
		if err := fits(text); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

// fits holds a document to the grammar, and its counts to its cases.
func fits(text string) error {
	var open []string
	counted, declared := map[string]int{}, map[string]int{}
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch one := token.(type) {
		case xml.StartElement:
			element := one.Name.Local
			rules, known := grammar()[element]
			if !known || len(open) > 0 && !slices.Contains(grammar()[open[len(open)-1]].children, element) || len(open) == 0 && element != "testsuites" {
				return fmt.Errorf("<%s> in %v", element, open)
			}
			for _, a := range one.Attr {
				if !slices.Contains(rules.attributes, a.Name.Local) && !slices.Contains(rules.attributes, a.Name.Local+"*") {
					return fmt.Errorf("<%s %s=…>", element, a.Name.Local)
				}
				if a.Name.Local == "time" && strings.Trim(a.Value, "0123456789.") != "" {
					return fmt.Errorf("<%s time=%q>", element, a.Value)
				}
				if n, err := strconv.Atoi(a.Value); err == nil && element == "testsuite" {
					declared[a.Name.Local] = n
				}
			}
			for _, must := range rules.attributes {
				if must, required := strings.CutSuffix(must, "*"); required && !slices.ContainsFunc(one.Attr, func(a xml.Attr) bool { return a.Name.Local == must }) {
					return fmt.Errorf("<%s> without %s", element, must)
				}
			}
			counted[element]++
			open = append(open, element)
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
	for element, attribute := range map[string]string{"testcase": "tests", "failure": "failures", "error": "errors", "skipped": "skipped"} {
		if counted[element] != declared[attribute] {
			return fmt.Errorf("%d <%s>, but %s=%d", counted[element], element, attribute, declared[attribute])
		}
	}
	if !bytes.Contains([]byte(text), []byte("<testcase ")) {
		return errors.New("no test case at all passes everywhere")
	}
	return nil
}

func TestJUnitFailsWhatFailed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		text string
		want []string
	}{
		{written(t, render.JUnit, rendertest.Lossy(t)), []string{`<failure type="threshold"`}},
		{written(t, render.JUnit, rendertest.Empty()), []string{"<error "}},
		{written(t, render.JUnit, rendertest.Interrupted(t)), []string{`<error type="interrupted"`}},
		{encoded(t, render.ComparisonJUnit, rendertest.Compared(1.3)), []string{`<testcase name="verdict"`, `failures="2"`, `<skipped>inconclusive: `}},
		{encoded(t, render.ComparisonJUnit, rendertest.Compared(1)), []string{`failures="0"`, `skipped="2"`}},
	} {
		for _, want := range row.want {
			if !strings.Contains(row.text, want) {
				t.Errorf("want %s in\n%s", want, row.text)
			}
		}
	}
	if text := written(t, render.JUnit, rendertest.Steady(t)); strings.Contains(text, "<failure") || strings.Contains(text, "<error") {
		t.Errorf("a run that is in order:\n%s", text)
	}
}

func TestTheStepSummarySaysWhetherToBelieveIt(t *testing.T) {
	t.Parallel()
	for name, r := range rendertest.Results(t) {
		text := written(t, render.Summary, r)
		if !strings.HasPrefix(text, "### ") || r.Run.Scenario != "" && name != "hostile" && !strings.Contains(text, r.Run.Scenario) {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	if text := written(t, render.Summary, rendertest.Lossy(t)); !strings.Contains(text, "❌") || !strings.Contains(text, "**fail**") {
		t.Errorf("a run with thresholds that failed:\n%s", text)
	}
}
