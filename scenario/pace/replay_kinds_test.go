package pace_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/scenario/pace"
)

const (
	k6Header = "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario,service,status,subproto,tls_version,url,extra_tags,metadata\n"
	jtl      = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect\n"
	nginx    = `127.0.0.1 - - [31/Jan/2024:12:00:%02d +0000] "GET /a, b; c HTTP/1.1" 200 612 "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"` + "\n"
)

func k6Row(metric, stamp string) string {
	return metric + "," + stamp + `,1.000000,,,,true,,GET,"http://a/b,c",HTTP/1.1,default,,200,,,http://a/,,` + "\n"
}

func TestReadReplayKnowsTheFilesOfOtherTools(t *testing.T) {
	t.Parallel()
	const ms, s = time.Millisecond, time.Second
	for name, c := range map[string]struct {
		text   string
		want   []time.Duration
		source string
	}{
		"k6": {k6Header + k6Row("http_reqs", "1706702400") + k6Row("http_req_duration", "1706702400") + k6Row("http_reqs", "1706702402") +
			k6Row("iterations", "1706702402") + k6Row("vus", "1706702403"), []time.Duration{0, 2 * s}, `seconds since 1970 in column "timestamp", rows of http_reqs`},
		"k6 without requests": {k6Header + k6Row("grpc_req_duration", "1706702400000250") + k6Row("iterations", "1706702400000250") + k6Row("iterations", "1706702400000750"),
			[]time.Duration{0, 500 * time.Microsecond}, "rows of iterations"},
		"k6's JSON": {`{"type":"Metric","data":{"name":"http_reqs"},"metric":"http_reqs"}` + "\n" +
			`{"metric":"http_reqs","type":"Point","data":{"time":"2024-01-31T12:00:00.25+01:00","value":1,"tags":{}}}` + "\n" +
			`{"metric":"vus","type":"Point","data":{"time":"2024-01-31T12:00:00.3+01:00","value":1}}` + "\n" +
			`{"metric":"http_reqs","type":"Point","data":{"time":"2024-01-31T12:00:01.25+01:00","value":1}}`, []time.Duration{0, s}, `in key "data.time", rows of http_reqs`},
		"vegeta's CSV": {"1706702400250000000,200,1234567,20,0,,aGk=,attack,0,GET,http://a/,\n1706702400300000000,200,1,20,0,,,attack,1,GET,http://a/,\n",
			[]time.Duration{0, 50 * ms}, "nanoseconds since 1970 at the beginning of each line"},
		"vegeta's JSON": {`{"attack":"","seq":0,"code":200,"timestamp":"2024-01-31T12:00:00.25+01:00","latency":1}` + "\n" +
			`{"attack":"","seq":1,"code":200,"timestamp":"2024-01-31T12:00:00.30+01:00","latency":1}`, []time.Duration{0, 50 * ms}, `key "timestamp"`},
		"JMeter's JTL": {jtl + "1706702400250,12,Home,200,OK,g 1-1,text,true,,1,1,1,1,http://a/,11,0,1\n1706702401250,12,\"A, b\",200,OK,g,text,true,,1,1,1,1,http://a/,11,0,1\n",
			[]time.Duration{0, s}, `milliseconds since 1970 in column "timeStamp"`},
		"hey's CSV": {"response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset\n0.01,0,0,0,0.01,0,200,0.5\n0.01,0,0,0,0.01,0,200,0.75\n",
			[]time.Duration{500 * ms, 750 * ms}, `seconds since the start in column "offset"`},
		"nginx":   {fmt.Sprintf(nginx, 0) + fmt.Sprintf(nginx, 3), []time.Duration{0, 3 * s}, "dates with a time zone in each line"},
		"MONITOR": {"OK\n" + `1706702400.250000 [0 127.0.0.1:60866] "lpush" "q" "1"` + "\n" + `1706702400.750000 [0 127.0.0.1:60866] "lpush" "q" "2"`, []time.Duration{0, 500 * ms}, "seconds since 1970"},
		"Redis's log": {"7:M 31 Jan 2024 12:00:00.250 * Ready\n7:M 31 Jan 2024 12:00:01.000 # more\n", []time.Duration{0, 750 * ms},
			"dates without a time zone"},
		"Docker's JSON": {`{"log":"a\n","stream":"stdout","time":"2024-01-31T12:00:00.123456789Z"}` + "\n" + `{"log":"b\n","stream":"stdout","time":"2024-01-31T12:00:00.123456790Z"}`,
			[]time.Duration{0, 1}, `key "time"`},
		"journald's JSON": {`{"__REALTIME_TIMESTAMP":"1706702400250000","MESSAGE":"a"}` + "\n" + `{"__REALTIME_TIMESTAMP":"1706702400251000","MESSAGE":"a"}`,
			[]time.Duration{0, ms}, "microseconds"},
		"two of k6 put together": {k6Header + k6Row("http_reqs", "1706702400") + "\ufeff" + k6Header + k6Row("http_reqs", "1706702401"), []time.Duration{0, s}, "http_reqs"},
		"journalctl":             {"-- Boot 1 --\nJan 31 12:00:00 host unit[1]: a\nJan 31 12:00:02 host unit[1]: b\n", []time.Duration{0, 2 * s}, "dates without a year"},
	} {
		got, err := pace.ReadReplay(strings.NewReader(c.text), pace.ReplayOptions{})
		if err != nil || !slices.Equal(got.Times, c.want) || !strings.Contains(got.Source, c.source) {
			t.Errorf("%s: ReadReplay = %+v, %v, want %v from %s", name, got, err, c.want, c.source)
		}
	}
}

func TestReadReplayReadsDatesAsProgramsWriteThem(t *testing.T) {
	t.Parallel()
	// Each pair is 250 ms apart.
	for _, pair := range [][2]string{
		{"2024-01-31T12:00:00.250+0000", "2024-01-31T12:00:00.500+0000"},
		{"2024-01-31T12:00:00,250+00:00", "2024-01-31T13:00:00,500+01:00"},
		{"2024-01-31 12:00:00,250", "2024-01-31 12:00:00,500"},
		{"2024-01-31 12:00:00.250 UTC", "2024-01-31 12:00:00.500 UTC"},
		{"2024-01-31 12:00:00.250+00", "2024-01-31 12:00:00.500+00"},
		{"2024-01-31 12:00:00:250", "2024-01-31 12:00:00:500"},
		{"2024/01/31 12:00:00.250", "2024/01/31 12:00:00.500"},
		{"20240131T120000.250Z", "20240131T120000.500Z"},
		{"Wed, 31 Jan 2024 12:00:00.250 GMT", "Wed, 31 Jan 2024 12:00:00.500 GMT"},
		{"Wednesday, 31-Jan-24 12:00:00.250 UTC", "Wednesday, 31-Jan-24 12:00:00.500 UTC"},
		{"Wed Jan 31 12:00:00.250 2024", "Wed Jan 31 12:00:00.500 2024"},
		{"Wed Jan 31 12:00:00.250 CET 2024", "Wed Jan 31 12:00:00.500 CET 2024"},
		{"31/Jan/2024:12:00:00.250 +0000", "31/Jan/2024:12:00:00.500 +0000"},
		{"Jan  1 12:00:00.250", "Jan  1 12:00:00.500"},
		{"23:59:59.250", "23:59:59.500"},
		{"1706702400.250", "1706702400.500"},
		{"1706702400250", "1706702400500"},
		{"1706702400250.0", "1706702400500.0"},
		{"1706702400250000", "1706702400500000"},
		{"1706702400250000000", "1706702400500000000"},
	} {
		for _, form := range []string{"%s", "[%s]", `"%s"`, "%s INFO a, b; c", "[%s] GET /", "\ufeff%s\r", "\n# comment\n%s\n"} {
			text := fmt.Sprintf(form+"\n"+form+"\n", pair[0], pair[1])
			got, err := pace.ReadReplay(strings.NewReader(text), pace.ReplayOptions{})
			if err != nil || len(got.Times) != 2 || got.Times[1]-got.Times[0] != 250*time.Millisecond || got.Unsorted != 0 {
				t.Errorf("ReadReplay(%q) = %+v, %v, want two times 250ms apart", text, got, err)
			}
		}
		// In a separate column.
		for _, separator := range []string{";", "\t", "|"} {
			text := fmt.Sprintf("id%[3]swhen\n1%[3]s%[1]s\n2%[3]s%[2]s\n", pair[0], pair[1], separator)
			for _, column := range []string{"when", "2"} {
				got, err := pace.ReadReplay(strings.NewReader(text), pace.ReplayOptions{Column: column})
				if err != nil || len(got.Times) != 2 || got.Times[1]-got.Times[0] != 250*time.Millisecond {
					t.Errorf("ReadReplay(%q) of column %s = %+v, %v, want two times 250ms apart", text, column, got, err)
				}
			}
		}
	}
}

func TestReadReplayTakesTheWholeStampOfAColumn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, column string
		want         time.Duration // from the first to the second
	}{
		{fmt.Sprintf(nginx, 0) + fmt.Sprintf(nginx, 2), "4", 2 * time.Second},
		{"2024-01-31 12:00:00,250 a\n2024-01-31 12:00:00,750 b\n", "1", 500 * time.Millisecond},
		{"INFO 2024-01-31 12:00:00,250\nINFO 2024-01-31 12:00:01,000\n", "2", 750 * time.Millisecond},
		{"a,2024-01-31 12:00:00.25 +0100,3\nb,2024-01-31 11:00:01.25 +0000,4\n", "2", time.Second},
	} {
		got, err := pace.ReadReplay(strings.NewReader(c.text), pace.ReplayOptions{Column: c.column})
		if want := []time.Duration{0, c.want}; err != nil || !slices.Equal(got.Times, want) {
			t.Errorf("ReadReplay(%q) of column %s = %+v, %v, want %v", c.text, c.column, got, err, want)
		}
	}
}

func TestReadReplayTakesAUnit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		unit string
		want time.Duration // between the first and the last
	}{
		"offsets in ms":      {"0\n250\n1500\n", "ms", 1500 * time.Millisecond},
		"offsets in µs":      {"0\n250\n", "µs", 250 * time.Microsecond},
		"since 1970":         {"1706702400250\n1706702400500\n", "ms", 250 * time.Millisecond},
		"a fraction of them": {"0.5\n1\n", "us", 500 * time.Nanosecond},
		"decimal comma":      {"n;t\n1;0,5\n2;0,75\n", "s", 250 * time.Millisecond},
	} {
		got, err := pace.ReadReplay(strings.NewReader(c.text), pace.ReplayOptions{Unit: c.unit})
		if err != nil || got.Times[len(got.Times)-1]-got.Times[0] != c.want {
			t.Errorf("%s: ReadReplay = %+v, %v, want %s", name, got, err, c.want)
		}
	}
}

func TestReadReplayHasOneProblemForAllLinesOfAKind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text    string
		options pace.ReplayOptions
		wants   []string
	}{
		"three kinds": {"1\nx\n2\ny\n-3\n1706702400\nz\n", pace.ReplayOptions{},
			[]string{`line 2: "x" does not begin with a time (3 such lines, the last is line 7)`, `line 5: "-3" is a time before the start`, "line 6: has seconds since 1970 where lines before it have seconds since the start"}},
		"mixed units":       {"1706702400\n1706702400250\n1706702400250000\n", pace.ReplayOptions{}, []string{"line 2: has milliseconds since 1970 where", "line 3: has microseconds since 1970"}},
		"zone and none":     {"2024-01-31T12:00:00Z\n2024-01-31T12:00:00\n", pace.ReplayOptions{}, []string{"line 2: has dates without a time zone where"}},
		"a trace in a log":  {"2024-01-31 12:00:00,250 ERROR\n\tat a.b.C(D.java:1)\n\tat a.b.C(D.java:2)\n", pace.ReplayOptions{}, []string{"(2 such lines, the last is line 3)"}},
		"NaN":               {"1\nNaN\nInfinity\n", pace.ReplayOptions{}, []string{`line 2: "NaN" does not begin with a time (2 such`}},
		"an exponent":       {"1.706702400e9\n", pace.ReplayOptions{}, []string{"exponent"}},
		"between two units": {"17067024002\n", pace.ReplayOptions{}, []string{"fits no unit", "--replay-unit"}},
		"too late":          {"1\n40000000\n", pace.ReplayOptions{}, []string{"line 2", "366 days"}},
		"too slow":          {"1\n1000000\n", pace.ReplayOptions{Speed: .001}, []string{"366 days"}},
		"bad day":           {"2024-02-30T00:00:00Z\n", pace.ReplayOptions{}, []string{"a date that does not exist"}},
		"only a date":       {"2024-02-29\n", pace.ReplayOptions{}, []string{"without a time of day"}},
		"no column":         {"1,2\n3\n4\n", pace.ReplayOptions{Column: "2"}, []string{`line 2: no column 2 in "3" (2 such`}},
		"no name":           {"id,due\n1,2\n", pace.ReplayOptions{Column: "when"}, []string{`line 1: no column "when" in the header; it has "id, due"`}},
		"no time in CSV":    {"id,name\na,b\nc,d\n", pace.ReplayOptions{}, []string{`"a" is not a time (2 such lines, the last is line 3); name the column with --replay-column`}},
		"column 0":          {"1\n", pace.ReplayOptions{Column: "0"}, []string{"count from 1"}},
		"unit":              {"1\n", pace.ReplayOptions{Unit: "min"}, []string{"the units are s, ms, us and ns"}},
		"speed":             {"1\n", pace.ReplayOptions{Speed: -1}, []string{"speed -1"}},
		"empty":             {"# nothing\n", pace.ReplayOptions{}, []string{"no times"}},
		"only header":       {"due\n", pace.ReplayOptions{}, []string{"no times"}},
		"long line":         {"1\n" + strings.Repeat("2", 2<<20), pace.ReplayOptions{}, []string{"line 2: longer than"}},
		"XML":               {"<?xml version=\"1.0\"?>\n<testResults>\n", pace.ReplayOptions{}, []string{"XML", "output_format=csv"}},
		"binary":            {"\x13\xff\x81\x03\x00\x01\x01\x06Result", pace.ReplayOptions{}, []string{"binary", "vegeta encode"}},
		"UTF-16":            {"\xff\xfe1\x00", pace.ReplayOptions{}, []string{"iconv"}},
		"gzip":              {"\x1f\x8b\x08", pace.ReplayOptions{}, []string{"gunzip"}},
		"a list of JSON":    {"[{\"time\": 1}]\n", pace.ReplayOptions{}, []string{"jq -c"}},
		"JSON, indented":    {"{\n  \"time\": 1\n}\n", pace.ReplayOptions{}, []string{"jq -c"}},
		"JSON, torn":        {"{\"time\": 1}\n{\"time\": \n", pace.ReplayOptions{}, []string{`line 2: "{\"time\":" is not an object of JSON`}},
		"JSON, no time":     {"{\"a\": 1}\n{\"a\": 2}\n", pace.ReplayOptions{}, []string{"no key", "(2 such lines"}},
		"other k6 metrics":  {k6Header + k6Row("vus", "1706702400") + k6Row("vus_max", "1706702400"), pace.ReplayOptions{}, []string{"without rows of http_reqs or iterations", "vus, vus_max"}},
		"past midnight":     {"23:59:59\n00:00:01\n", pace.ReplayOptions{}, []string{"midnight"}},
		"past a new year":   {"Dec 31 23:59:59\nJan  1 00:00:01\n", pace.ReplayOptions{}, []string{"new year"}},
		"past February":     {"Feb 28 23:59:59\nMar  1 00:00:01\n", pace.ReplayOptions{}, []string{"leap year"}},
	} {
		got, err := pace.ReadReplay(strings.NewReader(c.text), c.options)
		if err == nil {
			t.Errorf("%s: ReadReplay = %+v, want an error", name, got)
			continue
		}
		for _, want := range c.wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q in it", name, err, want)
			}
		}
	}
}

func TestARecordedLoadLastsAsLongAsItsJobsDid(t *testing.T) {
	t.Parallel()
	var wholeSeconds, even, single strings.Builder
	for i := range 200 {
		fmt.Fprintln(&wholeSeconds, 1706702400+i/20)
		fmt.Fprintf(&even, "%.2f\n", float64(i)*.05)
		fmt.Fprintln(&single, 1706702400)
	}
	for name, c := range map[string]struct {
		text    string
		options pace.ReplayOptions
		want    time.Duration
		bursts  string
	}{
		"ten seconds in whole seconds": {wholeSeconds.String(), pace.ReplayOptions{}, 10 * time.Second, "up to 20 jobs at once (the stamps are whole seconds)"},
		"the same, spread":             {wholeSeconds.String(), pace.ReplayOptions{Spread: true}, 10 * time.Second, ""},
		"twice as fast":                {wholeSeconds.String(), pace.ReplayOptions{Spread: true, Speed: 2}, 5 * time.Second, ""},
		"an equal distance":            {even.String(), pace.ReplayOptions{}, 10 * time.Second, ""},
		"one instant":                  {single.String(), pace.ReplayOptions{}, time.Second, "up to 200 jobs at once"},
		"one instant, spread":          {single.String(), pace.ReplayOptions{Spread: true}, time.Second, ""},
		"whole minutes":                {"2024-01-31 12:00:00\n2024-01-31 12:00:00\n2024-01-31 12:01:00\n2024-01-31 12:01:00\n", pace.ReplayOptions{}, 2 * time.Minute, "whole minutes"},
		"one job":                      {"5\n", pace.ReplayOptions{}, 6 * time.Second, ""},
	} {
		got, err := pace.ReadReplay(strings.NewReader(c.text), c.options)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d, _ := (pace.Schedule{Times: got}).Length(); d != c.want {
			t.Errorf("%s lasts %s, want %s", name, d, c.want)
		}
		if b := got.Bursts(); !strings.Contains(b, c.bursts) || c.bursts == "" && b != "" {
			t.Errorf("%s: Bursts() = %q, want %q", name, b, c.bursts)
		}
	}
}

func FuzzReadReplay(f *testing.F) {
	f.Add("0.5\n1\n", "", ',', 1.0, "", false)
	f.Add("id,due\n\"a,b\",2024-01-31T12:00:00Z\n", "due", rune(0), 2.0, "", true)
	f.Add("INFO [1700000000.5] x\n", "2", ' ', .5, "", false)
	f.Add(k6Header+k6Row("http_reqs", "1706702400"), "", rune(0), 1.0, "s", true)
	f.Add(fmt.Sprintf(nginx, 1), "", rune(0), 1.0, "ms", false)
	f.Add("{\"a\":{\"time\":\"Wed, 31 Jan 2024 12:00:00 GMT\"}}", "a.time", rune(0), 1.0, "", false)
	f.Add("Jan  1 12:00:00,250 a\n20240131T120000Z\n", "", rune(0), 1.0, "", false)
	f.Fuzz(func(t *testing.T, text, column string, separator rune, speed float64, unit string, spread bool) {
		r, err := pace.ReadReplay(strings.NewReader(text), pace.ReplayOptions{Column: column, Speed: speed, Separator: separator, Unit: unit, Spread: spread})
		if err != nil {
			return
		}
		if len(r.Times) == 0 || !slices.IsSorted(r.Times) || r.Times[0] < 0 || r.Times[len(r.Times)-1] > 366*24*time.Hour || r.Resolution <= 0 || r.Source == "" {
			t.Fatalf("ReadReplay(%q) = %+v", text, r)
		}
		if d, _ := (pace.Schedule{Times: r}).Length(); d <= r.Times[len(r.Times)-1] {
			t.Fatalf("ReadReplay(%q) lasts %s, and its last job is due at %s", text, d, r.Times[len(r.Times)-1])
		}
		// Written out, it reads back.
		var b strings.Builder
		for _, at := range r.Times {
			fmt.Fprintf(&b, "%d.%09d\n", at/time.Second, at%time.Second)
		}
		again, err := pace.ReadReplay(strings.NewReader(b.String()), pace.ReplayOptions{})
		if err != nil || !slices.Equal(again.Times, r.Times) {
			t.Fatalf("%v written out reads back as %v, %v", r.Times, again, err)
		}
	})
}
