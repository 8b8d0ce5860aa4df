package live

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"

	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/problem"
)

// Address is where the page is served.
type Address struct {
	host, port string
}

// Loopback is the address on this host only, on a port that is free.
const Loopback = "127.0.0.1:0"

// ParseAddress reads the address of a listener, as [literal.Listener] does. The error
// knows the remedy.
func ParseAddress(text string) (Address, error) {
	host, port, err := literal.Listener(text)
	if err == nil {
		return Address{host: host, port: port}, nil
	}
	var wrong *literal.AddressError
	if errors.As(err, &wrong) && wrong.Part == literal.Port {
		return Address{}, &problem.Hinted{What: fmt.Sprintf("%q: %q is not a port", text, wrong.Value), Remedy: "a port is a number from 0 to 65535; 0 is one that is free"}
	}
	return Address{}, &problem.Hinted{
		What:   fmt.Sprintf("%q is not an address", text),
		Remedy: "write HOST:PORT, PORT for this host only, 0.0.0.0:PORT for all interfaces, or only --live for a free port",
	}
}

// Given reports whether the address was given at all.
func (a Address) Given() bool { return a.port != "" }

// address is PORT or HOST:PORT, and no flag.
var address = regexp.MustCompile(`^(?:(?:[^-/@= ][^/@= ]*)?:)?[0-9]+$`)

// IsAddress reports whether a word of the command line can be the address of --live:
// what follows it is otherwise an argument of the command.
func IsAddress(word string) bool { return address.MatchString(word) }

// everywhere reports whether the address is all interfaces.
func (a Address) everywhere() bool {
	ip, err := netip.ParseAddr(a.host)
	return err == nil && ip.IsUnspecified()
}

// here reports whether only this host can reach the address.
func (a Address) here() bool {
	ip, err := netip.ParseAddr(a.host)
	return err == nil && ip.IsLoopback() || isLocalhost(a.host)
}

func isLocalhost(name string) bool {
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// trusts reports whether a request for that host is one for this server. A website whose
// name is made to point here asks for its name, and would otherwise read the page (DNS
// rebinding). It cannot ask for an address as a number, for localhost, or for a name that
// is not its own.
func (a Address) trusts(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if _, err := netip.ParseAddr(host); err == nil || isLocalhost(host) {
		return true
	}
	if host == strings.ToLower(a.host) {
		return host != ""
	}
	own, err := os.Hostname()
	return !a.here() && err == nil && host == strings.ToLower(own)
}
