package initial_test

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/initial"
	"github.com/queuedyno/queuedyno/scenario"
)

// repository is a file system of paths and contents.
func repository(pairs ...string) fstest.MapFS {
	f := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		f[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return f
}

const composeFile = `services:
  web:
    image: nginx
    ports: ["80:80"]
  cache:
    image: "redis:7.4-alpine"
    command: redis-server
    ports:
      - "127.0.0.1:6380:6379"
volumes:
  redis: {}
`

// situations are the repositories of usual users, and what they show.
var situations = map[string]struct {
	fsys fstest.MapFS
	want initial.Repository
	// files are those for it, next what to type then, and workers a line of the scenario
	// of that name; empty for no such scenario.
	files   []string
	next    []string
	workers string
}{
	"a Go service with Redis": {
		fsys: repository(
			"go.mod", "module example.com/shop\n\ngo 1.25\n\nrequire (\n\tgithub.com/redis/go-redis/v9 v9.7.0\n)\n",
			"main.go", "package main\n\nfunc push() { rdb.LPush(ctx, \"emails\", id) }\n",
			"cmd/worker/main.go", "package main\n\nfunc main() {\n\trdb.BRPop(ctx, 5*time.Second, \"emails\")\n\trdb.Publish(ctx, \"email_updates\", b)\n}\n",
			"queue_test.go", "package main\n\nfunc f() { rdb.BRPop(ctx, 0, \"of_a_test\") }\n",
			"compose.yaml", composeFile, ".github/workflows/ci.yml", "name: ci\n",
		),
		want: initial.Repository{
			Go: true, Package: "main", Client: "go-redis", Redis: initial.Service{File: "compose.yaml", Name: "cache", Image: "redis:7.4-alpine", Port: "6380"},
			Worker: "go run ./cmd/worker", Queue: "emails", Channel: "email_updates", GitHub: true,
			Seen: []string{"cmd/worker/main.go", "compose.yaml", "go.mod", "main.go"},
		},
		files:   []string{".github/workflows/queuedyno.yml", "bench_test.go", "scenarios.yaml"},
		next:    []string{"docker compose up -d cache", "queuedyno run -u redis://localhost:6380", "queuedyno run workers --worker 'go run ./cmd/worker' --queue emails --channel email_updates", "go mod tidy && go test -bench Queue ."},
		workers: "consumers: external",
	},
	"a Node back end with ioredis": {
		fsys: repository(
			"package.json", `{"name":"api","scripts":{"start":"node api.js","worker":"node jobs.js"},"dependencies":{"express":"^5","ioredis":"^5.4.1"}}`,
			"package-lock.json", "{\n  \"packages\": {\n    \"node_modules/ioredis\": {\n      \"version\": \"5.4.1\"\n    }\n  }\n}\n",
			"jobs.js", "const job = await redis.brpop(\"mails\", 5);\nawait pub.publish('mail_updates', text);\n",
			"node_modules/bullmq/index.js", "redis.brpop('of_a_library', 0)\n",
		),
		want: initial.Repository{
			Node: true, Client: "ioredis", Worker: "npm run worker", Queue: "mails", Channel: "mail_updates",
			Seen: []string{"jobs.js", "package-lock.json", "package.json"},
		},
		files:   []string{".github/workflows/queuedyno.yml", "scenarios.yaml"},
		next:    []string{"queuedyno doctor", "queuedyno run", "queuedyno run workers --worker 'npm run worker' --queue mails --channel mail_updates"},
		workers: "consumers: external",
	},
	"a Rails application with Sidekiq": {
		fsys: repository(
			"Gemfile", "source 'https://rubygems.org'\ngem 'rails', '~> 7.2'\ngem 'sidekiq'\n",
			"Gemfile.lock", "GEM\n  specs:\n    rails (7.2.1)\n    sidekiq (7.3.0)\n      redis-client (>= 0.22.2)\n",
			"app/sidekiq/hard_job.rb", "class HardJob\n  include Sidekiq::Job\n  sidekiq_options queue: :mail, retry: 3\n\n  def perform(id)\n  end\nend\n",
			".gitlab-ci.yml", "test: {}\n",
		),
		want: initial.Repository{
			Ruby: true, Library: "sidekiq", Client: "redis-client", Worker: `bundle exec sidekiq -q "${QUEUE#queue:}"`, JobClass: "HardJob", JobQueue: "mail", GitLab: true,
			Seen: []string{"Gemfile", "Gemfile.lock", "app/sidekiq/hard_job.rb"},
		},
		files:   []string{".gitlab/queuedyno.yml", "scenarios.yaml"},
		next:    []string{"queuedyno doctor", "queuedyno run", `queuedyno run workers --worker 'bundle exec sidekiq -q "${QUEUE#queue:}"'`},
		workers: "HardJob",
	},
	"only Docker": {
		fsys:  repository("docker-compose.yml", "services:\n  redis:\n    image: valkey/valkey:8\n    ports:\n      - 6379:6379\n"),
		want:  initial.Repository{Redis: initial.Service{File: "docker-compose.yml", Name: "redis", Image: "valkey/valkey:8", Port: "6379"}, Seen: []string{"docker-compose.yml"}},
		files: []string{".github/workflows/queuedyno.yml", "scenarios.yaml"},
		next:  []string{"docker compose up -d redis", "queuedyno run -u redis://localhost:6379"},
	},
	"nothing at all": {
		fsys:  repository(),
		files: []string{".github/workflows/queuedyno.yml", "scenarios.yaml"},
		next:  []string{"queuedyno doctor", "queuedyno run"},
	},
	"a lock file of yarn with BullMQ": {
		fsys:  repository("yarn.lock", "# yarn lockfile v1\n\nbullmq@^5.1.0:\n  version \"5.1.0\"\n"),
		want:  initial.Repository{Node: true, Library: "bullmq", Seen: []string{"yarn.lock"}},
		files: []string{".github/workflows/queuedyno.yml", "scenarios.yaml"},
	},
	"a service of Node with BullMQ": {
		fsys: repository("package.json", `{"dependencies": {"bullmq": "^6", "ioredis": "^6"}, "scripts": {"worker": "node src/worker.js"}}`,
			"src/worker.js", "const worker = new Worker('mails', send, { connection });\n"),
		want:    initial.Repository{Node: true, Library: "bullmq", Client: "ioredis", Worker: "npm run worker", JobQueue: "mails", Seen: []string{"package.json", "src/worker.js"}},
		files:   []string{".github/workflows/queuedyno.yml", "scenarios.yaml"},
		next:    []string{"queuedyno doctor", "queuedyno run", "queuedyno run workers --worker 'npm run worker' --queue bull:mails"},
		workers: "dialect: bullmq",
	},
	"a service of Go with asynq": {
		fsys:    repository("go.mod", "module m\n\nrequire github.com/hibiken/asynq v0.26.0\n", "cmd/worker/main.go", "package main\n"),
		want:    initial.Repository{Go: true, Library: "asynq", Worker: "go run ./cmd/worker", Seen: []string{"go.mod"}},
		files:   []string{".github/workflows/queuedyno.yml", "bench_test.go", "scenarios.yaml"},
		workers: "dialect: asynq",
	},
	"a project of Python with RQ": {
		fsys:    repository("requirements.txt", "rq==2.0\n"),
		want:    initial.Repository{Python: true, Library: "rq", Seen: []string{"requirements.txt"}},
		files:   []string{".github/workflows/queuedyno.yml", "scenarios.yaml"},
		next:    []string{"queuedyno doctor", "queuedyno run", `queuedyno run workers --worker 'rq worker -u "$REDIS_URL" "$QUEUE"'`},
		workers: "dialect: rq",
	},
	"a project of Python with Celery": {
		fsys:  repository("requirements.txt", "django==5.1\ncelery[redis]>=5\n", "compose.yml", "services:\n  redis:\n    image: ${REDIS_IMAGE:-redis}\n"),
		want:  initial.Repository{Python: true, Library: "celery", Redis: initial.Service{File: "compose.yml", Name: "redis", Image: "redis"}, Seen: []string{"compose.yml", "requirements.txt"}},
		files: []string{".github/workflows/queuedyno.yml", "scenarios.yaml"},
	},
}

func TestWhatARepositoryShows(t *testing.T) {
	t.Parallel()
	for name, c := range situations {
		got := initial.Look(c.fsys)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTheFilesFitAndTheScenariosAreValid(t *testing.T) {
	t.Parallel()
	for name, c := range situations {
		r := initial.Look(c.fsys)
		files := map[string][]byte{}
		for _, f := range r.Files() {
			files[f.Path] = f.Data
		}
		if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, c.files) {
			t.Errorf("%s: files %v, want %v", name, got, c.files)
		}
		all, err := scenario.Parse("scenarios.yaml", files["scenarios.yaml"])
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, files["scenarios.yaml"])
			continue
		}
		workers := false
		for _, s := range all {
			if p := s.WithDefaults().Validate(); len(p) > 0 {
				t.Errorf("%s: scenario %s: %v", name, s.Name, p)
			}
			if doubts := s.Unanswerable(); len(doubts) > 0 {
				t.Errorf("%s: scenario %s: %v", name, s.Name, doubts)
			}
			workers = workers || s.Name == "workers"
		}
		if c.workers != "" && (!workers || !bytes.Contains(files["scenarios.yaml"], []byte(c.workers))) {
			t.Errorf("%s: no scenario for workers with %q:\n%s", name, c.workers, files["scenarios.yaml"])
		}
		var next []string
		for _, step := range r.Next(workers) {
			next = append(next, step.Command)
		}
		if c.next != nil && !slices.Equal(next, c.next) {
			t.Errorf("%s: next %q, want %q", name, next, c.next)
		}
		if b := files["bench_test.go"]; b != nil {
			if _, err := parser.ParseFile(token.NewFileSet(), "bench_test.go", b, parser.AllErrors); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// A password of a compose file or an URL is no name.
func TestNoSecretGetsIntoAFile(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	r := initial.Look(repository(
		"go.mod", "module m\n\nrequire github.com/redis/go-redis/v9 v9.7.0\n",
		"main.go", "package m\n\nvar url = \"redis://:"+secret+"@db:6379\"\n",
		"compose.yaml", "services:\n  redis:\n    image: redis:7\n    command: redis-server --requirepass "+secret+"\n    environment:\n      REDIS_PASSWORD: "+secret+"\n    ports: [\"6379:6379\"]\n",
		".env", "REDIS_URL=redis://:"+secret+"@db\n",
	))
	if r.Redis.Port != "6379" {
		t.Errorf("the Redis of the compose file is %+v", r.Redis)
	}
	for _, f := range r.Files() {
		if bytes.Contains(f.Data, []byte(secret)) {
			t.Errorf("%s holds the secret", f.Path)
		}
	}
	if strings.Contains(fmt.Sprint(r.Next(true)), secret) {
		t.Error("a command holds the secret")
	}
}

// Results stay out of a Git repository: by a new file, and otherwise by a
// line that the user adds.
func TestResultsAreKeptOutOfAGitRepository(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fsys      fstest.MapFS
		wrote     bool
		unignored bool
	}{
		"no repository":    {repository(), false, false},
		"no such file":     {repository(".git/HEAD", "ref"), true, false},
		"a worktree":       {repository(".git", "gitdir: x"), true, false},
		"another file":     {repository(".git/HEAD", "ref", ".gitignore", "node_modules\n/results/old\n!results\n# results\n"), false, true},
		"ignored":          {repository(".git/HEAD", "ref", ".gitignore", "node_modules\nresults\n"), false, false},
		"at the root":      {repository(".git/HEAD", "ref", ".gitignore", "/results/"), false, false},
		"all but some":     {repository(".git/HEAD", "ref", ".gitignore", "/results/*\r\n!/results/kept\r\n"), false, false},
		"only an ignoring": {repository(".gitignore", "x\n"), false, false},
	} {
		r := initial.Look(c.fsys)
		wrote := slices.ContainsFunc(r.Files(), func(f initial.File) bool { return f.Path == ".gitignore" })
		if unignored := r.Unignored() != ""; wrote != c.wrote || unignored != c.unignored {
			t.Errorf("%s: written %t, said %t; want %t and %t", name, wrote, unignored, c.wrote, c.unignored)
		}
	}
	for _, f := range initial.Look(repository(".git/HEAD", "ref")).Files() {
		if f.Path == ".gitignore" && !initial.Look(repository(".gitignore", string(f.Data))).Results {
			t.Errorf("%q does not ignore the results", f.Data)
		}
	}
}
