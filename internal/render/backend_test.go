package render_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

func TestTheSumOfEndToEndHasTheStagesOfTheRun(t *testing.T) {
	t.Parallel()
	silent := rendertest.Steady(t)
	silent.Scenario.Notify = jobqueue.NoNotify
	delete(silent.Stages, metric.Notify)
	quiet := rendertest.Requested(t) // its workers do not publish RUNNING
	delete(quiet.Stages, metric.Pickup)
	delete(quiet.Stages, metric.Running)
	for _, c := range []struct {
		r    *result.Result
		want string
	}{
		{rendertest.Steady(t), "lateness + queue + work + notify`."},
		{silent, "lateness + queue + work`."},
		{rendertest.Stored(t), "lateness + store + queue + work + save + notify`."},
		{rendertest.Requested(t), "pickup + running + broadcast` where its worker reported RUNNING; `request` overlaps these stages."},
		{rendertest.BlackBox(t), "pickup + running` where its worker reported RUNNING; `request` overlaps these stages."},
		{quiet, "lateness + from_send`; `request` overlaps these stages."},
	} {
		got := written(t, render.Markdown, c.r)
		if !strings.Contains(got, "Per job, `end_to_end = "+c.want) {
			t.Errorf("%s %v: no sum %q in\n%s", c.r.Scenario.Entry.Kind, c.r.Scenario.External, c.want, got)
		}
	}
}

func TestReportsOfABackEndNameItsParts(t *testing.T) {
	t.Parallel()
	for format, encode := range map[string]render.Encoder{"text": render.Text(render.Options{Width: 1000}), "markdown": render.Markdown} {
		for _, c := range []struct {
			name        string
			r           *result.Result
			want, wrong []string
		}{
			{"stored", rendertest.Stored(t), []string{"Postgres 15.3", "10 connections to Postgres", "2 producers", "14.5% busy on average", "104 waited for a connection", "0.667 for IO, 0.333 for LWLock", "fsync on|fsync .* on", "reconnects"}, nil},
			{"requested", rendertest.Requested(t), []string{"http://127.0.0.1:3600/jobs", "Redis 7.0.15", "50 connections to the API, external consumers, 1 subscriber, 20 WebSocket clients"}, []string{"producer,", "Postgres"}},
			{"black box", rendertest.BlackBox(t), []string{"http://127.0.0.1:3600/jobs", "50 connections to the API, external consumers, 20 WebSocket clients"}, []string{"Redis", "none", "subscriber"}},
		} {
			got := written(t, encode, c.r)
			for _, want := range c.want {
				if !regexp.MustCompile(want).MatchString(got) {
					t.Errorf("%s of %s: no %q in\n%s", format, c.name, want, got)
				}
			}
			for _, wrong := range c.wrong {
				if format == "text" && strings.Contains(got, wrong) {
					t.Errorf("%s of %s: %q in\n%s", format, c.name, wrong, got)
				}
			}
		}
	}
}

func TestTheChartsOfABackEndHaveItsStagesAndItsLosses(t *testing.T) {
	t.Parallel()
	all := pages(t)
	for _, c := range []struct {
		page, stack, way string
		lost             []float64
	}{
		{"steady", "lateness queue work notify", "scheduled sent acked popped finished published notified", []float64{0, 0, 0, 0, 0, 0, 0}},
		{"stored", "lateness store queue work save notify", "scheduled sent acked popped finished published notified", []float64{0, 0, 7, 0, 0, 3, 0}},
		{"requested", "pickup running broadcast", "scheduled sent accepted by the API popped finished published notified", []float64{0, 0, 0, 0, 0, 0, 8}},
		{"black box", "pickup running", "scheduled sent accepted by the API notified", []float64{0, 0, 5, 15}},
	} {
		found := charts(t, all[c.page])
		var stages []string
		for _, s := range found["stages"].Variants[0].Series {
			stages = append(stages, s.Name)
			for i, y := range s.Y {
				if y == nil {
					t.Errorf("%s: bar %d has no value for %s", c.page, i, s.Name)
				}
			}
		}
		if got := strings.Join(stages, " "); got != c.stack {
			t.Errorf("%s: stages %q, want %q", c.page, got, c.stack)
		}
		if got := strings.Join(found["jobs"].Labels, " "); got != c.way {
			t.Errorf("%s: way %q, want %q", c.page, got, c.way)
		}
		var lost []float64
		for _, y := range found["jobs"].Variants[0].Series[1].Y {
			lost = append(lost, *y)
		}
		if !slices.Equal(lost, c.lost) {
			t.Errorf("%s: lost %v, want %v", c.page, lost, c.lost)
		}
	}
}

func TestSearchesAndComparisonsNameThePostgresAndTheAPI(t *testing.T) {
	t.Parallel()
	found := rendertest.Searched(t)
	stored := rendertest.Stored(t)
	found.Scenario.Entry, found.Postgres = stored.Scenario.Entry, stored.Postgres
	found.Answer.Limit.Part, found.Answer.Limit.Detail = "postgres", "the connections to Postgres were busy 97% of the time"
	compared := rendertest.Compared(1.3)
	compared.Base.Redis, compared.Base.Postgres = result.Redis{Kind: "none"}, stored.Postgres
	for name, d := range map[string]struct {
		doc  render.Document
		want []string
	}{
		"search":     {render.Of(found), []string{"Postgres: the connections to Postgres were busy 97% of the time", "and Postgres 15.3 (process"}},
		"comparison": {render.Of(compared), []string{"Postgres 15.3 (process"}},
	} {
		var b bytes.Buffer
		if err := d.doc.Encode(&b, "md", render.Options{}); err != nil {
			t.Fatal(err)
		}
		for _, want := range d.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: no %q in\n%s", name, want, b.String())
			}
		}
	}
}

func TestAReportSaysHowTheJobsOfALibraryAreHeard(t *testing.T) {
	t.Parallel()
	r := rendertest.Requested(t)
	r.Scenario.Entry, r.Scenario.Exit = scenario.Entry{}, scenario.Exit{}
	r.Scenario.External, r.Scenario.Dialect, r.Scenario.JobName = true, "celery", "tasks.work"
	for _, format := range []string{"md", "html"} {
		var b bytes.Buffer
		if err := render.Of(r).Encode(&b, format, render.Options{}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Celery task tasks.work", "when the result backend stores it", "without those that workers have prefetched"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s does not say %q", format, want)
			}
		}
	}
}
