package report

import (
	"io"

	"github.com/queuedyno/queuedyno/result"
)

// Summary writes what a step summary shows of a run: the answer, whether to
// believe it, and the thresholds.
func Summary(w io.Writer, r *result.Result) error {
	m := &sheet{}
	mark := "✅"
	if word, _ := ending(r); failedThresholds(r) > 0 || word != "" || r.Window.Completed == 0 {
		mark = "❌"
	} else if verdict(r) == result.Invalid || undecidedThresholds(r) > 0 {
		mark = "⚪"
	}
	m.para("### %s queuedyno: %s", mark, escape(r.Run.Scenario))
	m.para("%s %s.", escape(answer(r)), escape(capital(verdict(r))))
	m.list(each(reasonsOf(r), escape))
	if len(r.Thresholds) > 0 {
		t := table{head: []string{"threshold", "", "because"}, left: 3}
		for _, o := range r.Thresholds {
			t.rows = append(t.rows, []string{code(o.Expr), outcome(o), escape(o.Reason)})
		}
		m.para("%s", t.markdown())
	}
	m.list(each(warningsOf(r), escape))
	_, err := io.WriteString(w, m.b.String())
	return err
}
