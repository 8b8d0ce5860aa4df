// Package ledger is the one enumeration of what a run counts about its jobs, and
// the tallies in which the goroutines of a run count.
//
// The fields of a result's ledger, the metrics that are counts, and the rows and
// columns of the reports follow from [Rows]. To add a counter, add its constant and
// its row here and its field to result.Ledger, and count it with [Tally.Add].
package ledger

// Counter names one count. It is the index at which a [Tally] keeps it.
type Counter int

// The counters. Sums read them in this order: what happens later to a job is read
// before what happens earlier, so that no sum shows more jobs at the end of their
// way than at its beginning.
const (
	Notified   Counter = iota
	Unheard            // lost on the leg nobody_listened
	Refused            // lost on the leg refused
	Unanswered         // lost on the leg unacknowledged, and known to be
	Unstored           // lost on the leg unstored
	Unpushed           // lost on the leg unpushed
	Unsaved            // lost on the leg unsaved
	WindowLost         // of the window, known not to arrive: all of the above
	Duplicated
	OutOfOrder
	Corrupt
	Foreign
	Unreadable
	Failed
	Redelivered
	Published
	Finished
	Popped
	Acked
	Sent
	WindowSent // of the window
	Unknown    // sent, and the answer to the push was lost with the connection

	// No goroutine counts the following: they are worked out at the end of the run.
	Scheduled
	Lost
	Abandoned
	Prefilled
	Errors

	counters int = iota
)

// Row describes a counter that results show.
type Row struct {
	Counter Counter
	// Key is the counter's JSON key, and its name as a metric.
	Key string
	// Name is the counter in reports, and Counts is what it counts.
	Name, Counts string
	// Column is its column in CSV, empty when it has none.
	Column string
	// Metric is true when the counter, and its share of all jobs, can be limited.
	Metric bool
	// Observable is true when an observed load, whose jobs are not the run's own,
	// has this count as well.
	Observable bool
	// Unusual counters are in a one-line account when they are not zero; Rare ones
	// are in a table only then.
	Unusual, Rare bool
}

// Rows lists the counters of a result in the order in which reports show them.
func Rows() []Row {
	return []Row{
		{Counter: Scheduled, Key: "scheduled", Name: "scheduled", Counts: "came due before the load ended, warm-up included", Column: "scheduled"},
		{Counter: Sent, Key: "sent", Name: "sent", Counts: "handed to a connection", Column: "sent"},
		{Counter: Acked, Key: "acked", Name: "acked", Counts: "push acknowledged"},
		{Counter: Popped, Key: "popped", Name: "popped", Counts: "taken by a consumer"},
		{Counter: Finished, Key: "finished", Name: "finished", Counts: "work done"},
		{Counter: Published, Key: "published", Name: "published", Counts: "publish acknowledged"},
		{Counter: Notified, Key: "notified", Name: "notified", Counts: "notification seen by every subscriber", Column: "notified"},
		{Counter: Lost, Key: "lost", Name: "lost", Counts: "never notified", Column: "lost", Metric: true},
		{Counter: Abandoned, Key: "abandoned", Name: "abandoned", Counts: "not sent yet, or on their way, when the run was stopped from outside", Column: "abandoned", Unusual: true},
		{Counter: Duplicated, Key: "duplicated", Name: "duplicated", Counts: "extra pops and extra notifications of the same job", Column: "duplicated", Metric: true, Unusual: true},
		{Counter: OutOfOrder, Key: "out_of_order", Name: "out of order", Counts: "notified after a later job; some are normal with more than one consumer", Column: "out_of_order", Metric: true, Unusual: true},
		{Counter: Corrupt, Key: "corrupt", Name: "corrupt", Counts: "carried this run's mark and cannot be one of its jobs", Column: "corrupt", Metric: true, Unusual: true},
		{Counter: Unreadable, Key: "unreadable", Name: "unreadable", Counts: "messages on the channel that are not updates", Column: "unreadable", Metric: true, Observable: true, Unusual: true},
		{Counter: Foreign, Key: "foreign", Name: "foreign", Counts: "not of this run", Column: "foreign", Metric: true, Unusual: true},
		{Counter: Failed, Key: "failed", Name: "failed", Counts: "ended with status FAILED", Column: "jobs_failed", Metric: true, Observable: true, Unusual: true},
		{Counter: Redelivered, Key: "redelivered", Name: "redelivered", Counts: "given to a second worker by the queue", Rare: true, Unusual: true},
		{Counter: Errors, Key: "errors", Name: "errors", Counts: "error replies and broken connections", Column: "errors", Metric: true, Observable: true},
		{Counter: Prefilled, Key: "prefilled", Name: "prefilled", Counts: "waited in the queue before the load began", Rare: true},
	}
}

// Lookup finds the row with that key.
func Lookup(key string) (Row, bool) {
	for _, row := range Rows() {
		if row.Key == key {
			return row, true
		}
	}
	return Row{}, false
}

// RowOf finds the row of a counter.
func RowOf(c Counter) (Row, bool) {
	for _, row := range Rows() {
		if row.Counter == c {
			return row, true
		}
	}
	return Row{}, false
}
