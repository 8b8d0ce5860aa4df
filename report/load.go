package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/result"
)

// resultFile is the file of a result directory from which all others can be
// made again.
const resultFile = "result.json"

// Load reads a result: from a result directory, or from a result.json. Its
// errors name the file, the position where there is one, and the remedy. Keys
// that this build does not know are passed over; a newer schema is refused.
func Load(path string) (*result.Result, error) {
	file := path
	if i, err := os.Stat(path); err == nil && i.IsDir() {
		file = filepath.Join(path, resultFile)
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noResult(path)
	}
	if err != nil {
		return nil, fmt.Errorf("load result %q: %w", file, cause(err))
	}
	r, err := parse(file, data)
	if err != nil {
		return nil, fmt.Errorf("load result %w", err)
	}
	return r, nil
}

// parse reads the bytes of a result.json; its errors begin with the place.
func parse(file string, data []byte) (*result.Result, error) {
	// The schema first, by itself: in a newer one any other key may differ.
	var version struct {
		Schema *int            `json:"schema"`
		Kind   string          `json:"kind"`
		Stages json.RawMessage `json:"stages"`
		Ledger json.RawMessage `json:"ledger"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fmt.Errorf("%s: not JSON as queuedyno writes it: %w", place(file, data, err), err)
	}
	switch {
	case kinds()[version.Kind] != "":
		return nil, fmt.Errorf("%s: it holds %s, not a run; give the %s that queuedyno run wrote", file, kinds()[version.Kind], resultFile)
	case version.Schema == nil || *version.Schema < 1:
		return nil, fmt.Errorf("%s: no schema number, so not a result of queuedyno; give the %s that queuedyno run wrote", file, resultFile)
	case *version.Schema > result.Schema:
		return nil, fmt.Errorf("%s: schema %d is newer than %d, the newest that this build reads; use a newer queuedyno", file, *version.Schema, result.Schema)
	}
	for _, key := range []struct {
		name  string
		value json.RawMessage
	}{{"stages", version.Stages}, {"ledger", version.Ledger}} {
		if len(key.value) == 0 || string(key.value) == "null" {
			return nil, fmt.Errorf("%s: it holds no measurement: %q is missing; restore the file, or run the scenario again", file, key.name)
		}
	}
	r := new(result.Result)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: not a result: %w; restore the file, or run the scenario again", place(file, data, err), err)
	}
	for _, stage := range sortedKeys(r.Stages) {
		if s := r.Stages[stage]; s != nil && s.HDR != "" {
			if _, err := latency.Decode(s.HDR); err != nil {
				return nil, fmt.Errorf("%s: stages.%s.hdr: %w; restore the file, or run the scenario again", file, stage, err)
			}
		}
	}
	return r, nil
}

// place is file:line:column of a JSON error, or the file alone.
func place(file string, data []byte, err error) string {
	var offset int64
	var syntax *json.SyntaxError
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &wrongType):
		offset = wrongType.Offset
	default:
		return file
	}
	// The offset counts the byte at fault too.
	before := data[:min(max(offset-1, 0), int64(len(data)))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Sprintf("%s:%d:%d", file, line, column)
}

// cause is what lies under an error of package os: our message has the
// operation and the path already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}
