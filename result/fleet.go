package result

// Shard is the part of a load that one run sent while other runs sent the rest.
type Shard struct {
	// Index is the number of the shard, from 0, and Of how many there were.
	Index int `json:"index"`
	Of    int `json:"of"`
	// Fleet identifies the shards that started together: 15 hexadecimal digits, other
	// ones for each start. Configuration is a hash of the scenario, the recorded times
	// and the seed; shards of one fleet have the same.
	Fleet         string `json:"fleet"`
	Configuration string `json:"configuration"`
	// Clock is how the shard's clock stood to that of the server, nil without a meeting.
	Clock *Clock `json:"clock,omitempty"`
	// SharedQueue says that the shards push into one queue, whose workers are external.
	SharedQueue bool `json:"shared_queue,omitempty"`
	// Overheard are the updates of jobs of other shards, which the shard read and ignored.
	Overheard int64 `json:"overheard,omitempty"`
}

// Clock compares the clock of a shard with that of the Redis on which the shards met. The
// clock of a shard is its wall clock, read once; from there on its monotonic clock counts.
type Clock struct {
	// StartNS is the moment at which all shards start, on the clock of the server:
	// nanoseconds since 1970.
	StartNS int64 `json:"start_ns"`
	// OffsetNS is the server's clock less the shard's before the load, and EndOffsetNS
	// after it, nil when that could not be measured. The true offset differs from each by
	// at most the uncertainty.
	OffsetNS         int64  `json:"offset_ns"`
	UncertaintyNS    int64  `json:"uncertainty_ns"`
	EndOffsetNS      *int64 `json:"end_offset_ns"`
	EndUncertaintyNS *int64 `json:"end_uncertainty_ns"`
	// Drift is by how many nanoseconds a second the offset grew between the two.
	Drift *float64 `json:"drift_ns_per_s"`
	// LateNS is how much later than StartNS the shard left the meeting, by its clock;
	// negative when there was still time.
	LateNS int64 `json:"late_ns"`
}

// Fleet is what a merged result was merged from.
type Fleet struct {
	// ID and Configuration are those of every shard, and Of is how many there were.
	ID            string `json:"id"`
	Configuration string `json:"configuration"`
	Of            int    `json:"of"`
	// Missing are the numbers of the shards whose results are not here. The result is
	// then invalid.
	Missing []int `json:"missing,omitempty"`
	// StartSpreadNS bounds by how much the starts of two shards differed: the largest
	// uncertainty of their clocks twice, and what a shard left the meeting too late. It is
	// nil where a shard has no clock.
	StartSpreadNS *int64 `json:"start_spread_ns"`
	// Shards are the shards, by their numbers.
	Shards []ShardResult `json:"shards"`
}

// ShardResult is what is kept of the result of one shard. Its histograms and rows are in
// the merged result.
type ShardResult struct {
	Run           Info                    `json:"run"`
	Tool          Tool                    `json:"tool"`
	Host          Host                    `json:"host"`
	Window        Window                  `json:"window"`
	Rates         Rates                   `json:"rates"`
	Ledger        Ledger                  `json:"ledger"`
	Stages        map[Stage]*StageSummary `json:"stages"`
	Scalars       map[string]*float64     `json:"scalars"`
	Validity      Validity                `json:"validity"`
	NotUnderstood *Unrecognized           `json:"not_understood,omitempty"`
	Unreturned    [][]byte                `json:"unreturned,omitempty"`
	Warnings      []string                `json:"warnings"`
}
