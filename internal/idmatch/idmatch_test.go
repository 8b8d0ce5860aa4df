package idmatch_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/idmatch"
)

func id(n int) []byte { return []byte("id-" + strconv.Itoa(n)) }

type pair struct {
	job int64
	h   idmatch.Hearing
}

func comparePairs(a, b pair) int {
	if a.job != b.job {
		return int(a.job - b.job)
	}
	return int(a.h.By - b.h.By)
}

// TestAnyOrderGivesTheSameMatches: whichever order answers and hearings come in, each
// hearing of an answered id is matched exactly once, and the counts are the same.
func TestAnyOrderGivesTheSameMatches(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		jobs := rapid.IntRange(0, 20).Draw(t, "jobs")
		foreign := rapid.IntRange(0, 10).Draw(t, "foreign")
		type event struct {
			id       int
			hearing  int64 // 0 is the answer
			answered bool
		}
		var events []event
		var want []pair
		var hearings, repeated, heardForeign int64
		for n := range jobs + foreign {
			if n < jobs {
				events = append(events, event{n, 0, true})
			}
			times := rapid.IntRange(0, 4).Draw(t, "times")
			for range times {
				hearings++
				events = append(events, event{n, hearings, false})
				if n < jobs {
					want = append(want, pair{int64(n + 1000), idmatch.Hearing{At: hearings * 10, By: hearings}})
				}
			}
			repeated += int64(max(times-1, 0))
			if n >= jobs && times > 0 {
				heardForeign++
			}
		}
		events = rapid.Permutation(events).Draw(t, "events")
		m := idmatch.New(idmatch.Options{})
		var got []pair
		for _, e := range events {
			if e.answered {
				early, first := m.Answered(id(e.id), int64(e.id+1000), nil)
				if !first {
					t.Fatalf("the answer for %d was a duplicate", e.id)
				}
				for _, h := range early {
					got = append(got, pair{int64(e.id + 1000), h})
				}
				continue
			}
			h := idmatch.Hearing{At: e.hearing * 10, By: e.hearing}
			if job, ok := m.Heard(id(e.id), h); ok {
				got = append(got, pair{job, h})
			}
		}
		slices.SortFunc(got, comparePairs)
		slices.SortFunc(want, comparePairs)
		if !slices.Equal(got, want) {
			t.Fatalf("matches %v, want %v", got, want)
		}
		c := m.Counts()
		c.Early = 0 // the one count that depends on the order
		if w := (idmatch.Counts{Answered: int64(jobs), Heard: hearings, Repeated: repeated, Waiting: heardForeign, InFlight: int64(jobs)}); c != w {
			t.Fatalf("counts %+v, want %+v", c, w)
		}
	})
}

// TestProducersAndSubscribersMeet does the same with goroutines.
func TestProducersAndSubscribersMeet(t *testing.T) {
	t.Parallel()
	const jobs, subscribers = 2000, 4
	m := idmatch.New(idmatch.Options{Unmatched: 1 << 20})
	var mu sync.Mutex
	matched := map[pair]int{}
	found := func(job int64, h idmatch.Hearing) {
		mu.Lock()
		matched[pair{job, h}]++
		mu.Unlock()
	}
	var wg sync.WaitGroup
	for p := range 4 {
		wg.Go(func() {
			for n := p; n < jobs; n += 4 {
				early, _ := m.Answered(id(n), int64(n), nil)
				for _, h := range early {
					found(int64(n), h)
				}
			}
		})
	}
	for s := range subscribers {
		wg.Go(func() {
			for _, n := range rand.Perm(jobs) {
				h := idmatch.Hearing{At: int64(n), By: int64(s)}
				if job, ok := m.Heard(id(n), h); ok {
					found(job, h)
				}
			}
		})
	}
	wg.Wait()
	if len(matched) != jobs*subscribers {
		t.Errorf("%d matches, want %d", len(matched), jobs*subscribers)
	}
	for p, times := range matched {
		if times != 1 || p.job != p.h.At {
			t.Errorf("%+v was matched %d times", p, times)
		}
	}
	c := m.Counts()
	c.Early = 0
	if want := (idmatch.Counts{Answered: jobs, Heard: jobs * subscribers, Repeated: jobs * (subscribers - 1), InFlight: jobs}); c != want {
		t.Errorf("counts %+v, want %+v", c, want)
	}
}

func TestASecondAnswerWithTheSameIDIsADuplicate(t *testing.T) {
	t.Parallel()
	m := idmatch.New(idmatch.Options{})
	m.Answered(id(1), 7, nil)
	if _, first := m.Answered(id(1), 8, nil); first {
		t.Error("the second answer was the first")
	}
	m.Done(id(1))
	if _, first := m.Answered(id(1), 9, nil); first {
		t.Error("the third answer was the first")
	}
	if job, ok := m.Heard(id(1), idmatch.Hearing{}); job != 7 || !ok {
		t.Errorf("heard job %d, %v; want that of the first answer", job, ok)
	}
	if c := m.Counts(); c.Duplicate != 2 || c.Answered != 1 || c.InFlight != 0 {
		t.Errorf("counts %+v", c)
	}
}

func TestForeignIDsDoNotGrowMemory(t *testing.T) {
	t.Parallel()
	const limit, all = 640, 100_000
	m := idmatch.New(idmatch.Options{Unmatched: limit})
	m.Answered(id(-1), 5, nil)
	for n := range all {
		m.Heard(id(n), idmatch.Hearing{By: 1})
	}
	c := m.Counts()
	if c.Waiting > limit || c.Waiting < limit/2 || c.Waiting+c.Evicted != all || c.InFlight != 1 {
		t.Errorf("counts %+v with at most %d waiting", c, limit)
	}
	if job, ok := m.Heard(id(-1), idmatch.Hearing{}); job != 5 || !ok {
		t.Error("foreign ids displaced a job in flight")
	}
	if early, _ := m.Answered(id(all-1), 1, nil); len(early) != 1 {
		t.Error("the last id that was heard has been evicted")
	}
	// One id that is heard very often counts as much as many ids.
	for n := range all {
		m.Heard(id(all), idmatch.Hearing{By: int64(n)})
	}
	if early, _ := m.Answered(id(all), 2, nil); len(early) > limit {
		t.Errorf("%d hearings of one id were kept", len(early))
	}
}

func TestJobsThatAreDoneAreForgotten(t *testing.T) {
	t.Parallel()
	const limit = 640
	m := idmatch.New(idmatch.Options{Unmatched: limit})
	for n := range 50_000 {
		m.Answered(id(n), int64(n), nil)
		m.Done(id(n))
		if job, ok := m.Heard(id(n), idmatch.Hearing{}); job != int64(n) || !ok {
			t.Fatalf("job %d is not known right after it was done", n)
		}
	}
	if _, ok := m.Heard(id(0), idmatch.Hearing{}); ok {
		t.Error("the first job is still known after 50,000")
	}
}

func TestMatchingDoesNotAllocate(t *testing.T) {
	m := idmatch.New(idmatch.Options{Unmatched: 640})
	ids := make([][]byte, 20_000)
	for n := range ids {
		ids[n] = fmt.Appendf(nil, "0123456789-%d", n)
	}
	early := make([]idmatch.Hearing, 0, 8)
	n := 0
	step := func() {
		one := ids[n%len(ids)]
		n++
		m.Heard(one, idmatch.Hearing{By: 1})
		early, _ = m.Answered(one, int64(n), early[:0])
		m.Heard(one, idmatch.Hearing{By: 2})
		m.Done(one)
	}
	for range len(ids) {
		step()
	}
	if a := testing.AllocsPerRun(len(ids)/2, step); a >= 0.5 {
		t.Errorf("%v allocations per job", a)
	}
}

func BenchmarkJob(b *testing.B) {
	m := idmatch.New(idmatch.Options{Unmatched: 1 << 16})
	ids := make([][]byte, 1<<18)
	for n := range ids {
		ids[n] = fmt.Appendf(nil, "01234567-89ab-cdef-0123-%012d", n)
	}
	early := make([]idmatch.Hearing, 0, 8)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		one := ids[n%len(ids)]
		n++
		early, _ = m.Answered(one, int64(n), early[:0])
		m.Heard(one, idmatch.Hearing{By: 1})
		m.Done(one)
	}
}

func TestJobsAreFoundByTheirIDs(t *testing.T) {
	t.Parallel()
	m := idmatch.New(idmatch.Options{})
	m.Heard(id(1), idmatch.Hearing{})
	m.Answered(id(2), 7, nil)
	m.Answered(id(3), 8, nil)
	m.Done(id(3))
	for n, want := range map[int]int64{1: -1, 2: 7, 3: 8, 4: -1} {
		job, ok := m.Job(id(n))
		if ok != (want >= 0) || ok && job != want {
			t.Errorf("Job(%s) = %d, %t, want %d", id(n), job, ok, want)
		}
	}
	if before, _ := m.Answered(id(1), 9, nil); len(before) != 1 {
		t.Errorf("a look changed what was heard: %v", before)
	}
}
