package main

import (
	"path/filepath"
	"slices"
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
