package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// Error is what went wrong with Postgres: the operation, the cause in one line, and
// what to do. It holds no secret.
type Error struct {
	Op      string
	Address string // as of [Address]; may be ""
	Err     error
	Remedy  string // "" where it is not known
}

func (e *Error) Error() string {
	text := e.Op
	if e.Address != "" {
		text += " at " + e.Address
	}
	return text + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Hint is the remedy.
func (e *Error) Hint() string { return e.Remedy }

// Explain makes an error of pgx one that says in one line what was refused, and what to
// do about it. An error that is explained already stays as it is, and so does the end
// of a context.
func Explain(op, address string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	e := &Error{Op: op, Address: address, Err: err}
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		e.Err, e.Remedy = &reply{refused}, replies[refused.Code]
		if strings.Contains(refused.Message, "no encryption") || strings.Contains(refused.Message, "SSL off") {
			e.Remedy = "the server may accept only TLS from here: add sslmode=require to the URL; or allow this address in its pg_hba.conf"
		}
		return e
	}
	if errors.Is(err, context.Canceled) {
		return e
	}
	e.Err, e.Remedy = unreached(err)
	return e
}

// Code is the SQLSTATE of an error reply, such as "28P01", or "".
func Code(err error) string {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refused.Code
	}
	return ""
}

// reply is an error reply of Postgres in one line.
type reply struct{ *pgconn.PgError }

func (r *reply) Error() string {
	return strings.ReplaceAll(r.Message, "\n", " ") + " (SQLSTATE " + r.Code + ")"
}
func (r *reply) Unwrap() error { return r.PgError }

// unreached is why there was no answer of Postgres, without what pgx puts before it: the
// name of the user, and the same for each address that it tried.
func unreached(err error) (cause error, remedy string) {
	const correct = "start Postgres, or correct host and port in the URL: " + exampleURL
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns, "correct the host in the URL: " + exampleURL
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		if op.Timeout() {
			return op, "check host and port in the URL, and firewalls in between"
		}
		return op, correct
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return cert.Err, "add sslrootcert=FILE with the certificate authority to the URL, or sslmode=require to encrypt without verifying"
	}
	if host, ok := errors.AsType[x509.HostnameError](err); ok {
		return host, "write the host as the certificate names it, or use sslmode=verify-ca"
	}
	switch text := err.Error(); {
	case strings.Contains(text, "server refused TLS connection"):
		return errors.New("the server has no TLS"), "add sslmode=disable to the URL, or switch on ssl in the server"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return errors.New("the server closed the connection without an answer"), "check that host and port are those of a Postgres; if they are, see its log"
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time"), "check that host and port are those of a Postgres, and firewalls in between"
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return &oneLine{err}, correct
}

// oneLine is an error whose text is one line.
type oneLine struct{ error }

func (e *oneLine) Error() string {
	return strings.Join(strings.FieldsFunc(e.error.Error(), func(r rune) bool { return r < ' ' }), " ")
}
func (e *oneLine) Unwrap() error { return e.error }

// replies are the remedies for error replies, by SQLSTATE.
var replies = map[string]string{
	"08P01": "check that this is a Postgres, and that a proxy in between passes every message on",
	"25006": "the database is read-only: use the address of the primary, or check default_transaction_read_only",
	"28000": "the server refuses this user, address or database: see its pg_hba.conf, and correct the user in the URL: " + exampleURL,
	"28P01": "correct the user or the password in the URL: " + exampleURL,
	"3D000": "create the database with \"createdb NAME\", or name another after the last / of the URL",
	"42501": "let the owner of the table or schema GRANT this user what it lacks",
	"53100": "free space on the disk of Postgres, or use another Postgres",
	"53200": "lower work_mem or shared_buffers of Postgres, or use a larger host",
	"53300": "raise max_connections of Postgres, close other clients, or use fewer connections",
	"57014": "raise statement_timeout or lock_timeout for this user",
	"57P01": "see the log of Postgres: it was stopped, or an administrator ended the connection",
	"57P03": "wait until Postgres has started",
}
