package flight

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// sidekiqOn is a queue in memory under a name.
type sidekiqOn struct {
	*inMemory
	key string
}

type inMemory = memory.Queue

func (q sidekiqOn) Queue() string { return q.key }

func sidekiqScenario(payload int) scenario.Scenario {
	return scenario.Scenario{
		Name: "sidekiq", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 50}, External: true, DrainTimeout: time.Second,
		Dialect: "sidekiq", JobName: "HardJob", Payload: payload, Seed: 1,
	}.WithDefaults()
}

// sidekiqFormat is the format of a run.
func sidekiqFormat(t interface{ Fatal(...any) }, run uint64, payload int) *Format {
	s := sidekiqScenario(payload)
	sp := NewSpread(s)
	f, err := NewFormat(run, s, &sp, sidekiqOn{key: "queue:default"})
	if err != nil {
		t.Fatal(err)
	}
	return &f
}

func TestAJobOfSidekiqIsWrittenAsItsClientWritesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(1500 * time.Microsecond)
		for payload, args := range map[int]string{0: `"01234567-89ab-8cde-8000-000000000007"`, 3: `"01234567-89ab-8cde-8000-000000000007","` + filler(3) + `"`} {
			want := `{"retry":false,"queue":"default","class":"HardJob","args":[` + args +
				`],"jid":"0123456789ab000000000007","created_at":946684800.001500,"enqueued_at":946684800.001500}`
			f := sidekiqFormat(t, 0x0123456789abcde, payload)
			got := string(f.Append(nil, 7))
			if got != want || !json.Valid([]byte(got)) {
				t.Errorf("a payload of %d makes\n%s\nwant\n%s", payload, got, want)
			}
			if len(got) > f.Max {
				t.Errorf("%d bytes, and %d is said to be the largest", len(got), f.Max)
			}
		}
	})
}

func TestAJobOfSidekiqLeadsBackToItsNumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		run, n := rapid.Uint64Max(1<<60-1).Draw(t, "run"), rapid.Int64Range(0, MaxNumber).Draw(t, "number")
		f := sidekiqFormat(t, run, rapid.IntRange(0, 20).Draw(t, "payload"))
		element := f.Append(nil, n)
		id, got, o := f.Read(element)
		if o != Ours || got != n || string(id) != string(AppendJobID(nil, run, n)) {
			t.Fatalf("%s was read as %s, job %d, origin %d", element, id, got, o)
		}
		// Whatever byte is another, it is no job of ours or a damaged one.
		element[rapid.IntRange(0, len(element)-1).Draw(t, "at")]++
		if _, _, o := f.Read(element); o == Ours {
			t.Fatalf("%s was read as ours", element)
		}
	})
}

func TestJobsOfOthersInAQueueOfSidekiqAreTheirs(t *testing.T) {
	t.Parallel()
	f := sidekiqFormat(t, 0x0123456789abcde, 0)
	const tail = `"],"jid":"0123456789ab000000000007","created_at":946684800.001500,"enqueued_at":946684800.001500}`
	const head = `{"retry":false,"queue":"default","class":"HardJob","args":["`
	const id = "01234567-89ab-8cde-8000-000000000007"
	for name, row := range map[string]struct {
		element string
		want    Origin
	}{
		"ours":              {head + id + tail, Ours},
		"another argument":  {head + "4711" + tail, Foreign},
		"no argument":       {`{"retry":false,"queue":"default","class":"HardJob","args":[],"jid":"0"}`, Foreign},
		"another class":     {strings.Replace(head, "Hard", "Soft", 1) + id + tail, Foreign},
		"another run":       {head + "11234567-89ab-8cde-8000-000000000007" + tail, Foreign},
		"an id alone":       {id, Foreign},
		"nothing":           {"", Foreign},
		"cut off":           {head + id, Corrupt},
		"more arguments":    {head + id + `","x` + tail, Corrupt},
		"another jid":       {head + id + strings.Replace(tail, "7\"", "8\"", 1), Corrupt},
		"no moment":         {head + id + strings.ReplaceAll(tail, ".001500", ""), Corrupt},
		"something behind":  {head + id + tail + " ", Corrupt},
		"different moments": {head + id + strings.Replace(tail, ".001500", ".001501", 1), Corrupt},
	} {
		if _, _, o := f.Read([]byte(row.element)); o != row.want {
			t.Errorf("%s: origin %d, want %d", name, o, row.want)
		}
	}
}

func FuzzReadSidekiq(f *testing.F) {
	form := sidekiqFormat(f, 0x0123456789abcde, 3)
	f.Add(form.Append(nil, 7))
	f.Add([]byte(`{"retry":true,"queue":"default","class":"HardJob","args":["1"],"jid":"0"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, n, o := form.Read(b)
		if o == Ours && (string(id) != string(AppendJobID(nil, form.Run, n)) || !json.Valid(b)) {
			t.Errorf("%q was read as job %d", b, n)
		}
	})
}

func TestAJobOfSidekiqDoesNotAllocate(t *testing.T) {
	f := sidekiqFormat(t, 1<<59, 100)
	buf := make([]byte, 0, f.Max)
	if n := testing.AllocsPerRun(100, func() { buf = f.Append(buf[:0], 12345) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
