package pace_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/scenario/pace"
)

// drawRate draws any rate that [pace.ParseRate] can return.
func drawRate(t *rapid.T) pace.Rate {
	return pace.Rate{
		Jobs: rapid.Int64Range(1, 1_000_000).Draw(t, "jobs"),
		Per:  time.Duration(rapid.Int64Range(int64(time.Second), int64(time.Hour)).Draw(t, "per")),
	}
}

func TestDueTimesAreExactAtAnyJob(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRate(t)
		k := rapid.Int64Range(0, 1_000_000_000).Draw(t, "k")
		// Keep the due time within 292 years.
		k = min(k, r.Jobs*1_000)
		want := new(big.Int).Mul(big.NewInt(k), big.NewInt(int64(r.Per)))
		want.Quo(want, big.NewInt(r.Jobs))
		if got := r.At(k); int64(got) != want.Int64() {
			t.Fatalf("%v.At(%d) = %d, want %d", r, k, got, want)
		}
	})
}

func TestDueTimesNeverGoBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRate(t)
		k := rapid.Int64Range(0, 1_000*r.Jobs).Draw(t, "k")
		if a, b := r.At(k), r.At(k+1); a > b {
			t.Fatalf("%v.At(%d) = %s lies behind At(%d) = %s", r, k, a, k+1, b)
		}
	})
}

func TestAWholeSpanHoldsExactlyTheJobsOfTheRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRate(t)
		n := rapid.Int64Range(1, 1_000).Draw(t, "spans")
		if got, want := r.At(n*r.Jobs), time.Duration(n)*r.Per; got != want {
			t.Fatalf("%v.At(%d) = %s, want %s", r, n*r.Jobs, got, want)
		}
		if got := r.Before(time.Duration(n) * r.Per); got != n*r.Jobs {
			t.Fatalf("%v.Before(%d spans) = %d, want %d", r, n, got, n*r.Jobs)
		}
	})
}

// TestBeforeCountsWhatIsDue: of the jobs, exactly the first n are due before t.
func TestBeforeCountsWhatIsDue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRate(t)
		at := time.Duration(rapid.Int64Range(1, 1_000*int64(time.Hour)).Draw(t, "t"))
		n := r.Before(at)
		if n < 1 || r.At(n-1) >= at {
			t.Fatalf("%v.Before(%s) = %d, but job %d is due at %s", r, at, n, n-1, r.At(n-1))
		}
		if r.At(n) < at {
			t.Fatalf("%v.Before(%s) = %d, but job %d is due at %s too", r, at, n, n, r.At(n))
		}
	})
}

func TestNothingIsDueBeforeTheBeginningOrWithoutARate(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{0, -1, -time.Hour} {
		if n := pace.PerSecond(1000).Before(d); n != 0 {
			t.Errorf("Before(%s) = %d, want 0", d, n)
		}
	}
	if n := (pace.Rate{}).Before(time.Hour); n != 0 {
		t.Errorf("no rate: Before = %d, want 0", n)
	}
	if d := pace.PerSecond(1000).At(0); d != 0 {
		t.Errorf("At(0) = %s, want the beginning", d)
	}
}

func TestParseRateKeepsWhatWasMeant(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		rate pace.Rate
		back string
	}{
		"500":       {pace.PerSecond(500), "500/s"},
		"500/s":     {pace.PerSecond(500), "500/s"},
		" 500 / s ": {pace.PerSecond(500), "500/s"},
		"2k/s":      {pace.PerSecond(2000), "2000/s"},
		"1.5k":      {pace.PerSecond(1500), "1500/s"},
		"3M/s":      {pace.PerSecond(3_000_000), "3000000/s"},
		"1_000":     {pace.PerSecond(1000), "1000/s"},
		"30/m":      {pace.Rate{Jobs: 30, Per: time.Minute}, "30/m"},
		"90/hour":   {pace.Rate{Jobs: 90, Per: time.Hour}, "90/h"},
		"10/1.5s":   {pace.Rate{Jobs: 10, Per: 1500 * time.Millisecond}, "10/1.5s"},
		"0.5/s":     {pace.Rate{Jobs: 1, Per: 2 * time.Second}, "1/2s"},
		"max":       {pace.Rate{}, "max"},
	} {
		got, err := pace.ParseRate(text)
		if err != nil || got != want.rate || got.String() != want.back {
			t.Errorf("ParseRate(%q) = %#v (%s), %v, want %#v (%s)", text, got, got, err, want.rate, want.back)
		}
	}
}

func TestParseRateRefusesWhatIsNoRateAndSaysHowToWriteOne(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", "0", "-5", "0/s", "5/x", "5/-1s", "5/0s", "1e3", "Inf", "NaN", "0x10", "1/2/s", "k", "100000001/s", "0.0000001/s", "5/s/s", "99999999999999999999999"} {
		r, err := pace.ParseRate(text)
		if err == nil {
			t.Errorf("ParseRate(%q) = %v, want an error", text, r)
		} else if !strings.Contains(err.Error(), "500/s") {
			t.Errorf("ParseRate(%q): %v, want an example in it", text, err)
		}
	}
}

func TestRatesSurviveTextAndJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.OneOf(rapid.Just(pace.Rate{}), rapid.Custom(drawRate)).Draw(t, "rate")
		if got, err := pace.ParseRate(want.String()); err != nil || got != want {
			t.Fatalf("ParseRate(%q) = %v, %v", want, got, err)
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got pace.Rate
		if err := json.Unmarshal(text, &got); err != nil || got != want {
			t.Fatalf("%s reads back as %v, %v", text, got, err)
		}
	})
}

func TestABadRateInJSONLeavesTheOldOne(t *testing.T) {
	t.Parallel()
	r := pace.PerSecond(7)
	if err := json.Unmarshal([]byte(`"often"`), &r); err == nil || r != pace.PerSecond(7) {
		t.Errorf("Unmarshal = %v with error %v, want an error and the rate as it was", r, err)
	}
}

func FuzzParseRate(f *testing.F) {
	for _, seed := range []string{"500", "2k/s", "1.5k/s", "30/m", "max", "0.333/h", "1/1h2m3.004s", "7M/90ns", "1_0/s", "+5", "0b11", ".5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := pace.ParseRate(text)
		if err != nil {
			return
		}
		if !r.IsZero() && (r.Jobs < 0 || r.Per <= 0 || r.Float() > 100_000_000) {
			t.Fatalf("ParseRate(%q) = %#v", text, r)
		}
		again, err := pace.ParseRate(r.String())
		if err != nil || again != r {
			t.Fatalf("ParseRate(%q) = %#v prints %q, which reads back as %#v, %v", text, r, r, again, err)
		}
	})
}
