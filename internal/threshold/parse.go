package threshold

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
)

// Bounds of what [Parse] reads, far beyond any limit that means something.
// They keep every number exact enough to be written and read back.
const (
	longestExpr   = 200
	longestNumber = 40
	largestLimit  = 1e18
	smallestLimit = 1e-9
)

// SyntaxError says why and where text is not a threshold.
type SyntaxError struct {
	Expr string
	// Offset is where in Expr, in bytes from its start.
	Offset int
	// Msg says what is wrong and what to write instead.
	Msg string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("threshold %q: %s", e.Expr, e.Msg) }

// Parse reads a threshold:
//
//	end_to_end.p99 < 50ms
//	lost == 0
//	achieved_ratio >= 98%
//	achieved_rate within 2% of 1000/s
//
// A limit on a duration has a unit, one of ns, us, µs, ms, s and m. It also
// reads the form of k6, in which a duration without a unit is in milliseconds:
//
//	end_to_end: p(99)<50
//	failed: rate<0.05
//
// The latter is a limit on failed_ratio, the share of all jobs that failed.
//
// "over" cuts the measured window into parts, each of which has to keep the
// limit; "abort" ends the run as soon as the limit is broken, after a part of
// the window has passed:
//
//	end_to_end.p99 over 10s < 80ms
//	lost == 0 abort
//	achieved_ratio >= 95% abort after 5s
//
// Every error is a [*SyntaxError].
func Parse(expr string) (Threshold, error) {
	p := &parser{expr: expr}
	t, err := p.threshold()
	if err != nil {
		return Threshold{}, err
	}
	return t, nil
}

// parser walks through expr; at is the offset of what was not read yet.
type parser struct {
	expr string
	at   int
}

func (p *parser) fail(at int, format string, args ...any) error {
	return &SyntaxError{Expr: p.expr, Offset: at, Msg: fmt.Sprintf(format, args...)}
}

func (p *parser) threshold() (Threshold, error) {
	if len(p.expr) > longestExpr {
		return Threshold{}, &SyntaxError{Expr: p.expr[:20] + "...", Msg: fmt.Sprintf("longer than %d bytes", longestExpr)}
	}
	m, millis, err := p.metric()
	if err != nil {
		return Threshold{}, err
	}
	t := Threshold{Metric: m.Name}
	if t.Over, err = p.over(m); err != nil {
		return Threshold{}, err
	}
	if t.Op, err = p.op(); err != nil {
		return Threshold{}, err
	}
	if t.Op == Within {
		if t.Tolerance, err = p.tolerance(); err != nil {
			return Threshold{}, err
		}
	}
	if t.Value, err = p.limit(m, millis); err != nil {
		return Threshold{}, err
	}
	t.Abort, t.After, err = p.abort(m)
	return t, err
}

// The lengths of time that are read, the first ones of parts of a window.
const (
	shortestPart = time.Second
	longestPart  = time.Hour
	longestAfter = 24 * time.Hour
)

// over reads "over 10s", where it stands.
func (p *parser) over(m metric.Metric) (time.Duration, error) {
	p.space()
	start := p.at
	if !p.skip("over") {
		return 0, nil
	}
	if !m.Parts {
		return 0, p.fail(start, "%s is only known of the whole run; only the stages, the rates and backlog.max are known for parts of it", m.Name)
	}
	p.space()
	at := p.at
	d, err := p.span()
	switch {
	case err != nil:
		return 0, err
	case d < shortestPart || d > longestPart || d%time.Second != 0:
		return 0, p.fail(at, "the parts of a window are whole seconds long, from 1s to 3600s: the timeline has a row a second")
	}
	return d, nil
}

// abort reads "abort after 5s", where it stands, up to the end.
func (p *parser) abort(m metric.Metric) (bool, time.Duration, error) {
	p.space()
	start := p.at
	if !p.skip("abort") {
		return false, 0, nil // limit has read up to here or to the end
	}
	if !m.Live {
		return false, 0, p.fail(start, "%s is only known at the end of a run, so it cannot abort one", m.Name)
	}
	p.space()
	var after time.Duration
	if at := p.at; p.skip("after") {
		p.space()
		d, err := p.span()
		if err != nil {
			return false, 0, err
		}
		if d > longestAfter {
			return false, 0, p.fail(at, "after more than a day nothing is aborted any more")
		}
		after = d
	}
	p.space()
	if p.at < len(p.expr) {
		return false, 0, p.fail(p.at, "only after and a time may follow abort, such as abort after 5s")
	}
	return true, after, nil
}

// span reads a length of time such as 10s.
func (p *parser) span() (time.Duration, error) {
	start := p.at
	number := p.take(isDigit)
	suffix := p.take(isLetter)
	u, ok := metric.Duration.UnitOf(suffix)
	if !ok || !metric.IsNumber(number) || len(number) > longestNumber {
		return 0, p.fail(start, "a length of time is missing; write it like 10s")
	}
	v, ok := u.Base(number)
	if !ok || v != math.Trunc(v) || v > float64(longestAfter)*2 {
		return 0, p.fail(start, "%s%s is no length of time that means something here", number, suffix)
	}
	return time.Duration(v), nil
}

// metric reads the name, in our form or in that of k6. millis says that it was
// the latter, where a bare number is in milliseconds.
func (p *parser) metric() (m metric.Metric, millis bool, err error) {
	p.space()
	start := p.at
	name := p.take(isName)
	if name == "" && p.next("'", `"`) {
		return m, false, p.fail(start, "remove the quotes around the threshold")
	}
	if name == "" {
		return m, false, p.fail(start, "a metric is missing; write it like end_to_end.p99 < 50ms")
	}
	p.space()
	if write := p.meant(start, name); write != "" {
		return m, false, p.fail(start, "%s", write)
	}
	if p.next("{") {
		return m, false, p.fail(p.at, "a threshold is of all jobs and takes no tags; remove the braces")
	}
	if stem, cut := strings.CutSuffix(name, ".p"); cut && p.next("(") { // end_to_end.p(99)
		p.at = start + len(stem) + len(".")
		if name, err = p.aggregate(stem); err != nil {
			return m, false, err
		}
	}
	if p.skip(":") {
		p.space()
		if _, err := metric.Lookup(name); err == nil && p.nextOp() { // "lost: == 0", as YAML has it
			m, err = metric.Lookup(name)
			return m, false, err
		}
		if name, err = p.aggregate(name); err != nil {
			return m, false, err
		}
		millis = true
	}
	if m, err = metric.Lookup(name); err != nil {
		return m, false, p.fail(start, "%s", err)
	}
	return m, millis, nil
}

// aggregate reads what follows the colon in "end_to_end: p(99) < 50" and
// returns our name of that metric.
func (p *parser) aggregate(name string) (string, error) {
	p.space()
	start := p.at
	word := p.take(isLetter)
	if word == "p" && p.skip("(") {
		p.space()
		number := p.take(isDigit)
		p.space()
		if !p.skip(")") || !metric.IsNumber(number) {
			return "", p.fail(start, "a quantile is written p(99)")
		}
		if strings.Contains(number, ".") {
			number = strings.TrimSuffix(strings.TrimRight(number, "0"), ".")
		}
		return name + ".p" + number, nil
	}
	if !slices.Contains(metric.Stages(), metric.Stage(name)) {
		return p.whole(start, name, word)
	}
	switch word {
	case "avg":
		return name + ".mean", nil
	case "med":
		return name + ".p50", nil
	case "min", "max", "count":
		return name + "." + word, nil
	case "rate":
		return "", p.fail(start, "a stage has no rate; write achieved_rate > 100/s for jobs per second, or failed_ratio < 0.01 for a share")
	default:
		if p.next("(") || word == "" && p.next("'", `"`, "[") {
			return "", p.fail(start, "write the condition without quotes and brackets, such as %s: p(99)<50", name)
		}
		return "", p.fail(start, "aggregate %q is not one of avg, min, max, med, p(N) and count", word)
	}
}

// next reports whether one of the words comes next.
func (p *parser) next(words ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.HasPrefix(p.expr[p.at:], word) })
}

// nextOp reports whether a comparison comes next.
func (p *parser) nextOp() bool {
	return p.next("<", ">", "=", "!", "≤", "≥", "≠", string(Within))
}

// spellings are other ways to write a comparison.
func spellings() []struct {
	text string
	op   Op
} {
	return []struct {
		text string
		op   Op
	}{{"===", Equal}, {"≤", LessOrEqual}, {"≥", GreaterOrEqual}, {"≠", NotEqual}}
}

func (p *parser) op() (Op, error) {
	p.space()
	for _, other := range spellings() {
		if p.skip(other.text) {
			return other.op, nil
		}
	}
	// The longer ones first: each is taken at its first match.
	for _, op := range []Op{LessOrEqual, GreaterOrEqual, Equal, NotEqual, Less, Greater, Within} {
		if p.skip(string(op)) {
			return op, nil
		}
	}
	return "", p.fail(p.at, "a comparison is missing: one of < <= > >= == != and within")
}

// tolerance reads "2% of".
func (p *parser) tolerance() (float64, error) {
	p.space()
	start := p.at
	number := p.take(isDigit)
	p.space()
	percent, _ := metric.Ratio.UnitOf("%")
	v, ok := percent.Base(number)
	if !metric.IsNumber(number) || len(number) > longestNumber || !ok || !p.skip("%") {
		return 0, p.fail(start, "a tolerance is a percentage; write it like within 2%% of 1")
	}
	if v > 1 || v < smallestLimit {
		return 0, p.fail(start, "a tolerance is more than 0%% and at most 100%%")
	}
	p.space()
	if !p.skip("of") {
		return 0, p.fail(p.at, "of and the limit are missing; write it like within 2%% of 1")
	}
	return v, nil
}

// limit reads the number and its unit, up to the end or to "abort".
func (p *parser) limit(m metric.Metric, millis bool) (float64, error) {
	p.space()
	start := p.at
	if p.skip("-") {
		return 0, p.fail(start, "a limit is zero or more")
	}
	number := p.take(isDigit)
	if !metric.IsNumber(number) || len(number) > longestNumber {
		return 0, p.fail(start, "the limit is not a number; write it like %s", m.Kind.Example())
	}
	p.space()
	unitAt := p.at
	rest := p.expr[p.at:]
	if i := strings.Index(rest, "abort"); i == 0 || i > 0 && strings.IndexByte(spaces, rest[i-1]) >= 0 {
		rest = rest[:i]
	}
	suffix := strings.TrimRight(rest, spaces)
	p.at += len(rest)
	if suffix == "" && m.Kind == metric.Duration {
		if !millis {
			return 0, p.fail(start, "a duration needs a unit; write %sms or %ss", number, number)
		}
		suffix = "ms"
	}
	u, ok := m.Kind.UnitOf(suffix)
	if !ok && several(suffix) {
		return 0, p.fail(unitAt, "a threshold is one condition; write each as a separate threshold")
	}
	if !ok {
		return 0, p.fail(unitAt, "%q does not belong here: %s is a %s, %s", suffix, m.Name, m.Kind, m.Kind.UnitHint())
	}
	v, ok := u.Base(number)
	switch {
	case !ok:
		return 0, p.fail(start, "the limit is not a number; write it like %s", m.Kind.Example())
	case v > largestLimit:
		return 0, p.fail(start, "the limit is too large to mean anything")
	case v > 0 && v < smallestLimit:
		return 0, p.fail(start, "the limit is too small to mean anything; write 0")
	}
	return v, nil
}

// spaces are what may stand between the words.
const spaces = " \t\r\n"

func (p *parser) space() { p.take(func(b byte) bool { return strings.IndexByte(spaces, b) >= 0 }) }

// take reads the longest run of bytes that ok accepts.
func (p *parser) take(ok func(byte) bool) string {
	start := p.at
	for p.at < len(p.expr) && ok(p.expr[p.at]) {
		p.at++
	}
	return p.expr[start:p.at]
}

// skip reads the word if it comes next.
func (p *parser) skip(word string) bool {
	if !strings.HasPrefix(p.expr[p.at:], word) {
		return false
	}
	p.at += len(word)
	return true
}

func isLetter(b byte) bool { return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' }
func isDigit(b byte) bool  { return '0' <= b && b <= '9' || b == '.' }
func isName(b byte) bool   { return isLetter(b) || isDigit(b) || b == '_' || b == '-' }
