package queuetest_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/queuetest"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func TestMain(m *testing.M) { os.Exit(redistest.Main(m)) }

// BenchmarkMemory is run by a test below, in a separate process.
func BenchmarkMemory(b *testing.B) {
	b.Run("loop=closed", func(b *testing.B) {
		queuetest.Benchmark(b, memory.New(), scenario.Scenario{Consumers: 2})
	})
	b.Run("loop=open", func(b *testing.B) {
		queuetest.Benchmark(b, memory.New(), scenario.Scenario{Load: scenario.Load{Rate: pace.PerSecond(20_000)}})
	})
}

// benchmark runs f with N jobs as "go test -bench -benchtime Nx" does. It sets a
// flag of the process, so its callers are not parallel.
func benchmark(t *testing.T, benchtime string, f func(b *testing.B)) (testing.BenchmarkResult, bool) {
	t.Helper()
	old := flag.Lookup("test.benchtime").Value.String()
	t.Cleanup(func() { flag.Set("test.benchtime", old) })
	if err := flag.Set("test.benchtime", benchtime); err != nil {
		t.Fatal(err)
	}
	failed := false
	res := testing.Benchmark(func(b *testing.B) {
		b.Cleanup(func() { failed = failed || b.Failed() })
		f(b)
	})
	return res, failed
}

func TestAnOperationIsAJob(t *testing.T) {
	scheduled := scenario.Scenario{
		Name: "steady", Consumers: 2, Batch: 7,
		// What would say otherwise is not used.
		Load:       scenario.Load{Jobs: 5, Duration: time.Hour},
		Warmup:     time.Minute,
		Thresholds: []string{"end_to_end.p99.99 < 1ns"},
	}
	for _, n := range []struct {
		benchtime string
		jobs      int
		quantiles []string
	}{
		{"1x", 1, nil},
		{"100x", 100, []string{"p50-ns"}},
		{"1000x", 1000, []string{"p50-ns", "p99-ns"}},
		{"10000x", 10_000, []string{"p50-ns", "p99-ns", "p99.9-ns"}},
	} {
		queue := &counter{Backend: memory.New()}
		res, failed := benchmark(t, n.benchtime, func(b *testing.B) {
			queue.jobs = 0
			queuetest.Benchmark(b, queue, scheduled)
		})
		if failed || res.N != n.jobs || queue.jobs != n.jobs {
			t.Errorf("%s: N = %d with %d jobs pushed, failed %t", n.benchtime, res.N, queue.jobs, failed)
		}
		var quantiles []string
		for _, q := range []string{"p50-ns", "p99-ns", "p99.9-ns"} {
			if v, ok := res.Extra[q]; ok {
				quantiles = append(quantiles, q)
				if v <= 0 {
					t.Errorf("%s: %s = %v", n.benchtime, q, v)
				}
			}
		}
		if strings.Join(quantiles, " ") != strings.Join(n.quantiles, " ") {
			t.Errorf("%s: reported %q, want %q", n.benchtime, quantiles, n.quantiles)
		}
		if lost, ok := res.Extra["lost"]; !ok || lost != 0 || res.Extra["jobs/s"] <= 0 {
			t.Errorf("%s: lost = %v, %t; jobs/s = %v", n.benchtime, lost, ok, res.Extra["jobs/s"])
		}
	}
}

func TestARateIsKeptAndItsNsPerOpIsNotShown(t *testing.T) {
	const rate = 2000
	// A machine that stalls makes the rate less, nothing makes it more.
	reached := sometime(func() bool {
		res, failed := benchmark(t, "500x", func(b *testing.B) {
			queuetest.Benchmark(b, memory.New(), scenario.Scenario{Load: scenario.Load{Rate: pace.PerSecond(rate)}})
		})
		if failed || strings.Contains(res.String(), "ns/op") {
			t.Errorf("the line is %q, failed %t, want no ns/op", res, failed)
		}
		if least := 499 * time.Second / rate; res.T < least {
			t.Errorf("the timer ran %s for 500 jobs at %d/s, want at least %s", res.T, rate, least)
		}
		got := res.Extra["jobs/s"]
		if got > rate*1.001 {
			t.Errorf("jobs/s = %v, more than the %v that were asked for", got, rate)
		}
		return got > rate/2
	})
	if !reached {
		t.Errorf("less than half of %v jobs/s each time", rate)
	}
}

func TestLossFailsTheBenchmark(t *testing.T) {
	_, failed := benchmark(t, "40x", func(b *testing.B) {
		queuetest.Benchmark(b, &counter{Backend: memory.New(), drop: 25}, scenario.Scenario{
			Load: scenario.Load{Rate: pace.PerSecond(5000)}, DrainTimeout: 50 * time.Millisecond,
		})
	})
	if !failed {
		t.Error("a benchmark that lost a job of 40 did not fail")
	}
}

func TestATargetThatDoesNotOpenFailsTheBenchmark(t *testing.T) {
	_, failed := benchmark(t, "1x", func(b *testing.B) {
		queuetest.Benchmark(b, &counter{Backend: memory.New(), broken: errors.New("no route")}, scenario.Scenario{})
	})
	if !failed {
		t.Error("it did not fail")
	}
}

// sometime reports whether ok holds in one of ten tries. A busy machine can make
// any one of them slow; a fault in the code makes all of them slow.
func sometime(ok func() bool) bool {
	for range 10 {
		if ok() {
			return true
		}
	}
	return false
}

func TestOpeningAndClosingLieOutsideTheTimer(t *testing.T) {
	const cost = 300 * time.Millisecond
	var res testing.BenchmarkResult
	var failed bool
	if !sometime(func() bool {
		res, failed = benchmark(t, "1x", func(b *testing.B) {
			queuetest.Benchmark(b, &counter{Backend: memory.New(), cost: cost}, scenario.Scenario{})
		})
		return failed || res.T < cost
	}) || failed {
		t.Errorf("the timer ran %s for one job on a target that opens and clears in %s each; failed %t", res.T, cost, failed)
	}
}

// A teardown that waits for a blocked pop would end every benchmark at N = 1.
func TestAFewJobsOnRedisAreQuick(t *testing.T) {
	queue := redistest.Queue(t)
	for _, benchtime := range []string{"1x", "100x"} {
		var took time.Duration
		var failed bool
		if !sometime(func() bool {
			from := time.Now()
			_, failed = benchmark(t, benchtime, func(b *testing.B) {
				queuetest.Benchmark(b, queue, scenario.Scenario{Consumers: 8, Subscribers: 2})
			})
			took = time.Since(from)
			return failed || took <= 4*time.Second // two trials, with all that lies outside their timers
		}) || failed {
			t.Errorf("%s took %s, failed %t", benchtime, took, failed)
		}
	}
}

func TestTheOutputIsTheGoBenchmarkFormat(t *testing.T) {
	t.Parallel()
	c := exec.Command(os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkMemory$", "-test.benchtime=1000x", "-test.count=2")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{
		`^Unit jobs/s better=higher$`,
		`^Unit p50-ns better=lower$`,
		`^Unit p99-ns better=lower$`,
		`^Unit p99.9-ns better=lower$`,
		`^Unit lost better=lower$`,
	} {
		if n := len(regexp.MustCompile(`(?m)`+want).FindAll(out, -1)); n != 1 {
			t.Errorf("%d lines match %s, want 1", n, want)
		}
	}
	const number = `\s+[0-9.e+]+ `
	rest := number + `jobs/s` + number + `lost` + number + `p50-ns` + number + `p99-ns` + number + `B/op` + number + `allocs/op$`
	for _, want := range []string{
		`^BenchmarkMemory/loop=closed\S*\s+1000` + number + `ns/op` + rest,
		`^BenchmarkMemory/loop=open\S*\s+1000` + rest,
	} {
		if n := len(regexp.MustCompile(`(?m)`+want).FindAll(out, -1)); n != 2 {
			t.Errorf("%d lines match %s, want 2", n, want)
		}
	}
	if t.Failed() {
		t.Logf("the output:\n%s", out)
	}
}

// counter is a queue that counts the jobs pushed to it, and can be made worse.
type counter struct {
	jobqueue.Backend
	jobs   int           // pushed
	drop   int           // the number of a job that is dropped, 0 for none
	cost   time.Duration // of opening a producer and of clearing
	broken error         // of opening a producer
}

func (c *counter) OpenProducer(ctx context.Context) (jobqueue.Producer, error) {
	<-time.After(c.cost)
	if c.broken != nil {
		return nil, c.broken
	}
	p, err := c.Backend.OpenProducer(ctx)
	return &countingProducer{p, c}, err
}

func (c *counter) Clear(ctx context.Context) error {
	<-time.After(c.cost)
	return c.Backend.Clear(ctx)
}

type countingProducer struct {
	jobqueue.Producer
	c *counter
}

func (p *countingProducer) Push(ctx context.Context, jobs ...[]byte) error {
	for _, job := range jobs {
		p.c.jobs++
		if p.c.jobs == p.c.drop {
			continue
		}
		if err := p.Producer.Push(ctx, job); err != nil {
			return err
		}
	}
	return nil
}
