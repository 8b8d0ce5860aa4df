package watch_test

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/watch"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
)

// shelf is a server with lists of one job each, and streams that are empty. It goes through
// its keys in steps of a thousand.
type shelf struct {
	lists, streams []string
	subscribers    int64
	patterns       int64
	refuses        []string // commands
	asked          []string
}

func (s *shelf) Do(_ context.Context, commands ...[]string) ([]any, error) {
	words := commands[0]
	s.asked = append(s.asked, words[0])
	if slices.Contains(s.refuses, words[0]) {
		return nil, errors.New("NOPERM this user has no permissions")
	}
	has := func(keys []string) int64 {
		if slices.Contains(keys, words[1]) {
			return 1
		}
		return 0
	}
	switch words[0] {
	case "LLEN":
		return []any{has(s.lists)}, nil
	case "EXISTS":
		return []any{has(s.streams)}, nil
	case "PUBSUB":
		if words[1] == "NUMPAT" {
			return []any{s.patterns}, nil
		}
		return []any{[]any{words[2], s.subscribers}}, nil
	}
	var from int
	fmt.Sscan(words[1], &from)
	keys := s.lists
	if words[7] == "stream" {
		keys = s.streams
	}
	to, next := min(from+1000, len(keys)), "0"
	if to < len(keys) {
		next = fmt.Sprint(to)
	}
	found := []any{}
	for _, key := range keys[from:to] {
		if ok, _ := path.Match(words[3], key); ok {
			found = append(found, key)
		}
	}
	return []any{[]any{next, found}}, nil
}

func many(n int) (keys []string) {
	for i := range n {
		keys = append(keys, fmt.Sprintf("k%06d", i))
	}
	return keys
}

func TestASurveyNamesWhatThereIsInstead(t *testing.T) {
	t.Parallel()
	none, one := int64(0), int64(1)
	for name, c := range map[string]struct {
		survey watch.Survey
		server shelf
		want   *watch.Around
	}{
		"there":             {watch.Survey{Key: "mails", Channel: "u"}, shelf{lists: []string{"mails"}, subscribers: 2}, nil},
		"a typing error":    {watch.Survey{Key: "mailz", Channel: "u"}, shelf{lists: []string{"a", "mails", "z"}, subscribers: 2}, &watch.Around{Missing: true, Queues: []string{"mails", "a", "z"}, Searched: true, Listeners: &one}},
		"no keys":           {watch.Survey{Key: "mails"}, shelf{}, &watch.Around{Missing: true, Searched: true}},
		"by a pattern":      {watch.Survey{Key: "mails", Channel: "u"}, shelf{lists: []string{"mails"}, subscribers: 1, patterns: 1}, nil},
		"no other listener": {watch.Survey{Key: "mails", Channel: "u"}, shelf{lists: []string{"mails"}, subscribers: 1}, &watch.Around{Listeners: &none}},
		"of a library":      {watch.Survey{Key: "bull:mailz:wait", After: ":wait"}, shelf{lists: []string{"other", "bull:mails:wait"}}, &watch.Around{Missing: true, Queues: []string{"bull:mails"}, Searched: true}},
		"by their names":    {watch.Survey{Key: "queue:x", Names: "queue:"}, shelf{lists: []string{"other", "queue:default"}}, &watch.Around{Missing: true, Queues: []string{"queue:default"}, Searched: true}},
		"a stream":          {watch.Survey{Key: "s", Stream: true}, shelf{streams: []string{"s"}}, nil},
		"a stream's name":   {watch.Survey{Key: "s", Stream: true}, shelf{lists: []string{"s"}, streams: []string{"t"}}, &watch.Around{Missing: true, Queues: []string{"t"}, Searched: true}},
		"too many keys":     {watch.Survey{Key: "mails"}, shelf{lists: many(20_000)}, &watch.Around{Missing: true, Queues: many(5)}},
		"no right to look":  {watch.Survey{Key: "mails", Channel: "u"}, shelf{refuses: []string{"SCAN", "PUBSUB"}}, &watch.Around{Missing: true}},
		"no right at all":   {watch.Survey{Key: "mails", Channel: "u"}, shelf{refuses: []string{"LLEN", "PUBSUB"}}, nil},
		"a cluster":         {watch.Survey{Key: "mails", Channel: "u", Cluster: true}, shelf{lists: many(5)}, &watch.Around{Missing: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.survey.Look(t.Context(), &c.server)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("asked %q:\n%s", c.server.asked, diff)
			}
			if len(c.server.asked) > 12 {
				t.Errorf("%d commands", len(c.server.asked))
			}
		})
	}
}

// A name is matched literally, whatever it holds.
func TestASurveyFindsQueuesWhateverTheirNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune(`ab*?[]\-^{:`)), 0, 6, -1)
		s := watch.Survey{Before: text.Draw(t, "before"), After: text.Draw(t, "after"), Names: text.Draw(t, "names")}
		s.Key = s.Before + "missing" + s.After
		name := s.Names + text.Draw(t, "name") + "x"
		got := s.Look(context.Background(), &shelf{lists: []string{s.Before + name + s.After}})
		if got == nil || !slices.Equal(got.Queues, []string{name}) {
			t.Fatalf("%+v finds %+v, want %q", s, got, name)
		}
	})
}

// What was missing is in each look until there is something.
func TestWhatIsMissingIsInTheLooksUntilItComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, around := memory.New(), &watch.Around{Missing: true}
		looks := for20s(t, q, watch.Options{Survey: func(context.Context) *watch.Around { return around }})
		for _, l := range looks {
			if l.Around != around {
				t.Fatalf("at %v s nothing is missing", l.ElapsedS)
			}
		}
		push(t, q, 3)
		for _, l := range for20s(t, q, watch.Options{Survey: func(context.Context) *watch.Around { return around }}) {
			if l.Around != nil {
				t.Fatalf("at %v s %+v is missing", l.ElapsedS, l.Around)
			}
		}
	})
}
