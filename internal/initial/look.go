// Package initial looks at a repository and makes the first files for it: scenarios that
// fit its queue, a benchmark for Go, a job for CI. It reads names and settings, and takes no
// value that could be a secret. It writes nothing itself. Begin reading at [Look], and
// at [Repository.Files].
package initial

import (
	"cmp"
	"encoding/json"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Repository is what a repository shows of its queue. What was not found is empty.
type Repository struct {
	// Go, Node, Ruby and Python say which languages there are.
	Go, Node, Ruby, Python bool
	// Package is the Go package in the root.
	Package string
	// Library is the job library, such as sidekiq, and Client the Redis client, such as
	// ioredis; empty for none that is known.
	Library, Client string
	// Redis is the one of the compose file.
	Redis Service
	// Worker is the command that starts the workers.
	Worker string
	// Queue and Channel are names in the source: that of the list that jobs are taken
	// from, and that of the channel that updates are published on.
	Queue, Channel string
	// JobClass is a class of Sidekiq jobs, and JobQueue a queue in the terms of the library.
	JobClass, JobQueue string
	// Unresolved are names that were looked for, and that the source does not spell out.
	Unresolved []Unresolved
	// Checked is the scenario that CI runs, if it is not the one named smoke.
	Checked string
	// GitHub and GitLab say where CI runs.
	GitHub, GitLab bool
	// Git says that the root is that of a Git repository, and Ignored that it has a
	// .gitignore: Results is true where that ignores the results of runs.
	Git, Ignored, Results bool
	// Seen are the files that showed all this, sorted.
	Seen []string
}

// Service is a Redis of a compose file.
type Service struct {
	File, Name, Image string
	Port              string // on the host, empty where it is not published
}

// libraries are job libraries by the name of their package, in their ecosystem's file.
var libraries = []struct{ pkg, name string }{
	{"bullmq", "bullmq"}, {"bull", "bull"}, {"bee-queue", "bee-queue"},
	{"sidekiq", "sidekiq"}, {"resque", "resque"},
	{"github.com/hibiken/asynq", "asynq"}, {"github.com/RichardKnop/machinery", "machinery"}, {"github.com/gocraft/work", "work"},
	{"celery", "celery"}, {"rq", "rq"}, {"arq", "arq"},
}

// clients are Redis clients in the same way.
var clients = []string{
	"ioredis", "redis", "redis-client", "github.com/redis/go-redis", "github.com/go-redis/redis",
	"github.com/gomodule/redigo", "github.com/redis/rueidis",
}

const (
	maxFile  = 1 << 20 // a lock file may be as large
	maxFiles = 2000    // of source that is searched for names
)

// Look looks at the repository whose root the file system is.
func Look(fsys fs.FS) Repository {
	l := &looker{fsys: fsys}
	l.dependencies()
	l.compose()
	l.source()
	l.worker()
	_, err := fs.Stat(fsys, ".github")
	l.r.GitHub = err == nil
	_, err = fs.Stat(fsys, ".gitlab-ci.yml")
	l.r.GitLab = err == nil
	l.git()
	slices.Sort(l.r.Seen)
	l.r.Seen = slices.Compact(l.r.Seen)
	return l.r
}

// ignoresResults is a line of a .gitignore for the directory that runs write into.
var ignoresResults = regexp.MustCompile(`(?m)^(?:/|\*\*/)?results(?:/|/\*{1,2})?[ \t]*\r?$`)

// git looks whether results are kept out of the repository.
func (l *looker) git() {
	_, err := fs.Stat(l.fsys, ".git") // a file in a worktree
	l.r.Git = err == nil
	_, err = fs.Stat(l.fsys, ".gitignore")
	l.r.Ignored = err == nil
	l.r.Results = ignoresResults.MatchString(l.read(".gitignore"))
}

type looker struct {
	fsys    fs.FS
	r       Repository
	scripts map[string]string // of package.json
}

// read is the text of a file, or "".
func (l *looker) read(name string) string {
	f, err := l.fsys.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return ""
	}
	return string(b)
}

var (
	goRequire  = regexp.MustCompile(`(?m)^\s*(?:require\s+)?([\w.-]+\.[\w.-]+/\S+)\s+v\d`)
	gemName    = regexp.MustCompile(`(?m)^\s*(?:gem\s+["'])?([\w-]+)(?:["']|\s+\()`)
	lockName   = regexp.MustCompile(`(?m)^\s*["']?/?(?:node_modules/)?([\w@/.-]+?)(?:@[^"':]*)?["']?:`)
	pythonName = regexp.MustCompile(`(?mi)^\s*["']?([a-z][\w-]*)`)
	quotedName = regexp.MustCompile(`["']([a-z][\w-]*)(?:\[[\w,-]*\])?\s*(?:[<>=~!][^"']*)?["']`)
)

// dependencies reads what the repository depends on.
func (l *looker) dependencies() {
	var all []string
	take := func(file string, names []string) {
		if used := l.use(names); used {
			l.r.Seen = append(l.r.Seen, file)
		}
		all = append(all, names...)
	}
	if text := l.read("go.mod"); text != "" {
		l.r.Go, l.r.Seen = true, append(l.r.Seen, "go.mod")
		take("go.mod", first(goRequire, text))
	}
	if text := l.read("package.json"); text != "" {
		var p struct {
			Scripts, Dependencies, DevDependencies map[string]string
		}
		_ = json.Unmarshal([]byte(text), &p) // what cannot be read shows nothing
		l.r.Node, l.r.Seen, l.scripts = true, append(l.r.Seen, "package.json"), p.Scripts
		var names []string
		for _, of := range []map[string]string{p.Dependencies, p.DevDependencies} {
			for name := range of {
				names = append(names, name)
			}
		}
		take("package.json", names)
	}
	for _, file := range []string{"package-lock.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock"} {
		if text := l.read(file); text != "" {
			l.r.Node = true
			take(file, first(lockName, text))
		}
	}
	for _, file := range []string{"Gemfile", "Gemfile.lock"} {
		if text := l.read(file); text != "" {
			l.r.Ruby = true
			take(file, first(gemName, text))
		}
	}
	for file, re := range map[string]*regexp.Regexp{"requirements.txt": pythonName, "pyproject.toml": quotedName, "Pipfile": pythonName} {
		if text := l.read(file); text != "" {
			l.r.Python = true
			take(file, first(re, text))
		}
	}
}

// use takes the first library and client that are known, and reports whether there was
// one among the names.
func (l *looker) use(names []string) (used bool) {
	has := func(pkg string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return n == pkg || strings.HasPrefix(n, pkg+"/") })
	}
	for _, lib := range libraries {
		if has(lib.pkg) {
			used = true
			if l.r.Library == "" {
				l.r.Library = lib.name
			}
		}
	}
	for _, client := range clients {
		if has(client) {
			used = true
			if l.r.Client == "" {
				l.r.Client = path.Base(client)
			}
		}
	}
	return used
}

// first are the first groups of all matches.
func first(re *regexp.Regexp, text string) (all []string) {
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

var (
	composeKey   = regexp.MustCompile(`^(\s*)([\w.-]+):\s*(#.*)?$`)
	composeImage = regexp.MustCompile(`^\s+image:\s*["']?([\w./:${}-]+)`)
	composePort  = regexp.MustCompile(`["'\s](?:[\d.]+:)?(\d+):6379\b`)
	composeValue = regexp.MustCompile(`\$\{\w+:?-([^}]*)\}`) // a variable with its default
	redisImage   = regexp.MustCompile(`(?:^|/)(?:redis|valkey|redis-stack-server|keydb|dragonfly)(?:[:@]|$)`)
)

// compose looks for a Redis in the compose file, line by line: the service is the nearest
// key below "services:".
func (l *looker) compose() {
	for _, file := range []string{"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"} {
		text := l.read(file)
		if text == "" {
			continue
		}
		service, indent, in, here := "", -1, false, false
		for line := range strings.Lines(text) {
			line = composeValue.ReplaceAllString(strings.TrimRight(line, "\r\n"), "$1")
			if m := composeKey.FindStringSubmatch(line); m != nil {
				depth := len(m[1])
				switch {
				case depth == 0:
					in, indent, here = m[2] == "services", -1, false
				case in && (indent < 0 || depth <= indent):
					service, indent, here = m[2], depth, false
				}
				continue
			}
			if m := composeImage.FindStringSubmatch(line); in && m != nil && redisImage.MatchString(m[1]) && l.r.Redis.Name == "" {
				l.r.Redis, here = Service{File: file, Name: service, Image: m[1]}, true
				l.r.Seen = append(l.r.Seen, file)
			}
			if m := composePort.FindStringSubmatch(line); m != nil && here && l.r.Redis.Port == "" {
				l.r.Redis.Port = m[1]
			}
		}
		if l.r.Redis.Name != "" {
			return
		}
	}
}

var (
	jobClass   = regexp.MustCompile(`(?s)\bclass\s+([A-Z][\w:]*)[^\n]*\n(?:[^\n]*\n){0,5}?\s*include\s+Sidekiq::(?:Job|Worker)\b`)
	jobQueue   = regexp.MustCompile(`sidekiq_options[^\n]*\bqueue:\s*([^\n]+)`)
	symbolName = regexp.MustCompile(`^[\w-]+`)
	goPackage  = regexp.MustCompile(`(?m)^package\s+(\w+)`)
)

// source searches the source for the names of the queue and the channel.
func (l *looker) source() {
	files, push := 0, ""
	var popped, pushed, published, job *Unresolved
	// Unreadable directories show nothing.
	_ = fs.WalkDir(l.fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil
		case d.IsDir():
			if name != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"node_modules", "vendor", "dist", "build", "tmp", "test", "tests", "spec", "testdata", "examples"}, d.Name())) {
				return fs.SkipDir
			}
			return nil
		case files >= maxFiles:
			return fs.SkipAll
		case !slices.Contains([]string{".go", ".js", ".mjs", ".cjs", ".ts", ".rb", ".py"}, path.Ext(name)):
			return nil
		case strings.HasSuffix(name, "_test.go"), strings.Contains(name, ".test."), strings.Contains(name, ".spec."):
			return nil
		}
		files++
		text := l.read(name)
		if path.Ext(name) == ".go" && path.Dir(name) == "." && l.r.Package == "" {
			if m := goPackage.FindStringSubmatch(text); m != nil {
				l.r.Package = m[1]
			}
		}
		seen := false
		// Names are searched for in all files: what one does not spell out, another may.
		find := func(c call, to *string, not **Unresolved) {
			if *to != "" {
				return
			}
			name, unresolved := c.name(name, text)
			if *to = name; name != "" {
				seen = true
			} else if *not == nil {
				*not = unresolved
			}
		}
		find(pops, &l.r.Queue, &popped)
		find(pushes, &push, &pushed)
		find(publishes, &l.r.Channel, &published)
		if m := jobClass.FindStringSubmatch(text); m != nil && l.r.JobClass == "" {
			l.r.JobClass, seen = m[1], true
			if q := jobQueue.FindStringSubmatch(text); q != nil {
				l.r.JobQueue = resolve(text, strings.TrimSuffix(firstOf(q[1]), "]"), 3)
				if symbol := strings.TrimPrefix(q[1], ":"); l.r.JobQueue == "" && symbol != q[1] {
					l.r.JobQueue = symbolName.FindString(symbol)
				}
			}
		}
		if l.r.Library == "bullmq" {
			find(bulls, &l.r.JobQueue, &job)
		}
		if seen {
			l.r.Seen = append(l.r.Seen, name)
		}
		return nil
	})
	if l.r.Queue == "" {
		l.r.Queue = push
	}
	switch {
	case l.r.Library == "bullmq" && l.r.JobQueue == "" && job != nil:
		l.r.Unresolved = append(l.r.Unresolved, *job)
	case l.r.Library == "" && l.r.Queue == "" && (popped != nil || pushed != nil):
		l.r.Unresolved = append(l.r.Unresolved, *cmp.Or(popped, pushed))
	}
	if l.r.Library == "" && l.r.Channel == "" && published != nil {
		l.r.Unresolved = append(l.r.Unresolved, *published)
	}
}

var procWorker = regexp.MustCompile(`(?m)^worker:\s*(\S.*?)\s*$`)

// worker finds the command of the workers.
func (l *looker) worker() {
	if l.r.Library == "sidekiq" {
		l.r.Worker = `bundle exec sidekiq -q "${QUEUE#queue:}"`
		return
	}
	if m := procWorker.FindStringSubmatch(l.read("Procfile")); m != nil && !strings.Contains(m[1], "'") {
		l.r.Worker, l.r.Seen = m[1], append(l.r.Seen, "Procfile")
		return
	}
	for _, script := range []string{"worker", "workers", "start:worker", "worker:start"} {
		if l.scripts[script] != "" {
			l.r.Worker = "npm run " + script
			return
		}
	}
	for _, w := range []struct{ file, command string }{
		{"worker.js", "node worker.js"}, {"src/worker.js", "node src/worker.js"}, {"worker.mjs", "node worker.mjs"},
		{"cmd/worker", "go run ./cmd/worker"}, {"worker.py", "python3 worker.py"},
	} {
		if _, err := fs.Stat(l.fsys, w.file); err == nil {
			l.r.Worker = w.command
			return
		}
	}
}
