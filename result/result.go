// Package result is the result of a run as plain data: the ledger of all jobs, the
// distribution of every stage, the timeline, and whether the figures are valid. It is
// the content of result.json and the only input of every report.
//
// Begin reading at [Result]; [Result.Metric] answers for one figure by its name.
package result

import (
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/scenario"
)

// Schema is the version of the layout of [Result] as JSON. It grows when a key
// changes its meaning; new keys do not change it.
const Schema = 2

// Result is everything that one run measured: the content of result.json.
type Result struct {
	Schema int  `json:"schema"`
	Tool   Tool `json:"tool"`
	Run    Info `json:"run"`
	// Scenario is the scenario as it was run, with every default filled in.
	Scenario scenario.Scenario       `json:"scenario"`
	Redis    Redis                   `json:"redis"`
	Postgres *Postgres               `json:"postgres,omitempty"` // nil where jobs are not stored
	Host     Host                    `json:"host"`
	Window   Window                  `json:"window"`
	Rates    Rates                   `json:"rates"`
	Ledger   Ledger                  `json:"ledger"`
	Stages   map[Stage]*StageSummary `json:"stages"`
	Scalars  map[string]*float64     `json:"scalars"`
	Timeline []Second                `json:"timeline"`
	// RowS is the longest that a row of the timeline is, in seconds, where seconds were
	// joined to longer rows: in a run of more than an hour. Otherwise it is 0.
	RowS float64 `json:"timeline_row_s,omitempty"`
	// Faults are what the scenario's faults did, in its order; nil without any.
	Faults []Fault `json:"faults,omitempty"`
	// Stall is the longest time in which the server answered nothing, nil without one. A
	// stall that a fault of the scenario caused is not here.
	Stall      *Stall      `json:"stall,omitempty"`
	Validity   Validity    `json:"validity"`
	Thresholds []Threshold `json:"thresholds"`
	// Breakdown splits the window's jobs by "step" of the load, by "queue" in the
	// order of priority, and by "tenant", where the scenario has more than one. Of
	// tenants, the most frequent ones are listed, and all others as one.
	Breakdown map[string][]Part `json:"breakdown,omitempty"`
	// Observed is what was seen of an external load, nil otherwise. The ledger then
	// counts problems of the subscription, and the window's jobs are those that
	// ended in it.
	Observed *Observation `json:"observed,omitempty"`
	// Fleet says of which shards the result was merged, nil for the result of one run.
	Fleet *Fleet `json:"fleet,omitempty"`
	// NotUnderstood is the first message on the channel that could not be read, or
	// else the first with an unknown status; nil without any.
	NotUnderstood *Unrecognized `json:"not_understood,omitempty"`
	// Unreturned are foreign elements that consumers took from an existing queue and
	// could not put back.
	Unreturned [][]byte `json:"unreturned,omitempty"`
	// Server is empty for a backend without a server.
	Server   Server   `json:"server"`
	Warnings []string `json:"warnings"`
}

// Tool says which build of queuedyno made a result.
type Tool struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// Info identifies a run and says how it ended.
type Info struct {
	ID        string    `json:"id"`
	Scenario  string    `json:"scenario"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	// StopReason is why the load ended: jobs_sent, schedule_over, not_all_sent,
	// jobs_ended, time_over, no_progress, not_understood, none_understood, none_taken,
	// none_ended, max_backlog, threshold, server_killed, stopped, stopped_at_once,
	// stopped_then_cut, error or checkpoint. A checkpoint is what was known of a run while it went on; EndedAt
	// is when it was taken, and jobs on their way are abandoned in its ledger.
	// StoppedAtS is when, in seconds from the epoch, where a limit or a threshold
	// ended it. StopText is the sentence of an older result that has no reason.
	StopReason string  `json:"stop_reason"`
	StoppedAtS float64 `json:"stopped_at_s,omitempty"`
	StopText   string  `json:"stop_text,omitempty"`
	// Interrupted is true when the run was stopped from outside before its
	// schedule was over.
	Interrupted bool `json:"interrupted"`
	// Aborted is the threshold that ended the run before its schedule was
	// over, empty when none did.
	Aborted string `json:"aborted,omitempty"`
	// Failed is true when an error ended the run; Error is that error.
	Failed bool              `json:"failed"`
	Error  string            `json:"error,omitempty"`
	Seed   uint64            `json:"seed"`
	Tags   map[string]string `json:"tags"`
	// Worker is the command of the workers that were started for the run,
	// without secrets; empty when none were.
	Worker string `json:"worker,omitempty"`
	// Shard is the part of the load that the run sent, nil for all of it.
	Shard *Shard `json:"shard,omitempty"`
}

// Redis says which server was under test. Address never holds a secret.
type Redis struct {
	// Kind is url, process, sentinel, cluster, docker, embedded or memory.
	Kind    string `json:"kind"`
	Version string `json:"version"`
	Mode    string `json:"mode"`
	Address string `json:"address"`
	// Config holds the settings that affect the figures, empty where they could not
	// be read.
	Config map[string]string `json:"config"`
}

// Postgres says which database held the rows of the jobs, and how busy it was. Address
// never holds a secret.
type Postgres struct {
	// Kind is url, process or docker.
	Kind    string `json:"kind,omitempty"`
	Version string `json:"version"`
	Address string `json:"address"`
	// Table is the table, and Created is true if the run created and dropped it.
	Table   string `json:"table"`
	Created bool   `json:"created"`
	// Settings are those of the server that matter most for the cost of a row.
	Settings map[string]string `json:"settings"`
	// Connections is the size of the pool. Busy is the mean share of it that executed
	// a statement while the load was on, and MaxBusy the largest number of connections
	// that did so at once.
	Connections int      `json:"connections"`
	Busy        *float64 `json:"busy"`
	MaxBusy     int64    `json:"max_busy"`
	// Statements were executed. Waits is how many of them waited for a connection, and
	// Waited for how long all of them together.
	Statements int64         `json:"statements"`
	Waits      int64         `json:"waits"`
	Waited     time.Duration `json:"waited_ns"`
	// Reconnects is how many connections were replaced.
	Reconnects int64 `json:"reconnects"`
	// Active is how many statements the server executed on average, those of other
	// clients included, and WaitsFor what they waited for: Lock, LWLock, IO and so on,
	// each as a mean number of statements (pg_stat_activity, sampled).
	Active   *float64           `json:"active"`
	WaitsFor map[string]float64 `json:"waits_for,omitempty"`
}

// Host says where queuedyno ran.
type Host struct {
	OS   string `json:"os"`
	Arch string `json:"arch"`
	// CPUs are those that this process may run on, by its affinity or cpuset.
	CPUs       int `json:"cpus"`
	GOMAXPROCS int `json:"gomaxprocs"`
	// CPULimit is the limit of this process's cgroups in CPUs, 0 when no limit is
	// known. CPULimitSource is the file that sets it, and CPULimitUnknown the reason
	// why a limit could not be read.
	CPULimit        float64 `json:"cpu_limit,omitempty"`
	CPULimitSource  string  `json:"cpu_limit_source,omitempty"`
	CPULimitUnknown string  `json:"cpu_limit_unknown,omitempty"`
	CPUModel        string  `json:"cpu_model,omitempty"`
	Kernel          string  `json:"kernel,omitempty"`
	// MemoryBytes is the physical memory, 0 where unknown.
	MemoryBytes int64 `json:"memory_bytes,omitempty"`
}

// Window is the measured part of the schedule, in nanoseconds from the run's
// epoch. A job belongs to it by its due time.
type Window struct {
	FromNS int64 `json:"from_ns"`
	ToNS   int64 `json:"to_ns"`
	// Scheduled is how many jobs were due in the window; Completed how many of
	// them were notified to every subscriber. The difference was lost or abandoned.
	Scheduled int64 `json:"scheduled"`
	Completed int64 `json:"completed"`
	// DrainNS is the time from the end of the window to the arrival of its last job.
	DrainNS int64 `json:"drain_ns"`
}

// Rates are jobs per second in the window. A closed loop offers nothing, so
// its offered rate and its ratio are null.
type Rates struct {
	OfferedPerS   *float64 `json:"offered_per_s"`
	AchievedPerS  float64  `json:"achieved_per_s"`
	AchievedRatio *float64 `json:"achieved_ratio"`
}

// Part is the account of one step, queue or tenant of the window.
type Part struct {
	Name string `json:"name"`
	// Scheduled jobs were due, Sent jobs were sent, and Completed jobs arrived. Lost
	// jobs were sent and did not arrive; Abandoned jobs were in transit when the run
	// was stopped.
	Scheduled int64 `json:"scheduled"`
	Sent      int64 `json:"sent"`
	Completed int64 `json:"completed"`
	Lost      int64 `json:"lost"`
	Abandoned int64 `json:"abandoned,omitempty"`
	// FromNS and ToNS are a step's time in the window, in nanoseconds from the
	// epoch; zero for queues and tenants.
	FromNS int64 `json:"from_ns,omitempty"`
	ToNS   int64 `json:"to_ns,omitempty"`
	// Lateness and EndToEnd are the part's latency. Their histograms are kept only in
	// results of shards and in merged ones.
	Lateness *StageSummary `json:"lateness"`
	EndToEnd *StageSummary `json:"end_to_end"`
}

// StageSummary is the distribution of one stage over the jobs of the window.
// Quantiles are nearest rank over all jobs that were due in the window; jobs
// that never arrived count as infinitely late. A quantile is null when it
// falls among those or when fewer than ten jobs lie above it; Missing then
// says why, by quantile name ("p99.9").
type StageSummary struct {
	Count    int64    `json:"count"`
	MinNS    *int64   `json:"min_ns"`
	MeanNS   *float64 `json:"mean_ns"`
	StddevNS *float64 `json:"stddev_ns"`
	P50NS    *int64   `json:"p50_ns"`
	P75NS    *int64   `json:"p75_ns"`
	P90NS    *int64   `json:"p90_ns"`
	P95NS    *int64   `json:"p95_ns"`
	P99NS    *int64   `json:"p99_ns"`
	P999NS   *int64   `json:"p99_9_ns"`
	P9999NS  *int64   `json:"p99_99_ns"`
	MaxNS    *int64   `json:"max_ns"`
	// SumNS is the exact sum of all values, in results of shards and merged ones only.
	SumNS   *int64             `json:"sum_ns,omitempty"`
	Missing map[string]Missing `json:"missing,omitempty"`
	// Censored is how many further jobs count as infinitely late.
	Censored int64 `json:"censored,omitempty"`
	// Overflow counts values beyond the histogram's range (one hour). They
	// are in Count and MaxNS, never silently dropped.
	Overflow int64 `json:"overflow"`
	// HDR is the whole histogram in nanoseconds: HdrHistogram V2, compressed,
	// base64; see package latency.
	HDR string `json:"hdr"`
}

// Second is one row of the timeline: a second, or a tenth of one where the load
// takes at most 30 s. The stages hold what was completed in the last second,
// warm-up included; of shorter rows, those that end a second hold them. In a run of more
// than an hour a row is several seconds, and its counts and quantiles are of all jobs in
// them.
type Second struct {
	// ElapsedS is the end of the row's interval in seconds from the epoch.
	ElapsedS float64 `json:"elapsed_s"`
	// LengthS is the interval's length in seconds; the last one is shorter.
	LengthS float64 `json:"length_s"`
	// Phase is warmup, window or drain, by the row's end.
	Phase string `json:"phase"`
	// Offered, Sent and Notified are jobs in this interval.
	Offered  int64 `json:"offered"`
	Sent     int64 `json:"sent"`
	Notified int64 `json:"notified"`
	// Lost are lost jobs: those that the server refused in this interval, and those
	// that were due in it, were sent, and never arrived.
	Lost int64 `json:"lost,omitempty"`
	// Backlog is sent minus notified at the row's end, and BacklogMax its maximum
	// within the row; older files have 0. QueueLen is the last answer to LLEN, null
	// without one.
	Backlog    int64  `json:"backlog"`
	BacklogMax int64  `json:"backlog_max"`
	QueueLen   *int64 `json:"queue_len"`
	// Blocked is the number of connections in a blocking command at the row's end,
	// null where the server does not report it.
	Blocked *int64                 `json:"blocked_clients"`
	Stages  map[Stage]*SecondStage `json:"stages"`
}

// Stall is a time in which the server answered nothing, and in which at least one
// question had no answer within a second. Both moments are in nanoseconds from the epoch.
type Stall struct {
	FromNS int64 `json:"from_ns"`
	ToNS   int64 `json:"to_ns"`
	// Lasted is true when the server had not answered again at ToNS.
	Lasted bool `json:"lasted,omitempty"`
}

// Peak is the highest backlog of the row, also in older files.
func (s Second) Peak() int64 { return max(s.Backlog, s.BacklogMax) }

// SecondStage is a stage in one row. Quantiles are of that row alone,
// null where it completed too few jobs to carry them.
type SecondStage struct {
	Count int64  `json:"count"`
	P50NS *int64 `json:"p50_ns"`
	P90NS *int64 `json:"p90_ns"`
	P99NS *int64 `json:"p99_ns"`
	MaxNS *int64 `json:"max_ns"`
	// HDR is the histogram: HdrHistogram V2, base64, not compressed in results of shards,
	// compressed in merged ones. No others have it, and only the headline does.
	HDR string `json:"hdr,omitempty"`
}

// Server holds the server's INFO before and after the run, and the differences.
type Server struct {
	Before map[string]string  `json:"before"`
	After  map[string]string  `json:"after"`
	Deltas map[string]float64 `json:"deltas"`
	// Commands are the changes of the command statistics, by command.
	Commands map[string]CommandStat `json:"commands"`
}

// CommandStat is how often the server ran a command and how long that took.
type CommandStat struct {
	Calls       int64   `json:"calls"`
	USec        int64   `json:"usec"`
	USecPerCall float64 `json:"usec_per_call"`
	Failed      int64   `json:"failed"`
	Rejected    int64   `json:"rejected"`
}

// Here reports whether the Redis runs on this host.
func (r Redis) Here() bool {
	if r.Kind != "url" || strings.HasPrefix(r.Address, "unix:") {
		return true
	}
	return loopback(r.Address)
}

// Here reports whether the Postgres runs on this host.
func (p Postgres) Here() bool { return p.Kind != "url" || loopback(p.Address) }

// loopback reports whether a URL is one on this host.
func loopback(url string) bool {
	_, host, _ := strings.Cut(url, "//")
	host = host[strings.LastIndexByte(host, '@')+1:]
	return strings.HasPrefix(host, "localhost") || strings.HasPrefix(host, "127.") || strings.HasPrefix(host, "[::1]")
}
