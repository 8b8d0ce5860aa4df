package postgresserver

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/mask"
	"github.com/queuedyno/queuedyno/internal/serverstart"
)

// reserved are the settings that would take a private server away from us: it must
// listen and write its log where we look, and touch no other server's files.
var reserved = []string{
	"port", "listen_addresses", "unix_socket_directories", "data_directory", "config_file", "hba_file", "ident_file",
	"external_pid_file", "logging_collector", "log_destination",
}

// named is the name of a setting. An extension has a dot in those of its settings.
var named = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?$`)

// checkSettings says what is wrong with settings; Postgres knows whether they exist.
func checkSettings(settings []string) error {
	for _, s := range settings {
		name, value, ok := strings.Cut(s, "=")
		name = strings.TrimSpace(name)
		switch lower := strings.ToLower(name); {
		case !ok:
			return serverstart.Usagef("postgres setting %q: write it as name=value, as in shared_buffers=1GB", name)
		case !named.MatchString(name):
			return serverstart.Usagef("postgres setting %q: a name has letters, digits and underscores, as in shared_buffers=1GB", name)
		case strings.HasPrefix(lower, "include"):
			return serverstart.Usagef("postgres setting %q: files cannot be included; write their settings as name=value", name)
		case strings.ContainsAny(value, "\n\r\x00"):
			return serverstart.Usagef("postgres setting %q: the value must be one line", name)
		case slices.Contains(reserved, lower):
			return serverstart.Usagef("postgres setting %q: queuedyno sets it for a server that it starts, and it cannot be overridden; leave it out, or start that server yourself and name its URL", name)
		}
	}
	return nil
}

// confLines are the settings as lines of postgresql.conf.
func confLines(settings []string) string {
	var b strings.Builder
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		fmt.Fprintf(&b, "%s = '%s'\n", strings.TrimSpace(name), strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(strings.TrimSpace(value)))
	}
	return b.String()
}

// refusedSetting is what a server's log says against one of the settings, without what
// stands before it on its line and without the name of our file; "" is nothing.
func refusedSetting(log string, settings []string) string {
	for line := range strings.Lines(log) {
		_, said, ok := strings.Cut(line, ":  ")
		if !ok {
			said = strings.TrimPrefix(line, "postgres: ")
		}
		for _, s := range settings {
			name, _, _ := strings.Cut(s, "=")
			if name = strings.TrimSpace(name); regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`).MatchString(said) {
				said, _, _ = strings.Cut(said, ` in file "`)
				return fmt.Sprintf("setting %q: %s", name, hideSecrets(strings.TrimSpace(said), settings))
			}
		}
	}
	return ""
}

// hideSecrets masks the values of all settings that may hold secrets. Postgres quotes a
// value that it refuses.
func hideSecrets(text string, settings []string) string {
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		if value = strings.TrimSpace(value); value == "" || !secretive.MatchString(name) {
			continue
		}
		text = mask.Text(strings.ReplaceAll(text, value, "***"), secretWords(value)...)
	}
	return text
}

// secretive is the name of a setting that may hold a secret.
var secretive = regexp.MustCompile(`(?i)pass|secret|token|conninfo|command`)

// secretWords are the values after "password=" in a setting such as primary_conninfo.
func secretWords(value string) (words []string) {
	for _, m := range regexp.MustCompile(`(?i)pass\w*\s*=\s*'?([^'\s]+)`).FindAllStringSubmatch(value, -1) {
		words = append(words, m[1])
	}
	return words
}
