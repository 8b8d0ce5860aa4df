package watch

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/internal/glob"
	"github.com/queuedyno/queuedyno/internal/nearest"
)

// Around is what the server shows besides a queue that seems not to be there.
type Around struct {
	// Missing is true when the queue has no key. A list without jobs has none.
	Missing bool `json:"queue_missing"`
	// Queues are other queues of its kind that hold jobs, the most similar first: at most
	// [MostQueues] of those that a short search found. Searched is true when it got to the
	// end of all keys.
	Queues   []string `json:"queues,omitempty"`
	Searched bool     `json:"searched_all_keys,omitempty"`
	// Listeners is how many other clients subscribe to the channel, nil where that is not
	// known: there may be one that subscribes to a pattern.
	Listeners *int64 `json:"other_subscribers,omitempty"`
}

const (
	// MostQueues is how many queues are named.
	MostQueues = 5
	// rounds bounds the search: each looks at about a thousand keys.
	rounds = 10
)

// Server answers commands.
type Server interface {
	Do(ctx context.Context, commands ...[]string) ([]any, error)
}

// Survey says where to look for a queue.
type Survey struct {
	Key    string // of the queue
	Stream bool   // it is a stream, and otherwise a list
	// Before and After are what the keys of queues have before and behind their names, and
	// Names is what the names begin with.
	Before, After, Names string
	// Cluster is true when keys and subscribers are spread over several servers: then other
	// queues and clients are not looked for.
	Cluster bool
	// Channel is the one that the watcher has subscribed to, empty if it hears the updates
	// elsewhere.
	Channel string
}

// Look asks the server. Questions that it does not answer, or not to this user, are left
// out. It returns nil when all is where it should be, as far as that is known.
func (s Survey) Look(ctx context.Context, server Server) *Around {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	var a Around
	exists := "LLEN" // which a watcher of a list has the right to
	if s.Stream {
		exists = "EXISTS"
	}
	n, known := number(ask(ctx, server, exists, s.Key))
	if a.Missing = known && n == 0; a.Missing && !s.Cluster {
		s.search(ctx, server, &a)
	}
	if s.Channel != "" && !s.Cluster {
		if pair, _ := ask(ctx, server, "PUBSUB", "NUMSUB", s.Channel).([]any); len(pair) == 2 {
			n, known := number(pair[1])
			// NUMSUB does not count those that subscribe to a pattern, which may match the channel.
			patterns, _ := number(ask(ctx, server, "PUBSUB", "NUMPAT"))
			if n = max(0, n-1); known && (n > 0 || patterns == 0) { // without the watcher
				a.Listeners = &n
			}
		}
	}
	if !a.Missing && (a.Listeners == nil || *a.Listeners > 0) {
		return nil
	}
	return &a
}

// search looks for other queues.
func (s Survey) search(ctx context.Context, server Server, a *Around) {
	pattern, kind := glob.Literal(s.Before+s.Names)+"*"+glob.Literal(s.After), "list"
	if s.Stream {
		kind = "stream"
	}
	found, cursor := map[string]bool{}, "0"
	for range rounds {
		answer, _ := ask(ctx, server, "SCAN", cursor, "MATCH", pattern, "COUNT", "1000", "TYPE", kind).([]any)
		if len(answer) != 2 {
			return
		}
		keys, _ := answer[1].([]any)
		for _, key := range keys {
			if key, is := key.(string); is {
				found[strings.TrimSuffix(strings.TrimPrefix(key, s.Before), s.After)] = true
			}
		}
		if cursor, _ = answer[0].(string); cursor == "0" {
			a.Searched = true
			break
		}
	}
	for name := range found {
		a.Queues = append(a.Queues, name)
	}
	slices.Sort(a.Queues)
	wanted := strings.TrimSuffix(strings.TrimPrefix(s.Key, s.Before), s.After)
	if i := slices.Index(a.Queues, nearest.Nearest(wanted, a.Queues)); i > 0 {
		first := a.Queues[i]
		a.Queues = slices.Insert(slices.Delete(a.Queues, i, i+1), 0, first)
	}
	a.Queues = a.Queues[:min(len(a.Queues), MostQueues)]
}

// ask is the answer to a command, nil without one.
func ask(ctx context.Context, server Server, words ...string) any {
	answers, err := server.Do(ctx, words)
	if err != nil || len(answers) != 1 {
		return nil
	}
	return answers[0]
}

// number is an answer that is a number; some servers send it as text.
func number(answer any) (n int64, known bool) {
	switch v := answer.(type) {
	case int64:
		return v, true
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}
