package pace_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/scenario/pace"
)

func TestEveryJobIsInOneShardAndKnowsItsNumberThere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		of, batch := rapid.IntRange(1, 12).Draw(t, "of"), rapid.IntRange(1, 9).Draw(t, "batch")
		jobs := rapid.Int64Range(0, 500).Draw(t, "jobs")
		var counted int64
		for i := range of {
			s := pace.Shard{Index: i, Of: of}
			var own int64
			for n := range jobs {
				place, here := s.Place(n, batch)
				if !here {
					continue
				}
				if place != own || s.Number(place, batch) != n {
					t.Fatalf("job %d is job %d of shard %s, which comes back as %d; want %d", n, place, s, s.Number(place, batch), own)
				}
				own++
			}
			if got := s.Count(jobs, batch); got != own {
				t.Fatalf("Count(%d) of %s = %d, want %d", jobs, s, got, own)
			}
			counted += own
		}
		if counted != jobs {
			t.Fatalf("%d of %d jobs are in a shard", counted, jobs)
		}
	})
}

// TestTheSharesOfAllShardsAreThoseOfTheWholeSchedule draws schedules of all kinds, deals them
// out to shards after some groups that are prefilled, and puts them together again.
func TestTheSharesOfAllShardsAreThoseOfTheWholeSchedule(t *testing.T) {
	t.Parallel()
	steps, err := pace.ParseSteps("1s:20/s..90/s,1s:0/s,2s:50/s")
	if err != nil {
		t.Fatal(err)
	}
	recorded := &pace.Replay{}
	for i := range 211 {
		recorded.Times = append(recorded.Times, time.Duration(i*i)*time.Microsecond)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := pace.Schedule{
			Batch: rapid.IntRange(1, 5).Draw(t, "batch"), Seed: rapid.Uint64().Draw(t, "seed"),
			Arrivals: rapid.SampledFrom([]pace.Arrivals{pace.Constant, pace.Poisson}).Draw(t, "arrivals"),
		}
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			s.Rate = pace.Rate{Jobs: 333, Per: 7 * time.Second}
		case 1:
			s.Steps = steps
		default:
			s.Times = recorded
		}
		producers, shards := rapid.IntRange(1, 4).Draw(t, "producers"), rapid.IntRange(2, 8).Draw(t, "shards")
		prefilled := rapid.Int64Range(0, 20).Draw(t, "prefilled groups") * int64(s.Batch)
		const until = 3 * time.Second
		all := func(s pace.Schedule, number func(int64) int64) (groups []pace.Group) {
			for i := range producers {
				share := s.Share(i, producers)
				for g := share.Next(); g.Jobs > 0 && g.Due < until; g = share.Next() {
					g.First = number(g.First)
					groups = append(groups, g)
				}
			}
			return groups
		}
		want := all(s, func(n int64) int64 { return n })
		var got []pace.Group
		for i := range shards {
			one := s
			one.Shard = pace.Shard{Index: i, Of: shards}.After(prefilled, s.Batch)
			before := pace.Shard{Index: i, Of: shards}.Count(prefilled, s.Batch)
			got = append(got, all(one, func(n int64) int64 {
				// The shard numbers its jobs after those that it prefills.
				return pace.Shard{Index: i, Of: shards}.Number(before+n, s.Batch) - prefilled
			})...)
		}
		byNumber := func(a, b pace.Group) int { return int(a.First - b.First) }
		slices.SortFunc(want, byNumber)
		slices.SortFunc(got, byNumber)
		if !slices.Equal(got, want) {
			t.Fatalf("%d shards have the groups\n%v\nand the whole schedule has\n%v", shards, got, want)
		}
	})
}

func TestNextOfAShardAllocatesNothing(t *testing.T) {
	for name, s := range map[string]pace.Schedule{
		"constant": {Rate: pace.PerSecond(1000)}, "poisson": {Rate: pace.PerSecond(1000), Arrivals: pace.Poisson},
	} {
		s.Shard = pace.Shard{Index: 3, Of: 8}
		share := s.Share(0, 2)
		if n := testing.AllocsPerRun(100, func() { share.Next() }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func ExampleShard() {
	// The second of three shards sends the jobs 1, 4, 7 and so on of one schedule.
	shard := pace.Shard{Index: 1, Of: 3}
	fmt.Println(shard, shard.Number(0, 1), shard.Number(1, 1), shard.Number(2, 1))
	// Output: 1/3 1 4 7
}
