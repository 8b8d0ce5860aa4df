package pace_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/scenario/pace"
)

func TestReadReplayReadsColumnsOfManyKinds(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		text    string
		options pace.ReplayOptions
		want    []time.Duration
	}{
		// Seconds since the beginning stay as they are, the first one, too.
		"plain seconds": {"0.5\n1\n1.000000001\n", pace.ReplayOptions{}, []time.Duration{500 * ms, time.Second, time.Second + 1}},
		// Digits beyond the nanosecond are cut off.
		"many digits":      {"0\n.1234567891\n", pace.ReplayOptions{}, []time.Duration{0, 123456789}},
		"comments, blanks": {"# a trace\n\n1\r\n  \r\n2", pace.ReplayOptions{}, []time.Duration{time.Second, 2 * time.Second}},
		"unix seconds":     {"1700000000.25\n1700000001.5\n", pace.ReplayOptions{}, []time.Duration{0, 1250 * ms}},
		"RFC 3339 in two zones": {"2024-01-31T12:00:00Z\n2024-01-31T13:00:00.002+01:00\n", pace.ReplayOptions{},
			[]time.Duration{0, 2 * ms}},
		"named column": {"\ufeffid,Due At\na,1\nb,2\n", pace.ReplayOptions{Column: "due at"}, []time.Duration{time.Second, 2 * time.Second}},
		"header, column by number": {"id;due\na;1\nb;2\n", pace.ReplayOptions{Column: "2"},
			[]time.Duration{time.Second, 2 * time.Second}},
		"quoted": {`"a,b","3"` + "\n" + `c,4`, pace.ReplayOptions{Column: "2"}, []time.Duration{3 * time.Second, 4 * time.Second}},
		"log lines": {"INFO  [2024-01-31T12:00:00Z] one\nINFO [2024-01-31T12:00:01Z]\ttwo, three\n",
			pace.ReplayOptions{Column: "2", Separator: ' '}, []time.Duration{0, time.Second}},
		"twice as fast": {"1\n4\n", pace.ReplayOptions{Speed: 2}, []time.Duration{500 * ms, 2 * time.Second}},
		"half as fast":  {"1\n4\n", pace.ReplayOptions{Speed: .5}, []time.Duration{2 * time.Second, 8 * time.Second}},
	} {
		got, err := pace.ReadReplay(strings.NewReader(c.text), c.options)
		if err != nil || !slices.Equal(got.Times, c.want) || got.Unsorted != 0 {
			t.Errorf("%s: ReadReplay = %v, %v, want %v", name, got, err, c.want)
		}
	}
}

func TestReadReplaySortsAndSaysSo(t *testing.T) {
	t.Parallel()
	got, err := pace.ReadReplay(strings.NewReader("1700000003\n1700000001\n1700000002\n1700000000\n"), pace.ReplayOptions{})
	if want := []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}; err != nil || !slices.Equal(got.Times, want) || got.Unsorted != 2 {
		t.Errorf("ReadReplay = %+v, %v, want %v with 2 unsorted", got, err, want)
	}
}

func TestReadReplayPassesOnWhatTheReaderSays(t *testing.T) {
	t.Parallel()
	torn := errors.New("torn")
	_, err := pace.ReadReplay(io.MultiReader(strings.NewReader("1\n"), iotest.ErrReader(torn)), pace.ReplayOptions{})
	if !errors.Is(err, torn) {
		t.Errorf("ReadReplay: %v, want %v", err, torn)
	}
}

func TestSharesOfAReplayAreTheWholeAndNothingIsEarly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOf(rapid.Map(rapid.IntRange(0, 1000), func(n int) time.Duration { return time.Duration(n) })).Draw(t, "times")
		slices.Sort(times)
		batch, producers := rapid.IntRange(1, 5).Draw(t, "batch"), rapid.IntRange(1, 5).Draw(t, "producers")
		s := pace.Schedule{Times: &pace.Replay{Times: times}, Rate: pace.PerSecond(1), Arrivals: pace.Poisson, Batch: batch}
		seen := make([]bool, len(times))
		length, _ := s.Length()
		for i := range producers {
			share := s.Share(i, producers)
			for g := share.Next(); g.Jobs > 0; g = share.Next() {
				for k := g.First; k < g.First+int64(g.Jobs); k++ {
					if seen[k] || times[k] > g.Due || g.Due >= length {
						t.Fatalf("job %d of %s came twice or early in %+v", k, times[k], g)
					}
					seen[k] = true
				}
				if last := times[g.First+int64(g.Jobs)-1]; g.Due != last {
					t.Fatalf("%+v is due later than its last job at %s", g, last)
				}
			}
		}
		if slices.Contains(seen, false) {
			t.Fatalf("some of %d jobs never came: %v", len(times), seen)
		}
		if n, ends := s.Jobs(); n != int64(len(times)) || !ends {
			t.Fatalf("Jobs() = %d, %t", n, ends)
		}
	})
}

func TestAReplaysFigures(t *testing.T) {
	t.Parallel()
	s := pace.Schedule{Times: &pace.Replay{Times: []time.Duration{0, time.Second, 1500 * time.Millisecond, 2 * time.Second, 9 * time.Second}}}
	// The median step from one job to the next is half a second.
	if d, ends := s.Length(); d != 9500*time.Millisecond || !ends {
		t.Errorf("Length() = %s, %t, want 9.5s", d, ends)
	}
	if got := s.Expected(2 * time.Second); got != 3 {
		t.Errorf("Expected(2s) = %f, want the 3 jobs before", got)
	}
	// 1 s to 1.5 s, or 1.5 s to 2 s: a second holds no more than two.
	if got := s.PeakRate(); got != 2 {
		t.Errorf("PeakRate() = %f, want 2", got)
	}
	if got := s.StepAt(0); got != -1 {
		t.Errorf("StepAt(0) = %d, want -1", got)
	}
}

// BenchmarkReadReplay shows what a line costs.
func BenchmarkReadReplay(b *testing.B) {
	text := strings.Repeat("a,1700000000.25\n", 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := pace.ReadReplay(strings.NewReader(text), pace.ReplayOptions{Column: "2"}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestTheLastJobOfAReplayHasALengthToo(t *testing.T) {
	t.Parallel()
	var seconds, even []time.Duration
	for i := range 10 {
		for range 20 {
			seconds = append(seconds, time.Duration(i)*time.Second)
		}
	}
	for i := range 5000 {
		even = append(even, time.Duration(i)*2*time.Millisecond)
	}
	for name, c := range map[string]struct {
		times []time.Duration
		want  time.Duration
	}{
		"20 jobs in each of 10 whole seconds": {seconds, 10 * time.Second},
		"jobs at equal distances":             {even, 10 * time.Second},
		"all at one moment":                   {[]time.Duration{0, 0, 0}, time.Second},
		"a pause does not count as one":       {[]time.Duration{0, 1e6, 2e6, 3e6, time.Duration(time.Hour), time.Duration(time.Hour) + 1e6}, time.Hour + 2e6},
	} {
		if got, _ := (pace.Schedule{Times: &pace.Replay{Times: c.times}}).Length(); got != c.want {
			t.Errorf("%s: Length() = %s, want %s", name, got, c.want)
		}
	}
}
