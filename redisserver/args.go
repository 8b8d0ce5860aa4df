package redisserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/mask"
	"github.com/queuedyno/queuedyno/internal/serverstart"
)

// What is said of a setting that would take a private server out of our hands:
// it must be reachable where we look for it, stay our child, tell us why it does
// not start, take jobs, and touch no other server's files and ports.
const (
	always     = "queuedyno sets it for a server that it starts"
	fromFile   = "" // only a file's setting is dropped: as an argument it is meant
	noSentinel = "a sentinel takes no jobs"
)

// reserved are those settings, each with the reason why it is refused as an argument;
// without a reason it is accepted. In a file, which was written for another server,
// all are dropped.
var reserved = map[string]string{
	"port": always, "bind": always, "daemonize": always, "logfile": always, "supervised": always,
	"sentinel": noSentinel,

	"replicaof": fromFile, "slaveof": fromFile, "dir": fromFile, "pidfile": fromFile, "unixsocket": fromFile, "unixsocketperm": fromFile,
	"tls-port": fromFile, "tls-cluster": fromFile, "tls-replication": fromFile,
	"bind-source-addr": fromFile, "syslog-enabled": fromFile,
	"cluster-config-file": fromFile, "cluster-port": fromFile,
	"cluster-announce-ip": fromFile, "cluster-announce-hostname": fromFile, "cluster-announce-port": fromFile,
	"cluster-announce-tls-port": fromFile, "cluster-announce-bus-port": fromFile,
	"replica-announce-ip": fromFile, "replica-announce-port": fromFile,
	"slave-announce-ip": fromFile, "slave-announce-port": fromFile,
}

// paths are the settings whose first value is a file or a folder to read. The
// server runs in its own folder, so a relative path must be made absolute.
var paths = []string{
	"aclfile", "loadmodule", "dir", "tls-cert-file", "tls-key-file", "tls-client-cert-file", "tls-client-key-file",
	"tls-dh-params-file", "tls-ca-cert-file", "tls-ca-cert-dir",
}

// readArgs checks the user's arguments for redis-server, and puts in place of
// the files that they name what these hold. notes say what of the files is not
// used. Each of the arguments that it returns is a setting, name and values.
func readArgs(args []string) (flat, notes []string, err error) {
	if len(args) == 0 {
		return nil, nil, nil
	}
	r := confReader{dropped: map[string][]string{}}
	if !strings.HasPrefix(args[0], "--") {
		// A file comes first, as for redis-server itself.
		r.first(args[0])
		args = args[1:]
	}
	given, err := argumentSettings(args)
	if err != nil {
		r.wrong("%v", err)
	}
	for _, s := range given {
		why, listed := reserved[s.name]
		switch {
		case s.name == "include":
			r.include(s, 0)
		case listed && why != fromFile:
			r.wrong("redis-server argument %q: %s, and it cannot be overridden; leave it out, or start that server yourself and name its URL", "--"+s.name, why)
		default:
			r.take(s, "")
		}
	}
	if len(r.problems) > 0 {
		return nil, nil, serverstart.Usagef("%s", strings.Join(r.problems, "; "))
	}
	for _, s := range r.settings {
		flat = append(flat, s.argument())
	}
	for _, file := range r.files {
		if names := r.dropped[file]; len(names) > 0 {
			notes = append(notes, fmt.Sprintf("redis: not used from %s, because the server is a private one: %s", file, strings.Join(names, ", ")))
		}
	}
	return flat, notes, nil
}

// confReader collects settings from arguments and files.
type confReader struct {
	settings []setting
	files    []string            // that were read
	dropped  map[string][]string // by file
	problems []string
}

func (r *confReader) wrong(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

// first reads the file that stands before the options.
func (r *confReader) first(name string) {
	if _, err := os.Stat(name); err != nil {
		r.wrong("redis-server argument %q: it is neither an option, such as --appendonly, nor a file that can be read: %v", name, errors.Unwrap(err))
		return
	}
	r.read(name, 0)
}

// deepest is how deep files may include each other.
const deepest = 16

// include reads the files that a setting includes. Those of a pattern may be
// none at all.
func (r *confReader) include(s setting, depth int) {
	if len(s.words) != 1 {
		r.wrong("%s: include takes one file, or one pattern", s.where())
		return
	}
	name := completed(s.words[0], s.file)
	if !strings.ContainsAny(name, "*?[") {
		r.read(name, depth)
		return
	}
	found, err := filepath.Glob(name)
	if err != nil {
		r.wrong("%s: include %q: %v", s.where(), name, err)
	}
	for _, one := range found {
		r.read(one, depth)
	}
}

// where is where a setting stands, for messages.
func (s setting) where() string {
	if s.file == "" {
		return "redis-server argument"
	}
	return s.file
}

// read takes the settings of a file.
func (r *confReader) read(name string, depth int) {
	if depth > deepest {
		r.wrong("%s: the files include each other without an end", name)
		return
	}
	text, err := os.ReadFile(name)
	if err != nil {
		r.wrong("read the settings for redis-server: %v", err)
		return
	}
	if !slices.Contains(r.files, name) {
		r.files = append(r.files, name)
	}
	line := 0
	for one := range strings.Lines(string(text)) {
		line++
		s, err := parseSetting(one)
		s.file = name
		switch _, listed := reserved[s.name]; {
		case err != nil:
			r.wrong("%s:%d: %v", name, line, err)
		case s.name == "":
		case s.name == "include":
			r.include(s, depth+1)
		case listed:
			if !slices.Contains(r.dropped[name], s.name) {
				r.dropped[name] = append(r.dropped[name], s.name)
			}
		default:
			r.take(s, name)
		}
	}
}

// take adds a setting that applies.
func (r *confReader) take(s setting, file string) {
	if slices.Contains(paths, s.name) && len(s.words) > 0 {
		if path := completed(s.words[0], file); path != s.words[0] {
			words := append([]string{path}, s.words[1:]...)
			s = newSetting(s.name, words...)
		}
	}
	r.settings = append(r.settings, s)
}

// completed makes a path absolute that is relative to our folder or, if there is
// nothing of that name, to the folder of the file that names it.
func completed(path, file string) string {
	if filepath.IsAbs(path) || path == "" {
		return path
	}
	bases := []string{"."}
	if file != "" {
		bases = append(bases, filepath.Dir(file))
	}
	for _, base := range bases {
		whole, err := filepath.Abs(filepath.Join(base, path))
		if err != nil {
			continue
		}
		if found, err := filepath.Glob(whole); err == nil && len(found) > 0 {
			return whole
		}
	}
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// lastOf is the last setting of that name. Arguments were read before.
func lastOf(args []string, name string) (found setting, ok bool) {
	all, _ := argumentSettings(args)
	for _, s := range slices.Backward(all) {
		if s.name == name {
			return s, true
		}
	}
	return found, false
}

// isOn reports whether the arguments switch a setting on.
func isOn(args []string, name string) bool {
	s, ok := lastOf(args, name)
	return ok && len(s.words) == 1 && strings.EqualFold(s.words[0], "yes")
}

// password is the password of the default user, "" if it has none. A list of users,
// in the settings or in a separate file, takes precedence over requirepass.
func password(args []string) string {
	found := ""
	if s, ok := lastOf(args, "requirepass"); ok && len(s.words) == 1 {
		found = s.words[0]
	}
	all, _ := argumentSettings(args)
	if s, ok := lastOf(args, "aclfile"); ok && len(s.words) == 1 {
		text, err := os.ReadFile(s.words[0])
		if err != nil {
			return found // redis-server will say so
		}
		all, found = nil, ""
		for line := range strings.Lines(string(text)) {
			if one, err := parseSetting(line); err == nil {
				all = append(all, one)
			}
		}
	}
	for _, s := range all {
		if s.name != "user" || len(s.words) == 0 || s.words[0] != "default" {
			continue
		}
		for _, rule := range s.words[1:] {
			switch {
			case strings.HasPrefix(rule, ">"):
				found = rule[1:]
			case rule == "nopass", rule == "resetpass", rule == "reset":
				found = ""
			}
		}
	}
	return found
}

// hideSecrets masks in text the values of all arguments that hold secrets.
// Redis quotes a setting that it refuses.
func hideSecrets(text string, args []string) string {
	all, _ := argumentSettings(args)
	for _, s := range all {
		user := s.name == "user"
		if !user && !strings.Contains(s.name, "pass") && !strings.Contains(s.name, "auth") {
			continue
		}
		for _, word := range s.words {
			// The other rules of a user are words of every message.
			if word != "" && (!user || strings.ContainsRune("><#!", rune(word[0]))) {
				text = mask.Text(text, word)
			}
		}
	}
	return text
}
