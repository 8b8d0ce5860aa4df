package store

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/result"
)

// fromSchema1 converts a result of schema 1: sentences become codes with their
// numbers. An unknown sentence stays a sentence.
func fromSchema1(r *result.Result) {
	if r.Schema != 1 {
		return
	}
	r.Schema = result.Schema
	r.Run.StopReason, r.Run.StoppedAtS, r.Run.StopText = stopOf(string(r.Run.StopReason))
	for _, s := range r.Stages {
		missingOf(s)
	}
	for _, parts := range r.Breakdown {
		for _, p := range parts {
			missingOf(p.EndToEnd)
			missingOf(p.Lateness)
		}
	}
}

// stopOf is the reason that a sentence of schema 1 gave for the end of a load.
func stopOf(text string) (reason string, at float64, unknown string) {
	for _, one := range []struct {
		pattern string
		reason  string
	}{
		{`^all \d+ jobs were sent$`, stopreason.JobsSent},
		{`^the schedule of \S+ was over$`, stopreason.ScheduleOver},
		{`^the schedule was over for \S+, and not all of its jobs could be sent$`, stopreason.NotAllSent},
		{`^\d+ jobs had ended$`, stopreason.JobsEnded},
		{`^the time of \S+ was over$`, stopreason.TimeOver},
		{`^no job was completed for \S+, and all tokens of the closed loop are taken$`, stopreason.NoProgress},
		{`^no message of the workers was understood, and all tokens of the closed loop are taken$`, stopreason.NotUnderstood},
		{`(?s)^the run was ended at (\S+) s: of .* messages on the channel that may be the ends of jobs none could be understood.*`, stopreason.NoneUnderstood},
		{`^the run was ended by max_backlog: at (\S+) s more than \d+ jobs waited in the queue$`, stopreason.MaxBacklog},
		{`(?s)^the run was ended at (\S+) s by the threshold ".*`, stopreason.Threshold},
		{`^a fault of the scenario ended the server for good at (\S+) s$`, stopreason.ServerKilled},
		{`^stopped from outside$`, stopreason.Outside},
		{`^stopped at once from outside$`, stopreason.AtOnce},
		{`^stopped from outside, and then at once$`, stopreason.ThenAtOnce},
		{`(?s)^error: .*`, stopreason.Error},
	} {
		found := regexp.MustCompile(one.pattern).FindStringSubmatch(text)
		if found == nil {
			continue
		}
		if len(found) > 1 {
			var err error
			if at, err = strconv.ParseFloat(found[1], 64); err != nil {
				break
			}
		}
		return one.reason, at, ""
	}
	return "", 0, text
}

// missingOf gives the reasons of a stage their codes.
func missingOf(s *result.StageSummary) {
	if s == nil {
		return
	}
	for name, m := range s.Missing {
		for _, one := range []struct {
			code, pattern string
		}{
			{result.TooFewJobs, `^too few jobs: \S+ needs ([\d,]+), the window has ([\d,]+)$`},
			{result.NeverArrived, `^it falls among the (\d+) of (\d+) jobs that never arrived$`},
			{result.NotHeard, `^it falls among the (\d+) of (\d+) jobs whose beginning or end was not heard$`},
		} {
			found := regexp.MustCompile(one.pattern).FindStringSubmatch(m.Text)
			if m.Code != result.OtherReason || found == nil {
				continue
			}
			a, errA := strconv.ParseInt(strings.ReplaceAll(found[1], ",", ""), 10, 64)
			b, errB := strconv.ParseInt(strings.ReplaceAll(found[2], ",", ""), 10, 64)
			if errA != nil || errB != nil {
				continue
			}
			if one.code == result.TooFewJobs {
				s.Missing[name] = result.Missing{Code: one.code, Need: a, Have: b}
			} else {
				s.Missing[name] = result.Missing{Code: one.code, Need: b, Have: b - a}
			}
			break
		}
	}
}
