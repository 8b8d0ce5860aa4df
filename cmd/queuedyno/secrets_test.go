//go:build linux

package main

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/postgresserver/postgrestest"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// served is what the address answers, of an endless answer the beginning.
func served(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	in, all, events := bufio.NewReader(answer.Body), "", 0
	for events < 3 {
		line, err := in.ReadString('\n')
		all += line
		if strings.HasPrefix(line, "data:") {
			events++
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// commandLines are those of all processes but of one, by their numbers.
func commandLines(t *testing.T, but int) map[string]string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d command lines, %v", len(files), err)
	}
	all := map[string]string{}
	for _, file := range files {
		if file == "/proc/"+strconv.Itoa(but)+"/cmdline" {
			continue
		}
		if line, err := os.ReadFile(file); err == nil { // it may have ended by now
			all[file] = string(line)
		}
	}
	return all
}

var address = regexp.MustCompile(`http://[^ /]+/(metrics)?`)

// TestNoSecretIsShownAnywhere looks for each secret in what a run says, serves, starts and
// stores. Only the command line that a user typed with a secret has it.
func TestNoSecretIsShownAnywhere(t *testing.T) {
	t.Parallel()
	const redisSecret, token = "Mq7redisZx", "Mq7tokenZx"
	backend := newFakeAPI(t)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token || r.URL.Query().Get("key") != token {
			http.Error(w, "no token", http.StatusUnauthorized)
			return
		}
		backend.Config.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(api.Close)
	socket := "ws" + strings.TrimPrefix(api.URL, "http")
	redisURL := redistest.Process(t, "--requirepass", redisSecret).URL()
	postgresURL := postgrestest.Process(t).URL()
	u, err := url.Parse(postgresURL)
	if err != nil {
		t.Fatal(err)
	}
	postgresSecret, _ := u.User.Password()
	if postgresSecret == "" || !strings.Contains(redisURL, redisSecret) {
		t.Fatal("a secret is not in its URL")
	}
	for name, row := range map[string]struct {
		environ, args, secrets []string
		typed                  bool // a secret is in the command line
	}{
		"an API": {
			[]string{"API_TOKEN=" + token},
			[]string{
				"-y", "external", "--entry", api.URL + "/jobs/text?key=${API_TOKEN}", "--entry-header", "Authorization: Bearer ${API_TOKEN}",
				"--exit", socket + "/ws?key=${API_TOKEN}", "--exit-header", "Authorization: Bearer ${API_TOKEN}",
			},
			[]string{token}, false,
		},
		"Redis and Postgres": {
			[]string{"REDIS_URL=" + redisURL, "POSTGRES_URL=" + postgresURL},
			[]string{"--entry", "postgres", "--fault", "2s:disconnect=consumers", "--allow-faults"},
			[]string{redisSecret, postgresSecret}, false,
		},
		"workers": {
			[]string{"REDIS_URL=" + redisURL}, []string{"--worker", "queuedyno worker -y 2"}, []string{redisSecret}, false,
		},
		"a Redis that is started": {
			nil, []string{"-u", "process", "--redis-args", "--requirepass Mq7typedZx"}, []string{"Mq7typedZx"}, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startWith(t, row.environ, append([]string{
				"run", "quick", "-r", "50", "--name", "r", "--allow-invalid", "--live", "--metrics", "127.0.0.1:0",
			}, row.args...)...)
			c.await(t, "5s/10m0s") // the first line of progress
			own := 0
			if row.typed {
				own = c.Process.Pid
			}
			shown := commandLines(t, own)
			for _, at := range address.FindAllString(strings.Join(c.said, "\n"), -1) {
				shown[at] = served(t, at)
			}
			var pages int
			for at := range shown {
				if strings.HasPrefix(at, "http") && !strings.HasSuffix(at, "metrics") && !strings.HasPrefix(at, api.URL) {
					pages++
					shown[at+"events"] = served(t, at+"events")
				}
			}
			if pages == 0 {
				t.Error("no live page was found")
			}
			c.signal(t, os.Interrupt)
			if code := c.end(t); code != problem.Interrupted {
				t.Errorf("exit code %d", code)
			}
			shown["standard error"], shown["standard output"] = strings.Join(c.said, "\n"), c.stdout.String()
			stored, err := filepath.Glob(filepath.Join(c.dir, "results", "r", "*"))
			if err != nil || len(stored) < 5 {
				t.Errorf("%d files are stored, %v", len(stored), err)
			}
			for _, file := range stored {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				shown[filepath.Base(file)] = string(data)
			}
			for where, text := range shown {
				for _, secret := range row.secrets {
					if strings.Contains(text, secret) {
						t.Errorf("%s shows %s", where, secret)
					}
				}
			}
		})
	}
}
