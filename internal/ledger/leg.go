package ledger

// The keys of the legs; [Legs] says what each means.
const (
	LegUnsent         = "unsent"
	LegUnstored       = "unstored"
	LegUnpushed       = "unpushed"
	LegRefused        = "refused"
	LegUnacknowledged = "unacknowledged"
	LegInQueue        = "in_queue"
	LegVanished       = "vanished"
	LegUnfinished     = "unfinished"
	LegNotUnderstood  = "not_understood"
	LegUnsaved        = "unsaved"
	LegUnpublished    = "unpublished"
	LegUnheard        = "nobody_listened"
	LegUnnotified     = "unnotified"
	LegUnbroadcast    = "unbroadcast"
)

// Leg describes a part of a job's way on which it can be lost.
type Leg struct {
	// Key is the leg's JSON key.
	Key string
	// Meaning says where a job of the leg was lost.
	Meaning string
	// Word is the leg in a one-line account; empty means Key.
	Word string
	// Before is the first counter that such a job does not reach.
	Before Counter
	// Counted is the counter of jobs that are known to be lost on the leg while the
	// run goes on, negative where only the end of the run shows the loss.
	Counted Counter
	// Always is true for the legs of every run. The others are in a result only if
	// they lost jobs.
	Always bool
}

const none Counter = -1

// Legs lists every leg in the order of a job's way.
func Legs() []Leg {
	return []Leg{
		{Key: LegUnsent, Meaning: "due, but never written: the run stopped first", Before: Sent, Counted: none, Always: true},
		{Key: LegUnstored, Meaning: "sent; its row was not inserted, or Postgres never confirmed it", Before: Acked, Counted: Unstored},
		{Key: LegUnpushed, Meaning: "its row was inserted, and its id was never pushed", Before: Acked, Counted: Unpushed},
		{Key: LegRefused, Meaning: "written; the server answered the push with an error", Before: Acked, Counted: Refused, Always: true},
		{Key: LegUnacknowledged, Meaning: "written; no answer to the push, and never seen again", Before: Acked, Counted: Unanswered, Always: true},
		{Key: LegInQueue, Meaning: "push acknowledged; still in the list at the end", Before: Popped, Counted: none, Always: true},
		{Key: LegVanished, Meaning: "push acknowledged; neither popped by this run nor in the list", Before: Popped, Counted: none, Always: true},
		{Key: LegUnfinished, Meaning: "popped; the work never ended", Before: Finished, Counted: none, Always: true},
		{Key: LegNotUnderstood, Meaning: "taken by an external worker; its end may be in one of the messages that were not understood", Word: "without an understood end", Before: Finished, Counted: none, Always: true},
		{Key: LegUnsaved, Meaning: "work done; its row was not updated, or there was no row", Before: Published, Counted: Unsaved},
		{Key: LegUnpublished, Meaning: "work done; the publish was not acknowledged", Before: Published, Counted: none, Always: true},
		{Key: LegUnheard, Meaning: "published; the server says that no subscriber was there", Before: Notified, Counted: Unheard, Always: true},
		{Key: LegUnnotified, Meaning: "published to subscribers; not all of them received it", Before: Notified, Counted: none, Always: true},
		{Key: LegUnbroadcast, Meaning: "notified, or accepted by the API; not all WebSocket clients read its end", Before: Notified, Counted: none},
	}
}

// LegOf finds the leg with that key.
func LegOf(key string) (Leg, bool) {
	for _, l := range Legs() {
		if l.Key == key {
			return l, true
		}
	}
	return Leg{}, false
}
