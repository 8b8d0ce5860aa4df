package rowscan_test

import (
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/rowscan"
	"github.com/queuedyno/queuedyno/result"
)

// scanned are copies of the rows of the array, with their stages by name.
func scanned(array []byte) (all []rowscan.Row, err error) {
	err = rowscan.Scan(array, func(r *rowscan.Row) error {
		all = append(all, copied(r))
		return nil
	})
	return all, err
}

func copied(r *rowscan.Row) rowscan.Row {
	one := *r
	one.Stages = nil
	for _, s := range r.Stages {
		s.HDR = append([]byte{}, s.HDR...)
		one.Stages = append(one.Stages, s)
	}
	slices.SortFunc(one.Stages, func(a, b rowscan.Stage) int { return cmp.Compare(a.Name, b.Name) })
	return one
}

// decoded are the rows as encoding/json reads them.
func decoded(array []byte) (all []rowscan.Row, err error) {
	var rows []result.Second
	if err := json.Unmarshal(array, &rows); err != nil {
		return nil, err
	}
	for i := range rows {
		var one rowscan.Row
		one.Of(&rows[i])
		all = append(all, copied(&one))
	}
	return all, nil
}

// filled sets every field in v to a value that differs from that of the others.
func filled(v reflect.Value, n *int64) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			filled(v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem(), n)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, name := range []string{"end_to_end", "queue"} {
			e := reflect.New(v.Type().Elem()).Elem()
			filled(e, n)
			v.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), e)
		}
	case reflect.Int64:
		v.SetInt(*n)
	case reflect.Float64:
		v.SetFloat(float64(*n) / 3)
	case reflect.String:
		v.SetString("text" + string(rune('a'+*n%26)))
	default:
		panic(v.Kind())
	}
}

// TestEveryFieldOfARowIsRead scans rows with all fields of [result.Second], the future ones
// included: a field that the scanner does not know makes it refuse the row.
func TestEveryFieldOfARowIsRead(t *testing.T) {
	t.Parallel()
	var n int64
	rows := make([]result.Second, 3)
	filled(reflect.ValueOf(&rows[0]).Elem(), &n)
	filled(reflect.ValueOf(&rows[1]).Elem(), &n) // the third stays empty
	for _, indent := range []string{"", "  "} {
		array, err := json.MarshalIndent(rows, "", indent)
		if err != nil {
			t.Fatal(err)
		}
		want, err := decoded(array)
		if err != nil {
			t.Fatal(err)
		}
		got, err := scanned(array)
		if err != nil {
			t.Fatalf("%v in %s", err, array)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("-encoding/json +scanned:\n%s", diff)
		}
	}
}

func TestScanningARowDoesNotAllocate(t *testing.T) {
	var n int64
	few, many := make([]result.Second, 2), make([]result.Second, 200)
	allocs := func(rows []result.Second) float64 {
		for i := range rows {
			n = 0
			filled(reflect.ValueOf(&rows[i]).Elem(), &n)
		}
		array, err := json.Marshal(rows)
		if err != nil {
			t.Fatal(err)
		}
		return testing.AllocsPerRun(10, func() {
			if err := rowscan.Scan(array, func(*rowscan.Row) error { return nil }); err != nil {
				t.Fatal(err)
			}
		})
	}
	if a, b := allocs(few), allocs(many); a != b {
		t.Errorf("%d rows take %v allocations and %d rows %v, want the same", len(few), a, len(many), b)
	}
}

// FuzzScan compares with encoding/json: what is not refused is valid JSON, and holds the
// same rows.
func FuzzScan(f *testing.F) {
	for _, text := range []string{
		`[]`, ` [ ] `, `[{}]`, `[{},]`, `[,{}]`, `[{"sent":1}{"sent":2}]`, `[{"elapsed_s":1.50e-1,"length_s":-0,"phase":"window"}]`, `[{"elapsed_s":01}]`,
		`[{"elapsed_s":1.}]`, `[{"elapsed_s":+1}]`, `[{"sent":1.0}]`, `[{"sent":-0}]`, `[{"sent":null}]`, `[{"sent":1,"sent":2}]`, `[{"Sent":1}]`,
		`[{"queue_len":null,"blocked_clients":12,"stages":null}]`, `[{"stages":{"a":{"count":1,"max_ns":null,"hdr":"SElT"},"b":{}}}]`,
		`[{"stages":{"a":{},"a":{}}}]`, `[{"stages":{"a":null}}]`, "[{\"stages\":{\"a\":{\"hdr\":\"x\ny\"}}}]", `[{"phase":"\u0041"}]`, `[{"elapsed_s":1e999}]`, `[{}] x`, `[{"other":1}]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, array []byte) {
		got, err := scanned(array)
		if err != nil {
			return
		}
		for _, r := range got {
			for _, s := range r.Stages {
				for _, c := range s.HDR {
					if c < ' ' || c > '~' {
						return // no histogram has such characters, and what reads histograms refuses them
					}
				}
			}
		}
		want, err := decoded(array)
		if err != nil {
			t.Fatalf("%q was read, and is not valid: %v", array, err)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%q: -encoding/json +scanned:\n%s", array, diff)
		}
	})
}
