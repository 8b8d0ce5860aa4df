package target_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/target"
)

// redis reads a command line and REDIS_URL.
func redis(t *testing.T, redisURL string, args ...string) *target.Redis {
	t.Helper()
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	r := target.Declare(flags.New(set), func(name string) string { return map[string]string{"REDIS_URL": redisURL}[name] })
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheFlagComesBeforeREDIS_URL(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		env    string
		args   []string
		shown  string
		exists bool
	}{
		{"", nil, "auto", false},
		{"redis://:geheim@h:1", nil, "redis://h:1/0", true},
		{"redis://h:1", []string{"-u", "process"}, "process", false},
		{"redis://h:1", []string{"-u", "redis://me:geheim@g:2/3"}, "redis://g:2/3", true},
	} {
		r := redis(t, row.env, row.args...)
		if r.Shown() != row.shown || r.Exists() != row.exists {
			t.Errorf("REDIS_URL=%s and %q: Shown() = %s, Exists() = %t; want %s, %t", row.env, row.args, r.Shown(), r.Exists(), row.shown, row.exists)
		}
	}
}

func TestFlagsWithoutEffectAreRefusedAndVariablesAreNot(t *testing.T) {
	t.Parallel()
	const hint = "name the Redis with --redis rediss://…"
	want := problem.List{
		{What: "--cacert requires a rediss:// URL", Hint: hint},
		{What: "--tls-skip-verify requires a rediss:// URL", Hint: hint},
		{What: "--cert and --key go together, and only one is given"},
	}
	got := redis(t, "redis://h:1", "--cacert", "x", "--tls-skip-verify", "--key=").Problems()
	if diff := cmp.Diff(append(problem.List{want[0]}, problem.Problem{What: "--key requires a rediss:// URL", Hint: hint}, want[1], want[2]), got); diff != "" {
		t.Errorf("Problems (-want +got):\n%s", diff)
	}
	for _, args := range [][]string{{"--image", "x"}, {"-u", "redis://h:1", "--redis-args", "--save ''"}, {"--redis-args", "a; b"}, {"--redis-args", "'a"}} {
		if _, err := redis(t, "", args...).Options(nil); err == nil || !strings.Contains(err.Error(), "--") {
			t.Errorf("Options of %q = %v, want an error that names the flag", args, err)
		}
	}
	o, err := redis(t, "", "-u", "process", "--redis-args", "--appendonly yes --save ''").Options(nil)
	if diff := cmp.Diff([]string{"--appendonly", "yes", "--save", ""}, o.Args); err != nil || diff != "" {
		t.Errorf("Options: %v, arguments (-want +got):\n%s", err, diff)
	}
}

func TestAnImageOfTheEnvironmentIsForDockerAlone(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{"docker": "x", "embedded": "", "process": "", "redis://h:1": ""} {
		r := redis(t, "", "-u", source)
		r.Image = "x" // as QUEUEDYNO_IMAGE sets it
		if o, err := r.Options(nil); err != nil || o.Image != want {
			t.Errorf("-u %s: the image is %q, %v; want %q", source, o.Image, err, want)
		}
	}
}
