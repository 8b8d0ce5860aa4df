// Package fleet runs the shards of a load on Kubernetes: as the pods of an Indexed Job,
// which it creates with the user's kubectl. It reads what the pods log, so that the
// results can be merged, and removes what it created. It does not know what a scenario or
// a result is. Begin reading at [Manifest], then at [Run].
package fleet

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/template"
	"time"
)

const (
	// Container is the name of the container in each pod.
	Container = "queuedyno"
	// ReplayFile is where the pods have [Manifest.Replay].
	ReplayFile = mounted + "/replay"
	// MaxName is the length of the longest [Manifest.Name]: the host name of a pod is that
	// name and the number of the shard.
	MaxName = 52
	// maxFiles bounds what a ConfigMap holds: 1 MiB, less its own description.
	maxFiles = 1<<20 - 16<<10

	mounted   = "/etc/queuedyno"
	scenarios = "scenarios.yaml"
	replay    = "replay"
	indexOf   = "batch.kubernetes.io/job-completion-index" // an annotation of each pod
	madeBy    = "queuedyno/fleet-run"                      // a label of what one [Run] created
)

// Manifest is a load on Kubernetes: a ConfigMap with the scenario, and a Job with a pod
// for each shard. It needs Kubernetes 1.29.
type Manifest struct {
	// Name is that of the Job and of the ConfigMap, and the name under which the shards
	// meet. [CheckName] says which are possible.
	Name string
	// Namespace may be empty: then it is that of kubectl's context.
	Namespace string
	// Scenario is the name of the scenario in File, which is a scenario file. Replay is the
	// recorded load that it names [ReplayFile], nil without one.
	Scenario     string
	File, Replay []byte
	// Shards is how many pods there are.
	Shards int
	// Image is a container image whose entry point is queuedyno.
	Image string
	// Args are further arguments of "queuedyno run".
	Args []string
	// CPU is how many whole CPUs each pod requests, and its limit. Zero requests none, and
	// sets no limit.
	CPU int
	// Memory is how much each pod requests, and its limit, such as 512Mi.
	Memory string
	// NodeSelector are the labels of the nodes that may have pods.
	NodeSelector []Label
	// Secret and SecretKey say where the URL of the Redis under test is.
	Secret, SecretKey string
	// HostNetwork puts the pods on the network of their nodes.
	HostNetwork bool
	// MeetTimeout is how long the shards wait for each other, and Drain how long a pod may
	// take to end after it was asked to.
	MeetTimeout, Drain time.Duration
	// Keep is how long Kubernetes keeps the Job after its end. Zero keeps it.
	Keep time.Duration

	run string // value of the label madeBy, empty for none
}

// Label is a label of a Kubernetes object.
type Label struct{ Key, Value string }

var (
	name     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	labelKey = regexp.MustCompile(`^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
	labelVal = regexp.MustCompile(`^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$`)
	quantity = regexp.MustCompile(`^[1-9][0-9]{0,14}([kMGT]|[KMGT]i)?$`)
	secret   = regexp.MustCompile(`^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)(?:/([-._a-zA-Z0-9]+))?$`)
)

// CheckName reads a name of a fleet.
func CheckName(text string) (string, error) {
	if len(text) > MaxName || !name.MatchString(text) {
		return "", fmt.Errorf("%q is not a name for a Job: use at most %d lower-case letters, digits and '-', with a letter or digit at both ends", text, MaxName)
	}
	return text, nil
}

// CheckNamespace reads the name of a namespace.
func CheckNamespace(text string) (string, error) {
	if len(text) > 63 || !name.MatchString(text) {
		return "", fmt.Errorf("%q is not the name of a namespace", text)
	}
	return text, nil
}

// NameOf is a name for a fleet out of the name of its scenario. suffix may be empty.
func NameOf(scenario, suffix string) string {
	text := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, scenario)
	end := ""
	if suffix != "" {
		end = "-" + suffix
	}
	text = "queuedyno-" + text
	return strings.TrimRight(text[:min(len(text), MaxName-len(end))], "-") + end
}

// ParseLabel reads KEY=VALUE.
func ParseLabel(text string) (Label, error) {
	key, value, ok := strings.Cut(strings.TrimSpace(text), "=")
	if !ok || !labelKey.MatchString(key) || !labelVal.MatchString(value) {
		return Label{}, fmt.Errorf("%q is not a label: write KEY=VALUE, such as pool=load", text)
	}
	return Label{key, value}, nil
}

// ParseMemory reads an amount of memory as Kubernetes writes it.
func ParseMemory(text string) (string, error) {
	if !quantity.MatchString(text) {
		return "", fmt.Errorf("%q is not an amount of memory: write 512Mi or 1Gi", text)
	}
	return text, nil
}

// ParseSecret reads NAME or NAME/KEY.
func ParseSecret(text string) ([2]string, error) {
	m := secret.FindStringSubmatch(text)
	switch {
	case strings.Contains(text, "://"): // it may hold a password and is not repeated
		return [2]string{}, fmt.Errorf("a URL is not the name of a secret: create one with kubectl create secret generic NAME --from-literal=%s=URL", DefaultSecretKey)
	case m == nil:
		return [2]string{}, fmt.Errorf("%q is not the name of a secret: write NAME or NAME/KEY", text)
	case m[3] == "":
		m[3] = DefaultSecretKey
	}
	return [2]string{m[1], m[3]}, nil
}

// DefaultSecretKey is the key of the secret that holds the URL, unless another is named.
const DefaultSecretKey = "REDIS_URL"

// CheckSize refuses files that do not fit into a ConfigMap.
func (m Manifest) CheckSize() error {
	if n := len(m.File) + len(m.Replay); n > maxFiles {
		return fmt.Errorf("the scenario and its recorded load have %d bytes, and a ConfigMap takes %d", n, maxFiles)
	}
	return nil
}

// command is what each pod runs.
func (m Manifest) command() []string {
	return append([]string{
		"run", m.Scenario, "--file", mounted + "/" + scenarios, "--shard", fmt.Sprintf("auto/%d", m.Shards), "--fleet", m.Name,
		"--meet-timeout", m.MeetTimeout.String(), "--out", "/tmp/results", "--checkpoint", "0s", "--allow-invalid", "--json-log",
	}, m.Args...)
}

// Write writes the manifest as YAML.
func (m Manifest) Write(w io.Writer) error {
	var b bytes.Buffer
	err := yaml.Execute(&b, struct {
		Manifest
		Container, Mounted, ScenariosKey, ReplayKey, MadeBy, Run string
		Command                                                  []string
		GraceS, KeepS                                            int64
	}{
		m, Container, mounted, scenarios, replay, madeBy, m.run, m.command(),
		int64((m.Drain + 15*time.Second).Seconds()), int64(m.Keep.Seconds()),
	})
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// quote is a text as a scalar of YAML, which reads strings of JSON.
func quote(text string) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(text)
	return strings.TrimSpace(b.String()), err
}

var yaml = template.Must(template.New("manifest").Funcs(template.FuncMap{
	"quote":  quote,
	"base64": base64.StdEncoding.EncodeToString,
	"indented": func(text []byte) string { // below a key with four spaces
		return strings.TrimRight(strings.ReplaceAll("    "+strings.TrimRight(string(text), "\n"), "\n", "\n    "), " ")
	},
}).Parse(`{{define "metadata"}}
  name: {{quote .Name}}
{{- if .Namespace}}
  namespace: {{quote .Namespace}}
{{- end}}
  labels:
    app.kubernetes.io/name: queuedyno
    app.kubernetes.io/instance: {{quote .Name}}
{{- if .Run}}
    {{.MadeBy}}: {{quote .Run}}
{{- end}}
{{- end -}}
apiVersion: v1
kind: ConfigMap
metadata:
{{- template "metadata" .}}
data:
  {{.ScenariosKey}}: |
{{indented .File}}
{{- if .Replay}}
binaryData:
  {{.ReplayKey}}: {{base64 .Replay}}
{{- end}}
---
apiVersion: batch/v1
kind: Job
metadata:
{{- template "metadata" .}}
spec:
  completionMode: Indexed
  completions: {{.Shards}}
  parallelism: {{.Shards}}
  # A shard that ended is not started again, since the others have gone on without it, and
  # it does not end them.
  backoffLimitPerIndex: 0
  podReplacementPolicy: Failed
{{- if .KeepS}}
  ttlSecondsAfterFinished: {{.KeepS}}
{{- end}}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: queuedyno
        app.kubernetes.io/instance: {{quote .Name}}
{{- if .Run}}
        {{.MadeBy}}: {{quote .Run}}
{{- end}}
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: {{.GraceS}}
      automountServiceAccountToken: false
      enableServiceLinks: false
{{- if .HostNetwork}}
      hostNetwork: true
      dnsPolicy: ClusterFirstWithHostNet
{{- end}}
{{- if .NodeSelector}}
      nodeSelector:
{{- range .NodeSelector}}
        {{.Key}}: {{quote .Value}}
{{- end}}
{{- end}}
      # Each shard on another node, where there are enough.
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              podAffinityTerm:
                topologyKey: kubernetes.io/hostname
                labelSelector:
                  matchLabels:
                    app.kubernetes.io/name: queuedyno
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: {{.Container}}
          image: {{quote .Image}}
          args:
{{- range .Command}}
            - {{quote .}}
{{- end}}
          env:
            - name: REDIS_URL
              valueFrom:
                secretKeyRef: {name: {{quote .Secret}}, key: {{quote .SecretKey}}}
            - {name: TMPDIR, value: /tmp}
          resources:
            requests: { {{- if .CPU}}cpu: {{.CPU}}, {{end}}memory: {{.Memory}}}
            limits: { {{- if .CPU}}cpu: {{.CPU}}, {{end}}memory: {{.Memory}}}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          volumeMounts:
            - {name: scenario, mountPath: {{.Mounted}}, readOnly: true}
            - {name: results, mountPath: /tmp}
      volumes:
        - name: scenario
          configMap: {name: {{quote .Name}}}
        - name: results
          emptyDir: {}
`))
