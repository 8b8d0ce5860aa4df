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

// arrows lists, package by package, which other packages of the project it may
// import, and which modules apart from the standard library. A package that is not
// listed fails the test: list it.
var arrows = map[string]struct{ rooms, modules []string }{
	// What users import.
	"": {rooms: []string{"scenario", "result", "jobqueue", "internal/engine"}},
	"scenario": {
		rooms:   []string{"jobqueue", "scenario/draw", "scenario/pace", "internal/literal", "internal/mask", "internal/metric", "internal/threshold", "internal/nearest", "internal/number", "internal/latency", "internal/updates"},
		modules: []string{"github.com/goccy/go-yaml"},
	},
	"scenario/pace":         {},
	"scenario/draw":         {},
	"result":                {rooms: []string{"scenario", "internal/latency", "internal/ledger", "internal/metric", "internal/number"}},
	"report":                {rooms: []string{"result", "internal/render", "internal/store"}},
	"jobqueue":              {rooms: []string{"internal/glob", "internal/lane", "internal/ring", "internal/jsonscan", "internal/nearest", "internal/census", "internal/redisconn", "internal/redisfacts", "internal/resp"}, modules: []string{"github.com/redis/go-redis/v9"}},
	"jobqueue/memory":       {rooms: []string{"jobqueue", "internal/lane", "internal/ring"}},
	"redisserver":           {rooms: []string{"internal/container", "internal/mask", "internal/privateserver", "internal/problem", "internal/redisconn", "internal/resp", "internal/serverstart"}, modules: []string{"github.com/alicebob/miniredis/v2", "golang.org/x/sys"}},
	"redisserver/redistest": {rooms: []string{"redisserver", "jobqueue", "internal/runname", "internal/servertest"}},
	"queuetest":             {rooms: []string{"internal/publishpop", "jobqueue", "scenario", "result", "internal/capacity", "internal/engine", "internal/metric", "internal/study", "internal/threshold"}},
	"worker":                {rooms: []string{"jobqueue", "scenario/draw", "internal/publishpop", "internal/redisconn", "internal/reconnect", "internal/waiter"}, modules: []string{"golang.org/x/sys"}},
	"cmd/queuedyno": {
		rooms: []string{
			"", "jobqueue", "postgresserver", "redisserver", "scenario", "scenario/draw", "scenario/pace", "result", "worker",
			"internal/announced", "internal/capacity", "internal/compare", "internal/console", "internal/dialect", "internal/dialect/library", "internal/doctor", "internal/engine", "internal/fault", "internal/flags", "internal/fleet", "internal/flight", "internal/github", "internal/hoststat", "internal/initial", "internal/interrupt", "internal/latency", "internal/literal", "internal/live", "internal/metric",
			"internal/manpage", "internal/number", "internal/observe", "internal/outcome", "internal/override", "internal/paired", "internal/probe", "internal/problem", "internal/render", "internal/startedworker", "internal/store",
			"internal/checkpoint", "internal/rowfile", "internal/rowlength", "internal/ledger", "internal/meeting", "internal/merge", "internal/shard", "internal/study", "internal/target", "internal/telemetry", "internal/threshold", "internal/usage", "internal/validity", "internal/verify", "internal/waiter", "internal/watch", "internal/workergroup", "internal/updates", "internal/census", "internal/redisconn", "internal/runname", "internal/nearest", "internal/stopreason", "internal/webpage",
		},
		modules: []string{"github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/mattn/go-shellwords", "golang.org/x/sys"},
	},

	// What the command is made of: flags, the terminal, exit codes.
	"internal/problem":       {},
	"internal/manpage":       {},
	"internal/console":       {rooms: []string{"internal/problem"}, modules: []string{"golang.org/x/term"}},
	"internal/flags":         {rooms: []string{"internal/literal", "internal/nearest", "internal/problem", "internal/wrap"}, modules: []string{"github.com/spf13/pflag"}},
	"internal/override":      {rooms: []string{"scenario", "scenario/pace", "internal/flags", "internal/literal", "internal/problem", "internal/threshold"}},
	"internal/target":        {rooms: []string{"scenario", "jobqueue", "postgresserver", "redisserver", "internal/fault", "internal/flags", "internal/netfault", "internal/postgres", "internal/problem", "internal/redisconn", "internal/serverstart"}, modules: []string{"github.com/mattn/go-shellwords"}},
	"internal/interrupt":     {rooms: []string{"internal/console"}},
	"internal/github":        {rooms: []string{"internal/console", "internal/outcome", "internal/problem"}},
	"internal/outcome":       {rooms: []string{"internal/rowlength", "scenario", "result", "internal/console", "internal/flags", "internal/flight", "internal/ledger", "internal/number", "internal/observe", "internal/problem", "internal/stopreason", "internal/store"}, modules: []string{"golang.org/x/sys"}},
	"internal/initial":       {},
	"internal/doctor":        {rooms: []string{"internal/announced", "internal/dialect/library", "internal/wrap", "internal/apiclient", "internal/browser", "internal/flight", "internal/jobtable", "internal/mask", "internal/postgres", "internal/updates", "jobqueue", "result", "scenario", "scenario/pace", "internal/engine", "internal/hoststat", "internal/latency", "internal/literal", "internal/number", "internal/probe", "internal/problem", "internal/redisconn", "internal/redisfacts", "internal/usage", "internal/validity", "internal/waiter"}},
	"internal/startedworker": {rooms: []string{"jobqueue", "result", "internal/console", "internal/engine", "internal/fault", "internal/flags", "internal/mask", "internal/number", "internal/problem", "internal/census", "internal/redisconn", "internal/workergroup"}},

	// A run: its jobs, what is measured and judged, and what drives it.
	"internal/flight":       {rooms: []string{"jobqueue", "scenario", "scenario/draw", "scenario/pace", "internal/dialect", "internal/dialect/library"}},
	"internal/engine":       {rooms: []string{"internal/announced", "internal/joinrows", "internal/thin", "internal/problem", "internal/line", "internal/dialect", "internal/dialect/library", "internal/rowlength", "internal/fault", "internal/recovery", "internal/publishpop", "internal/waiter", "internal/pause", "internal/plan", "internal/silence", "internal/token", "internal/apiclient", "internal/browser", "internal/endpoint", "internal/idmatch", "internal/jobtable", "jobqueue/memory", "internal/number", "jobqueue", "scenario", "scenario/pace", "result", "internal/flight", "internal/hoststat", "internal/latency", "internal/ledger", "internal/level", "internal/metric", "internal/observe", "internal/probe", "internal/record", "internal/ring", "internal/stationarity", "internal/threshold", "internal/usage", "internal/validity", "internal/gate", "internal/stopreason", "internal/stuck", "internal/updates", "internal/reconnect", "internal/redisconn", "internal/redisfacts", "internal/resp", "internal/runname", "internal/shard"}},
	"internal/joinrows":     {rooms: []string{"result"}},
	"internal/rowlength":    {rooms: []string{"scenario"}},
	"internal/rowfile":      {rooms: []string{"internal/latency", "internal/render", "internal/rowlength"}},
	"internal/checkpoint":   {rooms: []string{"result"}},
	"internal/fault":        {rooms: []string{"scenario"}},
	"internal/recovery":     {},
	"internal/thin":         {},
	"internal/token":        {rooms: []string{"internal/ring", "internal/waiter"}},
	"internal/pause":        {rooms: []string{"scenario"}},
	"internal/plan":         {rooms: []string{"internal/flight", "scenario", "scenario/pace"}},
	"internal/silence":      {},
	"internal/stuck":        {},
	"internal/latency":      {rooms: []string{"internal/metric"}, modules: []string{"github.com/HdrHistogram/hdrhistogram-go"}},
	"internal/ledger":       {},
	"internal/metric":       {rooms: []string{"internal/ledger", "internal/nearest"}},
	"internal/threshold":    {rooms: []string{"internal/metric"}},
	"internal/gate":         {rooms: []string{"result", "internal/metric", "internal/number", "internal/threshold"}},
	"internal/stopreason":   {rooms: []string{"result"}},
	"internal/usage":        {rooms: []string{"result"}},
	"internal/record":       {rooms: []string{"scenario", "result", "internal/flight", "internal/latency", "internal/metric", "internal/number", "internal/observe", "internal/recovery", "internal/thin"}},
	"internal/level":        {},
	"internal/live":         {rooms: []string{"result", "internal/joinrows", "internal/literal", "internal/metric", "internal/problem", "internal/webpage"}},
	"internal/validity":     {rooms: []string{"result", "scenario", "internal/hoststat", "internal/latency", "internal/ledger", "internal/metric", "internal/number", "internal/observe", "internal/probe", "internal/stopreason", "internal/usage"}},
	"internal/hoststat":     {rooms: []string{"result"}},
	"internal/probe":        {rooms: []string{"internal/latency", "internal/waiter"}},
	"internal/waiter":       {modules: []string{"golang.org/x/sys"}},
	"internal/stationarity": {},
	"internal/announced":    {rooms: []string{"internal/dialect", "internal/jsonscan", "internal/redisconn", "internal/updates", "jobqueue"}},
	"internal/observe":      {rooms: []string{"jobqueue", "result", "internal/updates"}},
	"internal/telemetry": {
		rooms:   []string{"internal/literal", "result", "internal/latency", "internal/ledger", "internal/metric"},
		modules: []string{"github.com/go-logr/logr", "github.com/prometheus/client_golang", "github.com/prometheus/client_model", "go.opentelemetry.io/contrib/bridges/prometheus", "go.opentelemetry.io/otel"},
	},
	"internal/nearest":             {},
	"internal/number":              {},
	"internal/wrap":                {},
	"internal/parallel":            {},
	"internal/heat":                {rooms: []string{"internal/latency", "internal/metric"}},
	"internal/webpage":             {},
	"internal/webpage/webpagetest": {rooms: []string{"internal/servertest"}, modules: []string{"github.com/chromedp/chromedp", "github.com/chromedp/cdproto"}},
	"internal/ring":                {},
	"internal/lane":                {},
	"internal/publishpop":          {rooms: []string{"jobqueue"}},
	"internal/literal":             {rooms: []string{"internal/nearest"}},
	"internal/jsonscan":            {},
	"internal/glob":                {},
	"internal/updates":             {rooms: []string{"internal/glob", "internal/jsonscan", "internal/nearest", "jobqueue"}},
	"internal/census":              {rooms: []string{"internal/redisconn"}},
	"internal/redisconn":           {rooms: []string{"internal/mask", "internal/resp"}, modules: []string{"github.com/redis/go-redis/v9", "golang.org/x/sys"}},
	"internal/redisfacts":          {rooms: []string{"internal/redisconn"}},
	"internal/resp":                {},
	"internal/runname":             {rooms: []string{"jobqueue"}},
	"internal/reconnect":           {},
	"internal/mask":                {},
	"internal/netfault":            {modules: []string{"github.com/Shopify/toxiproxy/v2", "golang.org/x/sys"}},
	"internal/postgres":            {rooms: []string{"internal/mask"}, modules: []string{"github.com/jackc/pgx/v5"}},
	"internal/jobtable":            {rooms: []string{"internal/nearest", "internal/postgres"}},

	// What a run knows of libraries that keep their jobs in Redis.
	"internal/dialect":             {rooms: []string{"jobqueue"}},
	"internal/dialect/asynq":       {rooms: []string{"internal/dialect", "jobqueue"}, modules: []string{"google.golang.org/protobuf"}},
	"internal/dialect/bullmq":      {rooms: []string{"internal/dialect", "jobqueue"}},
	"internal/dialect/celery":      {rooms: []string{"internal/dialect", "internal/runname", "jobqueue"}},
	"internal/dialect/rq":          {rooms: []string{"internal/dialect", "jobqueue"}},
	"internal/dialect/sidekiq":     {rooms: []string{"internal/dialect", "jobqueue"}},
	"internal/dialect/dialecttest": {rooms: []string{"internal/dialect"}},
	"internal/dialect/library":     {rooms: []string{"internal/dialect", "internal/dialect/asynq", "internal/dialect/bullmq", "internal/announced", "internal/dialect/celery", "internal/dialect/rq", "internal/dialect/sidekiq", "internal/updates", "jobqueue", "scenario"}},

	// Shards of one load on several machines.
	"internal/shard":   {rooms: []string{"scenario", "scenario/pace", "internal/metric", "internal/threshold"}},
	"internal/meeting": {rooms: []string{"result", "scenario/pace", "internal/number", "internal/problem", "internal/redisconn"}, modules: []string{"github.com/redis/go-redis/v9"}},
	"internal/rowscan": {rooms: []string{"result"}},
	"internal/fleet":   {rooms: []string{"internal/jsonscan", "internal/problem"}},
	"internal/merge":   {rooms: []string{"internal/jsonscan", "internal/number", "internal/problem", "internal/rowlength", "internal/rowscan", "internal/joinrows", "result", "scenario", "internal/flight", "internal/gate", "internal/latency", "internal/ledger", "internal/record", "internal/stopreason", "internal/usage"}},

	// Servers to run against.
	"internal/serverstart":        {},
	"internal/privateserver":      {modules: []string{"golang.org/x/sys"}},
	"internal/container":          {rooms: []string{"internal/privateserver", "internal/serverstart"}, modules: []string{"github.com/testcontainers/testcontainers-go", "github.com/containerd/errdefs"}},
	"internal/servertest":         {rooms: []string{"internal/privateserver", "internal/serverstart"}},
	"internal/testprogram":        {},
	"postgresserver":              {rooms: []string{"internal/container", "internal/mask", "internal/postgres", "internal/privateserver", "internal/serverstart"}, modules: []string{"golang.org/x/sys"}},
	"postgresserver/postgrestest": {rooms: []string{"postgresserver", "internal/servertest"}},

	// The user's API: a client of it, and the WebSocket clients that it notifies.
	"internal/endpoint":  {rooms: []string{"internal/jsonscan", "internal/mask"}},
	"internal/apiclient": {rooms: []string{"internal/endpoint", "internal/jsonscan", "internal/updates"}},
	"internal/browser":   {rooms: []string{"internal/endpoint", "internal/jsonscan", "internal/reconnect", "internal/updates"}, modules: []string{"github.com/coder/websocket", "golang.org/x/sync"}},
	"internal/idmatch":   {},

	// Reports, and the directories that keep results.
	"internal/render": {
		rooms:   []string{"internal/dialect/library", "internal/joinrows", "jobqueue", "scenario", "result", "internal/capacity", "internal/compare", "internal/heat", "internal/latency", "internal/ledger", "internal/mask", "internal/metric", "internal/number", "internal/paired", "internal/queueing", "internal/study", "internal/threshold", "internal/usage", "internal/validity", "internal/stopreason", "internal/webpage", "internal/wrap"},
		modules: []string{"gonum.org/v1/plot"},
	},
	"internal/render/rendertest": {rooms: []string{"scenario", "scenario/pace", "result", "internal/capacity", "internal/compare", "internal/latency", "internal/ledger", "internal/metric", "internal/record", "internal/observe", "internal/paired", "internal/study", "internal/threshold", "internal/stopreason"}},
	"internal/store":             {rooms: []string{"result", "internal/capacity", "internal/compare", "internal/latency", "internal/render", "internal/study", "internal/stopreason"}},

	// What is made of runs, and the theory that it needs.
	"internal/capacity":    {rooms: []string{"internal/line", "internal/number"}},
	"internal/line":        {},
	"internal/queueing":    {rooms: []string{"internal/number"}},
	"internal/study":       {rooms: []string{"internal/number", "internal/problem", "jobqueue", "scenario", "scenario/pace", "result", "internal/capacity", "internal/engine", "internal/flight", "internal/latency", "internal/metric", "internal/queueing", "internal/stationarity", "internal/threshold", "internal/usage", "internal/validity", "internal/gate"}},
	"internal/paired":      {rooms: []string{"internal/number"}},
	"internal/compare":     {rooms: []string{"scenario", "result", "internal/metric", "internal/number", "internal/paired"}, modules: []string{"golang.org/x/perf"}},
	"internal/verify":      {rooms: []string{"internal/wrap", "internal/line", "internal/waiter", "jobqueue", "scenario", "scenario/pace", "result", "internal/engine", "internal/flight", "internal/latency", "internal/ledger", "internal/metric", "internal/queueing", "internal/updates", "internal/runname"}},
	"internal/watch":       {rooms: []string{"jobqueue", "internal/glob", "internal/line", "internal/nearest", "internal/latency", "internal/observe", "result", "internal/updates", "internal/reconnect"}},
	"internal/workergroup": {modules: []string{"golang.org/x/sys"}},
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
