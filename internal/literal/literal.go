// Package literal reads the plain values that people write on a command line or
// in a scenario file: durations, counts, shares, words. Both read them here, so
// that one text means the same in both places and is refused in the same words.
package literal

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/nearest"
)

// UnsetError refuses a value in the place of which a default would be used without a
// word, such as a count of 0. A file that means the default leaves the key out.
type UnsetError struct{ Message string }

func (e *UnsetError) Error() string { return e.Message }

// Text reads a text that is not empty.
func Text(s string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", &UnsetError{"it is empty"}
	}
	return s, nil
}

// Bool reads true or false.
func Bool(s string) (bool, error) {
	b, err := strconv.ParseBool(s)
	if err != nil {
		return false, fmt.Errorf("%q is neither true nor false", s)
	}
	return b, nil
}

// Duration reads a length of time of at least min, 0 or 1 ns or more.
func Duration(min time.Duration) func(string) (time.Duration, error) {
	return func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(strings.TrimSpace(s))
		switch {
		case err != nil && isNumber(s):
			return 0, fmt.Errorf("%q has no unit; write it like %ss or %sms", s, s, s)
		case err != nil:
			return 0, fmt.Errorf("%q is not a duration; write it like 10s, 1m30s or 500ms", s)
		case d < min && min > 0:
			return 0, &UnsetError{fmt.Sprintf("%q must be greater than zero", s)}
		case d < min:
			return 0, fmt.Errorf("%q must not be negative", s)
		}
		return d, nil
	}
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return err == nil
}

// Whole reads a whole number of at least 0.
func Whole(s string) (int64, error) {
	if strings.TrimSpace(s) == "0" {
		return 0, nil
	}
	return Count(s)
}

// Count reads a whole number of at least 1.
func Count(s string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%q is too large", s)
	case err != nil:
		return 0, fmt.Errorf("%q is not a whole number", s)
	case n < 1:
		return 0, &UnsetError{fmt.Sprintf("%q must be at least 1", s)}
	}
	return n, nil
}

// Int is [Count] for what is an int everywhere.
func Int(s string) (int, error) {
	n, err := Count(s)
	if err == nil && n > math.MaxInt32 {
		err = fmt.Errorf("%q is too large", s)
	}
	return int(n), err
}

// WholeInt is [Whole] for what is an int everywhere.
func WholeInt(s string) (int, error) {
	if strings.TrimSpace(s) == "0" {
		return 0, nil
	}
	return Int(s)
}

// Number reads a number that need not be whole.
func Number(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a number; write it like 1.1", s)
	}
	return v, nil
}

// MaxSeed is the largest seed: up to it whole numbers in JSON are exact everywhere.
const MaxSeed = 1<<53 - 1

// Seed reads a seed. One that is too large would not be exact in JSON.
func Seed(s string) (uint64, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && n > MaxSeed:
		return 0, fmt.Errorf("%s is more than %d (2^53-1): jq, Node and others would round it when they read result.json", s, uint64(MaxSeed))
	case err != nil:
		return 0, fmt.Errorf("%q is not a whole number from 0 to %d", s, uint64(MaxSeed))
	}
	return n, nil
}

// Share reads a share of all: "1%", "0.5%" or "0.01".
func Share(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	number = strings.TrimSpace(number)
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || strings.Trim(number, "0123456789.") != "" || v < 0 || v > 1 {
		return 0, fmt.Errorf("%q is not a share; write it like 1%% or 0.01", text)
	}
	return v, nil
}

// Word reads one of a few words; what they are is said in the error.
func Word[T ~string](what string, valid ...T) func(string) (T, error) {
	return func(s string) (T, error) {
		words := make([]string, len(valid))
		for i, w := range valid {
			if string(w) == s {
				return w, nil
			}
			words[i] = string(w)
		}
		last := len(words) - 1
		return "", fmt.Errorf("unknown %s %q%s; there are %s and %s", what, s, nearest.Clause(s, words), strings.Join(words[:last], ", "), words[last])
	}
}
