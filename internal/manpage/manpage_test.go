package manpage_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/manpage"
)

var page = manpage.Page{
	Name: "tool-run", Short: "Run it", Synopsis: "tool run [flags]",
	Long:     "First line\nsecond line: 5 µs.\n\n.hidden is a 'word' with a \\.\n\nCodes:\n  0  fine\n  1  not\nAfter them.",
	Examples: "  tool run -x 5\n  .other",
	Sections: []manpage.Section{{Title: "Load", Intro: "Of the load.", Items: []manpage.Item{
		{Term: "-r, --rate", Value: "RATE", Text: "jobs per second"},
		{Term: "--json", Text: "print JSON"},
	}}},
	See: []string{"tool", "tool-list"},
}

func TestAPageIsRoff(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := page.Write(&b); err != nil {
		t.Fatal(err)
	}
	want := `.TH TOOL\-RUN 1 "" "queuedyno" "queuedyno manual"
.SH NAME
tool\-run \- Run it
.SH SYNOPSIS
.B tool run [flags]
.SH DESCRIPTION
First line
second line: 5 \[u00B5]s.
.PP
\&.hidden is a \(aqword\(aq with a \e.
.PP
Codes:
.RS 2
.EX
0  fine
1  not
.EE
.RE
.PP
After them.
.SH LOAD
Of the load.
.TP
\fB\-r, \-\-rate\fR \fIRATE\fR
jobs per second
.TP
\fB\-\-json\fR
print JSON
.SH EXAMPLES
.RS 2
.EX
tool run \-x 5
\&.other
.EE
.RE
.SH SEE ALSO
.BR tool (1),
.BR tool\-list (1)
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}

func TestGroffHasNothingToSay(t *testing.T) {
	t.Parallel()
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("groff checks the page: ", err)
	}
	var b bytes.Buffer
	if err := page.Write(&b); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(groff, "-man", "-Tutf8", "-ww", "-z")
	cmd.Stdin = &b
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
