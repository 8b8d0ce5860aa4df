package redisserver_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/redisserver"
)

func TestSchemesThatMeanTheSameAreTaken(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"valkey://localhost":                     "redis://localhost",
		"valkeys://:hunter2@localhost:6380":      "rediss://:hunter2@localhost:6380",
		"tcp://10.0.0.1:6379":                    "redis://10.0.0.1:6379",
		"redis-socket:///run/redis.sock?db=1":    "unix:///run/redis.sock?db=1",
		"unix:///run/redis.sock?db=1":            "unix:///run/redis.sock?db=1",
		"redis://host:6379/0?protocol=3":         "redis://host:6379/0?protocol=3",
		"redis+cluster://:hunter2@h1:7000,h2":    "redis-cluster://:hunter2@h1:7000,h2",
		"redis://:p%23a%25b%3Ac@[fe80::1]:6379/": "redis://:p%23a%25b%3Ac@[fe80::1]:6379/",
	} {
		s, err := redisserver.Start(t.Context(), redisserver.Options{Source: given})
		if err != nil {
			t.Errorf("Start(%q): %v", given, err)
		} else if s.URL() != want {
			t.Errorf("Start(%q): URL %q, want %q", given, s.URL(), want)
		}
	}
}

func TestURLsOfOtherClientsAreRefusedWithWhatToWrite(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"rediss://u:hunter2@h:6380/1?ssl_cert_reqs=none":        "write rediss://u:***@h:6380/1?skip_verify=true",
		"rediss://h:6380?ssl_cert_reqs=CERT_NONE&client_name=x": "write rediss://h:6380?skip_verify=true, and the other options",
		"rediss://h:6380?ssl_cert_reqs=required":                "write rediss://h:6380",
		"rediss://h:6380?ssl_ca_certs=/ca.pem":                  "--cacert FILE",
		"redis://h?ssl_cert_reqs=none":                          "leave it out: redis://h",
		"redis+sentinel://:hunter2@h1:26379,h2/mymaster/2":      "redis-sentinel://:***@h1:26379,h2/2#mymaster",
		"redis+sentinel://h1:26379/orders":                      "redis-sentinel://h1:26379/0#orders",
		"redis://:hunter2@a:1,b:2":                              "redis-cluster://:***@a:1,b:2, or sentinels, redis-sentinel://:***@a:1,b:2/0#mymaster",
		"host:6379":                                             "redis://host:6379",
		"me:hunter2@host:6379/3":                                "redis://me:***@host:6379/3",
		"[::1]:6379":                                            "redis://[::1]:6379",
	} {
		_, err := redisserver.Start(t.Context(), redisserver.Options{Source: given})
		if !errors.Is(err, redisserver.ErrUsage) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Start(%q) = %v, want ErrUsage with %q and no password", given, err, want)
		}
	}
}
