package literal

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// byteUnits are the units of a number of bytes, the ones that are written first.
var byteUnits = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}}

// Bytes reads a number of bytes of at least 1: "100", "1KB" (1,000) or "1KiB" (1,024).
func Bytes(text string) (int64, error) {
	number, unit := strings.TrimSpace(text), int64(1)
	for _, u := range byteUnits {
		if before, found := strings.CutSuffix(number, u.name); found {
			number, unit = strings.TrimSpace(before), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is not a number of bytes; write it like 2MiB, 500KB or 100", text)
	}
	return n * unit, nil
}

// BytesText is a number of bytes as [Bytes] reads it, in the first unit in which it is
// whole.
func BytesText(n int64) string {
	for _, u := range byteUnits {
		if n != 0 && n%u.bytes == 0 && u.bytes > 1 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}
