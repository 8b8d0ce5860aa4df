package updates

import (
	"fmt"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/jsonscan"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// The names under which workers publish, the likeliest first, in lower case and
// without - and _.
var (
	idNames     = []string{"jobid", "id", "taskid", "jid", "uuid", "jobuuid", "messageid", "requestid", "correlationid", "job", "task", "key"}
	statusNames = []string{"status", "state", "jobstatus", "jobstate", "event", "outcome", "result", "phase", "type"}
	// Those of a key that says true or false.
	endNames     = []string{"done", "completed", "complete", "finished"}
	successNames = []string{"success", "succeeded", "successful", "ok"}
)

// likely are the words that workers use, in lower case and without - and _, by what
// they mean; those of "" say that a job has not ended.
var likely = map[jobqueue.Status][]string{
	jobqueue.Completed: {"completed", "complete", "done", "ok", "success", "succeeded", "successful", "finished", "finish", "processed"},
	jobqueue.Failed: {"failed", "fail", "failure", "error", "errored", "exception", "dead", "aborted", "cancelled", "canceled", "rejected", "timeout",
		"timedout", "crashed", "killed"},
	jobqueue.Running: {"running", "run", "started", "start", "starting", "active", "processing", "inprogress", "working", "begin", "began", "begun", "pickedup"},
	"": {"progress", "received", "accepted", "queued", "pending", "waiting", "delayed", "scheduled", "created", "new", "retry", "retrying",
		"stalled", "paused", "resumed", "heartbeat", "alive", "log", "step"},
}

// Likely is what an unknown status probably means: one of the three known ones, or ""
// for an event before the end of a job. It reports whether the word is known.
func Likely(s jobqueue.Status) (means jobqueue.Status, known bool) {
	word := bare(string(s))
	for means, all := range likely {
		if slices.Contains(all, word) {
			return means, true
		}
	}
	return "", false
}

// bare is a name in lower case and without what separates its words.
func bare(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name))
}

// leaf is a value of a message and where it stands.
type leaf struct {
	at    place
	token []byte
}

// Guess is what [GuessMapping] guesses, and "" for updates that are announced elsewhere than on
// one channel.
func (m *Mapping) Guess(message []byte, ours func(id []byte) bool) string {
	if m.source != nil {
		return ""
	}
	return GuessMapping(message, ours)
}

// GuessMapping is the mapping that would probably read a message that was not
// understood, "" where there is no guess or nothing to map. ours says of an id that
// it is that of a job on its way; it may be nil.
func GuessMapping(message []byte, ours func(id []byte) bool) string {
	obj := jsonscan.Object(message)
	leaves := leavesOf(&obj, nil, nil)
	if obj.End() != nil {
		return ""
	}
	id := idAmong(leaves, ours)
	status, word := statusAmong(leaves)
	if id == nil || status == nil || id == status {
		return ""
	}
	var parts []string
	if !standardAt(factID, id) {
		parts = append(parts, "id="+id.at.String())
	}
	if !standardAt(factStatus, status) {
		parts = append(parts, "status="+status.at.String())
	}
	return strings.Join(append(parts, word...), ",")
}

// standardAt reports whether the leaf is where the documented form has it.
func standardAt(fact int, l *leaf) bool {
	at := standard.places[fact]
	return len(l.at.path) == 1 && strings.EqualFold(string(l.at.path[0]), string(at.path[0]))
}

// leavesOf are the values of an object that are neither objects nor arrays, but for
// what lies too deep or comes too late.
func leavesOf(obj *jsonscan.Members, path [][]byte, all []leaf) []leaf {
	const most, deep = 200, 4
	for obj.Next() {
		at := append(slices.Clone(path), jsonscan.Unquoted(obj.Key))
		switch obj.Value[0] {
		case '[':
		case '{':
			if len(at) < deep {
				inner := obj.Inner()
				all = leavesOf(&inner, at, all)
			}
		default:
			if len(all) < most {
				all = append(all, leaf{place{path: at}, obj.Value})
			}
		}
	}
	return all
}

// name is the innermost key, bare.
func (l *leaf) name() string { return bare(string(l.at.path[len(l.at.path)-1])) }

// idAmong is the leaf that is probably the job's id: one of a job that is known, or the
// one with the likeliest name, the outermost of several.
func idAmong(leaves []leaf, ours func([]byte) bool) *leaf {
	for i := range leaves {
		if l := &leaves[i]; ours != nil && usable(factID, l.token) && ours(jsonscan.Contents(l.token)) {
			return l
		}
	}
	return named(leaves, idNames, func(l *leaf) bool { return usable(factID, l.token) })
}

// statusAmong is the leaf that probably is the status, and what its word probably
// means, where that has to be said.
func statusAmong(leaves []leaf) (*leaf, []string) {
	says := func(l *leaf) (jobqueue.Status, bool) { return Likely(jobqueue.Status(jsonscan.Contents(l.token))) }
	isText := func(l *leaf) bool { return usable(factStatus, l.token) && l.token[0] == '"' }
	isWord := func(l *leaf) bool {
		_, known := says(l)
		return isText(l) && known
	}
	l := named(leaves, statusNames, isWord)
	if l == nil {
		l = named(leaves, statusNames, func(l *leaf) bool { return usable(factStatus, l.token) })
	}
	if l == nil {
		isFlag := func(l *leaf) bool { return string(l.token) == "true" || string(l.token) == "false" }
		if l = named(leaves, endNames, isFlag); l != nil {
			return l, []string{"completed=true", "running=false"}
		}
		if l = named(leaves, successNames, isFlag); l != nil {
			return l, []string{"completed=true", "failed=false"}
		}
	}
	for i := range leaves {
		if l == nil && isWord(&leaves[i]) {
			l = &leaves[i]
		}
	}
	if l == nil {
		return nil, nil
	}
	means, _ := says(l)
	word := string(jsonscan.Contents(l.token))
	if means == "" || strings.EqualFold(word, string(means)) {
		return l, nil
	}
	if !simple(word) {
		word = fmt.Sprintf("%q", word)
	}
	return l, []string{strings.ToLower(string(means)) + "=" + word}
}

// named is the leaf with the likeliest name among those that can be it, the outermost
// of several.
func named(leaves []leaf, names []string, can func(*leaf) bool) *leaf {
	for _, name := range names {
		var best *leaf
		for i := range leaves {
			l := &leaves[i]
			if l.name() == name && can(l) && (best == nil || len(l.at.path) < len(best.at.path)) {
				best = l
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}
