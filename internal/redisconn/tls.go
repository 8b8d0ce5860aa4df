package redisconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// skipHint is the way out where a certificate cannot be replaced.
const skipHint = ", or leave out the verification with --tls-skip-verify"

// tlsRemedy is what to do about an error of TLS, or "". The causes of one message
// differ, and so do their remedies.
func tlsRemedy(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		notTLS  tls.RecordHeaderError
	)
	text := err.Error()
	switch {
	case errors.As(err, &name):
		return nameRemedy(name)
	case errors.As(err, &unknown):
		return authorityRemedy(unknown.Cert)
	case errors.As(err, &invalid):
		return invalidRemedy(invalid, time.Now())
	case errors.As(err, &notTLS):
		return "the server does not speak TLS there; use redis:// instead of rediss://, or its TLS port"
	case strings.Contains(text, "remote error: tls:"): // its type is not exported
		return alertRemedy(text)
	case strings.Contains(text, "\x15\x03"), strings.Contains(text, `\x15\x03`): // an alert where a reply was due
		return "the server speaks TLS on that port; write rediss:// instead of redis://, or use its plain port"
	}
	return ""
}

// nameRemedy is for a certificate that does not name the host.
func nameRemedy(e x509.HostnameError) string {
	var names []string
	if e.Certificate != nil {
		names = append(names, e.Certificate.DNSNames...)
		for _, ip := range e.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
	}
	const most = 8
	switch {
	case len(names) == 0:
		return fmt.Sprintf("the server's certificate names no host: it has no subject alternative name (SAN), and a common name does not count; issue one with a SAN for %s (openssl: -addext subjectAltName=DNS:… or IP:…)%s", e.Host, skipHint)
	case len(names) > most:
		names = append(names[:most], "…")
	}
	return fmt.Sprintf("the server's certificate is for %s and not for %s; name the Redis as the certificate does, or issue one that also names %s%s",
		strings.Join(names, ", "), e.Host, e.Host, skipHint)
}

// authorityRemedy is for a certificate that no trusted authority has signed.
func authorityRemedy(c *x509.Certificate) string {
	const give = "; give its certificate, a PEM file, with --cacert"
	switch {
	case c == nil:
		return "the server's certificate is signed by an authority that is not known here" + give + skipHint
	case c.Issuer.String() == c.Subject.String() && !c.IsCA:
		return "the server's certificate is signed by itself; give that certificate, a PEM file, with --cacert" + skipHint
	}
	return fmt.Sprintf("the server's certificate is signed by %q, an authority that is not known here%s%s", c.Issuer.String(), give, skipHint)
}

// invalidRemedy is for a certificate that is not valid now, or not for this use.
func invalidRemedy(e x509.CertificateInvalidError, now time.Time) string {
	const day = "2006-01-02 15:04 MST"
	switch {
	case e.Reason == x509.Expired && e.Cert != nil && now.Before(e.Cert.NotBefore):
		return fmt.Sprintf("the certificate is not valid before %s, and the clock here says %s; set the clock right, or issue another certificate%s",
			e.Cert.NotBefore.UTC().Format(day), now.UTC().Format(day), skipHint)
	case e.Reason == x509.Expired && e.Cert != nil:
		return fmt.Sprintf("the certificate expired on %s, and the clock here says %s; issue another certificate%s",
			e.Cert.NotAfter.UTC().Format(day), now.UTC().Format(day), skipHint)
	case e.Reason == x509.IncompatibleUsage:
		return "the certificate is not one for servers; issue one with the extended key usage serverAuth" + skipHint
	case e.Reason == x509.NotAuthorizedToSign:
		return "the certificate given with --cacert is not one of an authority; give that of the authority that signed the server's" + skipHint
	}
	return "the server's certificate is not valid; issue another" + skipHint
}

// alertRemedy is for what the server says of our side of the handshake.
func alertRemedy(text string) string {
	switch {
	case strings.Contains(text, "certificate required"), strings.Contains(text, "handshake failure"):
		return "the server asks for a client certificate; give it with --cert and --key, or set tls-auth-clients no on the server"
	case strings.Contains(text, "protocol version"):
		return "the server and queuedyno have no version of TLS in common; allow TLSv1.2 or TLSv1.3 in its tls-protocols"
	case strings.Contains(text, "certificate"), strings.Contains(text, "unknown certificate authority"):
		return "the server refuses the client certificate of --cert; give one that is valid and signed by an authority that the server trusts (its tls-ca-cert-file)"
	}
	return "the server refused the TLS handshake; a server that asks for a client certificate wants --cert and --key"
}
