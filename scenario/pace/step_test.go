package pace_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/scenario/pace"
)

// drawSteps draws valid steps, none longer than longest, at rates of at most
// fastest jobs per second. A sixth of the rates are pauses.
func drawSteps(t *rapid.T, longest time.Duration, fastest int64) pace.Steps {
	rate := rapid.Custom(func(t *rapid.T) pace.Rate {
		if rapid.IntRange(0, 5).Draw(t, "pause") == 0 {
			return pace.Rate{}
		}
		per := time.Duration(rapid.OneOf(
			rapid.SampledFrom([]int64{int64(time.Second), int64(time.Minute), int64(time.Hour)}),
			rapid.Int64Range(int64(time.Second), int64(time.Hour)),
		).Draw(t, "per"))
		return pace.Rate{Jobs: rapid.Int64Range(1, fastest).Draw(t, "jobs"), Per: per}
	})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) pace.Step {
		length := rapid.OneOf(
			rapid.Map(rapid.Int64Range(1, int64(longest/time.Millisecond)), func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }),
			rapid.Map(rapid.Int64Range(1, int64(longest)), func(n int64) time.Duration { return time.Duration(n) }),
		)
		s := pace.Step{For: length.Draw(t, "for"), From: rate.Draw(t, "from")}
		s.To = s.From
		if rapid.Bool().Draw(t, "ramp") {
			s.To = rate.Draw(t, "to")
		}
		return s
	}), 1, 6).Draw(t, "steps")
}

func TestParseStepsReadsHoldsRampsPausesAndRepetitions(t *testing.T) {
	t.Parallel()
	s := func(n int64) pace.Rate { return pace.PerSecond(n) }
	for text, want := range map[string]pace.Steps{
		"30s:500":          {{30 * time.Second, s(500), s(500)}},
		"20s:100..10000":   {{20 * time.Second, s(100), s(10000)}},
		"30s:..500":        {{30 * time.Second, pace.Rate{}, s(500)}},
		"5s:0":             {{For: 5 * time.Second}},
		"10s:5..0, 1m:..7": {{10 * time.Second, s(5), pace.Rate{}}, {time.Minute, pace.Rate{}, s(7)}},
		"1s:1k/s,2s:..30/m,3s:..0": {
			{time.Second, s(1000), s(1000)},
			{2 * time.Second, s(1000), pace.Rate{Jobs: 30, Per: time.Minute}},
			{3 * time.Second, pace.Rate{Jobs: 30, Per: time.Minute}, pace.Rate{}},
		},
		" 2 x ( 10s : 1 , 5s : 1 .. 3 ) ": {
			{10 * time.Second, s(1), s(1)}, {5 * time.Second, s(1), s(3)},
			{10 * time.Second, s(1), s(1)}, {5 * time.Second, s(1), s(3)},
		},
		// The second time round, the ramp begins where the pattern ended.
		"2x(1s:..4)": {{time.Second, pace.Rate{}, s(4)}, {time.Second, s(4), s(4)}},
	} {
		if got, err := pace.ParseSteps(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("ParseSteps(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestParseStepsNamesEveryFaultyStepAndSaysHowToWriteOne(t *testing.T) {
	t.Parallel()
	for text, wants := range map[string][]string{
		"":                        {`step 1 "": nothing is there`},
		"30s:500,":                {`step 2 "": nothing is there`},
		"30s":                     {"step 1", "colon"},
		"500:30s,10s:1":           {`step 1 "500:30s": "500" is not a length`, `rate "30s": not a number`},
		"0s:5":                    {`"0s" is not a length of time greater than zero`},
		"1s:max":                  {"step 1", "max is for a load without steps"},
		"1s:5..max":               {"max is for a load without steps"},
		"1s:":                     {"a rate is missing"},
		"1s:5..":                  {"a rate is missing"},
		"1s:-5":                   {`rate "-5": a rate is greater than zero`},
		"1s:1,2s:x,3s:1,x:1":      {`step 2 "2s:x"`, `step 4 "x:1"`},
		"2x(1s:1,1s:y),1s:z":      {`step 2 "1s:y"`, `step 3 "1s:z"`},
		"0x(1s:1)":                {"3x(10s:100,5s:1k)"},
		"x(1s:1)":                 {"3x(10s:100,5s:1k)"},
		"2x(1s:1":                 {"the bracket has no end"},
		"2x(1s:1)1s:1":            {"the bracket has no end, or something follows"},
		"2x(3x(1s:1))":            {"cannot hold another"},
		"10001x(1s:1)":            {"more than 10000 steps"},
		"9000x(1s:1),9000x(1s:1)": {"more than 10000 steps"},
		"9000h:1":                 {"366 days"},
		"1s:200M":                 {"more than 100000000 jobs/s"},
	} {
		got, err := pace.ParseSteps(text)
		if err == nil {
			t.Errorf("ParseSteps(%q) = %v, want an error", text, got)
			continue
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("ParseSteps(%q): %v, want %q in it", text, err, want)
			}
		}
	}
}

func TestValidateReportsAllFaultsOfSteps(t *testing.T) {
	t.Parallel()
	err := pace.Steps{
		{From: pace.PerSecond(1), To: pace.PerSecond(1)},
		{For: time.Second, From: pace.PerSecond(-1), To: pace.PerSecond(1)},
		{For: time.Second, From: pace.Rate{Jobs: 1}, To: pace.PerSecond(1)},
		{For: 1 << 62}, {For: 1 << 62}, {For: 1 << 62},
	}.Validate()
	if err == nil {
		t.Fatal("Validate = nil, want an error")
	}
	for _, want := range []string{"step 1: its length", "step 2: a rate of -1", "step 3: a rate of 1 jobs in 0s", "step 4: the schedule"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want %q in it", err, want)
		}
	}
}

func TestStepsSurviveTextAndJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := drawSteps(t, time.Hour, 1_000_000)
		if got, err := pace.ParseSteps(want.String()); err != nil || !slices.Equal(got, want) {
			t.Fatalf("ParseSteps(%q) = %v, %v", want, got, err)
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got pace.Steps
		if err := json.Unmarshal(text, &got); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%s reads back as %v, %v", text, got, err)
		}
	})
}

func TestNoStepsAreTheEmptyTextAndBadOnesLeaveTheOld(t *testing.T) {
	t.Parallel()
	steps := pace.Steps{{For: time.Second}}
	if err := steps.UnmarshalText([]byte("often")); err == nil || len(steps) != 1 {
		t.Errorf("UnmarshalText = %v with %v, want an error and the steps as they were", err, steps)
	}
	text, _ := pace.Steps(nil).MarshalText()
	if err := steps.UnmarshalText(text); err != nil || steps != nil {
		t.Errorf("UnmarshalText(%q) = %v with %v, want no steps", text, err, steps)
	}
}

func TestARepeatedPatternEqualsTheWrittenOutOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(rapid.SampledFrom([]string{"1s:5", "2s:..9", "3s:1..4", "1m:0", "2s:..30/m"}), 1, 5).Draw(t, "items")
		times := rapid.IntRange(1, 9).Draw(t, "times")
		pattern := strings.Join(items, ",")
		short, err := pace.ParseSteps("1s:7," + string(rune('0'+times)) + "x(" + pattern + "),1s:..3")
		if err != nil {
			t.Fatal(err)
		}
		long, err := pace.ParseSteps("1s:7," + strings.Repeat(pattern+",", times) + "1s:..3")
		if err != nil || !slices.Equal(short, long) {
			t.Fatalf("repeated: %v\nwritten out: %v, %v", short, long, err)
		}
	})
}

func FuzzParseSteps(f *testing.F) {
	for _, seed := range []string{"30s:500", "20s:100..10000", "30s:..500", "5s:0", "3x(10s:100,5s:1k)", "1s:1/3s..0.5", "1s:...5", "2x((", "1h2m3.004s : 1.5k/m .. 0,", "9999x(1ns:0)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		steps, err := pace.ParseSteps(text)
		if err != nil {
			return
		}
		if err := steps.Validate(); err != nil || len(steps) == 0 {
			t.Fatalf("ParseSteps(%q) = %v: %v", text, steps, err)
		}
		again, err := pace.ParseSteps(steps.String())
		if err != nil || !slices.Equal(again, steps) {
			t.Fatalf("ParseSteps(%q) prints %q, which reads back as %v, %v", text, steps, again, err)
		}
	})
}
