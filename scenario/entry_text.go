package scenario

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/mask"
	"github.com/queuedyno/queuedyno/internal/nearest"
)

// Words for the entry and the exit in files and flags.
const (
	pushWord       = "push"
	subscriberWord = "subscriber"
)

// Expand is the entry with the environment variables, as lookup finds them, in the
// place of their names; [os.LookupEnv] is a lookup. A
// scenario keeps the names, so that no secret gets into a file or a report; use what
// Expand returns for the requests only.
func (h HTTPEntry) Expand(lookup func(name string) (value string, set bool)) (HTTPEntry, error) {
	x := expander{lookup: lookup, section: "entry.http"}
	h.URL, h.Body = x.url(h.URL, "http", "https"), x.text("body", h.Body)
	h.Headers = x.headers(h.Headers)
	return h, errors.Join(x.problems...)
}

// Expand is the exit with the environment variables in the place of their names; see
// [HTTPEntry.Expand].
func (w WebSocketExit) Expand(lookup func(name string) (value string, set bool)) (WebSocketExit, error) {
	x := expander{lookup: lookup, section: "exit.websocket"}
	w.URL, w.Message = x.url(w.URL, "ws", "wss"), x.text("message", w.Message)
	w.Headers = x.headers(w.Headers)
	return w, errors.Join(x.problems...)
}

// expander expands the texts of one section and keeps what is wrong with them.
type expander struct {
	lookup   func(name string) (value string, set bool)
	section  string
	problems []error
}

func (x *expander) text(key, text string) string {
	return expand(text, func(name string) string {
		value, set := x.lookup(name)
		if !set || value == "" {
			x.problems = append(x.problems, fmt.Errorf("%s.%s: the environment variable %s is not set; set it before the run", x.section, key, name))
		}
		return value
	})
}

func (x *expander) headers(all map[string]string) map[string]string {
	if all == nil {
		return nil
	}
	expanded := make(map[string]string, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		value := x.text("headers."+name, all[name])
		if strings.ContainsFunc(value, unfitForHeader) {
			x.problems = append(x.problems, fmt.Errorf("%s.headers.%s: the value holds a line break or another control character; correct the environment variable", x.section, name))
		}
		expanded[name] = value
	}
	return expanded
}

// url also checks what a variable made of the URL. The error does not show the value.
func (x *expander) url(text string, schemes ...string) string {
	before := len(x.problems)
	expanded := x.text("url", text)
	if len(x.problems) == before && expanded != text {
		if checkURL(expanded, schemes...) != nil {
			x.problems = append(x.problems, fmt.Errorf("%s.url: %s is no URL that begins with %s:// once the environment variables are in it; correct them", x.section, shown(text), strings.Join(schemes, ":// or ")))
		}
	}
	return expanded
}

// variable is a name in a text that an environment variable replaces, or what looks
// like one; $${ is a literal ${.
var variable = regexp.MustCompile(`\$?\$\{[^}]*\}?`)

var variableName = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

// expand replaces the names in a text.
func expand(text string, value func(name string) string) string {
	return variable.ReplaceAllStringFunc(text, func(found string) string {
		if strings.HasPrefix(found, "$$") {
			return found[1:]
		}
		if name := variableName.FindStringSubmatch(found); name != nil {
			return value(name[1])
		}
		return found
	})
}

// hasVariable reports whether an environment variable is in the text.
func hasVariable(text string) bool {
	return slices.ContainsFunc(variable.FindAllString(text, -1), variableName.MatchString)
}

// checkVariables finds what is no name of an environment variable.
func checkVariables(text string) error {
	for _, found := range variable.FindAllString(text, -1) {
		if !strings.HasPrefix(found, "$$") && !variableName.MatchString(found) {
			return fmt.Errorf("%s is not the name of an environment variable, such as ${API_TOKEN}; write $${ for the characters ${", quoted(found))
		}
	}
	return nil
}

// The names that a template may have.
const (
	tenantName = ".Tenant"
	jobName    = ".Job"
)

// inBraces is a name in a template, or what looks like one.
var inBraces = regexp.MustCompile(`\{\{[^{}]*\}?\}?`)

func hasTenant(text string) bool {
	return slices.ContainsFunc(inBraces.FindAllString(text, -1), func(found string) bool { return nameIn(found) == tenantName })
}

func nameIn(found string) string {
	inner, ends := strings.CutSuffix(strings.TrimPrefix(found, "{{"), "}}")
	if !ends {
		return ""
	}
	return strings.TrimSpace(inner)
}

// checkTemplate finds names other than those that there are.
func checkTemplate(text string, names ...string) error {
	for _, found := range inBraces.FindAllString(text, -1) {
		if name := nameIn(found); !slices.Contains(names, name) {
			near := ""
			if n := nearest.Nearest(name, names); n != "" {
				near = fmt.Sprintf(" (did you mean {{%s}}?)", n)
			}
			return fmt.Errorf("unknown name %s%s; there is {{%s}}", quoted(found), near, strings.Join(names, "}} and {{"))
		}
	}
	return nil
}

// isURL reports whether the word for an entry or an exit is meant as a URL.
func isURL(text string) bool { return strings.Contains(text, "://") || strings.HasPrefix(text, "${") }

// checkURL checks a URL with names in it. What begins with a variable is checked when
// its value is known.
func checkURL(text string, schemes ...string) error {
	if strings.HasPrefix(text, "${") {
		return nil
	}
	like := schemes[0] + "://127.0.0.1:3000/"
	u, err := url.Parse(plainURL(text, "1"))
	other, errOther := url.Parse(plainURL(text, "2"))
	switch {
	case err != nil, errOther != nil:
		return fmt.Errorf("%s cannot be read as a URL; write it like %s", shown(text), like)
	case !slices.Contains(schemes, u.Scheme):
		return fmt.Errorf("%s does not begin with %s://; write it like %s", shown(text), strings.Join(schemes, ":// or "), like)
	case u.Host == "":
		return fmt.Errorf("%s names no host; write it like %s", shown(text), like)
	case u.Host != other.Host:
		return fmt.Errorf("%s has a host that depends on the job, and connections are kept; write the name into the path, the query or a header", shown(text))
	case u.Fragment != "":
		return errors.New("no server receives what follows the # of a URL; remove it, or write %23 for a # in a password")
	}
	return nil
}

// shown is a URL for a message, without what is or may be meant as a secret.
func shown(text string) string { return quoted(mask.URL(text)) }

// stand takes the place of a variable where a text is checked.
const stand = "value-of-a-variable"

// plainURL is the URL with a value in the place of each name.
func plainURL(text, value string) string {
	return inBraces.ReplaceAllString(expand(text, func(string) string { return stand }), value)
}

// secretIn names the part of a URL that would give a secret away, empty for none.
func secretIn(text string) string {
	u, err := url.Parse(plainURL(text, "1"))
	if err != nil {
		return ""
	}
	if password, has := u.User.Password(); has && !strings.Contains(password, stand) {
		return "the password"
	}
	for _, key := range slices.Sorted(maps.Keys(u.Query())) {
		for _, value := range u.Query()[key] {
			if isSecret(key) && value != "" && !strings.Contains(value, stand) {
				return "the value of " + key
			}
		}
	}
	return ""
}

// isSecret reports whether a header or a parameter of that name usually holds a secret.
func isSecret(name string) bool {
	bare := strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name))
	parts := []string{"authorization", "cookie", "token", "secret", "password", "passwd", "apikey", "accesskey", "signature", "credential"}
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(bare, part) }) ||
		slices.Contains([]string{"key", "auth", "sig", "jwt"}, bare)
}
