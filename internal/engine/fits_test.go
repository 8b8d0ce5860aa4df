package engine_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/draw"
)

// runOn runs a scenario on a separate Redis with these settings.
func runOn(t *testing.T, s scenario.Scenario, cfg jobqueue.Config, args ...string) (*result.Result, error) {
	t.Helper()
	server := redistest.Process(t, args...)
	cfg.URL = server.URL()
	cfg.Queue, cfg.Channel = runname.Of("fits")
	c, err := jobqueue.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return engine.Run(t.Context(), s, c, engine.Options{})
}

// sized are payloads of one size.
func sized(t *testing.T, bytes int) draw.Size {
	t.Helper()
	size, err := draw.ParseSize(strconv.Itoa(bytes))
	if err != nil {
		t.Fatal(err)
	}
	return size
}

func hintOf(err error) string {
	for err != nil {
		if h, ok := err.(interface{ Hint() string }); ok {
			return h.Hint()
		}
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			for _, one := range e.Unwrap() {
				if h := hintOf(one); h != "" {
					return h
				}
			}
			return ""
		default:
			return ""
		}
	}
	return ""
}

func TestAJobThatIsLargerThanTheServerTakesIsRefusedBeforeTheRun(t *testing.T) {
	t.Parallel()
	drawn, err := draw.ParseSize("99%:10,1%:3MiB")
	if err != nil {
		t.Fatal(err)
	}
	small := scenario.Scenario{Name: "fits", Load: scenario.Load{InFlight: 2, Jobs: 8}}
	for _, row := range []struct {
		name   string
		change func(*scenario.Scenario)
		design jobqueue.Design
		args   []string
		want   []string // none: it runs
	}{
		{"a value", func(s *scenario.Scenario) { s.SetPayload(sized(t, 2<<20)) }, jobqueue.List,
			[]string{"--proto-max-bulk-len", "1mb"}, []string{"2.0 MiB", "at most 1 MiB (proto-max-bulk-len)"}},
		{"a buffer", func(s *scenario.Scenario) { s.SetPayload(sized(t, 4<<20)) }, jobqueue.Stream,
			[]string{"--client-query-buffer-limit", "1mb"}, []string{"4.0 MiB", "client-query-buffer-limit"}},
		{"the largest that is drawn", func(s *scenario.Scenario) { s.SetPayload(drawn) }, jobqueue.ReliableList,
			[]string{"--proto-max-bulk-len", "2mb", "--client-query-buffer-limit", "1mb"}, []string{"3.0 MiB", "proto-max-bulk-len", "client-query-buffer-limit"}},
		{"a push of several", func(s *scenario.Scenario) { s.SetPayload(sized(t, 1<<20)); s.Batch, s.Load.InFlight = 8, 8 }, jobqueue.List,
			[]string{"--maxmemory", "8mb"}, []string{"maxmemory 8 MiB"}},
		{"a push of several that each fit", func(s *scenario.Scenario) { s.SetPayload(sized(t, 600<<10)); s.Batch, s.Load.InFlight = 4, 4 }, jobqueue.List,
			[]string{"--proto-max-bulk-len", "1mb", "--client-query-buffer-limit", "1mb"}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := small
			s.Design = row.design
			row.change(&s)
			res, err := runOn(t, s, jobqueue.Config{Design: row.design}, row.args...)
			if len(row.want) == 0 {
				if err != nil || res.Ledger.Lost != 0 {
					t.Errorf("Run = %v, want every job to arrive", err)
				}
				return
			}
			if err == nil || res != nil {
				t.Fatalf("Run = %v, %v, want no result and an error", res, err)
			}
			for _, want := range row.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Run = %v, want %q in it", err, want)
				}
			}
			if hintOf(err) == "" {
				t.Errorf("Run = %v without a hint", err)
			}
		})
	}
}

func TestASizeThatOnlyTheRunFindsOutNamesTheSettings(t *testing.T) {
	t.Parallel()
	for _, design := range []jobqueue.Design{jobqueue.List, jobqueue.Stream} {
		for _, limit := range []string{"--proto-max-bulk-len", "--client-query-buffer-limit"} {
			t.Run(string(design)+" "+limit, func(t *testing.T) {
				t.Parallel()
				s := scenario.Scenario{Name: "fits", Design: design, Load: scenario.Load{InFlight: 1, Jobs: 2}, DrainTimeout: time.Second}
				s.SetPayload(sized(t, 4<<20))
				r, err := runOn(t, s, jobqueue.Config{Design: design}, limit, "1mb", "--rename-command", "CONFIG", "")
				hint := hintOf(err)
				if err == nil { // the server closed the connection, and another was opened
					hint = strings.Join(r.Warnings, "\n")
				}
				if !strings.Contains(hint, strings.TrimPrefix(limit, "--")) || !strings.Contains(hint, "4194") {
					t.Errorf("Run = %v with the hint %q, want the setting and the size in it", err, hint)
				}
			})
		}
	}
}
