package validity

import "testing"

func TestCountsInProseHaveOneForm(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", -999: "-999", 28986: "28,986", -1000: "-1,000", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}
