package queuedyno_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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
	Profiles    []string           `yaml:"profiles"`
	ExtraHosts  []string           `yaml:"extra_hosts"`
	Environment map[string]string  `yaml:"environment"`
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
		Services: map[string]composeService{
			"redis": {
				Image:   "${QUEUEDYNO_IMAGE:-" + redisserver.DefaultImage + "}",
				Command: []string{"redis-server", "--appendonly", "yes"},
				Ports:   []string{"127.0.0.1:6379:6379"},
				Volumes: []string{"redis-data:/data"},
				Healthcheck: composeHealthcheck{
					Test: []string{"CMD", "redis-cli", "ping"}, Interval: "2s", Timeout: "2s", Retries: 15,
				},
			},
			"prometheus": {
				Image: "prom/prometheus:v3.13.1", Profiles: []string{"observe"},
				Ports:      []string{"127.0.0.1:9090:9090"},
				ExtraHosts: []string{"host.docker.internal:host-gateway"},
				Volumes:    []string{"./deploy/prometheus.yml:/etc/prometheus/prometheus.yml:ro", "prometheus-data:/prometheus"},
			},
			"grafana": {
				Image: "grafana/grafana:13.1.1", Profiles: []string{"observe"},
				Ports: []string{"127.0.0.1:3000:3000"},
				Environment: map[string]string{
					"GF_AUTH_ANONYMOUS_ENABLED":                 "true",
					"GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": "/etc/queuedyno/dashboards/queuedyno.json",
				},
				Volumes: []string{"./deploy/grafana/provisioning:/etc/grafana/provisioning:ro", "./deploy/grafana/dashboards:/etc/queuedyno/dashboards:ro"},
			},
		},
		Volumes: map[string]any{"redis-data": nil, "prometheus-data": nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docker-compose.yml (-want +got):\n%s", diff)
	}
}

// readService is a service as Compose has read it. Versions write its other keys in
// different forms.
type readService struct {
	Image    string   `yaml:"image"`
	Profiles []string `yaml:"profiles"`
}

// composed are the services as Compose reads them, with more variables of the environment.
// Version 2, a plugin of Docker, leaves out those of other profiles, and version 1, a
// program, does not. The test is skipped where there is neither.
func composed(t *testing.T, environ ...string) map[string]readService {
	t.Helper()
	command := []string{"docker", "compose"}
	if out, err := exec.Command("docker", "compose", "version").CombinedOutput(); err != nil {
		command = []string{"docker-compose"}
		if _, missing := exec.LookPath(command[0]); missing != nil {
			redistest.Missing(t, "compose", errors.Join(err, errors.New(string(bytes.TrimSpace(out))), missing))
		}
	}
	c := exec.Command(command[0], append(command[1:], "--file", "docker-compose.yml", "config")...)
	c.Env = append(os.Environ(), environ...)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s config: %v: %s", strings.Join(command, " "), err, said.Bytes())
	}
	var file struct {
		Services map[string]readService `yaml:"services"`
	}
	if err := yaml.Unmarshal(out, &file); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return file.Services
}

// Without the profile, Redis is alone.
func TestTheProfileOfTheComposeFileAddsPrometheusAndGrafana(t *testing.T) {
	t.Parallel()
	for profile, want := range map[string]string{"": "redis", "observe": "grafana prometheus redis"} {
		services := composed(t, "COMPOSE_PROFILES="+profile)
		maps.DeleteFunc(services, func(_ string, s readService) bool {
			return len(s.Profiles) > 0 && !slices.Contains(s.Profiles, profile)
		})
		if got := strings.Join(slices.Sorted(maps.Keys(services)), " "); got != want {
			t.Errorf("with the profile %q the services are %q, want %q", profile, got, want)
		}
	}
}

// What the profile mounts must be there, and fit together.
func TestTheFilesOfTheProfileFitTogether(t *testing.T) {
	t.Parallel()
	var scrape struct {
		Global        map[string]string `yaml:"global"`
		ScrapeConfigs []struct {
			JobName       string `yaml:"job_name"`
			Native        bool   `yaml:"scrape_native_histograms"`
			Classic       bool   `yaml:"always_scrape_classic_histograms"`
			StaticConfigs []struct {
				Targets []string `yaml:"targets"`
			} `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	unmarshal(t, "deploy/prometheus.yml", &scrape)
	if one := scrape.ScrapeConfigs; len(one) != 1 || !one[0].Native || !one[0].Classic || one[0].StaticConfigs[0].Targets[0] != "host.docker.internal:9464" {
		t.Errorf("deploy/prometheus.yml: %+v", scrape)
	}
	if !strings.Contains(read(t, "docs/metrics.md"), "--metrics 0.0.0.0:9464") {
		t.Error("docs/metrics.md does not serve at the port that deploy/prometheus.yml reads")
	}
	var sources struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name, UID, Type, URL string
			IsDefault            bool              `yaml:"isDefault"`
			JSONData             map[string]string `yaml:"jsonData"`
		}
	}
	unmarshal(t, "deploy/grafana/provisioning/datasources/prometheus.yml", &sources)
	if s := sources.Datasources; len(s) != 1 || s[0].Type != "prometheus" || s[0].URL != "http://prometheus:9090" || s[0].JSONData["timeInterval"] != scrape.Global["scrape_interval"] {
		t.Errorf("the data source: %+v", sources)
	}
	var dashboards struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Type string
			Options    map[string]string
		}
	}
	unmarshal(t, "deploy/grafana/provisioning/dashboards/queuedyno.yml", &dashboards)
	if p := dashboards.Providers; len(p) != 1 || p[0].Options["path"] != "/etc/queuedyno/dashboards" {
		t.Errorf("the dashboards: %+v", dashboards)
	}
}

func unmarshal(t *testing.T, file string, into any) {
	t.Helper()
	if err := yaml.UnmarshalWithOptions([]byte(read(t, file)), into, yaml.Strict()); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// Prometheus itself must take what the profile mounts. Versions before 3.9 do not know
// the keys for native histograms.
func TestPrometheusTakesItsConfiguration(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("promtool"); err != nil {
		redistest.Missing(t, "prometheus", err)
	}
	var known []string
	for line := range strings.Lines(read(t, "deploy/prometheus.yml")) {
		if !strings.Contains(line, "_histograms:") {
			known = append(known, line)
		}
	}
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(file, []byte(strings.Join(known, "")), 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("promtool", "check", "config", file).CombinedOutput(); err != nil {
		t.Errorf("promtool check config: %v\n%s", err, out)
	}
}

// Compose itself must take the file, with the default image and with another.
func TestComposeTakesTheFile(t *testing.T) {
	t.Parallel()
	for image, want := range map[string]string{"": "redis:7-alpine", "registry.example/redis:8": "registry.example/redis:8"} {
		if got := composed(t, "QUEUEDYNO_IMAGE="+image)["redis"].Image; got != want {
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
