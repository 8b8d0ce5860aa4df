package startedworker

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/jobqueue"
)

func TestAWorkerGetsAURLThatEveryClientReads(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"redis://:p%3Fw@h:6379/2":                                         "redis://:p%3Fw@h:6379/2",
		"rediss://u:p@h:6379/2?skip_verify=true":                          "rediss://u:p@h:6379/2",
		"rediss://h?protocol=3&skip_verify=true&db=4":                     "rediss://h/4",
		"redis://u:p@h:6379/0?db=3&dial_timeout=3s":                       "redis://u:p@h:6379/3",
		"unix:///run/redis.sock?db=1&protocol=3":                          "unix:///run/redis.sock?db=1",
		"rediss-sentinel://a,b/1?skip_verify=true&sentinel_password=x#my": "rediss-sentinel://a,b/1?sentinel_password=x#my",
		"rediss-cluster://a:7000,b:7001?protocol=3":                       "rediss-cluster://a:7000,b:7001",
	} {
		if got := workerURL(raw); got != want {
			t.Errorf("workerURL(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestLoginIsEscapedForEveryClient(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"redis://:a+b@h:6379/0":                "redis://:a%2Bb@h:6379/0",
		"redis://u+1:p!$&'()*,;=@h":            "redis://u%2B1:p%21%24%26%27%28%29%2A%2C%3B%3D@h",
		"redis://:a:b%2F~c@h":                  "redis://:a%3Ab%2F~c@h",
		"redis://:ü@h":                         "redis://:%C3%BC@h",
		"redis://h:6379/0?x=a+b":               "redis://h:6379/0?x=a+b",
		"unix:///run/a+b@c.sock":               "unix:///run/a+b@c.sock",
		"redis-sentinel://:a+b@h1:1,h2:2/0#m+": "redis-sentinel://:a%2Bb@h1:1,h2:2/0#m+",
	} {
		if got := escapeLogin(given); got != want {
			t.Errorf("escapeLogin(%q) = %q, want %q", given, got, want)
		}
	}
}

func TestAWorkerIsToldOfTLSByVariables(t *testing.T) {
	t.Parallel()
	if got := workerTLS(jobqueue.Config{}, false); len(got) > 0 {
		t.Errorf("without TLS: %q", got)
	}
	whole, err := filepath.Abs("ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	got := workerTLS(jobqueue.Config{CACert: "ca.pem"}, true)
	for _, want := range []string{"REDIS_TLS_CACERT=" + whole, "QUEUEDYNO_CACERT=" + whole, "REDIS_TLS_SKIP_VERIFY=true", "QUEUEDYNO_TLS_SKIP_VERIFY=true"} {
		if !slices.Contains(got, want) {
			t.Errorf("the variables are %q, want %s among them", got, want)
		}
	}
	if len(got) != 4 {
		t.Errorf("the variables are %q: a file that is not given needs none", got)
	}
}

func TestTheEnvironmentOfAWorkerIsTheUsersAndWhereToWork(t *testing.T) {
	t.Parallel()
	got := workerEnv([]string{"PATH=/bin", "REDIS_URL=redis://other", "QUEUEDYNO_REDIS=process", "QUEUEDYNO_WORKER=node"}, "redis://h", "q", "c")
	want := []string{"PATH=/bin", "REDIS_URL=redis://other", "REDIS_URL=redis://h", "QUEUE=q", "CHANNEL=c", "QUEUEDYNO_QUEUE=q", "QUEUEDYNO_CHANNEL=c"}
	if !slices.Equal(got, want) {
		t.Errorf("workerEnv = %q, want %q: of two the last one counts", got, want)
	}
}

func TestTheMostTellingLineIsTheErrorAndNotWhatFollowsIt(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1000)
	for _, row := range []struct {
		lines []string
		want  string
	}{
		{nil, ""},
		{[]string{"one", "two"}, "two"},
		{[]string{"node:internal/modules:1", "Error: Cannot find module 'x'", "    at Error.load (x.js:1)", "  code: 'ERR_ERROR'", "}", "Node.js v20.20.2"}, "Error: Cannot find module 'x'"},
		{[]string{"Traceback (most recent call last):", `  File "w.py", line 1`, "ModuleNotFoundError: No module named 'redis'"}, "ModuleNotFoundError: No module named 'redis'"},
		{[]string{"panic: boom", "goroutine 1 [running]:", "main.main()", "exit status 2"}, "panic: boom"},
		{[]string{long}, long[:300] + "…"},
	} {
		if got := telling(row.lines); got != row.want {
			t.Errorf("telling(%.60q) = %q, want %q", row.lines, got, row.want)
		}
	}
}

func TestSecretsOfAURLAreHiddenWhereverTheyStand(t *testing.T) {
	t.Parallel()
	for url, secrets := range map[string][]string{
		"redis://:ge%20heim@h:6379/0": {"ge%20heim", "ge heim"},
		"redis://geheim@h":            {"geheim"},
		"redis-sentinel://me:geheim@h:1,h:2?sentinel_password=ander%40s#mymaster": {"geheim", "ander%40s", "ander@s"},
	} {
		hide := Hide(url)
		for _, s := range secrets {
			if got := hide("password " + s + " for " + url); strings.Contains(got, s) {
				t.Errorf("%s: %q", url, got)
			}
		}
	}
	if got := Hide("redis://127.0.0.1:6379/0")("plain text"); got != "plain text" {
		t.Errorf("nothing to hide became %q", got)
	}
}
