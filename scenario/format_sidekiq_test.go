package scenario

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// sidekiqOn is a queue in memory under a name.
type sidekiqOn struct {
	*inMemory
	key string
}

type inMemory = memory.Queue

func (q sidekiqOn) Queue() string { return q.key }

func sidekiqScenario(payload int) Scenario {
	return Scenario{
		Name: "sidekiq", Load: Load{Rate: pace.PerSecond(100), Jobs: 50}, External: true, DrainTimeout: time.Second,
		Elements: SidekiqElements, JobClass: "HardJob", Payload: payload, Seed: 1,
	}.WithDefaults()
}

// sidekiqFormat is the format of a run.
func sidekiqFormat(t interface{ Fatal(...any) }, run uint64, payload int) *format {
	s := sidekiqScenario(payload)
	sp := newSpread(s)
	f := newFormat(run, s, &sp)
	form, err := newSidekiqForm(s, sidekiqOn{key: "queue:default"})
	if err != nil {
		t.Fatal(err)
	}
	f.as(form)
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
			got := string(f.append(nil, 7))
			if got != want || !json.Valid([]byte(got)) {
				t.Errorf("a payload of %d makes\n%s\nwant\n%s", payload, got, want)
			}
			if len(got) > f.most {
				t.Errorf("%d bytes, and %d were said to be the most", len(got), f.most)
			}
		}
	})
}

func TestAJobOfSidekiqLeadsBackToItsNumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		run, n := rapid.Uint64Max(1<<60-1).Draw(t, "run"), rapid.Int64Range(0, maxNumber).Draw(t, "number")
		f := sidekiqFormat(t, run, rapid.IntRange(0, 20).Draw(t, "payload"))
		element := f.append(nil, n)
		id, got, o := f.read(element)
		if o != ours || got != n || string(id) != string(appendJobID(nil, run, n)) {
			t.Fatalf("%s was read as %s, job %d, origin %d", element, id, got, o)
		}
		// Whatever byte is another, it is no job of ours or a damaged one.
		element[rapid.IntRange(0, len(element)-1).Draw(t, "at")]++
		if _, _, o := f.read(element); o == ours {
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
		want    origin
	}{
		"ours":              {head + id + tail, ours},
		"another argument":  {head + "4711" + tail, foreign},
		"no argument":       {`{"retry":false,"queue":"default","class":"HardJob","args":[],"jid":"0"}`, foreign},
		"another class":     {strings.Replace(head, "Hard", "Soft", 1) + id + tail, foreign},
		"another run":       {head + "11234567-89ab-8cde-8000-000000000007" + tail, foreign},
		"an id alone":       {id, foreign},
		"nothing":           {"", foreign},
		"cut off":           {head + id, corrupt},
		"more arguments":    {head + id + `","x` + tail, corrupt},
		"another jid":       {head + id + strings.Replace(tail, "7\"", "8\"", 1), corrupt},
		"no moment":         {head + id + strings.ReplaceAll(tail, ".001500", ""), corrupt},
		"something behind":  {head + id + tail + " ", corrupt},
		"different moments": {head + id + strings.Replace(tail, ".001500", ".001501", 1), corrupt},
	} {
		if _, _, o := f.read([]byte(row.element)); o != row.want {
			t.Errorf("%s: origin %d, want %d", name, o, row.want)
		}
	}
}

func FuzzReadSidekiq(f *testing.F) {
	form := sidekiqFormat(f, 0x0123456789abcde, 3)
	f.Add(form.append(nil, 7))
	f.Add([]byte(`{"retry":true,"queue":"default","class":"HardJob","args":["1"],"jid":"0"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, n, o := form.read(b)
		if o == ours && (string(id) != string(appendJobID(nil, form.run, n)) || !json.Valid(b)) {
			t.Errorf("%q was read as job %d", b, n)
		}
	})
}

func TestAJobOfSidekiqDoesNotAllocate(t *testing.T) {
	f := sidekiqFormat(t, 1<<59, 100)
	buf := make([]byte, 0, f.most)
	if n := testing.AllocsPerRun(100, func() { buf = f.append(buf[:0], 12345) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTheJIDsOfARunDiffer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfNDistinct(rapid.Int64Range(0, maxNumber), 2, 2, rapid.ID).Draw(t, "numbers")
		a, b := appendJID(nil, 1<<59, numbers[0]), appendJID(nil, 1<<59, numbers[1])
		if string(a) == string(b) || len(a) != jidLen {
			t.Fatalf("jobs %d are %s and %s", numbers, a, b)
		}
	})
}

func TestWhatIsLeftInAQueueOfSidekiqIsKnownAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := sidekiqOn{memory.New(), "queue:mails"}
		p, err := q.OpenProducer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		theirs := `{"retry":false,"queue":"mails","class":"HardJob","args":["4711"],"jid":"a244c6c5eb6017dff55261c5","created_at":1795415735.4608576,"enqueued_at":1795415735.4608748}`
		if err := p.Push(t.Context(), []byte(theirs)); err != nil {
			t.Fatal(err)
		}
		r, err := Run(t.Context(), sidekiqScenario(10), q, Options{
			AllowNonEmpty: true, Shared: true, NoProbes: true,
			Waiter: func() (pace.Waiter, error) { return pace.NewCoarse(), nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := r.Ledger.LostByLeg[LegInQueue]; n != 50 || r.Ledger.Lost != 50 {
			t.Errorf("ledger %+v, want 50 jobs in the queue", r.Ledger)
		}
	})
}

func TestJobsOfSidekiqGoOnlyIntoItsQueues(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"job_queue", "queue:", ""} {
		if _, err := Run(t.Context(), sidekiqScenario(0), sidekiqOn{memory.New(), key}, Options{}); err == nil || !strings.Contains(err.Error(), "queue:default") {
			t.Errorf("key %q: %v, want an error that names queue:default", key, err)
		}
	}
	if _, err := Run(t.Context(), sidekiqScenario(0), memory.New(), Options{}); err == nil {
		t.Error("a queue without a name was taken")
	}
}

func TestWhatSidekiqDoesNotHaveIsRefused(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*Scenario){
		"elements":      func(s *Scenario) { s.External = false },
		"job_class":     func(s *Scenario) { s.JobClass = "" },
		"design":        func(s *Scenario) { s.Design = "stream" },
		"queues":        func(s *Scenario) { s.Queues = []int{1, 2} },
		"tenants.count": func(s *Scenario) { s.Tenants.Count = 2 },
	} {
		s := sidekiqScenario(0)
		if change(&s); len(s.Validate()) != 1 || s.Validate()[0].Field != field {
			t.Errorf("%s: %v", field, s.Validate())
		}
	}
	for class, good := range map[string]bool{
		"HardJob": true, "Mail::SendJob": true, "Job_2": true,
		"hardJob": false, "Mail::": false, `A","args":[]`: false, "Mail.Send": false, strings.Repeat("A", maxClass+1): false,
	} {
		s := sidekiqScenario(0)
		if s.JobClass = class; (len(s.Validate()) == 0) != good {
			t.Errorf("class %q: %v", class, s.Validate())
		}
	}
	s := sidekiqScenario(0)
	if s.Elements = PlainElements; len(s.Validate()) != 1 || s.Validate()[0].Field != "job_class" {
		t.Errorf("a class without Sidekiq: %v", s.Validate())
	}
	if s.Elements = "sidekik"; len(s.Validate()) == 0 || !strings.Contains(s.Validate()[0].Message, `did you mean "sidekiq"?`) {
		t.Errorf("a slip of the finger: %v", s.Validate())
	}
}
