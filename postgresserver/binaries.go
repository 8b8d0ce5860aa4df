//go:build unix

package postgresserver

import (
	"cmp"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/internal/serverstart"
)

// distributions are the directories, as patterns, where Postgres is installed outside of
// PATH: by Debian, by the RPM packages, by Homebrew, from source and by Postgres.app.
var distributions = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/usr/lib/postgresql*/bin",
	"/usr/libexec/postgresql*",
	"/opt/homebrew/opt/postgresql*/bin",
	"/usr/local/opt/postgresql*/bin",
	"/usr/local/pgsql/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// binaries are the programs of one installation.
type binaries struct{ initdb, postgres string }

// lookBinaries finds Postgres in the given PATH, or else in the directories of the
// patterns: the newest of the first pattern that matches.
func lookBinaries(path string, patterns []string) (binaries, error) {
	// As exec.LookPath does, never run what lies in the current folder.
	dirs := slices.DeleteFunc(filepath.SplitList(path), func(dir string) bool { return !filepath.IsAbs(dir) })
	for _, p := range patterns {
		found, _ := filepath.Glob(p) // its only error is about the pattern
		slices.SortFunc(found, func(a, b string) int { return slices.Compare(versionOf(b), versionOf(a)) })
		dirs = append(dirs, found...)
	}
	for _, dir := range dirs {
		postgres, err := exec.LookPath(filepath.Join(dir, "postgres"))
		initdb, errInit := exec.LookPath(filepath.Join(dir, "initdb"))
		if cmp.Or(err, errInit) == nil {
			return binaries{initdb: initdb, postgres: postgres}, nil
		}
	}
	return binaries{}, serverstart.Unavailable(errors.New("initdb and postgres found neither in PATH nor where distributions install them"),
		`install them with "apt install postgresql" or "brew install postgresql", add their directory to PATH, or use --postgres docker`)
}

// versionOf are the numbers in the name of a directory, as in "postgresql@16" and "9.6".
func versionOf(dir string) (v []int) {
	for digits := range strings.FieldsFuncSeq(dir, func(r rune) bool { return r < '0' || r > '9' }) {
		n, _ := strconv.Atoi(digits)
		v = append(v, n)
	}
	return v
}
