package endpoint

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
)

// Kind says what went wrong, in a word for counters.
type Kind string

// The kinds. Those from Status on are of an answer, those before of a connection.
const (
	Canceled    Kind = "canceled" // the caller's context ended
	Timeout     Kind = "timeout"  // no answer in time
	Refused     Kind = "refused"  // no server listens on the port
	Reset       Kind = "reset"    // the connection was cut during a request
	Closed      Kind = "closed"   // the server closed the connection without an answer
	UnknownHost Kind = "unknown_host"
	Unreachable Kind = "unreachable" // no route to the host
	TLS         Kind = "tls"
	Exhausted   Kind = "exhausted" // this host has no more files or ports
	Protocol    Kind = "protocol"  // the server speaks another protocol
	Status      Kind = "status"    // the answer has another status than expected
	Redirect    Kind = "redirect"
	Unreadable  Kind = "unreadable" // the answer is not JSON
	NoID        Kind = "no_id"      // the answer has no id at the path
	TooLarge    Kind = "too_large"  // the answer is larger than the limit
	Other       Kind = "other"
)

// Error is what went wrong at an endpoint. It holds no secret.
type Error struct {
	Op      string // such as "POST"
	Address string
	Kind    Kind
	// Status is the status code of the answer, 0 without an answer.
	Status int
	// Err is the cause in one line.
	Err    error
	Remedy string // "" where it is not known
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s %s: %s", e.Op, e.Address, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Hint is the remedy.
func (e *Error) Hint() string { return e.Remedy }

// Counter is the kind, with the code if the status is wrong: "status_503".
func (e *Error) Counter() string {
	if e.Kind == Status || e.Kind == Redirect {
		return fmt.Sprintf("status_%d", e.Status)
	}
	return string(e.Kind)
}

// Explain is the error of a connection to the endpoint with its kind and remedy. parent
// is the context of the caller, without the timeout of the operation.
func (e *Endpoint) Explain(op string, parent context.Context, err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	x := &Error{Op: op, Address: e.Address, Kind: Other}
	if parent.Err() != nil {
		x.Kind, x.Err = Canceled, context.Cause(parent)
		return x
	}
	x.Kind, x.Err, x.Remedy = e.cause(err)
	return x
}

// Class is the kind of an error of a connection.
func Class(err error) Kind {
	var (
		dns  *net.DNSError
		cert *tls.CertificateVerificationError
		name x509.HostnameError
		ca   x509.UnknownAuthorityError
		rec  tls.RecordHeaderError
		wait interface{ Timeout() bool }
	)
	text := err.Error()
	switch {
	case errors.As(err, &dns) && !dns.IsTimeout:
		return UnknownHost
	case errors.Is(err, syscall.ECONNREFUSED), strings.Contains(text, "actively refused"):
		return Refused
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.EADDRNOTAVAIL):
		return Exhausted
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return Unreachable
	case errors.As(err, &cert), errors.As(err, &name), errors.As(err, &ca), errors.As(err, &rec), strings.Contains(text, "tls: "),
		strings.Contains(text, "server gave HTTP response to HTTPS client"), strings.Contains(text, `malformed HTTP response "\x15\x03`):
		return TLS
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &wait) && wait.Timeout():
		return Timeout
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED), strings.Contains(text, "forcibly closed"):
		return Reset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), strings.Contains(text, "server closed idle connection"):
		return Closed
	case strings.Contains(text, "malformed HTTP"), strings.Contains(text, "malformed MIME"),
		// What the transport says when the server spoke before it was asked.
		strings.Contains(text, "readLoopPeekFailLocked: %!w(<nil>)"):
		return Protocol
	}
	return Other
}

// cause is what went wrong in one line, and what to do about it.
func (e *Endpoint) cause(err error) (Kind, error, string) {
	var (
		dns  *net.DNSError
		cert *tls.CertificateVerificationError
		name x509.HostnameError
		ca   x509.UnknownAuthorityError
	)
	kind := Class(err)
	plain := func(text string) error { return &reason{text, err} }
	switch kind {
	case UnknownHost:
		errors.As(err, &dns)
		return kind, plain("the host " + dns.Name + " is unknown"), "correct the host in the URL"
	case Refused:
		return kind, plain("connection refused"), "start the API, or correct host and port in the URL"
	case Exhausted:
		return kind, plain("this host has no file or port left for another connection"), "use fewer connections, or raise the limit of open files (ulimit -n)"
	case Unreachable:
		return kind, plain("no route to the host"), "check host and network, and firewalls in between"
	case TLS:
		remedy := "check that the port of the URL speaks TLS, and with which versions"
		text := "TLS: " + e.Mask(innermost(err).Error())
		switch said := err.Error(); {
		case strings.Contains(said, `\x15\x03`):
			text, remedy = "the server speaks TLS on that port", "write "+map[bool]string{true: "wss://", false: "https://"}[e.isWebSocket()]
		case strings.Contains(said, "HTTP response to HTTPS client"), strings.Contains(said, "first record does not look like a TLS handshake"):
			text, remedy = "the server does not speak TLS on that port", "write "+map[bool]string{true: "ws://", false: "http://"}[e.isWebSocket()]+", or the port of its TLS"
		case errors.As(err, &name):
			text, remedy = "TLS: "+name.Error(), "write the host as the certificate names it"
		case errors.As(err, &ca):
			text, remedy = "TLS: the certificate is signed by an unknown authority", "add the authority to those that this host trusts (SSL_CERT_FILE)"
		case errors.As(err, &cert):
			text, remedy = "TLS: "+cert.Err.Error(), "renew the certificate of the server"
		}
		return kind, plain(text), remedy
	case Timeout:
		return kind, plain("no answer in time"), "see the log of the API; raise the timeout if it needs longer"
	case Reset:
		return kind, plain("the connection was reset"), "see the log of the API: it or a proxy in between cut the connection"
	case Closed:
		return kind, plain("the server closed the connection without an answer"), "check that host and port are those of the API; if they are, see its log"
	case Protocol:
		return kind, plain("the server does not speak HTTP/1.1 on that port"), "correct the port in the URL"
	}
	return kind, plain(e.Mask(innermost(err).Error())), ""
}

func (e *Endpoint) isWebSocket() bool { return strings.HasPrefix(e.Address, "ws") }

// reason is a cause in words of ours, which errors.Is still finds.
type reason struct {
	text string
	err  error
}

func (r *reason) Error() string { return r.text }
func (r *reason) Unwrap() error { return r.err }

// innermost is the error below those that repeat the URL.
func innermost(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return err
}
