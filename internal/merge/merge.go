// Package merge makes one result out of the results of the shards of a load. Counts and
// histograms add, quantiles come from the added histograms only, and nothing is averaged.
// Merging is associative and does not depend on the order: a merged result can be merged
// again with the shards that it lacks. Begin reading at [Merger].
package merge

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/rowlength"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// Merger adds up results. The zero value is empty and ready. Its memory follows the number
// of seconds, of stages and of shards, and not the number of seconds times that of shards:
// what is kept of a shard is [result.ShardResult]. It is not safe for concurrent use.
type Merger struct {
	first  *result.Result // what all shards share, and the facts of the first shard
	source string         // of first
	shards map[int]shard
	stages map[result.Stage]*latency.Sparse
	parts  map[string][]*part
	rows   map[time.Duration]*row // by their ends
	lost   []lostJob
	reader latency.BandCounter
	heap   *latency.Histogram // reused
}

// shard is what is kept of one shard, and where it came from.
type shard struct {
	result.ShardResult
	source string
}

// lostJob is a lost job with its number in the whole load.
type lostJob struct {
	result.LostJob
	n int64
}

// maxLostJobs bounds the list of lost jobs, as in the result of one run.
const maxLostJobs = 1000

// Add adds the result of a shard, or a merged one. source names it in errors. A result that
// does not belong to the others is an error with a remedy; the merger is unchanged then. The
// result must not be changed afterwards.
func (m *Merger) Add(r *result.Result, source string) error {
	l := &loaded{t: &timeline{}}
	if err := l.of(r); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	return m.add(l, source)
}

// add adds what was read.
func (m *Merger) add(l *loaded, source string) error {
	r := l.r
	if err := m.fits(r, source); err != nil {
		return err
	}
	added, err := m.histograms(r)
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	if m.shards == nil {
		m.shards, m.stages, m.rows = map[int]shard{}, map[result.Stage]*latency.Sparse{}, map[time.Duration]*row{}
		m.parts = map[string][]*part{}
	}
	if m.first == nil || indexOf(r) < indexOf(m.first) {
		m.first, m.source = shared(r), source
	}
	for _, one := range shardsOf(r) {
		m.shards[one.Run.Shard.Index] = shard{one, source}
	}
	for stage, s := range added.stages {
		if m.stages[stage] == nil {
			m.stages[stage] = &latency.Sparse{}
		}
		m.stages[stage].Add(s)
	}
	m.addParts(added.parts)
	m.addRows(l.t, rowlength.Of(r.Scenario, 0), shardsOf(r)[0].Run.Shard.SharedQueue)
	m.addLost(r.Ledger.LostJobs)
	return nil
}

// shared is what is kept of a result besides its sums: what every shard has alike, and the
// facts that are given once.
func shared(r *result.Result) *result.Result {
	return &result.Result{
		Schema: r.Schema, Tool: r.Tool, Run: r.Run, Scenario: r.Scenario, Redis: r.Redis, Host: r.Host,
		Server: r.Server, Faults: r.Faults, Fleet: r.Fleet, NotUnderstood: r.NotUnderstood, Unreturned: r.Unreturned,
	}
}

// identity is what the results of one fleet have in common.
type identity struct {
	fleet, configuration string
	of                   int
}

func identityOf(r *result.Result) (identity, bool) {
	if f := r.Fleet; f != nil && len(f.Shards) > 0 {
		return identity{f.ID, f.Configuration, f.Of}, true
	}
	if s := r.Run.Shard; s != nil {
		return identity{s.Fleet, s.Configuration, s.Of}, true
	}
	return identity{}, false
}

// indexOf is the lowest number of a shard in the result.
func indexOf(r *result.Result) int { return numbersOf(r)[0] }

// numbersOf are the numbers of the shards in the result.
func numbersOf(r *result.Result) (all []int) {
	if r.Fleet == nil {
		return []int{r.Run.Shard.Index}
	}
	for _, one := range r.Fleet.Shards {
		all = append(all, one.Run.Shard.Index)
	}
	return all
}

// fits refuses what does not belong to the shards that were added.
func (m *Merger) fits(r *result.Result, source string) error {
	refuse := func(remedy, why string, args ...any) error {
		return &problem.Hinted{What: source + ": " + fmt.Sprintf(why, args...), Remedy: remedy}
	}
	id, ok := identityOf(r)
	switch {
	case !ok:
		return refuse("give results of \"queuedyno run --shard I/N\"", "it is the result of a whole load, and not of a shard")
	case r.Schema != result.Schema:
		return refuse("run all shards with one version of queuedyno", "schema %d cannot be merged; this build merges schema %d", r.Schema, result.Schema)
	}
	for _, i := range numbersOf(r) {
		if i < 0 || i >= id.of {
			return refuse("restore the file", "there is no shard %d of %d", i, id.of)
		}
	}
	if m.first == nil {
		return nil
	}
	want, _ := identityOf(m.first)
	name := names(numbersOf(r))
	switch {
	case id.configuration != want.configuration || id.of != want.of:
		return refuse("run all shards with the same scenario, flags, seed and number of shards",
			"%s of %d was configured differently than %s%s", name, id.of, m.source, differences(m.first, r))
	case id.fleet != want.fleet:
		return refuse("merge the results of one start only", "%s is of another start (%s) than %s (%s)", name, id.fleet, m.source, want.fleet)
	}
	for _, i := range numbersOf(r) {
		if other, here := m.shards[i]; here {
			return refuse("leave one of them out", "shard %d is there already, from %s", i, other.source)
		}
	}
	return nil
}

// differences are the fields in which the scenarios of two results differ, for an error.
func differences(a, b *result.Result) string {
	var keys []string
	for _, f := range scenario.Fields() {
		if f.Get(a.Scenario) != f.Get(b.Scenario) {
			keys = append(keys, f.Key)
		}
	}
	idA, _ := identityOf(a)
	idB, _ := identityOf(b)
	if idA.of != idB.of {
		keys = append(keys, "the number of shards")
	}
	if len(keys) == 0 {
		return ""
	}
	return ": " + strings.Join(keys, ", ")
}

// shardsOf is what is kept of the shards in a result.
func shardsOf(r *result.Result) []result.ShardResult {
	if r.Fleet != nil {
		return r.Fleet.Shards
	}
	one := result.ShardResult{
		Run: r.Run, Tool: r.Tool, Host: r.Host, Window: r.Window, Rates: r.Rates, Ledger: r.Ledger,
		Stages: map[result.Stage]*result.StageSummary{}, Scalars: r.Scalars, Validity: r.Validity, Warnings: r.Warnings,
		NotUnderstood: r.NotUnderstood, Unreturned: r.Unreturned,
	}
	one.Ledger.LostJobs = nil
	for stage, s := range r.Stages {
		if s != nil {
			brief := *s
			brief.HDR = ""
			one.Stages[stage] = &brief
		}
	}
	return []result.ShardResult{one}
}

// sums are the histograms of one result, read and not yet added.
type sums struct {
	stages map[result.Stage]*latency.Sparse
	parts  map[string][]*part
}

// histograms reads all histograms of a result.
func (m *Merger) histograms(r *result.Result) (s sums, err error) {
	s.stages = map[result.Stage]*latency.Sparse{}
	var faults []error
	for stage, sum := range r.Stages {
		if sum == nil {
			continue
		}
		s.stages[stage] = &latency.Sparse{}
		if err := m.reader.Collect(sum.HDR, s.stages[stage]); err != nil {
			faults = append(faults, fmt.Errorf("stages.%s.hdr: %w", stage, err))
		}
	}
	if s.parts, err = m.readParts(r.Breakdown); err != nil {
		faults = append(faults, err)
	}
	return s, errors.Join(faults...)
}

// addLost adds lost jobs, and keeps those with the lowest numbers.
func (m *Merger) addLost(jobs []result.LostJob) {
	for _, j := range jobs {
		n, ok := flight.NumberOf(j.ID)
		if !ok {
			n, _ = strconv.ParseInt(j.ID, 10, 64)
		}
		m.lost = append(m.lost, lostJob{j, n})
	}
	slices.SortFunc(m.lost, func(a, b lostJob) int {
		return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Leg, b.Leg))
	})
	m.lost = m.lost[:min(len(m.lost), maxLostJobs)]
}

// names are shards for people: "shard 3", "shards 1, 2 and 5".
func names(all []int) string {
	const most = 12
	var words []string
	for _, i := range all {
		words = append(words, strconv.Itoa(i))
	}
	switch last := len(words) - 1; {
	case last == 0:
		return "shard " + words[0]
	case last < most:
		return "shards " + strings.Join(words[:last], ", ") + " and " + words[last]
	}
	return "shards " + number.Few(words, most)
}
