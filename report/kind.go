package report

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// kinds are the records that are no result of a run, by the kind that they name.
func kinds() map[string]string {
	return map[string]string{
		"capacity":    "a search for the capacity",
		"compare":     "a comparison",
		"calibration": "a calibration",
		"unfinished":  "an unfinished run",
	}
}

// Other says what the path holds in place of the result of a run, such as "a
// comparison", and is empty where it holds a result, or nothing that is known. A
// directory is told by its file, a file by the kind that it names.
func Other(path string) string {
	i, err := os.Stat(path)
	if err != nil {
		return ""
	}
	if i.IsDir() {
		if holds(path, resultFile) {
			return ""
		}
		for _, record := range []struct{ file, kind string }{{capacityFile, "capacity"}, {comparisonFile, "compare"}} {
			if holds(path, record.file) {
				return kinds()[record.kind]
			}
		}
		if holds(path, markerFile) {
			return kinds()["unfinished"]
		}
		return ""
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	var head struct {
		Kind string `json:"kind"`
	}
	if json.Unmarshal(data, &head) != nil {
		return ""
	}
	return kinds()[head.Kind]
}

// absent is the error of a path where no result is. It matches fs.ErrNotExist,
// also where there is a directory, which holds something else.
type absent string

func (a absent) Error() string        { return string(a) }
func (a absent) Is(target error) bool { return target == fs.ErrNotExist }

// noResult says what is at a path that has no result, and the remedy.
func noResult(path string) error {
	what, remedy := "no such file or directory", "give a result directory that queuedyno run wrote, or its "+resultFile
	if i, err := os.Stat(path); err == nil && i.IsDir() {
		what = "it is a directory without a " + resultFile
		inner, err := filepath.Glob(filepath.Join(path, "*", resultFile))
		unfinished, unread := LoadUnfinished(path)
		switch other := Other(path); {
		case unread == nil && unfinished.Running:
			what = "its run has not finished" + unfinished.inBrackets()
			remedy = "wait for its end, or give another result"
		case unread == nil:
			what = "its run ended without a result" + unfinished.inBrackets()
			remedy = "remove the directory, or give another result"
		case other != "":
			what = "it holds " + other + ", not a run"
		case err == nil && len(inner) > 0:
			what += ", and holds " + plural(int64(len(inner)), "result")
			remedy = "name one of them, such as " + filepath.Dir(inner[0])
		}
	}
	return absent(fmt.Sprintf("load result %q: %s; %s", path, what, remedy))
}
