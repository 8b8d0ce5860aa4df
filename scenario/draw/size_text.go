package draw

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// sizeHint is how a [Size] is written.
const sizeHint = "write it like 100, 1KB, 100..2KB or 90%:100,10%:64KiB"

// units of sizes, the ones that print first.
var units = []struct {
	name  string
	bytes int
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"kB", 1e3}, {"Gi", 1 << 30}, {"Mi", 1 << 20}, {"Ki", 1 << 10}, {"G", 1e9}, {"M", 1e6}, {"K", 1e3}, {"k", 1e3}, {"B", 1}, {"", 1}}

// ParseSize reads
//
//	100                bytes, also 100B, 1KB (1,000) or 1KiB (1,024)
//	100..2KB           anything between, all equally likely
//	90%:100,10%:64KiB  a list in which each part has its share of the jobs
func ParseSize(text string) (Size, error) {
	s, why := readSize(text)
	if why == "" {
		if err := s.Validate(); err != nil {
			why = strings.ReplaceAll(err.Error(), "\n", "; ")
		}
	}
	if why != "" {
		return Size{}, fmt.Errorf("size %q: %s; %s", text, why, sizeHint)
	}
	if len(s.Parts) == 1 && s.Parts[0].High == 0 {
		return Size{}, nil
	}
	return s, nil
}

// readSize reads the parts and tells the faults of all.
func readSize(text string) (s Size, why string) {
	var faults []string
	items := strings.Split(text, ",")
	for _, item := range items {
		share, sizes, weighted := strings.Cut(item, ":")
		p := Part{Share: whole}
		if weighted {
			var ok bool
			if p.Share, ok = readPercent(share); !ok {
				faults = append(faults, fmt.Sprintf("%q is not a share such as 90%%, in steps of 0.0001%%", strings.TrimSpace(share)))
			}
		} else {
			sizes = item
			if len(items) > 1 {
				faults = append(faults, fmt.Sprintf("%q has no share", strings.TrimSpace(item)))
			}
		}
		low, high, between := strings.Cut(sizes, "..")
		if !between {
			high = low
		}
		var okLow, okHigh bool
		p.Low, okLow = readBytes(low)
		p.High, okHigh = readBytes(high)
		if !okLow || !okHigh {
			faults = append(faults, fmt.Sprintf("%q is not a size in bytes of at most 512MiB", strings.TrimSpace(sizes)))
		}
		s.Parts = append(s.Parts, p)
	}
	return s, strings.Join(faults, "; ")
}

// readPercent reads "90%" in millionths.
func readPercent(text string) (int, bool) {
	number, ok := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, ok2 := readNumber(number, whole/100)
	return v, ok && ok2
}

// readBytes reads "100", "1KB" or "1KiB".
func readBytes(text string) (int, bool) {
	text = strings.TrimSpace(text)
	for _, u := range units {
		if number, ok := strings.CutSuffix(text, u.name); ok {
			v, ok := readNumber(number, u.bytes)
			return v, ok && v <= maxSize
		}
	}
	return 0, false
}

// readNumber reads a decimal number that a factor makes a whole one.
func readNumber(text string, factor int) (int, bool) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > 20 || strings.Trim(text, "0123456789.") != "" {
		return 0, false
	}
	v, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, false
	}
	v.Mul(v, new(big.Rat).SetInt64(int64(factor)))
	if !v.IsInt() || v.Num().BitLen() > 31 {
		return 0, false
	}
	return int(v.Num().Int64()), true
}

// String is the distribution as [ParseSize] reads it.
func (s Size) String() string {
	if len(s.Parts) == 0 {
		return "0"
	}
	var b strings.Builder
	for i, p := range s.Parts {
		if i > 0 {
			b.WriteByte(',')
		}
		if p.Share != whole {
			b.WriteString(percentText(p.Share) + "%:")
		}
		b.WriteString(bytesText(p.Low))
		if p.High != p.Low {
			b.WriteString(".." + bytesText(p.High))
		}
	}
	return b.String()
}

// MarshalText makes a distribution a string in JSON.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (s *Size) UnmarshalText(b []byte) error {
	v, err := ParseSize(string(b))
	if err == nil {
		*s = v
	}
	return err
}

// bytesText is a size in the first unit in which it is whole.
func bytesText(n int) string {
	for _, u := range units {
		if n != 0 && u.name != "B" && n%u.bytes == 0 {
			return strconv.Itoa(n/u.bytes) + u.name
		}
	}
	return strconv.Itoa(n)
}

func percentText(share int) string {
	return strconv.FormatFloat(float64(share)/(whole/100), 'f', -1, 64)
}
