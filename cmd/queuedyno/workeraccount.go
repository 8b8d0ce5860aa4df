package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/worker"
)

// outage says that Redis is away, and that it is back.
func (w *workers) outage(err error) {
	if err != nil {
		w.p.console.Note("worker: %v; waiting for it", err)
	} else {
		w.p.console.Note("worker: redis answers again")
	}
}

// progress shows how it goes, once a second on a terminal and else every few,
// until the function it returns is called.
func (w *workers) progress(pool *worker.Pool) (end func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		every := 1 // seconds
		if !w.p.console.Live {
			every = int(plainEvery / time.Second)
		}
		var before int64
		for second := 1; ; second++ {
			select {
			case <-ticker.C:
			case <-stop:
				w.p.console.Wipe()
				return
			}
			if second%every != 0 {
				continue
			}
			t := pool.Tally()
			done := t.Completed + t.Failed
			line := tallyLine(t, (done-before)/int64(every))
			before = done
			if w.p.console.Live {
				w.p.console.Draw("worker " + line)
			} else {
				w.p.console.Note("worker: %s", line)
			}
		}
	}()
	return func() { close(stop); <-stopped }
}

// tallyLine is how far a pool is, and how fast.
func tallyLine(t worker.Tally, perS int64) string {
	line := fmt.Sprintf("%s jobs/s  %s done  %s failed", number.Count(perS), number.Count(t.Completed+t.Failed), number.Count(t.Failed))
	if t.Reconnects > 0 {
		line += "  " + number.Plural(t.Reconnects, "reconnect")
	}
	return line
}

// account prints what was done and judges it.
func (w *workers) account(pool *worker.Pool, took time.Duration, err error) error {
	t := pool.Tally()
	if wErr := w.write(pool, t, took); wErr != nil {
		return problem.Failed(fmt.Errorf("write to standard output: %w", wErr))
	}
	switch {
	case errors.Is(err, context.Canceled):
		return &problem.Failure{Code: problem.Interrupted, Problems: problem.List{{What: fmt.Sprintf("stopped at once: %s dropped, %s not published",
			number.Plural(t.Dropped, "job"), number.Plural(t.Unpublished, "outcome"))}}}
	case err != nil || t.Unpublished > 0:
		f := &problem.Failure{Code: problem.CouldNotRun}
		if err != nil {
			f.Problems = append(f.Problems, problem.Of(err))
		}
		if t.Unpublished > 0 {
			jobs, because := pool.Unpublished()
			if err != nil && because != nil && because.Error() == err.Error() {
				because = nil // that is said already
			}
			f.Problems = append(f.Problems, unpublished(jobs, because))
		}
		return f
	}
	return nil
}

// unpublished is the problem of jobs whose outcomes could not be published.
func unpublished(jobs []string, because error) problem.Problem {
	const most = 10
	var names []string
	for _, job := range jobs[:min(most, len(jobs))] {
		names = append(names, fmt.Sprintf("%q", fitLine(job, 60)))
	}
	if more := len(jobs) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %s more", number.Count(int64(more))))
	}
	what := fmt.Sprintf("%s could not be published, of %s", number.Plural(len(jobs), "outcome"), strings.Join(names, ", "))
	if because != nil {
		what += ": " + because.Error()
	}
	return problem.Problem{What: what, Hint: "these jobs ran, but their outcome was never published"}
}

// fitLine is what others wrote, fit to be shown: so many letters at most, none
// that moves the cursor, and no credentials of a URL.
func fitLine(s string, most int) string {
	letters := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, console.Redact(s)))
	if len(letters) > most {
		return string(letters[:most]) + "…"
	}
	return string(letters)
}

func (w *workers) write(pool *worker.Pool, t worker.Tally, took time.Duration) error {
	n := t.Completed + t.Failed
	rate := float64(n) / took.Seconds()
	last := pool.LastFailure()
	last.Job, last.Reason = fitLine(last.Job, 60), fitLine(last.Reason, 200)
	if w.json {
		account := struct {
			worker.Tally
			Jobs        int64           `json:"jobs"`
			ElapsedS    float64         `json:"elapsed_s"`
			PerS        float64         `json:"jobs_per_s"`
			LastFailure *worker.Failure `json:"last_failure,omitempty"`
		}{Tally: t, Jobs: n, ElapsedS: took.Seconds(), PerS: rate}
		if t.Failed > 0 {
			account.LastFailure = &last
		}
		return console.WriteJSON(w.p.stdout, account)
	}
	text := fmt.Sprintf("worked on %s in %s (%s jobs/s): %s completed, %s failed\n",
		number.Plural(n, "job"), took.Round(10*time.Millisecond), number.Count(console.Round(rate)), number.Count(t.Completed), number.Count(t.Failed))
	if t.Failed > 0 {
		text += fmt.Sprintf("the last that failed, %q: %s\n", last.Job, last.Reason)
	}
	_, err := io.WriteString(w.p.stdout, text)
	return err
}

// timesOfDesign refuses times that the design has no use for.
func (w *workers) timesOfDesign() (problems problem.List) {
	design := cmp.Or(w.Asked().Design, jobqueue.List)
	what := fmt.Sprintf("does not apply to the design %s", design)
	if design != jobqueue.ReliableList && design != jobqueue.Stream {
		problems = w.Refuse(what, "add --design reliable-list or --design stream", "visibility")
	}
	if design != jobqueue.ListPoll {
		problems = append(problems, w.Refuse(what, "add --design list-poll", "poll")...)
	}
	return problems
}

// unheard refuses what has no meaning where nothing is published.
func (w *workers) unheard() problem.List {
	if w.Asked().Notify != jobqueue.NoNotify {
		return nil
	}
	var names []string
	if w.running {
		names = append(names, "running")
	}
	if w.apart() {
		names = append(names, "channels")
	}
	return w.Refuse(fmt.Sprintf("does not apply with --notify %s: nothing is published", jobqueue.NoNotify), "remove one of them", append(names, "channel")...)
}

// outOfRange refuses values that no queue is made with.
func (w *workers) outOfRange() (problems problem.List) {
	problems.AddAll("--", problem.All(w.config().Validate())...)
	return problems
}

// apart reports whether each tenant has its own channel.
func (w *workers) apart() bool {
	return cmp.Or(w.Asked().Channels, scenario.OneChannel) != scenario.OneChannel
}

// tenantsChannels refuses channels without tenants, and tenants without channels.
func (w *workers) tenantsChannels() problem.List {
	switch {
	case w.apart() && !w.Given("tenants"):
		return problem.List{{What: fmt.Sprintf("--channels %s: the number of tenants is missing", w.Asked().Channels), Hint: "add --tenants NUMBER"}}
	case !w.apart() && w.Written("tenants"):
		return problem.List{{What: "--tenants does not apply if all updates go to one channel", Hint: "add --channels tenant"}}
	}
	return nil
}

// channelOf is the channel of each tenant: t1 has the first, and so does a tenant
// without one.
func (w *workers) channelOf() func(tenant string) int {
	if !w.apart() {
		return nil
	}
	n := w.Asked().Tenants.Count
	numbers := make(map[string]int, n)
	for i := range n {
		numbers[flight.TenantName(i)] = i
	}
	return func(tenant string) int { return numbers[tenant] }
}

// where is the queue and the channel, by the names that Redis knows.
func (w *workers) where(c *jobqueue.Client) string {
	text := fmt.Sprintf("on %s at %s, ", firstAndLast(c.Queues()), w.address)
	if w.Asked().Notify == jobqueue.NoNotify {
		return text + "no updates"
	}
	return text + "updates on " + firstAndLast(c.Channels())
}

// firstAndLast are the names of queues or channels, of many the first and the last.
func firstAndLast(names []string) string {
	first, last := fmt.Sprintf("%q", names[0]), fmt.Sprintf("%q", names[len(names)-1])
	switch len(names) {
	case 1:
		return first
	case 2:
		return first + " and " + last
	}
	return first + " to " + last
}
