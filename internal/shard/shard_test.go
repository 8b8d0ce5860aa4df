package shard_test

import (
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/shard"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// environ looks variables up in a list of NAME=VALUE.
func environ(all ...string) func(string) string {
	return func(name string) string {
		for _, one := range all {
			if key, value, _ := strings.Cut(one, "="); key == name {
				return value
			}
		}
		return ""
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text    string
		environ []string
		want    pace.Shard
		from    string
	}{
		{"0/1", nil, pace.Shard{Index: 0, Of: 1}, ""},
		{" 3/8 ", nil, pace.Shard{Index: 3, Of: 8}, ""},
		// An Indexed Job says which pod it is and not how many there are.
		{"auto/4", []string{"JOB_COMPLETION_INDEX=3"}, pace.Shard{Index: 3, Of: 4}, "JOB_COMPLETION_INDEX"},
		{"auto", []string{"AWS_BATCH_JOB_ARRAY_INDEX=1", "AWS_BATCH_JOB_ARRAY_SIZE=5"}, pace.Shard{Index: 1, Of: 5}, "AWS_BATCH_JOB_ARRAY_INDEX"},
		// Slurm arrays begin at any number and may have gaps: --array=10-16:2.
		{"auto", []string{"SLURM_ARRAY_TASK_ID=14", "SLURM_ARRAY_TASK_COUNT=4", "SLURM_ARRAY_TASK_MIN=10", "SLURM_ARRAY_TASK_STEP=2"}, pace.Shard{Index: 2, Of: 4}, "SLURM_ARRAY_TASK_ID"},
		{"auto", []string{"SLURM_PROCID=7", "SLURM_NTASKS=8"}, pace.Shard{Index: 7, Of: 8}, "SLURM_PROCID"},
		// The tasks of an array have process numbers, too: all of them 0.
		{"auto/2", []string{"SLURM_PROCID=0", "SLURM_NTASKS=1", "SLURM_ARRAY_TASK_ID=1", "SLURM_ARRAY_TASK_COUNT=2", "SLURM_ARRAY_TASK_MIN=0"}, pace.Shard{Index: 1, Of: 2}, "SLURM_ARRAY_TASK_ID"},
		{"auto/3", []string{"NOMAD_ALLOC_INDEX=2"}, pace.Shard{Index: 2, Of: 3}, "NOMAD_ALLOC_INDEX"},
		// The slots of Docker Swarm begin at 1.
		{"auto/3", []string{"TASK_SLOT=1"}, pace.Shard{Index: 0, Of: 3}, "TASK_SLOT"},
	} {
		got, from, err := shard.Parse(c.text, environ(c.environ...))
		if got != c.want || from != c.from || err != nil {
			t.Errorf("Parse(%q) with %q = %v, %q, %v; want %v, %q", c.text, c.environ, got, from, err, c.want, c.from)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text    string
		environ []string
		want    string // in the error
	}{
		{"", nil, "write I/N"},
		{"3", nil, "write I/N"},
		{"4/4", nil, "the last of 4 is 3/4"},
		{"-1/4", nil, "count from 0"},
		{"0/0", nil, "from 1 to"},
		{"0/10001", nil, "from 1 to"},
		{"one/4", nil, "write I/N"},
		{"auto", nil, "JOB_COMPLETION_INDEX"},
		{"auto", []string{"JOB_COMPLETION_INDEX=0"}, "--shard auto/N"},
		{"auto/4", []string{"JOB_COMPLETION_INDEX=4"}, "4 is not a shard of 4"},
		{"auto/4", []string{"JOB_COMPLETION_INDEX=x"}, "not a whole number"},
		{"auto/4", []string{"TASK_SLOT=0"}, "0 is not a shard of 4"},
		{"auto/4", []string{"AWS_BATCH_JOB_ARRAY_INDEX=0", "AWS_BATCH_JOB_ARRAY_SIZE=5"}, "says that there are 5"},
	} {
		_, _, err := shard.Parse(c.text, environ(c.environ...))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Parse(%q) with %q: %v, want an error with %q", c.text, c.environ, err, c.want)
		}
	}
}

func TestShardsOfOneLoadHaveOneConfigurationAndOneSeed(t *testing.T) {
	t.Parallel()
	s := scenario.Scenario{Name: "a", Load: scenario.Load{Rate: pace.PerSecond(100), Duration: time.Second}}
	same, filled := s, s.WithDefaults()
	same.Shard = pace.Shard{Index: 3, Of: 4}
	want, err := shard.Configuration(s)
	if err != nil || len(want) != 16 {
		t.Fatalf("Configuration = %q, %v", want, err)
	}
	for name, one := range map[string]scenario.Scenario{"another shard": same, "with its defaults": filled} {
		if got, err := shard.Configuration(one); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
	faster, seeded, replayed := s, s, s
	faster.Load.Rate = pace.PerSecond(101)
	seeded.Seed = 1
	replayed.Load = scenario.Load{Replay: scenario.Replay{Times: &pace.Replay{Times: []time.Duration{0, 1}}}}
	later := replayed
	later.Load.Replay.Times = &pace.Replay{Times: []time.Duration{0, 2}}
	seen := map[string]string{want: "the first"}
	for name, one := range map[string]scenario.Scenario{"faster": faster, "with a seed": seeded, "replayed": replayed, "replayed later": later} {
		got, err := shard.Configuration(one)
		if other := seen[got]; other != "" || err != nil {
			t.Errorf("%s: %q as of %s, %v", name, got, other, err)
		}
		seen[got] = name
	}
	a, err1 := shard.Seed(s)
	b, err2 := shard.Seed(same)
	if a != b || a == 0 || a >= 1<<53 || err1 != nil || err2 != nil {
		t.Errorf("Seed = %d and %d, %v and %v", a, b, err1, err2)
	}
}
