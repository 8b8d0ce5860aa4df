package report

import (
	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/paired"
)

// meaningOf says what the verdict means and how often it errs.
func meaningOf(r *compare.Record) string {
	switch r.Verdict {
	case paired.Pass:
		return "Of comparisons in which some metric is worse by its margin or more, about 5 % pass at most."
	case paired.Fail:
		return "Of comparisons in which no metric is worse by more than its margin, about 5 % fail at most; where nothing changed, hardly any."
	}
	return ""
}

// methodOf says how the runs of this comparison came about, and how it decides.
func methodOf(r *compare.Record) string {
	looks := "few planned looks"
	if len(r.Looks) == 1 {
		looks = "one look"
	}
	return madeHow(r) + " A figure is taken from each run; of the logarithms of the pairs' ratios the exact signed-rank test says on which side of the margin they lie " +
		"(Holm's correction for failing, all metrics that gate for passing, " + looks + "). The change is that of Hodges and Lehmann; noise is the robust standard deviation of a pair's ratio."
}

// madeHow says of the runs only what this comparison saw to.
func madeHow(r *compare.Record) string {
	const turns = "Baseline and candidate run by turns in pairs, in an order that is drawn, "
	switch {
	case r.Stored:
		return "The runs were made before and are paired in the order of their time. Their arrivals, servers and processes are what they were: nothing of that was seen to here."
	case r.Base.Settings["cmd"] != "":
		return turns + "with the same seed within a pair and a fresh process for each run."
	case r.Base.Redis.Kind == "url" && r.Candidate.Redis.Kind == "url":
		return turns + "with the same arrivals within a pair and a fresh process for each run, on servers that were there already."
	case r.Base.Redis.Kind == "url" || r.Candidate.Redis.Kind == "url":
		return turns + "with the same arrivals within a pair and a fresh process for each run; the server of one side was there already, that of the other is fresh for each run."
	}
	return turns + "with the same arrivals within a pair and a fresh server and process for each run."
}
