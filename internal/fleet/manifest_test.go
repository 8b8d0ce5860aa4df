package fleet_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/fleet"
)

// manifest is one with everything that is optional.
func manifest() fleet.Manifest {
	return fleet.Manifest{
		Name: "queuedyno-orders", Namespace: "load", Scenario: "orders",
		File:   []byte("version: 1\nscenarios:\n  orders:\n    description: \"a: \\\"b\\\" <c>\"\n"),
		Replay: []byte{0, 1, 0xff}, Shards: 8, Image: "registry.example:5000/queuedyno:1@sha256:0a",
		Args: []string{"--queue", "it's: \"q\""}, CPU: 2, Memory: "1Gi",
		NodeSelector: []fleet.Label{{Key: "pool", Value: "load"}, {Key: "example.com/fast", Value: "true"}},
		Secret:       "redis", SecretKey: "URL", HostNetwork: true,
		MeetTimeout: 5 * time.Minute, Drain: 10 * time.Second, Keep: time.Hour,
	}
}

// documents reads what the manifest writes.
func documents(t *testing.T, m fleet.Manifest) (configMap, job map[string]any) {
	t.Helper()
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(b.String(), "\n---\n")
	if len(parts) != 2 {
		t.Fatalf("%d documents, want 2:\n%s", len(parts), b.String())
	}
	for i, to := range []*map[string]any{&configMap, &job} {
		if err := yaml.Unmarshal([]byte(parts[i]), to); err != nil {
			t.Fatalf("%v in:\n%s", err, parts[i])
		}
	}
	return configMap, job
}

// at is the value at a path, such as "spec.containers.0".
func at(t *testing.T, v any, path string) any {
	t.Helper()
	for key := range strings.SplitSeq(path, "/") {
		switch in := v.(type) {
		case map[string]any:
			v = in[key]
		case []any:
			if key != "0" || len(in) != 1 {
				t.Fatalf("%s: %d items", path, len(in))
			}
			v = in[0]
		default:
			t.Fatalf("%s: nothing at %s", path, key)
		}
	}
	return v
}

func TestTheScenarioAndTheRecordedLoadAreInTheConfigMap(t *testing.T) {
	t.Parallel()
	m := manifest()
	configMap, job := documents(t, m)
	if got := at(t, configMap, "data/scenarios.yaml"); got != string(m.File) {
		t.Errorf("the scenario file is %q, want %q", got, m.File)
	}
	encoded, _ := at(t, configMap, "binaryData/replay").(string)
	if got, err := base64.StdEncoding.DecodeString(encoded); !bytes.Equal(got, m.Replay) || err != nil {
		t.Errorf("the recorded load is %v, %v; want %v", got, err, m.Replay)
	}
	for _, o := range []map[string]any{configMap, job} {
		if name, space := at(t, o, "metadata/name"), at(t, o, "metadata/namespace"); name != "queuedyno-orders" || space != "load" {
			t.Errorf("%v is called %v in %v", o["kind"], name, space)
		}
	}
	m.Replay, m.Namespace = nil, ""
	configMap, _ = documents(t, m)
	if _, has := configMap["binaryData"]; has || at(t, configMap, "metadata/namespace") != nil {
		t.Errorf("there is no recorded load and no namespace, but %v", configMap)
	}
}

// TestPodsAreAskedForAsAMeasurementNeedsThem: whole CPUs that nothing takes away, one shard a
// node, no rights, no second try.
func TestPodsAreAskedForAsAMeasurementNeedsThem(t *testing.T) {
	t.Parallel()
	_, job := documents(t, manifest())
	const pod, container = "spec/template/spec/", "spec/template/spec/containers/0/"
	for path, want := range map[string]any{
		"kind":                                                 "Job",
		"spec/completionMode":                                  "Indexed",
		"spec/completions":                                     uint64(8),
		"spec/parallelism":                                     uint64(8),
		"spec/backoffLimitPerIndex":                            uint64(0),
		"spec/ttlSecondsAfterFinished":                         uint64(3600),
		pod + "restartPolicy":                                  "Never",
		pod + "terminationGracePeriodSeconds":                  uint64(25),
		pod + "automountServiceAccountToken":                   false,
		pod + "hostNetwork":                                    true,
		pod + "nodeSelector":                                   map[string]any{"pool": "load", "example.com/fast": "true"},
		pod + "securityContext/runAsNonRoot":                   true,
		container + "name":                                     fleet.Container,
		container + "image":                                    "registry.example:5000/queuedyno:1@sha256:0a",
		container + "resources/requests":                       map[string]any{"cpu": uint64(2), "memory": "1Gi"},
		container + "resources/limits":                         map[string]any{"cpu": uint64(2), "memory": "1Gi"},
		container + "securityContext/readOnlyRootFilesystem":   true,
		container + "securityContext/allowPrivilegeEscalation": false,
		container + "securityContext/capabilities/drop":        []any{"ALL"},
		pod + "affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/0/podAffinityTerm/topologyKey": "kubernetes.io/hostname",
	} {
		if got := at(t, job, path); !cmp.Equal(got, want) {
			t.Errorf("%s is %v (%T), want %v", path, got, got, want)
		}
	}
	var secret any
	for _, one := range at(t, job, container+"env").([]any) {
		if one := one.(map[string]any); one["name"] == "REDIS_URL" {
			secret = at(t, one, "valueFrom/secretKeyRef")
		}
	}
	if want := map[string]any{"name": "redis", "key": "URL"}; !cmp.Equal(secret, want) {
		t.Errorf("REDIS_URL comes from %v, want %v", secret, want)
	}
	want := []any{
		"run", "orders", "--file", "/etc/queuedyno/scenarios.yaml", "--shard", "auto/8", "--fleet", "queuedyno-orders",
		"--meet-timeout", "5m0s", "--out", "/tmp/results", "--checkpoint", "0s", "--allow-invalid", "--json-log", "--queue", "it's: \"q\"",
	}
	if diff := cmp.Diff(want, at(t, job, container+"args")); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}

func TestWhatIsNotAskedForIsNotInTheManifest(t *testing.T) {
	t.Parallel()
	m := manifest()
	m.CPU, m.NodeSelector, m.HostNetwork, m.Keep = 0, nil, false, 0
	_, job := documents(t, m)
	if got, want := at(t, job, "spec/template/spec/containers/0/resources/limits"), map[string]any{"memory": "1Gi"}; !cmp.Equal(got, any(want)) {
		t.Errorf("limits are %v, want %v", got, want)
	}
	for _, path := range []string{"spec/ttlSecondsAfterFinished", "spec/template/spec/nodeSelector", "spec/template/spec/hostNetwork"} {
		if got := at(t, job, path); got != nil {
			t.Errorf("%s is %v", path, got)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ scenario, suffix, want string }{
		{"orders", "", "queuedyno-orders"},
		{"a.b_c", "x7", "queuedyno-a-b-c-x7"},
		{"ends_", "", "queuedyno-ends"},
		{strings.Repeat("a", 64), "abcd2345", "queuedyno-" + strings.Repeat("a", 33) + "-abcd2345"},
	} {
		got := fleet.NameOf(c.scenario, c.suffix)
		if got != c.want {
			t.Errorf("NameOf(%q, %q) = %q, want %q", c.scenario, c.suffix, got, c.want)
		}
		if _, err := fleet.CheckName(got); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "-a", "a-", "A", "a.b", "a_b", strings.Repeat("a", 53)} {
		if _, err := fleet.CheckName(bad); err == nil {
			t.Errorf("CheckName(%q) has no error", bad)
		}
	}
}

func TestValuesOfFlags(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{"redis": {"redis", "REDIS_URL"}, "redis/url": {"redis", "url"}, "a.b-c/U_1": {"a.b-c", "U_1"}} {
		if got, err := fleet.ParseSecret(text); got != want || err != nil {
			t.Errorf("ParseSecret(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "A", "a/", "a/b/c", "redis://:hunter2@host"} {
		if _, err := fleet.ParseSecret(bad); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("ParseSecret(%q): %v", bad, err)
		}
	}
	if got, err := fleet.ParseLabel("example.com/pool=load-1"); got != (fleet.Label{Key: "example.com/pool", Value: "load-1"}) || err != nil {
		t.Errorf("ParseLabel = %v, %v", got, err)
	}
	for _, bad := range []string{"pool", "=a", "a b=c", "a=b c", "a: b=c", "a=" + strings.Repeat("v", 64)} {
		if _, err := fleet.ParseLabel(bad); err == nil {
			t.Errorf("ParseLabel(%q) has no error", bad)
		}
	}
	for text, ok := range map[string]bool{"512Mi": true, "1Gi": true, "1000000": true, "0": false, "1.5Gi": false, "1gb": false, "": false, "1Gi}": false} {
		if _, err := fleet.ParseMemory(text); (err == nil) != ok {
			t.Errorf("ParseMemory(%q): %v", text, err)
		}
	}
	m := manifest()
	m.Replay = make([]byte, 1<<20)
	if err := m.CheckSize(); err == nil {
		t.Error("a recorded load of 1 MiB fits into a ConfigMap")
	}
}
