package redisserver

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// White-box: how a line is read is not exported.
func TestASettingIsReadAsRedisReadsIt(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		`save 900 1`:                     {"save", "900", "1"},
		"  Save\t\"\"  ":                 {"save", ""},
		`requirepass "a\x41\n\"b"`:       {"requirepass", "aA\n\"b"},
		`requirepass 'it\'s "so"'`:       {"requirepass", `it's "so"`},
		`rename-command CONFIG ""`:       {"rename-command", "CONFIG", ""},
		`user default on >p#w ~* +@all`:  {"user", "default", "on", ">p#w", "~*", "+@all"},
		`# a comment`:                    nil,
		"\r\n":                           nil,
		`requirepass "open`:              nil,
		`requirepass "closed"and more`:   nil,
		`proc-title-template "{title}" `: {"proc-title-template", "{title}"},
	} {
		s, _ := parseSetting(line)
		var got []string
		if s.name != "" {
			got = append([]string{s.name}, s.words...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("parseSetting(%q) = %q, want %q", line, got, want)
		}
	}
}

func TestWhatIsQuotedReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }), 1, 4).Draw(t, "words")
		s, err := parseSetting(newSetting("name", words...).raw)
		if err != nil || s.name != "name" || !slices.Equal(s.words, words) {
			t.Fatalf("%q reads back as %q, %v", words, s.words, err)
		}
	})
}
