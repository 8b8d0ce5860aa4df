package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// config is the environment, read once. README.md lists the variables.
type config struct {
	DatabaseURL, RedisURL string
	Listen                string
	Queue, Channel        string // empty means jobqueue's defaults
	Pool, Workers         int
	Work                  time.Duration
	Sweep, Stale          time.Duration
}

// readConfig reports every wrong variable at once.
func readConfig(getenv func(string) string) (config, error) {
	var wrong []error
	text := func(name, byDefault string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return byDefault
	}
	required := func(name string) string {
		if getenv(name) == "" {
			wrong = append(wrong, fmt.Errorf("%s is not set", name))
		}
		return getenv(name)
	}
	count := func(name, byDefault string) int {
		n, err := strconv.Atoi(text(name, byDefault))
		if err != nil || n < 1 {
			wrong = append(wrong, fmt.Errorf("%s=%s: want a number of at least 1", name, getenv(name)))
		}
		return n
	}
	duration := func(name, byDefault string) time.Duration {
		d, err := time.ParseDuration(text(name, byDefault))
		if err != nil || d < 0 {
			wrong = append(wrong, fmt.Errorf("%s=%s: want a duration such as 500ms or 10s", name, getenv(name)))
		}
		return d
	}
	c := config{
		DatabaseURL: required("DATABASE_URL"),
		RedisURL:    required("REDIS_URL"),
		Listen:      text("LISTEN", "127.0.0.1:3000"),
		Queue:       getenv("QUEUE"),
		Channel:     getenv("CHANNEL"),
		Pool:        count("POOL", "10"),
		Workers:     count("WORKERS", "8"),
		Work:        duration("WORK", "5ms"),
		Sweep:       duration("SWEEP", "10s"),
		Stale:       duration("STALE", "1m"),
	}
	return c, errors.Join(wrong...)
}
