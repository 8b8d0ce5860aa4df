package initial_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/initial"
)

// In each of these sources the queue is emails, however it is written.
func TestAQueueIsFoundBehindAConstant(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a.js:literal":       `await redis.brpop("emails", 5)`,
		"a.js:constant":      "const QUEUE = 'emails';\nredis.brpop(QUEUE, 5);",
		"a.js:env":           "redis.brpop(process.env.QUEUE || 'emails', 0)",
		"a.js:env constant":  "const QUEUE = process.env['QUEUE'] ?? 'emails'\nredis.lpush(QUEUE, id)",
		"a.js:member":        "const config = {\n  url: process.env.REDIS_URL,\n  queue: 'emails',\n}\nredis.brpop(config.queue, 0)",
		"a.js:one line":      "const config = { queue: 'emails', channel: 'updates' }; redis.brpop(config.queue, 0)",
		"a.js:options first": "const Q = `emails`\nclient.brPop(commandOptions({ isolated: true }), Q, 0)",
		"a.js:list":          "const Q = 'emails'\nclient.brpop([Q, 'others'], 0)",
		"a.js:two steps":     "const DEFAULT = 'emails'\nconst Q = DEFAULT\nredis.brpop(Q, 0)",
		"a.ts:typed":         "const QUEUE: string = 'emails' as const;\nredis.brpop(\n  QUEUE,\n  0,\n);",
		"a.ts:readonly":      "class W {\n  private readonly queue = 'emails';\n  run() { return this.redis.brpop(this.queue, 0) }\n}",
		"a.go:constant":      "package m\n\nconst Queue = \"emails\" // of mails\n\nfunc f() { rdb.BRPop(ctx, 5*time.Second, Queue) }",
		"a.go:block":         "package m\n\nconst (\n\tchannel       = \"c\"\n\tqueue  string = \"emails\"\n)\n\nfunc f() { rdb.LPush(context.Background(), queue, id) }",
		"a.go:env":           "package m\n\nfunc f() {\n\tqueue := cmp.Or(os.Getenv(\"QUEUE\"), \"emails\")\n\trdb.BRPop(ctx, wait, queue)\n}",
		"a.go:env function":  "package m\n\nvar queue = envOr(\"QUEUE\", \"emails\")\n\nfunc f() { rdb.BLMove(ctx, queue, processing, \"RIGHT\", \"LEFT\", 0) }",
		"a.rb:constant":      "QUEUE = 'emails'.freeze\nredis.brpop(QUEUE, timeout: 5)",
		"a.rb:env":           "redis.brpop(ENV.fetch('QUEUE', 'emails'), timeout: 5)",
		"a.rb:env block":     "QUEUE = ENV.fetch('QUEUE') { 'emails' }\nredis.brpop(Mail::QUEUE)",
		"a.rb:instance":      "@queue = ENV['QUEUE'] || 'emails'\nredis.brpop(@queue)",
		"a.py:constant":      "QUEUE = \"emails\"  # of mails\nr.brpop(QUEUE, timeout=5)",
		"a.py:typed":         "QUEUE: str = os.environ.get(\"QUEUE\", \"emails\")\nr.brpop([QUEUE], 5)",
		"a.py:env":           "r.brpop(os.getenv('QUEUE') or 'emails', 5)",
		"a.py:self":          "self.queue = 'emails'\nr.lpush(self.queue, json.dumps({'id': id}))",
	} {
		file, _, _ := strings.Cut(name, ":")
		if r := initial.Look(repository(file, text)); r.Queue != "emails" || len(r.Unresolved) != 0 || len(r.Seen) != 1 {
			t.Errorf("%s: queue %q, unresolved %v, in %v, of\n%s", name, r.Queue, r.Unresolved, r.Seen, text)
		}
	}
}

func TestWhatCannotBeResolvedIsNamedWithItsPlace(t *testing.T) {
	t.Parallel()
	at := func(what, expr string, line int) []initial.Unresolved {
		return []initial.Unresolved{{What: what, Expr: expr, File: "a.js", Line: line}}
	}
	for text, want := range map[string][]initial.Unresolved{
		"import { QUEUE } from './names'\n\nredis.brpop(QUEUE, 5)":             at("queue", "QUEUE", 3),
		"redis.brpop(process.env.QUEUE, 5)":                                    at("queue", "process.env.QUEUE", 1),
		"redis.brpop(process.env['QUEUE'], 5)":                                 at("queue", "process.env['QUEUE']", 1),
		"let q = 'a'\nif (x) q = 'b'\nredis.lpush(q, id)":                      at("queue", "q", 3),
		"redis.lpush('mails:' + tenant, id)":                                   at("queue", "an expression", 1),
		"redis.lpush(`mails:${tenant}`, id)":                                   at("queue", "an expression", 1),
		"redis.lpush('redis://:hunter2@db' + x, id)":                           at("queue", "an expression", 1),
		"redis.brpop(q, 0)\nredis.brpop('emails', 0)\nredis.publish(c, m)":     at("channel", "c", 3),
		"redis.brpop(names[0], 0)\nredis.publish(names.updates, m)":            append(at("queue", "names[0]", 1), at("channel", "names.updates", 2)...),
		"stack.push(q); const log = 'x'; log.publish":                          nil,
		"if (q == 'a' || q === 'b') {}\nconst f = q => 'c'\nredis.brpop(q, 0)": at("queue", "q", 3),
		"redis.lpush(queue, 'job-1')":                                          at("queue", "queue", 1),
		"const q = q2\nconst q2 = q\nredis.brpop(q, 0)":                        at("queue", "q", 3),
	} {
		r := initial.Look(repository("a.js", text))
		if diff := cmp.Diff(want, r.Unresolved); diff != "" {
			t.Errorf("%s\n(-want +got):\n%s", text, diff)
		}
		for _, line := range r.Names() {
			if strings.Contains(line, "hunter2") {
				t.Errorf("%s: %s", text, line)
			}
		}
	}
}

// The queues of libraries are found in the same way.
func TestTheQueueOfALibraryIsFoundBehindAConstant(t *testing.T) {
	t.Parallel()
	const bull = `{"dependencies": {"bullmq": "^5"}}`
	for text, want := range map[string]string{
		"new Worker(process.env.QUEUE ?? 'mails', send, { connection })": "mails",
		"const QUEUE_NAME = 'mails';\nnew Queue<Mail>(QUEUE_NAME)":       "mails",
		"import { QUEUE } from './q';\nnew Worker(QUEUE, send)":          "",
	} {
		r := initial.Look(repository("package.json", bull, "w.ts", text))
		if r.JobQueue != want || (want == "") != (len(r.Unresolved) == 1) {
			t.Errorf("%s: %q, %v", text, r.JobQueue, r.Unresolved)
		}
	}
	for options, want := range map[string]string{"queue: :mail, retry: 3": "mail", "queue: 'mail'": "mail", "retry: 3, queue: QUEUE": "mail", "queue: other": ""} {
		r := initial.Look(repository("Gemfile", "gem 'sidekiq'\n", "job.rb", "class HardJob\n  include Sidekiq::Job\n  QUEUE = 'mail'\n  sidekiq_options "+options+"\nend\n"))
		if r.JobQueue != want {
			t.Errorf("%s: %q, want %q", options, r.JobQueue, want)
		}
	}
}

// Whatever is in a source, looking at it ends, and what is found stands in it.
func TestAnyTextCanBeLookedAt(t *testing.T) {
	t.Parallel()
	part := rapid.SampledFrom([]string{
		"redis.brpop(", "lpush(", "publish(", "Q", "q", "'", `"`, "`", "(", ")", "[", "]", "{", "}", ",", ";", "\n", " = ", ": ", "||", "process.env.Q", "emails", "ctx", "0", "=>", "ß",
	})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(part, 0, 40).Draw(t, "parts"), "")
		r := initial.Look(repository("a.js", text))
		for _, name := range []string{r.Queue, r.Channel} {
			if name != "" && !strings.Contains(text, name) {
				t.Fatalf("%q shows %q", text, name)
			}
		}
		for _, u := range r.Unresolved {
			if u.Line < 1 || u.Line > 1+strings.Count(text, "\n") || u.Expr != "an expression" && !strings.Contains(text, u.Expr) {
				t.Fatalf("%q shows %+v", text, u)
			}
		}
	})
}
