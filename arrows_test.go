package queuedyno_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/queuedyno/queuedyno"

// arrows lists, room by room, which other rooms of the project it may import,
// and which modules beside the standard library. A room that is not listed has
// no say in how the project hangs together yet: list it.
var arrows = map[string]struct{ rooms, modules []string }{
	"":                      {},
	"jobqueue":              {modules: []string{"github.com/redis/go-redis/v9", "golang.org/x/sys"}},
	"jobqueue/memory":       {rooms: []string{"jobqueue"}},
	"redisserver":           {modules: []string{"github.com/testcontainers/testcontainers-go", "github.com/containerd/errdefs", "github.com/alicebob/miniredis/v2", "golang.org/x/sys"}},
	"redisserver/redistest": {rooms: []string{"redisserver", "jobqueue"}},
	"scenario": {
		rooms:   []string{"jobqueue", "scenario/draw", "scenario/pace", "scenario/latency", "scenario/gate", "scenario/validity", "scenario/strain", "scenario/probe", "scenario/steady", "scenario/observe"},
		modules: []string{"github.com/goccy/go-yaml"},
	},
	"scenario/pace":         {modules: []string{"golang.org/x/sys"}},
	"scenario/latency":      {modules: []string{"github.com/HdrHistogram/hdrhistogram-go"}},
	"scenario/draw":         {},
	"scenario/observe":      {rooms: []string{"jobqueue"}},
	"scenario/gate":         {},
	"scenario/gate/paired":  {},
	"scenario/steady":       {},
	"scenario/strain":       {},
	"scenario/queueing":     {},
	"scenario/capacity":     {},
	"scenario/study":        {rooms: []string{"jobqueue", "scenario", "scenario/capacity", "scenario/gate", "scenario/latency", "scenario/pace", "scenario/queueing", "scenario/steady", "scenario/validity"}},
	"scenario/comparison":   {rooms: []string{"scenario", "scenario/gate", "scenario/gate/paired"}, modules: []string{"golang.org/x/perf"}},
	"scenario/probe":        {rooms: []string{"scenario/latency", "scenario/pace"}},
	"scenario/validity":     {rooms: []string{"scenario/strain"}},
	"scenario/scenariotest": {rooms: []string{"jobqueue", "scenario"}},
	"verify":                {rooms: []string{"jobqueue", "scenario", "scenario/pace", "scenario/latency", "scenario/queueing", "scenario/gate"}},
	"report":                {rooms: []string{"jobqueue", "scenario", "scenario/comparison", "scenario/gate/paired", "scenario/capacity", "scenario/study", "scenario/queueing", "scenario/gate", "scenario/latency", "scenario/validity"}, modules: []string{"gonum.org/v1/plot"}},
	"watch":                 {rooms: []string{"jobqueue", "scenario/latency", "scenario/observe"}},
	"worker":                {rooms: []string{"jobqueue", "scenario/draw", "scenario/pace"}, modules: []string{"golang.org/x/sys"}},
	"workergroup":           {modules: []string{"golang.org/x/sys"}},
	"cmd/queuedyno": {
		rooms: []string{"", "workergroup", "jobqueue", "redisserver", "scenario", "scenario/capacity", "scenario/comparison", "scenario/gate/paired", "scenario/probe", "scenario/strain", "scenario/study", "scenario/draw", "scenario/gate", "scenario/pace", "scenario/validity", "report", "verify", "worker", "watch"},
		modules: []string{
			"github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/mattn/go-shellwords", "golang.org/x/term", "golang.org/x/sys",
		},
	},
}

func TestArrowsPointOneWay(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == "examples" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		room := filepath.ToSlash(filepath.Dir(path))
		if room == "." {
			room = ""
		}
		seen[room] = true
		may, listed := arrows[room]
		if !listed {
			t.Errorf("room %q is not listed in arrows", room)
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			inner, ours := strings.CutPrefix(name, module)
			first, _, _ := strings.Cut(name, "/")
			switch {
			case ours:
				if !slices.Contains(may.rooms, strings.TrimPrefix(inner, "/")) {
					t.Errorf("%s: %s may not import %s", path, room, name)
				}
			case strings.Contains(first, "."):
				if !slices.ContainsFunc(may.modules, func(m string) bool { return name == m || strings.HasPrefix(name, m+"/") }) {
					t.Errorf("%s: %s may not import %s", path, room, name)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for room := range arrows {
		if !seen[room] {
			t.Errorf("room %q is listed in arrows and does not exist", room)
		}
	}
}
