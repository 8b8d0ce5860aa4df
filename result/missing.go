package result

import (
	"encoding/json"
	"fmt"

	"github.com/queuedyno/queuedyno/internal/number"
)

// Missing says why a quantile of a stage has no value.
type Missing struct {
	// Code is one of the constants below.
	Code string `json:"code"`
	// Need and Have are numbers of jobs, see the codes.
	Need int64 `json:"need"`
	Have int64 `json:"have"`
	// Text is the reason in words, for those that no code stands for.
	Text string `json:"text,omitempty"`
}

// The reasons for which a quantile has no value.
const (
	// TooFewJobs: the quantile takes Need jobs to have enough above it; the window
	// has Have.
	TooFewJobs = "too_few_jobs"
	// NeverArrived: the quantile falls among the jobs that never arrived. Of Need
	// jobs Have arrived.
	NeverArrived = "never_arrived"
	// NotHeard: the quantile falls among external jobs of which the beginning or the
	// end was not heard. Of Need jobs both were heard of Have.
	NotHeard = "not_heard"
	// OtherReason: Text says it.
	OtherReason = "other"
)

// Words are the reason for which the quantile of that name is missing.
func (m Missing) Words(quantile string) string {
	switch m.Code {
	case TooFewJobs:
		return fmt.Sprintf("too few jobs: %s needs %s, the window has %s", quantile, number.Count(m.Need), number.Count(m.Have))
	case NeverArrived:
		return fmt.Sprintf("it falls among the %d of %d jobs that never arrived", m.Need-m.Have, m.Need)
	case NotHeard:
		return fmt.Sprintf("it falls among the %d of %d jobs whose beginning or end was not heard", m.Need-m.Have, m.Need)
	}
	return m.Text
}

// UnmarshalJSON reads a reason. In files of schema 1 it is a sentence.
func (m *Missing) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		*m = Missing{Code: OtherReason}
		return json.Unmarshal(data, &m.Text)
	}
	type plain Missing
	return json.Unmarshal(data, (*plain)(m))
}
