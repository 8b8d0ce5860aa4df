package jobqueue_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/queuedyno/queuedyno/jobqueue"
)

func TestEveryElementIsAJobForAWorker(t *testing.T) {
	t.Parallel()
	for element, want := range map[string]jobqueue.Element{
		`4711`:             {JobID: "4711", TenantID: "t1"},
		`{"jobId":"4711"}`: {JobID: "4711", TenantID: "t1"},
		` {"jobId":4711}`:  {JobID: "4711", TenantID: "t1"},
		`{"jobId":9007199254740993,"tenantId":7}`:           {JobID: "9007199254740993", TenantID: "7"},
		`{"jobId":"a","tenantId":"acme","payload":"x"}`:     {JobID: "a", TenantID: "acme"},
		`{"jobId":"a\"b","tenantId":""}`:                    {JobID: `a"b`, TenantID: "t1"},
		`{"jobId":"","tenantId":"acme"}`:                    {JobID: `{"jobId":"","tenantId":"acme"}`, TenantID: "t1"},
		`{"jobId":{"a":1},"tenantId":"acme"}`:               {JobID: `{"jobId":{"a":1},"tenantId":"acme"}`, TenantID: "t1"},
		`{"class":"Mail","jid":"b4a577edbccf1d805744efa9"}`: {JobID: `{"class":"Mail","jid":"b4a577edbccf1d805744efa9"}`, TenantID: "t1"},
		`{"jobId":"a"`: {JobID: `{"jobId":"a"`, TenantID: "t1"},
		``:             {JobID: "", TenantID: "t1"},
		`["a"]`:        {JobID: `["a"]`, TenantID: "t1"},
	} {
		if got := jobqueue.ParseElement([]byte(element)); got != want {
			t.Errorf("ParseElement(%s) = %+v, want %+v", element, got, want)
		}
	}
}

func TestAWorkerReadsElementsAsLiberally(t *testing.T) {
	t.Parallel()
	for element, want := range map[string]jobqueue.Element{
		`{"jobId":4711,"tenantId":7,"score":NaN}`:    {JobID: "4711", TenantID: "7"},
		` {"payload":{"x":Infinity},"jobId":"a"} `:   {JobID: "a", TenantID: "t1"},
		`{"jobId":null,"tenantId":"x"}`:              {JobID: `{"jobId":null,"tenantId":"x"}`, TenantID: "t1"},
		`{"jobId":"a","tenantId":{"id":1},"x":True}`: {JobID: "a", TenantID: "t1"},
	} {
		if got := jobqueue.ParseElement([]byte(element)); got != want {
			t.Errorf("%s: %+v, want %+v", element, got, want)
		}
	}
}

// FuzzElement: whatever comes along is a job with an id and a tenant, and an id
// that was put into the documented form comes out again.
func FuzzElement(f *testing.F) {
	f.Add([]byte(`4711`))
	f.Add([]byte(`{"jobId":"4711","tenantId":"t1","payload":"x"}`))
	f.Add([]byte("{\"jobId\":\"\xff\"}"))
	f.Fuzz(func(t *testing.T, element []byte) {
		e := jobqueue.ParseElement(element)
		if e.TenantID == "" || e.JobID == "" && len(element) > 0 {
			t.Errorf("ParseElement(%q) = %+v", element, e)
		}
		if id := string(element); utf8.ValidString(id) && id != "" {
			wrapped, err := json.Marshal(map[string]string{"jobId": id})
			if err != nil {
				t.Fatal(err)
			}
			if got := jobqueue.ParseElement(wrapped).JobID; got != id {
				t.Errorf("the id %q came back as %q", id, got)
			}
		}
	})
}
