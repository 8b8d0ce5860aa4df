package render

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/result"
)

// The elements of a JUnit report, as far as all its readers agree on them.
type (
	junitSuites struct {
		XMLName  xml.Name `xml:"testsuites"`
		Name     string   `xml:"name,attr"`
		Time     string   `xml:"time,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Suite    junitSuite
	}
	junitSuite struct {
		XMLName   xml.Name    `xml:"testsuite"`
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Errors    int         `xml:"errors,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Time      string      `xml:"time,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []junitCase `xml:"testcase"`
		Out       string      `xml:"system-out,omitempty"`
	}
	junitCase struct {
		Name    string      `xml:"name,attr"`
		Class   string      `xml:"classname,attr"`
		Time    string      `xml:"time,attr"`
		Failure *junitFault `xml:"failure"`
		Error   *junitFault `xml:"error"`
		// Skipped has no attributes: two of three schemas refuse them.
		Skipped *junitSkipped `xml:"skipped"`
	}
	junitFault struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// junitSkipped says why in its text.
type junitSkipped struct {
	Text string `xml:",chardata"`
}

// skipped is the fault as the text of what is skipped.
func (f *junitFault) skipped() *junitSkipped { return &junitSkipped{f.Type + ": " + f.Message} }

// asJUnit counts the cases and encodes them.
func asJUnit(s junitSuite) (string, error) {
	for i := range s.Cases {
		c := &s.Cases[i]
		c.Class, c.Time = "queuedyno."+s.Name, "0"
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	s.Tests = len(s.Cases)
	out, err := xml.MarshalIndent(junitSuites{Name: "queuedyno", Time: s.Time, Tests: s.Tests, Failures: s.Failures, Errors: s.Errors, Suite: s}, "", "  ")
	if err != nil {
		return "", fmt.Errorf("encode JUnit report: %w", err)
	}
	return xml.Header + string(out) + "\n", nil
}

func junitTime(d time.Duration) string { return strconv.FormatFloat(max(0, d.Seconds()), 'f', 3, 64) }

// runJUnit writes a test case for the run's validity and one for each threshold,
// named as it is written.
func runJUnit(r *result.Result) (string, error) {
	s := junitSuite{
		Name: plain(r.Run.Scenario), Time: junitTime(r.Run.EndedAt.Sub(r.Run.StartedAt)),
		Timestamp: r.Run.StartedAt.UTC().Format("2006-01-02T15:04:05"), Out: plain(answer(r)),
	}
	valid := junitCase{Name: "the run can be believed"}
	word, why := ending(r)
	switch {
	case word != "" && word != "aborted":
		valid.Error = &junitFault{Type: word, Message: plain(why)}
	case r.Validity.Verdict == result.Invalid:
		valid.Error = &junitFault{Type: "invalid", Message: plain(strings.Join(r.Validity.Reasons, "; "))}
	case r.Window.Completed == 0:
		valid.Error = &junitFault{Type: "empty", Message: "no job of the window was completed"}
	}
	s.Cases = append(s.Cases, valid)
	for _, t := range r.Thresholds {
		c := junitCase{Name: plain(t.Expr)}
		switch fault := (&junitFault{Type: "threshold", Message: plain(t.Reason)}); {
		case t.Undecided:
			fault.Type = "undecided"
			c.Error = fault
		case t.Failed():
			c.Failure = fault
		}
		s.Cases = append(s.Cases, c)
	}
	return asJUnit(s)
}

// comparisonJUnit writes a test case for each metric that gates and one for the
// verdict. What cannot be decided is skipped, which readers show and do not fail.
func comparisonJUnit(r *compare.Record) (string, error) {
	s := junitSuite{
		Name: plain("compare " + r.Name), Time: junitTime(r.EndedAt.Sub(r.StartedAt)),
		Timestamp: r.StartedAt.UTC().Format("2006-01-02T15:04:05"),
	}
	whole := junitCase{Name: "verdict"}
	fault := &junitFault{Type: string(r.Verdict), Message: plain(strings.Join(r.Reasons, "; "))}
	switch r.Verdict {
	case paired.Fail:
		whole.Failure = fault
	case paired.Invalid:
		whole.Error = fault
	case paired.Inconclusive:
		whole.Skipped = fault.skipped()
	}
	s.Cases = append(s.Cases, whole)
	for _, f := range r.Figures {
		if !f.Gate {
			continue
		}
		c := junitCase{Name: fmt.Sprintf("%s not worse by more than %s", plain(f.Name), number.Percent(f.Margin))}
		fault := &junitFault{Type: string(f.Verdict), Message: fmt.Sprintf("%s (%s), noise %s, %d pairs", number.Change(f.Change), intervalOf(f), number.Percent(f.Spread), f.Pairs)}
		switch {
		case f.Verdict == paired.Fail && r.Verdict == paired.Fail:
			c.Failure = fault
		case f.Verdict != paired.Pass:
			c.Skipped = fault.skipped()
		}
		s.Cases = append(s.Cases, c)
	}
	return asJUnit(s)
}
