package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/queuedyno/queuedyno/scenario"
)

// What a result takes on a disk, measured with every stage in use and rounded
// up: a run's record grows by a row a second, and the other files by more.
const (
	roomForRecord = 64 << 10
	roomForFiles  = 512 << 10
	recordASecond = 4 << 10
	filesASecond  = 16 << 10
)

// room refuses a place on a disk that cannot take even the records of the
// results, and warns of one that cannot take all files.
func (r *running) room(verb string, where place, record, all float64) []fault {
	dir := existingParent(where.dir)
	free, known := freeSpace(dir)
	if !known || free >= all {
		return nil
	}
	if free < record {
		return []fault{{
			fmt.Sprintf("the disk of %q has %s left, and the results take about %s", dir, size(free), size(all)),
			"free some space, or choose another place with --out",
		}}
	}
	r.p.console.note("%s: the disk of %q has %s left, and the results take about %s: files may be missing at the end; free some space, or choose another place with --out",
		verb, dir, size(free), size(all))
	return nil
}

// roomForRuns is what the results of runs take: their records alone, and all
// files.
func roomForRuns(all []scenario.Scenario) (record, files float64) {
	for _, s := range all {
		seconds := s.Load.Duration.Seconds()
		record += roomForRecord + recordASecond*seconds
		files += roomForFiles + (recordASecond+filesASecond)*seconds
	}
	return record, files
}

// existingParent is the directory, or the one nearest above it that exists.
func existingParent(dir string) string {
	for {
		if i, err := os.Stat(dir); err == nil && i.IsDir() {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return dir
		}
		dir = up
	}
}

// size is a number of bytes in words.
func size(bytes float64) string {
	for _, unit := range []string{"bytes", "KiB", "MiB"} {
		if bytes < 1024 {
			return fmt.Sprintf("%.0f %s", math.Floor(bytes), unit)
		}
		bytes /= 1024
	}
	return fmt.Sprintf("%.1f GiB", bytes)
}
