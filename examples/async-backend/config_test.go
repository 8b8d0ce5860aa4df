package main

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

func TestTheEnvironmentIsTheConfiguration(t *testing.T) {
	t.Parallel()
	env := map[string]string{"DATABASE_URL": "postgres://db/app", "REDIS_URL": "redis://r"}
	got, err := readConfig(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	want := config{DatabaseURL: "postgres://db/app", RedisURL: "redis://r", Listen: "127.0.0.1:3000", Pool: 10, Workers: 8,
		Work: 5 * time.Millisecond, Sweep: 10 * time.Second, Stale: time.Minute}
	if got != want {
		t.Errorf("the defaults are %+v, want %+v", got, want)
	}
	env = map[string]string{"DATABASE_URL": "d", "REDIS_URL": "r", "LISTEN": ":80", "QUEUE": "q", "CHANNEL": "c",
		"POOL": "3", "WORKERS": "4", "WORK": "1s", "SWEEP": "0", "STALE": "2m"}
	want = config{DatabaseURL: "d", RedisURL: "r", Listen: ":80", Queue: "q", Channel: "c", Pool: 3, Workers: 4, Work: time.Second, Stale: 2 * time.Minute}
	if got, err := readConfig(func(name string) string { return env[name] }); err != nil || got != want {
		t.Errorf("readConfig = %+v, %v, want %+v", got, err, want)
	}
}

func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	env := map[string]string{"POOL": "0", "WORKERS": "many", "WORK": "5", "SWEEP": "-1s"}
	err := run(context.Background(), []string{"api"}, func(name string) string { return env[name] })
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"DATABASE_URL", "REDIS_URL", "POOL=0", "WORKERS=many", "WORK=5", "SWEEP=-1s"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q does not mention %s", err, name)
		}
	}
	for _, args := range [][]string{nil, {"web"}, {"api", "worker"}} {
		if err := run(context.Background(), args, os.Getenv); err == nil || !strings.Contains(err.Error(), "usage") {
			t.Errorf("run(%q) = %v, want the usage", args, err)
		}
	}
}

// The README and compose.yaml know every variable.
func TestEveryVariableIsDocumented(t *testing.T) {
	t.Parallel()
	var names []string
	_, _ = readConfig(func(name string) string {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		return ""
	})
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != 10 {
		t.Errorf("the variables are %v", names)
	}
	for _, name := range names {
		if !strings.Contains(string(readme), "| `"+name+"` |") {
			t.Errorf("README.md has no row for %s", name)
		}
	}
}

func TestComposeTakesTheFile(t *testing.T) {
	t.Parallel()
	compose := []string{"docker", "compose"}
	if exec.Command("docker", "compose", "version").Run() != nil {
		compose = []string{"docker-compose"} // Debian's own
		if _, err := exec.LookPath(compose[0]); err != nil {
			redistest.Missing(t, "compose", err)
		}
	}
	out, err := exec.Command(compose[0], append(compose[1:], "config", "--services")...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v config: %v: %s", compose, err, out)
	}
	got := strings.Fields(string(out))
	slices.Sort(got)
	if want := []string{"api", "postgres", "redis", "worker"}; !slices.Equal(got, want) {
		t.Errorf("services %v, want %v", got, want)
	}
}
