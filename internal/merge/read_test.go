package merge_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/merge"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
)

func text(name, s string) merge.Source {
	return merge.Source{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }}
}

func TestResultsAreReadOutOfLogs(t *testing.T) {
	t.Parallel()
	const n = 9
	var log bytes.Buffer
	var all []*result.Result
	for i := range n {
		r, _ := made(i, n, 1)
		r.Warnings = []string{`a brace } in "quotes" and a \`}
		all = append(all, r)
		fmt.Fprintln(&log, "run: made: shard is ready and waits for the others")
		e := json.NewEncoder(&log)
		if i%2 == 0 {
			e.SetIndent("", "  ")
		}
		if err := e.Encode(r); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&log, "results in %s%d\n\n", strings.Repeat("x", 100_000), i)
	}
	var m merge.Merger
	if err := m.AddAll([]merge.Source{text("pods.log", log.String())}, store.ParseRun); err != nil {
		t.Fatal(err)
	}
	got, err := m.Result()
	if err != nil {
		t.Fatal(err)
	}
	if a, b := asJSON(t, got), asJSON(t, merged(t, all...)); a != b {
		t.Errorf("(-one by one +out of a log):\n%s", cmp.Diff(b, a))
	}
}

func TestEveryFaultOfTheInputIsNamed(t *testing.T) {
	t.Parallel()
	r, _ := made(0, 2, 1)
	whole, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var m merge.Merger
	err = m.AddAll([]merge.Source{
		text("a.json", string(whole)+"\n"+string(whole)),
		text("cut.json", string(whole[:len(whole)/2])),
		text("other.json", `{"hello": 1}`),
		text("empty.log", "run: could not run\n"),
		{Name: "gone.json", Open: func() (io.ReadCloser, error) { return nil, errors.New("no such file") }},
	}, store.ParseRun)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"a.json, result 2: shard 0 is there already, from a.json", "cut.json: it ends in the middle of a result", "other.json: no schema number",
		"empty.log: it holds no result", "gone.json: no such file",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

// TestFilesAreReadAsTheirResultsAre merges the same shards from their files, in which the
// timeline is read apart from the rest, and from results that encoding/json has read; files
// whose timeline has another form than queuedyno writes are read, too.
func TestFilesAreReadAsTheirResultsAre(t *testing.T) {
	t.Parallel()
	const n, seconds = 5, 20
	files, _ := fleetOf(t, n, seconds)
	var want, got, odd merge.Merger
	for i, f := range files {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		r, err := store.ParseRun(f.Name, data)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Timeline) != seconds {
			t.Fatalf("shard %d has %d rows, want %d", i, len(r.Timeline), seconds)
		}
		if err := want.Add(r, f.Name); err != nil {
			t.Fatal(err)
		}
		other := strings.Replace(string(data), `"elapsed_s"`, `"of_later_versions": {"x": ["]"]}, "elapsed_s"`, 1)
		if i == 1 {
			other = strings.Replace(string(data), `"timeline":`, `"timeline": [], "timeline":`, 1)
		}
		if err := odd.AddAll([]merge.Source{text(f.Name, other)}, store.ParseRun); err != nil {
			t.Fatal(err)
		}
	}
	if err := got.AddAll(files, store.ParseRun); err != nil {
		t.Fatal(err)
	}
	results := make([]string, 3)
	for i, m := range []*merge.Merger{&want, &got, &odd} {
		r, err := m.Result()
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Timeline) != seconds || r.Timeline[3].Stages[metric.EndToEnd].Count != 100*n {
			t.Errorf("the merged timeline has %d rows, and row 3 is %+v", len(r.Timeline), r.Timeline[3])
		}
		results[i] = asJSON(t, r)
	}
	if results[0] != results[1] || results[0] != results[2] {
		t.Errorf("-results +files:\n%s\n-results +files of another form:\n%s", cmp.Diff(results[0], results[1]), cmp.Diff(results[0], results[2]))
	}
}
