// Package target chooses the Redis that a verb uses: an existing one named by its
// URL, or one that is started. It reads and checks the flags that say so, and dials
// nothing.
package target

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/mattn/go-shellwords"

	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
)

// Redis says which Redis a verb uses. Its fields are the values of the flags.
type Redis struct {
	Source, Args, Image string
	CACert, Cert, Key   string
	SkipVerify          bool

	set    *flags.Set
	getenv func(string) string
}

// Names are the flags of [Declare].
func Names() []string {
	return []string{"redis", "redis-args", "image", "cacert", "cert", "key", "tls-skip-verify"}
}

// Declare declares the flags for a Redis that is used or started.
func Declare(set *flags.Set, getenv func(string) string) *Redis {
	r := &Redis{Source: "auto", set: set, getenv: getenv}
	set.Group("Redis")
	set.Text(&r.Source, "redis", "u", "Redis under test: a `URL` (redis://, rediss:// or unix://), or auto, process, sentinel, cluster, docker or embedded to start one "+
		"(default auto: REDIS_URL if set, otherwise the first of process, docker and embedded that is available)")
	set.Text(&r.Args, "redis-args", "", "extra `ARGS` for the redis-server that is started, as one string, e.g. '--appendonly yes'")
	set.Text(&r.Image, "image", "", "container `IMAGE` for --redis docker")
	r.declareTLS()
	return r
}

// DeclareExisting declares the flags for a Redis that exists.
func DeclareExisting(set *flags.Set, getenv func(string) string) *Redis {
	r := &Redis{Source: "auto", set: set, getenv: getenv}
	set.Group("Redis")
	set.Text(&r.Source, "redis", "u", "Redis `URL`: redis://, rediss://, unix://, or that of a sentinel or cluster (default REDIS_URL)")
	r.declareTLS()
	return r
}

func (r *Redis) declareTLS() {
	r.set.Text(&r.CACert, "cacert", "", "PEM `FILE` with the certificate authority to trust (rediss:// only)")
	r.set.Text(&r.Cert, "cert", "", "PEM `FILE` with the client certificate (rediss:// only)")
	r.set.Text(&r.Key, "key", "", "PEM `FILE` with the key of --cert")
	r.set.Completes(flags.Files, "cacert", "cert", "key")
	r.set.Switch(&r.SkipVerify, "tls-skip-verify", "", "do not verify the server's certificate (rediss:// only); the connection is still encrypted")
}

// IsURL reports whether the source is a URL and not a kind of Redis to start.
func IsURL(source string) bool {
	switch source {
	case "", "auto", "process", "sentinel", "cluster", "docker", "embedded":
		return false
	}
	return true
}

// URL is that of the Redis if it exists, and otherwise the source.
func (r *Redis) URL() string {
	if url := r.getenv("REDIS_URL"); r.Source == "auto" && IsURL(url) {
		return url
	}
	return r.Source
}

// Exists reports whether the Redis exists already.
func (r *Redis) Exists() bool { return IsURL(r.URL()) }

// Options are those to start the Redis with, checked. They write to log.
func (r *Redis) Options(log func(line string)) (redisserver.Options, error) {
	o := redisserver.Options{Source: r.Source, Image: r.Image, Getenv: r.getenv}
	var err error
	if o.Args, err = r.splitArgs(); err != nil {
		return o, err
	}
	switch {
	case len(o.Args) > 0 && (IsURL(o.Source) || o.Source == "embedded"):
		return o, &problem.Hinted{
			What:   r.set.Source("redis-args") + ": no redis-server is started that could take them",
			Remedy: "add --redis process or --redis docker",
		}
	case o.Source != "docker" && r.set.Written("image"):
		return o, &problem.Hinted{What: "--image requires --redis docker", Remedy: "add --redis docker"}
	case r.Exists():
		if _, err := r.address(o); err != nil {
			return o, err
		}
	}
	if o.Source != "docker" {
		o.Image = "" // of the environment, for when it is wanted
	}
	o.Log = log
	return o, nil
}

// address checks the URL of an existing Redis and returns its address without
// secrets.
func (r *Redis) address(o redisserver.Options) (string, error) {
	s, err := redisserver.Start(context.Background(), o) // does not dial a URL
	if err != nil {
		return "", err
	}
	if err := redisconn.CheckURL(s.URL()); err != nil {
		if !IsURL(o.Source) {
			err = fmt.Errorf("REDIS_URL: %w", err)
		}
		return "", err
	}
	return s.Address(), s.Close()
}

// Shown is the Redis in words without secrets.
func (r *Redis) Shown() string {
	if !r.Exists() {
		return r.Source
	}
	if address, err := r.address(redisserver.Options{Source: r.Source, Getenv: r.getenv}); err == nil {
		return address
	}
	return "url"
}

// splitArgs splits --redis-args as a shell would, without doing anything else that a
// shell does.
func (r *Redis) splitArgs() ([]string, error) {
	if r.Args == "" {
		return nil, nil
	}
	shell := shellwords.NewParser()
	args, err := shell.Parse(r.Args)
	switch {
	case err != nil:
		return nil, &problem.Hinted{What: fmt.Sprintf("%s: %q: a quote or a bracket is not closed", r.set.Source("redis-args"), r.Args)}
	case shell.Position >= 0:
		return nil, &problem.Hinted{What: fmt.Sprintf("%s: %q: ; & | < and > must be quoted", r.set.Source("redis-args"), r.Args)}
	}
	return args, nil
}

// Existing finds the Redis of a verb that needs one that exists, without dialling it.
func (r *Redis) Existing() (url, address string, problems problem.List) {
	const name = "name it with --redis redis://localhost:6379, or in REDIS_URL"
	from := r.set.Source("redis")
	url = r.Source
	if url == "" || url == "auto" {
		url, from = r.getenv("REDIS_URL"), "REDIS_URL"
	}
	problems = r.Problems()
	switch {
	case url == "":
		return "", "", append(problems, problem.Problem{What: "no Redis is named", Hint: name})
	case !IsURL(url):
		return "", "", append(problems, problem.Problem{What: fmt.Sprintf("%s: %q starts a Redis for one run, and this command needs an existing Redis", from, url), Hint: name})
	}
	s, err := redisserver.Start(context.Background(), redisserver.Options{Source: url, Getenv: r.getenv})
	if err != nil {
		return "", "", append(problems, problem.Of(err))
	}
	if err := redisconn.CheckURL(s.URL()); err != nil {
		return "", "", append(problems, problem.Problem{What: from + ": " + err.Error()})
	}
	problems.Err(s.Close())
	return url, s.Address(), problems
}

// Problems checks the files for TLS as far as possible without a server. Variables
// may stay set while another Redis is used; flags may not.
func (r *Redis) Problems() (problems problem.List) {
	tls := strings.HasPrefix(r.URL(), "rediss")
	for _, file := range []struct{ flag, name string }{{"cacert", r.CACert}, {"cert", r.Cert}, {"key", r.Key}} {
		switch {
		case !r.set.Given(file.flag):
		case !tls && r.set.Written(file.flag):
			problems = append(problems, needsTLS(file.flag))
		case tls:
			f, err := os.Open(file.name)
			if err != nil {
				problems.Add(fmt.Sprintf("%s: %v", r.set.Source(file.flag), err), "")
				continue
			}
			f.Close()
		}
	}
	if r.SkipVerify && r.set.Written("tls-skip-verify") && !tls {
		problems = append(problems, needsTLS("tls-skip-verify"))
	}
	if r.set.Given("cert") != r.set.Given("key") {
		problems.Add("--cert and --key go together, and only one is given", "")
	}
	return problems
}

func needsTLS(flag string) problem.Problem {
	return problem.Problem{What: fmt.Sprintf("--%s requires a rediss:// URL", flag), Hint: "name the Redis with --redis rediss://…"}
}

// Config completes how to connect to the server at the URL. The variables for TLS may
// stay set for another one.
func (r *Redis) Config(c jobqueue.Config, url string) jobqueue.Config {
	c.URL = url
	if strings.HasPrefix(url, "rediss") {
		c.CACert, c.Cert, c.Key, c.SkipVerify = r.CACert, r.Cert, r.Key, r.SkipVerify
	}
	return c
}
