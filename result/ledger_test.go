package result_test

import (
	"encoding/json"
	"testing"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/result"
)

// Every counter is a field of the ledger, and every field that counts is a counter:
// reports and metrics follow the enumeration and would miss it otherwise.
func TestTheLedgerHasAFieldForEveryCounterAndNoOther(t *testing.T) {
	t.Parallel()
	var l result.Ledger
	for i, row := range ledger.Rows() {
		l.SetCount(row.Key, int64(i+1))
		if row.Counter == ledger.Errors {
			l.Errors = map[string]int64{"push": int64(i + 1)}
		}
	}
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	for i, row := range ledger.Rows() {
		if got := l.Count(row.Key); got != int64(i+1) {
			t.Errorf("Count(%q) = %d, want %d", row.Key, got, i+1)
		}
		if n, ok := fields[row.Key].(float64); row.Counter != ledger.Errors && (!ok || int(n) != i+1) {
			t.Errorf("the JSON key %q is %v, want %d", row.Key, fields[row.Key], i+1)
		}
		delete(fields, row.Key)
	}
	for key, v := range fields {
		if _, counts := v.(float64); counts {
			t.Errorf("the ledger counts %q, which is not in ledger.Rows", key)
		}
	}
}
