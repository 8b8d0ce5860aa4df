package mask_test

import (
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/mask"
)

func TestSecretsAreMaskedWhereTheyStandAsSecrets(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ secret, text, want string }{
		// A short or common password is one only where the text says so.
		{"e", `start "redis-server": >>> 'requirepass "e"'`, `start "redis-server": >>> 'requirepass "***"'`},
		{"e", "Redis version=7.0.15, bits=64, started", "Redis version=7.0.15, bits=64, started"},
		{"redis", "redis-server at redis://redis:6379 refused redis", "redis-server at redis://redis:6379 refused redis"},
		{"redis", "connect redis://me:redis@redis:6379: AUTH redis failed", "connect redis://me:***@redis:6379: AUTH *** failed"},
		{"redis", "password is redis, user: redis", "password is ***, user: redis"},
		{"6379", "127.0.0.1:6379 took password=6379", "127.0.0.1:6379 took password=***"},
		// A name that has the password in it stays.
		{"orders", "dial tcp orders-cache.example:6379", "dial tcp orders-cache.example:6379"},
		{"orders", "login me/orders failed", "login me/*** failed"},
		{"geheim", "cannot log in with geheim.", "cannot log in with ***."},
		{"geheim", "geheimnis", "geheimnis"},
		// What no text has by chance is masked everywhere.
		{"hunter2", "xhunter2y", "x***y"},
		{"p@ss.w0rd", `["p@ss.w0rd"]`, `["***"]`},
		{"s3cret", "WRONGPASS 's3cret'", "WRONGPASS '***'"},
		{"", "nothing", "nothing"},
	} {
		if got := mask.Text(row.text, row.secret); got != row.want {
			t.Errorf("Text(%q, %q) = %q, want %q", row.text, row.secret, got, row.want)
		}
	}
	if got := mask.Text("one geheim, two hunter2", "geheim", "hunter2"); strings.Contains(got, "hunter2") || strings.Contains(got, "geheim") {
		t.Errorf("Mask of two secrets = %q", got)
	}
}

func TestAnAddressHasNoUserNoPasswordAndNoOptions(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://ann:s3cret@h:8443/a/b?key=s3cret": "https://h:8443/a/b",
		"https://ann:s3@cret@h/{{.Tenant}}":        "https://h/{{.Tenant}}",
		"ws://h":                                   "ws://h",
	} {
		if got := mask.Address(raw); got != want {
			t.Errorf("Address(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestWhatAServerSaysIsMaskedInsideOfWordsToo(t *testing.T) {
	t.Parallel()
	if got, want := mask.Everywhere("a s3crets3cret-2 abc", "s3cret", "s3cret-2", "abc", ""), "a ****** abc"; got != want {
		t.Errorf("Everywhere = %q, want %q", got, want)
	}
}

func TestAURLShowsNoPassword(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"redis://localhost:6379/0":                       "redis://localhost:6379/0",
		"redis://user:s3cret@host:6379":                  "redis://user:***@host:6379",
		"redis://:s3@cret@host":                          "redis://:***@host",
		"default:s3cret@host:6379":                       "default:***@host:6379",
		"redis://:12/s3cret@host":                        "redis://:***@host",
		"redis://:s3cret":                                "redis://:***",
		"redis://host?password=s3cret&x=1":               "redis://host?***",
		"redis://user:12?s3cret@host":                    "redis://user:***@host",
		"unix://user:s3cret@/run/redis.sock":             "unix://user:***@/run/redis.sock",
		"redis-sentinel://u:s3cret@h1:1,h2:2/0#mymaster": "redis-sentinel://u:***@h1:1,h2:2/0#***",
		"redis-sentinel://h1?sentinel_password=s3cret#m": "redis-sentinel://h1?***",
		"redis-cluster://:s3cret@h1:7000,h2:7001":        "redis-cluster://:***@h1:7000,h2:7001",
		"redis-cluster://:s3cret,h2:7001":                "redis-cluster://:***,h2:7001",
		"redis-cluster://s3cret@h1:7000":                 "redis-cluster://***@h1:7000",
		"redis://u:a?s3cret&b@h1":                        "redis://u:***@h1",
		"host=h user=u password=s3cret dbname=x":         "host=h user=u password=***",
		"host=h PASSWORD = 's3 c@ret?' dbname=x":         "host=h PASSWORD = ***",
	} {
		if got := mask.URL(raw); got != want {
			t.Errorf("URL(%q) = %q, want %q", raw, got, want)
		}
	}
}
