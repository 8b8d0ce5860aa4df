package literal

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Part is a part of an address.
type Part string

// The parts of an address that can be wrong: its form, or one of the two in it.
const (
	Form Part = "form"
	Host Part = "host"
	Port Part = "port"
)

// AddressError refuses the address of a listener.
type AddressError struct {
	Text  string // the address as it was given
	Part  Part   // what is wrong with it
	Value string // the host or the port
}

func (e *AddressError) Error() string {
	switch e.Part {
	case Host:
		return fmt.Sprintf("%q: %q is not a host; 0.0.0.0 is every interface", e.Text, e.Value)
	case Port:
		return fmt.Sprintf("%q: the port must be a number from 0 to 65535", e.Text)
	}
	return fmt.Sprintf("%q is not HOST:PORT, :PORT or PORT, like 127.0.0.1:9464", e.Text)
}

// Listener reads the address of a listener: HOST:PORT, or :PORT or PORT for this host
// only, which 127.0.0.1 is. Port 0 is any free port. The error is an [*AddressError].
func Listener(text string) (host, port string, err error) {
	full := text
	if text != "" && strings.Trim(text, "0123456789") == "" {
		full = ":" + text
	}
	host, port, err = net.SplitHostPort(full)
	if err != nil {
		return "", "", &AddressError{Text: text, Part: Form}
	}
	if n, err := strconv.ParseUint(port, 10, 64); err != nil || n > 65535 {
		return "", "", &AddressError{Text: text, Part: Port, Value: port}
	}
	switch {
	case host == "":
		host = "127.0.0.1"
	case host == "*", strings.ContainsAny(host, "/@ "):
		return "", "", &AddressError{Text: text, Part: Host, Value: host}
	}
	return host, port, nil
}
