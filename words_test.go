package queuedyno_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unplain are phrases that plain English does not need, each with what to write
// in its place. Most turn a sentence around, name something by what it is not, or
// stand where the field has a word.
var unplain = []struct{ phrase, write string }{
	{`\bprocessors?\b`, "CPU"},
	{`\d %(?:[^\w(]|$)|%[.\d]*[dvgsf] %%`, "97%, without a space"},
	{`\b(?:is|are) none(?:\b| of\b)`, "is not"},
	{`\bnone of (?:ours|its|theirs)\b`, "foreign, external"},
	{`\b(?:somebody|someone) else`, "other clients, another process"},
	{`\bnobody\b`, "no one, no client: who is meant"},
	{`\bwho(?:m)?ever\b`, "the client that, users who"},
	{`\btold\b`, "report, notify, pass"},
	{`\bbeside\b`, "besides, next to, with"},
	{`\bin hands?\b`, "in progress, unfinished"},
	{`\bof (?:its|their|his|your|our|my) own\b`, "its own, a separate"},
	{`\blook(?:s|ed|ing)? on\b`, "observe"},
	{`\bpassed over\b`, "ignored, skipped"},
	{`\blies? apart\b`, "differ"},
	{`\bof whom\b`, "of them"},
	{`\bthe doing of\b`, "due to"},
	{`\bthe first first\b`, "in order of priority"},
	{`\bfor want of\b`, "without, because there is no"},
	{`\bno sense in\b`, "pointless, cannot work"},
	{`\bit is said\b|\bis spoken\b`, "the report says"},
	{`\bby and by\b`, "gradually"},
	{`\bto and fro\b`, "back and forth"},
	{`\bin vain\b`, "without success"},
	{`\bnought\b`, "zero"},
	{`\ball the same\b`, "anyway, still"},
	{`\bstands? for (?:fields|the)\b`, "sets, means, overrides"},
	{`\bis meant by\b`, "means"},
	{`\bcoin that is tossed\b`, "coin toss"},
	{`\bleaves the ground\b`, "climbs"},
}

// unread are directories whose text has not been read for this yet.
var unread = []string{}

// quoted are lines that must have a phrase, since it is data of another program.
var quoted = regexp.MustCompile(`/proc/cpuinfo|"processor"|^processor\s|["\x60]nobody["\x60]`)

func TestTheTextIsPlainEnglish(t *testing.T) {
	t.Parallel()
	var all []string
	for _, u := range unplain {
		all = append(all, u.phrase)
	}
	any := regexp.MustCompile(`(?i)` + strings.Join(all, "|"))
	// The results of runs, which stay in the clone, have the words of other programs.
	kinds := []string{".go", ".md", ".txtar", ".golden", ".yaml", ".yml", ".sh", ".txt"}
	err := filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (strings.HasPrefix(path, ".git") && path != ".github" || e.Name() == "node_modules" || filepath.ToSlash(filepath.Dir(path)) == "results" && e.Name() != "baselines" || slices.Contains(unread, filepath.ToSlash(path))):
			return filepath.SkipDir
		case e.IsDir(), !slices.Contains(kinds, filepath.Ext(path)), path == "words_test.go":
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(b), "\n") {
			if m := any.FindString(line); m != "" && !quoted.MatchString(line) {
				t.Errorf("%s:%d: %q: write %s", path, i+1, m, instead(m))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// instead says what to write in place of a phrase.
func instead(found string) string {
	for _, u := range unplain {
		if regexp.MustCompile(`(?i)` + u.phrase).MatchString(found) {
			return u.write
		}
	}
	return "it otherwise"
}
