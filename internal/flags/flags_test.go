package flags_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/problem"
)

// verb is a set of flags with one of each kind.
type verb struct {
	*flags.Set
	set      *pflag.FlagSet
	rate     int64
	tags     []string
	json     bool
	inFlight int
	jobs     int
}

func newVerb() *verb {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	v := &verb{Set: flags.New(set), set: set}
	v.Group("Load")
	flags.Var(v.Set, &v.rate, "rate", "r", "jobs per second, a `RATE` such as 500", literal.Count)
	flags.Var(v.Set, &v.inFlight, "in-flight", "", "`NUMBER` of jobs", literal.Int)
	flags.Var(v.Set, &v.jobs, "jobs", "n", "`NUMBER` of jobs", literal.Int)
	v.Formerly("pace", "rate")
	v.Group("Output")
	flags.List(v.Set, &v.tags, "tag", ",", "label `KEY=VALUE`", literal.Text)
	v.Switch(&v.json, "json", "", "print JSON")
	return v
}

func TestTheCommandLineWinsOverTheEnvironment(t *testing.T) {
	t.Parallel()
	v := newVerb()
	if err := v.set.Parse([]string{"--rate", "5", "--json=false"}); err != nil {
		t.Fatal(err)
	}
	v.ReadEnv([]string{"QUEUEDYNO_RATE=7", "QUEUEDYNO_JSON=true", "QUEUEDYNO_TAG=a=1,b=2", "QUEUEDYNO_JOBS="})
	if v.rate != 5 || v.json || !slices.Equal(v.tags, []string{"a=1", "b=2"}) || v.Given("jobs") {
		t.Errorf("rate %d, json %t, tags %q, jobs given: %t; want 5, false, a=1 and b=2, false", v.rate, v.json, v.tags, v.Given("jobs"))
	}
	if v.Source("rate") != "--rate" || v.Source("tag") != "QUEUEDYNO_TAG" || v.Written("tag") {
		t.Errorf("sources %s and %s, tag written: %t", v.Source("rate"), v.Source("tag"), v.Written("tag"))
	}
}

func TestEveryValueThatCannotBeReadIsAProblem(t *testing.T) {
	t.Parallel()
	v := newVerb()
	if err := v.set.Parse([]string{"--rate", "x", "--json=perhaps"}); err != nil {
		t.Fatal(err)
	}
	v.ReadEnv([]string{"QUEUEDYNO_IN_FLIGHT=0"})
	want := problem.List{
		{What: `--rate: "x" is not a whole number`},
		{What: `--json: "perhaps" is neither true nor false`},
		{What: `QUEUEDYNO_IN_FLIGHT: "0" must be at least 1`},
	}
	if diff := cmp.Diff(want, v.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if v.Given("rate") || !v.Tried("rate") {
		t.Error("a value that cannot be read counts as given, or as never tried")
	}
}

func TestAnOldNameWorksAndIsNotedOnce(t *testing.T) {
	t.Parallel()
	v := newVerb()
	if err := v.set.Parse([]string{"--pace", "5", "--pace", "6"}); err != nil {
		t.Fatal(err)
	}
	if v.rate != 6 || !slices.Equal(v.Notes, []string{"--pace is now called --rate"}) || !v.Written("rate") {
		t.Errorf("rate %d, notes %q", v.rate, v.Notes)
	}
	if help := flags.Usage(v.set, 80); strings.Contains(help, "pace") {
		t.Errorf("the help shows an old name:\n%s", help)
	}
}

func TestAVariableWithATypoIsAProblemAndOthersAreNoted(t *testing.T) {
	t.Parallel()
	v := newVerb()
	v.CheckEnv([]string{"QUEUEDYNO_RTAE=5", "QUEUEDYNO_SERVICE_HOST=10.0.0.1", "QUEUEDYNO_SIDE=base", "PATH=/bin"}, v.Names(), []string{"QUEUEDYNO_SIDE"})
	want := problem.List{{What: "QUEUEDYNO_RTAE: there is no flag --rtae", Hint: "did you mean QUEUEDYNO_RATE?"}}
	if diff := cmp.Diff(want, v.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if len(v.Notes) != 1 || !strings.Contains(v.Notes[0], "QUEUEDYNO_SERVICE_HOST is ignored") {
		t.Errorf("notes %q, want one about QUEUEDYNO_SERVICE_HOST", v.Notes)
	}
}

func TestTheHelpHasGroupsAndWrapsButNotWithinQuotes(t *testing.T) {
	t.Parallel()
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	s := flags.New(set)
	var text string
	var on bool
	s.Group("Load")
	s.Text(&text, "rate", "r", "total `RATE` of all producers, such as 500/s or 2k/s")
	s.Group("Output")
	s.Switch(&on, "json", "", "print JSON instead of 'a table with lines'")
	s.Group("Load")
	s.Text(&text, "steps", "", "`STEPS` instead of a rate")
	set.BoolP("help", "h", false, "help for run")
	want := `Load:
  -r, --rate RATE     total RATE of all producers,
                      such as 500/s or 2k/s
      --steps STEPS   STEPS instead of a rate

Output:
      --json          print JSON instead of
                      'a table with lines'

Other:
  -h, --help          help for run
`
	if diff := cmp.Diff(want, flags.Usage(set, 52)); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
}

func TestWordsOfOtherToolsNameTheFlag(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ written, hint string }{
		{"--rps", "use --rate 500/s (-r): jobs per second, in total"},
		{"--requests", "use --jobs NUMBER (-n)"},
		{"--vus", "use --rate max --in-flight NUMBER: each of them sends its next job when the last one is done (--think adds a pause)"},
		// This verb has no consumers, so their hint would not help.
		{"--threads", "run --help lists the flags"},
		{"--rat", "did you mean --rate?"},
		{"-q", "run --help lists the flags"},
	} {
		v := newVerb()
		args := []string{row.written, "10"}
		got := flags.Mistakes("run", v.set, args, v.set.Parse(args))
		want := problem.List{{What: "unknown flag " + row.written, Hint: row.hint}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.written, diff)
		}
	}
}

func TestAllMistakesAreFoundAtOnceWithoutTheirValues(t *testing.T) {
	t.Parallel()
	v := newVerb()
	args := []string{"--qps", "geheim", "--tga=geheim", "--rate"}
	got := flags.Mistakes("run", v.set, args, v.set.Parse(args))
	want := problem.List{
		{What: "unknown flag --qps", Hint: "use --rate 500/s (-r): jobs per second, in total"},
		{What: "unknown flag --tga", Hint: "did you mean --tag?"},
		{What: "--rate: its value is missing", Hint: "run --help lists the flags"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}
