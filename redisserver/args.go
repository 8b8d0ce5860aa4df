package redisserver

import (
	"slices"
	"strings"
)

// checkArgs refuses arguments that would take a server out of our hands.
func checkArgs(args []string) error {
	if len(args) > 0 && !strings.HasPrefix(args[0], "--") {
		return usageErrorf("redis-server argument %q: the first argument must be an option, such as --appendonly; settings come one by one, not in a file", args[0])
	}
	// The server must be reachable where we look for it, stay our child, and
	// tell us why when it does not start.
	ours := []string{"--port", "--bind", "--daemonize", "--logfile"}
	for _, a := range args {
		if slices.Contains(ours, strings.ToLower(a)) {
			return usageErrorf("redis-server argument %q: it is set by queuedyno and cannot be overridden; start that server yourself and name its URL", a)
		}
	}
	return nil
}

// password is the value of the last --requirepass, or "".
func password(args []string) string {
	found := ""
	for i, a := range args {
		if strings.EqualFold(a, "--requirepass") && i+1 < len(args) {
			found = args[i+1]
		}
	}
	return found
}

// hideSecrets masks in text the values of all arguments that hold secrets.
// Redis quotes a setting that it refuses.
func hideSecrets(text string, args []string) string {
	secret := false
	for _, a := range args {
		if strings.HasPrefix(a, "--") {
			name := strings.ToLower(a)
			secret = strings.Contains(name, "pass") || strings.Contains(name, "auth") || name == "--user"
			continue
		}
		if secret && a != "" {
			text = Mask(text, a)
		}
	}
	return text
}
