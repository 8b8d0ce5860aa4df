package scenario_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/draw"
)

func TestEveryFieldReadsWhatItWrites(t *testing.T) {
	t.Parallel()
	all := samples()
	for _, f := range scenario.Fields() {
		if len(all[f.Key]) == 0 {
			t.Errorf("%s: no sample; add one", f.Key)
		}
		for _, text := range all[f.Key] {
			var s scenario.Scenario
			if err := f.Set(&s, text); err != nil {
				t.Errorf("%s: Set(%q): %v", f.Key, text, err)
				continue
			}
			if got := f.Get(s); got != text {
				t.Errorf("%s: Get() after Set(%q) = %q", f.Key, text, got)
			}
		}
		if got := f.Get(scenario.Scenario{}); got != "" && f.Key != "load.rate" {
			t.Errorf("%s: Get() of the zero scenario = %q, want nothing", f.Key, got)
		}
		delete(all, f.Key)
	}
	for key := range all {
		t.Errorf("%s: there is a sample and no field", key)
	}
}

func TestAFieldThatCannotReadLeavesTheScenarioAlone(t *testing.T) {
	t.Parallel()
	for key, text := range map[string]string{
		"load.rate": "fast", "load.steps": "30s", "load.replay.unit": "h", "load.replay.speed": "-1", "load.arrivals": "monthly", "load.duration": "0s",
		"load.jobs": "0", "producers": "some", "consumers": "-1", "payload": "1XB", "work.time": "soon", "work.fail": "120%", "work.running": "perhaps",
		"thresholds": "lost == 0,lsot == 1", "update": "id=", "design": "strem", "queues": "1,x", "tenants": "5:x", "prefill": "-1", "hold": "5s+x", "seed": "-1",
		"entry": "redis", "entry.postgres.table": "a b", "entry.postgres.connections": "0", "entry.http.method": "post", "entry.http.headers": "Accept: a\nAccept: b",
		"entry.http.status": "200,2", "exit": "http://127.0.0.1/", "exit.websocket.id": "",
	} {
		f := fieldOf(t, key)
		s := sound()
		if err := f.Set(&s, text); err == nil {
			t.Errorf("%s: Set(%q) = nil, want an error", key, text)
		}
		if diff := cmp.Diff(sound(), s); diff != "" {
			t.Errorf("%s: Set(%q) changed the scenario (-want +got):\n%s", key, text, diff)
		}
	}
}

// TestEveryFieldOfAScenarioIsInTheTable changes one field of a scenario after the
// other: some row of the table must see it.
func TestEveryFieldOfAScenarioIsInTheTable(t *testing.T) {
	t.Parallel()
	apart := map[string]bool{
		"Name":              true,                             // stands above the keys of a file
		"Shard":             true,                             // belongs to one run
		"Load.Replay.Times": true, "Load.Replay.Source": true, // what Open read
	}
	fields := scenario.Fields()
	texts := func(s scenario.Scenario) (all []string) {
		for _, f := range fields {
			all = append(all, f.Get(s))
		}
		return all
	}
	before := texts(scenario.Scenario{})
	var walk func(path string, index []int, of reflect.Type)
	walk = func(path string, index []int, of reflect.Type) {
		for i := range of.NumField() {
			one := of.Field(i)
			name, at := strings.TrimPrefix(path+"."+one.Name, "."), append(slices.Clone(index), i)
			if !one.IsExported() || apart[name] {
				continue
			}
			if one.Type.Kind() == reflect.Struct && one.Type.PkgPath() == of.PkgPath() {
				walk(name, at, one.Type)
				continue
			}
			var s scenario.Scenario
			fill(t, name, reflect.ValueOf(&s).Elem().FieldByIndex(at))
			if slices.Equal(before, texts(s)) {
				t.Errorf("Scenario.%s is in no row of the table", name)
			}
		}
	}
	walk("", nil, reflect.TypeFor[scenario.Scenario]())
}

// fill gives a field a value that is not zero.
func fill(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	switch v.Interface().(type) {
	case draw.Duration:
		d, _ := draw.ParseDuration("exp(5ms)")
		v.Set(reflect.ValueOf(d))
		return
	case draw.Size:
		d, _ := draw.ParseSize("1..9")
		v.Set(reflect.ValueOf(d))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(3 * time.Second))
	case reflect.Uint64:
		v.SetUint(3)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Slice:
		one := reflect.New(v.Type().Elem()).Elem()
		fill(t, name, one)
		v.Set(reflect.Append(v, one))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"x": "x"}))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(t, name, v.Field(i))
			}
		}
	default:
		t.Fatalf("%s: fill knows no %s; teach it", name, v.Type())
	}
}

// TestScenariosThatDifferDifferInAColumn holds that rows of summary.csv can be
// distinguished by what was run, whichever field it is in which the scenarios differ.
func TestScenariosThatDifferDifferInAColumn(t *testing.T) {
	t.Parallel()
	fields := scenario.Fields()
	row := func(s scenario.Scenario) (cells []string) {
		s = s.WithDefaults()
		for _, f := range fields {
			for _, c := range f.Columns {
				cells = append(cells, c.Name+"="+c.Cell(s))
			}
		}
		return cells
	}
	for _, f := range fields {
		if f.Describes {
			continue
		}
		seen := map[string]string{strings.Join(row(scenario.Scenario{Batch: 2, Load: scenario.Load{MaxInFlight: 9, InFlight: 70, Duration: time.Second}}), ","): "nothing"}
		for _, text := range samples()[f.Key] {
			s := scenario.Scenario{Batch: 2, Load: scenario.Load{MaxInFlight: 9, InFlight: 70, Duration: time.Second}}
			if err := f.Set(&s, text); err != nil {
				t.Fatal(err)
			}
			cells := strings.Join(row(s), ",")
			if other, is := seen[cells]; is && !isDefault(f.Key, text) {
				t.Errorf("%s: %s has the same cells as %s", f.Key, text, other)
			}
			seen[cells] = text
		}
	}
}

// isDefault reports whether the text is what a scenario has anyway.
func isDefault(key, text string) bool {
	return slices.Contains([]string{"load.rate=max", "design=list", "notify=pubsub", "load.arrivals=constant"}, key+"="+text)
}

// TestTheDocsListEveryField compares the table in docs/scenarios.md with the code.
// With -update it writes it.
func TestTheDocsListEveryField(t *testing.T) {
	t.Parallel()
	const name, head = "../docs/scenarios.md", "| key | flag | of | columns of summary.csv | what it is |\n|---|---|---|---|---|\n"
	var b strings.Builder
	code := func(text string) string {
		if text == "" {
			return ""
		}
		return "`" + text + "`"
	}
	for _, f := range scenario.Fields() {
		flag := ""
		if f.Flag != "" {
			flag = "--" + f.Flag
		}
		if f.Short != "" {
			flag = "-" + f.Short + ", " + flag
		}
		var columns []string
		for _, c := range f.Columns {
			columns = append(columns, code(c.Name))
		}
		usage := strings.NewReplacer("`", "", "\n", " ", "|", "\\|").Replace(f.Usage)
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code(f.Key), code(flag), strings.Join(f.Verbs, ", "), strings.Join(columns, ", "), usage)
	}
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), head)
	if !found {
		t.Fatalf("%s has no table that begins with\n%s", name, head)
	}
	end := len(rest)
	if i := strings.Index(rest, "\n\n"); i >= 0 {
		end = i + 1
	}
	if *update {
		if err := os.WriteFile(name, []byte(before+head+b.String()+rest[end:]), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(b.String(), rest[:end]); diff != "" {
		t.Errorf("the table of %s differs from the code; go test ./scenario -update writes it (-code +docs):\n%s", name, diff)
	}
}

var update = flag.Bool("update", false, "write the table in docs/scenarios.md")

// TestEveryFieldOfAFileComesBack writes each field to a file and reads it again.
func TestEveryFieldOfAFileComesBack(t *testing.T) {
	t.Parallel()
	around := map[string]func(*scenario.Scenario){
		"load.rate": func(s *scenario.Scenario) { s.Load.Arrivals = "" }, "load.in_flight": closed, "load.think": closed,
		"load.steps": varying, "load.replay": varying, "load.replay.file": varying,
		"load.replay.column": replaying, "load.replay.unit": replaying, "load.replay.spread": replaying, "load.replay.speed": replaying,
		"poll":       func(s *scenario.Scenario) { s.Design = "list-poll" },
		"visibility": func(s *scenario.Scenario) { s.Design = "stream" },
		"update":     func(s *scenario.Scenario) { s.External, s.Consumers, s.Work = true, 0, scenario.Work{} },
		"consumers":  func(s *scenario.Scenario) { s.Work = scenario.Work{} },
		"producers": func(s *scenario.Scenario) {
			*s = scenario.Scenario{Name: s.Name, Load: scenario.Load{Duration: time.Minute, Rate: s.Load.Rate}}
		},
		"dialect":   func(s *scenario.Scenario) { sidekiq(s); s.Dialect, s.JobName = "", "mail" },
		"job_name":  sidekiq,
		"job_args":  func(s *scenario.Scenario) { sidekiq(s); s.Dialect, s.JobName = "celery", "mail" },
		"hold.from": func(s *scenario.Scenario) { s.Hold.For = time.Second },
		"channels":  func(s *scenario.Scenario) { s.Tenants.Count = 3 },
		"notify":    func(s *scenario.Scenario) { s.Work.Running = false },
	}
	for key := range samples() {
		switch {
		case key == "entry":
			around[key] = func(s *scenario.Scenario) { s.External, s.Entry.Postgres.Table = true, "jobs" }
		case strings.HasPrefix(key, "entry.http."):
			around[key] = requested
		case strings.HasPrefix(key, "entry.postgres."):
			around[key] = func(s *scenario.Scenario) { s.Entry.Kind = scenario.EntryPostgres }
		case strings.HasPrefix(key, "exit.websocket."):
			around[key] = func(s *scenario.Scenario) { s.Exit.WebSocket.URL = "ws://127.0.0.1/" }
		}
	}
	for _, f := range scenario.Fields() {
		for _, text := range samples()[f.Key] {
			want := scenario.Scenario{Name: "a"}
			fieldOf(t, "load.rate").Set(&want, "500/s")
			want.Load.Duration = time.Minute
			if set := around[f.Key]; set != nil {
				set(&want)
			}
			if err := f.Set(&want, text); err != nil {
				t.Fatal(err)
			}
			if want.Load.Observed {
				want.Load.Rate = scenario.Load{}.Rate
			}
			switch {
			case f.Key == "dialect" && want.Dialect == "plain":
				want.JobName = ""
			case f.Key == "dialect" && want.Dialect == "sidekiq":
				want.JobName = "Mail"
			}
			if want.Load.Closed() {
				want.Load.MaxInFlight = 0
			}
			var b bytes.Buffer
			if err := scenario.Encode(&b, []scenario.Scenario{want}); err != nil {
				t.Errorf("%s: %s: Encode: %v", f.Key, text, err)
				continue
			}
			got, err := scenario.Parse("f", b.Bytes())
			if err != nil {
				t.Errorf("%s: %s: %v", f.Key, text, err)
			} else if diff := cmp.Diff(want, got[0]); diff != "" {
				t.Errorf("%s: %s comes back otherwise (-want +got):\n%s\nof\n%s", f.Key, text, diff, b.String())
			}
		}
	}
}

func closed(s *scenario.Scenario)    { s.Load.Rate = scenario.Load{}.Rate }
func varying(s *scenario.Scenario)   { s.Load = scenario.Load{} }
func replaying(s *scenario.Scenario) { s.Load = scenario.Load{Replay: scenario.Replay{File: "a.csv"}} }

// requested makes the jobs come in by HTTP.
func requested(s *scenario.Scenario) {
	s.External, s.Consumers, s.Work = true, 0, scenario.Work{}
	s.Entry.Kind, s.Entry.HTTP.URL = scenario.EntryHTTP, "http://127.0.0.1/"
}

func sidekiq(s *scenario.Scenario) {
	s.External, s.Dialect, s.JobName = true, "sidekiq", "HardJob"
}

func fieldOf(t *testing.T, key string) scenario.Field {
	t.Helper()
	i := slices.IndexFunc(scenario.Fields(), func(f scenario.Field) bool { return f.Key == key })
	if i < 0 {
		t.Fatalf("there is no field %s", key)
	}
	return scenario.Fields()[i]
}

func TestKeysFlagsAndColumnsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	once := func(kind, name, key string) {
		if other := seen[kind+name]; other != "" && name != "" {
			t.Errorf("%s %q is that of %s and of %s", kind, name, other, key)
		}
		seen[kind+name] = key
	}
	for _, f := range scenario.Fields() {
		once("key", f.Key, f.Key)
		once("flag", f.Flag, f.Key)
		once("letter", f.Short, f.Key)
		for _, c := range f.Columns {
			once("column", c.Name, f.Key)
		}
		if (f.Flag == "") != (len(f.Verbs) == 0) {
			t.Errorf("%s: the flag %q is one of the verbs %q", f.Key, f.Flag, f.Verbs)
		}
	}
}

func TestAFaultLeadsToTheFlagOfItsField(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"load.max_in_flight": "max-in-flight", "work.time": "work", "work.fail": "fail-rate", "tenants.count": "tenants", "hold.for": "hold",
		"thresholds[0]": "threshold", "load.replay.speed": "replay-speed", "load.replay.file": "replay", "job_name": "job-name", "work": "work", "name": "",
		"entry.http.connections": "entry-connections", "entry.postgres.connections": "entry-connections", "entry.http.url": "entry", "exit.websocket.status": "exit",
	} {
		if got := (scenario.Problem{Field: key}).Flag(); got != want {
			t.Errorf("Flag() of %q = %q, want %q", key, got, want)
		}
	}
}

// TestOneTextIsReadAlikeInAFileAndInAFlag: what a flag refuses a file refuses too, in
// the same words.
func TestOneTextIsReadAlikeInAFileAndInAFlag(t *testing.T) {
	t.Parallel()
	for key, text := range map[string]string{
		"payload": "1000GB", "design": "strem", "work: {time": "5", "work: {fail": "120%", "queues": "0", "tenants": "5:x", "hold": "soon", "warmup": "-1s",
	} {
		name := strings.ReplaceAll(key, ": {", ".")
		var s scenario.Scenario
		want := fieldOf(t, name).Set(&s, text)
		closing := strings.Repeat("}", strings.Count(key, "{"))
		_, got := scenario.Parse("f", fmt.Appendf(nil, "version: 1\nscenarios:\n  a:\n    load: {rate: 1}\n    %s: %s%s\n", key, text, closing))
		if want == nil || got == nil || !strings.Contains(got.Error(), want.Error()) {
			t.Errorf("%s: %s: the file says %v, the flag %v", name, text, got, want)
		}
	}
}
