package metric

// Stage names one measured leg of a job's way. The stamps between which each
// one lies are listed at its constant.
type Stage string

// The stages, in the order in which reports show them. Per job, in exact nanoseconds,
// EndToEnd = Lateness [+ Store] + Queue + Work [+ Save] + Notify [+ Broadcast].
const (
	Lateness  Stage = "lateness"     // due to sent: the generator's own delay
	Request   Stage = "request"      // due to answer read, of jobs that come in by HTTP
	Store     Stage = "store"        // sent to row inserted, of jobs that are stored in Postgres; the push follows
	Enqueue   Stage = "enqueue"      // push written to push acknowledged
	Queue     Stage = "queue"        // push written to popped
	Pickup    Stage = "pickup"       // due to RUNNING parsed, where workers say it
	Running   Stage = "running"      // RUNNING parsed to notification parsed, where workers say it
	WorkTime  Stage = "work"         // popped to work done; of external workers, what they say it took
	Save      Stage = "save"         // work done to row updated, of jobs that are stored in Postgres; the publish follows
	Publish   Stage = "publish"      // publish written to publish acknowledged
	Notify    Stage = "notify"       // publish written to notification parsed, by the last subscriber
	First     Stage = "notify_first" // publish written to notification parsed by the first of several subscribers
	Broadcast Stage = "broadcast"    // notification parsed to message read by the last WebSocket client
	EndToEnd  Stage = "end_to_end"   // due to notification parsed, or to the message read by the last WebSocket client
	FromSend  Stage = "from_send"    // sent to the same; a diagnostic
)

// Stages lists every stage in the order in which reports show them. A result holds
// those that its run could see: see scenario.Scenario.Measured.
func Stages() []Stage {
	return []Stage{Lateness, Request, Store, Enqueue, Queue, Pickup, Running, WorkTime, Save, Publish, Notify, First, Broadcast, EndToEnd, FromSend}
}

// quantiles are the quantiles that every stage has, and the share of the jobs below
// each.
var quantiles = []struct {
	name  string
	share float64
}{{"p50", .5}, {"p75", .75}, {"p90", .9}, {"p95", .95}, {"p99", .99}, {"p99.9", .999}, {"p99.99", .9999}}

// Quantiles are the names of the quantiles that every stage has.
func Quantiles() []string {
	var names []string
	for _, q := range quantiles {
		names = append(names, q.name)
	}
	return names
}

// QuantileShare is the share below the quantile of that name.
func QuantileShare(quantile string) (float64, bool) {
	for _, q := range quantiles {
		if q.name == quantile {
			return q.share, true
		}
	}
	return 0, false
}
