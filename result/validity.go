package result

import "time"

// The verdicts of [Validity].
const (
	Valid   = "valid"
	Suspect = "suspect" // the figures can be shown, with the reasons
	Invalid = "invalid" // the figures decide nothing
)

// Validity says whether the load generator, the clock and the host allow the
// figures to be trusted, and why not.
type Validity struct {
	Verdict string   `json:"verdict"`
	Reasons []string `json:"reasons"`
	Triage  Triage   `json:"triage"`
	// Usage is what the triage is based on.
	Usage  Usage            `json:"usage"`
	Checks map[string]Check `json:"checks"`
}

// Check is one question and its answer. Value is null where the question could
// not be asked; Detail then says why.
type Check struct {
	Value  *float64 `json:"value"`
	Limit  *float64 `json:"limit"`
	Unit   string   `json:"unit,omitempty"`
	Passed bool     `json:"passed"`
	// Effect is what a failed check did to the verdict: suspect, invalid, or note
	// when it only qualifies some figures. It is undecided, without consequences,
	// when the measurement is too coarse to decide. Empty when passed.
	Effect string `json:"effect,omitempty"`
	Detail string `json:"detail"`
}

// Triage says where the time of the slow jobs went, as far as the control probes
// can tell.
type Triage struct {
	// Where is generator, client, redis, workers, host, cpu_limit or in_flight, and
	// empty when nothing stands out.
	Where string `json:"where"`
	// Detail is what the probes found. It is empty when Where follows from Limit
	// alone. Of merged shards it names the one of which it speaks.
	Detail string `json:"detail"`
	Limit  *Limit `json:"limit,omitempty"`
}

// Usage is how much a run used of everything that may limit it. Shares are
// between 0 and 1; a nil one was not measured.
type Usage struct {
	// Redis is the share of one CPU that the server's main thread used.
	Redis *float64 `json:"redis,omitempty"`
	// Generator is the share of AllowedCPUs that this process used.
	Generator *float64 `json:"generator,omitempty"`
	// Host is how busy the CPUs were that this process may run on, with
	// everything on them.
	Host *float64 `json:"host,omitempty"`
	// Workers is the share of the consumers' time that jobs took, from the pop to
	// the answer of the publish; Work is the part that the work itself takes.
	Workers *float64 `json:"workers,omitempty"`
	Work    float64  `json:"work,omitempty"`
	// Postgres is the share of the pool's connections that executed a statement, and
	// API the share of the connections to the user's API with an unanswered request.
	Postgres *float64 `json:"postgres,omitempty"`
	API      *float64 `json:"api,omitempty"`
	// Throttled is the share of the CPU limit's periods in which it stopped this
	// process and everything else in its cgroup.
	Throttled *float64 `json:"throttled,omitempty"`

	// WorkerCPUs is how many CPUs the workers used that were started for the run.
	WorkerCPUs *float64 `json:"worker_cpus,omitempty"`

	CPUs        int     `json:"cpus"`         // that this process may run on
	AllowedCPUs float64 `json:"allowed_cpus"` // GOMAXPROCS, or the CPU limit where that is less
	RedisHere   bool    `json:"redis_here"`   // Redis runs on this host
	// EntryHere says that the Postgres or the API through which jobs come in runs on
	// this host: its CPU time is part of what other programs used.
	EntryHere bool `json:"entry_here,omitempty"`

	// CPULimit is in CPUs, 0 without one; LimitSource is the file that sets it.
	CPULimit         float64       `json:"cpu_limit,omitempty"`
	LimitSource      string        `json:"cpu_limit_source,omitempty"`
	Periods          int64         `json:"periods,omitempty"`
	ThrottledPeriods int64         `json:"throttled_periods,omitempty"`
	ThrottledFor     time.Duration `json:"throttled_ns,omitempty"` // added up over CPUs
	// Shared says that a Redis or workers that were started for the run are under
	// the same limit.
	SharedLimit bool `json:"shared_limit,omitempty"`

	// InFlight is how many jobs a closed loop keeps in flight, 0 in an open one.
	InFlight int `json:"in_flight,omitempty"`
	// Waiting is how many jobs waited for a consumer on average, and Taken how many
	// all consumers together take at a time.
	Waiting float64 `json:"waiting,omitempty"`
	Taken   int     `json:"taken,omitempty"`
}

// Limit names what was at its limit.
type Limit struct {
	// Part is one of the places of [Triage], or empty when no single part was at
	// its limit.
	Part string `json:"part"`
	// External is true when other programs used up the host.
	External bool `json:"external,omitempty"`
	// Near are all parts that were at or near their limits, Part first.
	Near []string `json:"near"`
}
