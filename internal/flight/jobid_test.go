package flight

import (
	"regexp"
	"testing"
	"testing/quick"
)

func TestJobIDLeadsBackToRunAndNumber(t *testing.T) {
	t.Parallel()
	uuid8 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	law := func(run, number uint64) bool {
		run, n := run>>4, int64(number>>2)
		id := AppendJobID(nil, run, n)
		gotRun, gotN, ok := parseJobID(id)
		return ok && gotRun == run && gotN == n && uuid8.Match(id)
	}
	if err := quick.Check(law, &quick.Config{MaxCount: 20_000}); err != nil {
		t.Error(err)
	}
}

func TestRunIDIsWhatAJobIDCanHold(t *testing.T) {
	t.Parallel()
	id := NewID()
	run, ok := ParseRunID(id)
	if !ok || run >= 1<<60 {
		t.Fatalf("parseRunID(%q) = %d, %t", id, run, ok)
	}
	if NewID() == id {
		t.Error("two runs drew the same id")
	}
	for range 200 {
		if id := NewID(); id[0] < 'a' || id[0] > 'f' || len(id) != 15 {
			t.Fatalf("NewID() = %q, want a letter first: it may look like a number", id)
		}
	}
	if _, ok := ParseRunID("000000000012e45"); !ok {
		t.Error("an id of an older build is not read")
	}
	for _, bad := range []string{"", "0123456789abcde0", "0123456789abcdX", "0123456789ABCDE"} {
		if _, ok := ParseRunID(bad); ok {
			t.Errorf("parseRunID(%q) was accepted", bad)
		}
	}
}

func FuzzParseJobID(f *testing.F) {
	f.Add([]byte("01234567-89ab-8def-8123-456789abcdef"))
	f.Add([]byte("01234567-89ab-4def-8123-456789abcdef"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, b []byte) {
		run, n, ok := parseJobID(b)
		if ok && string(AppendJobID(nil, run, n)) != string(b) {
			t.Errorf("%q was read as run %x, job %d, whose id is another", b, run, n)
		}
	})
}

func TestJobIDDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		buf = AppendJobID(buf[:0], 1<<59, 12345)
		parseJobID(buf)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkJobID(b *testing.B) {
	buf := make([]byte, 0, 64)
	for i := range b.N {
		buf = AppendJobID(buf[:0], 1<<59, int64(i))
		parseJobID(buf)
	}
}
