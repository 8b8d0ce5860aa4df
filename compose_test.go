package queuedyno_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// compose is a Docker Compose file as far as ours goes: a key that is not here
// is an error.
type compose struct {
	Services map[string]composeService `yaml:"services"`
	Volumes  map[string]any            `yaml:"volumes"`
}

type composeService struct {
	Image       string             `yaml:"image"`
	Command     []string           `yaml:"command"`
	Ports       []string           `yaml:"ports"`
	Volumes     []string           `yaml:"volumes"`
	Healthcheck composeHealthcheck `yaml:"healthcheck"`
}

type composeHealthcheck struct {
	Test     []string `yaml:"test"`
	Interval string   `yaml:"interval"`
	Timeout  string   `yaml:"timeout"`
	Retries  int      `yaml:"retries"`
}

// The README and docs/benchmarks.md promise the Redis of production: append-only
// on a volume that outlives the container, reached from this machine alone.
func TestTheComposeFileIsTheRedisThatWePromise(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var got compose
	if err := yaml.UnmarshalWithOptions(text, &got, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	want := compose{
		Services: map[string]composeService{"redis": {
			Image:   "${QUEUEDYNO_IMAGE:-" + redisserver.DefaultImage + "}",
			Command: []string{"redis-server", "--appendonly", "yes"},
			Ports:   []string{"127.0.0.1:6379:6379"},
			Volumes: []string{"redis-data:/data"},
			Healthcheck: composeHealthcheck{
				Test: []string{"CMD", "redis-cli", "ping"}, Interval: "2s", Timeout: "2s", Retries: 15,
			},
		}},
		Volumes: map[string]any{"redis-data": nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docker-compose.yml (-want +got):\n%s", diff)
	}
}

// Compose itself must take the file, with the default image and with another.
func TestComposeTakesTheFile(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("docker", "compose", "version").CombinedOutput(); err != nil {
		redistest.Missing(t, "compose", errors.Join(err, errors.New(string(bytes.TrimSpace(out)))))
	}
	for image, want := range map[string]string{"": "redis:7-alpine", "registry.example/redis:8": "registry.example/redis:8"} {
		c := exec.Command("docker", "compose", "--file", "docker-compose.yml", "config", "--images")
		c.Env = append(os.Environ(), "QUEUEDYNO_IMAGE="+image)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("docker compose config: %v: %s", err, out)
		}
		if got := string(bytes.TrimSpace(out)); got != want {
			t.Errorf("with QUEUEDYNO_IMAGE=%q the image is %q, want %q", image, got, want)
		}
	}
}

// The command is that of the image, so it is tried on the image, as far as that
// goes without Compose.
func TestTheComposeCommandWritesAnAppendOnlyFile(t *testing.T) {
	t.Parallel()
	s := redistest.Docker(t, "--appendonly", "yes")
	c := connect(t, s)
	facts, err := c.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := facts.Config["appendonly"]; got != "yes" {
		t.Errorf("appendonly = %q, want yes", got)
	}
}
