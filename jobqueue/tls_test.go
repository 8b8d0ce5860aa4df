package jobqueue_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// selfSigned makes a certificate that is its own authority, and the file of it.
func selfSigned(t *testing.T, change func(*x509.Certificate)) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	change(c)
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// shakeHands serves TLS handshakes and nothing else.
func shakeHands(t *testing.T, config *tls.Config) (address string) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(io.Discard, c)
			}()
		}
	}()
	return l.Addr().String()
}

func TestEveryCauseOfAFailedHandshakeHasItsRemedy(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		change func(*x509.Certificate)
		server *tls.Config
		trust  bool
		hints  []string
	}{
		{"a common name alone", func(c *x509.Certificate) { c.IPAddresses = nil }, &tls.Config{}, true,
			[]string{"no subject alternative name", "127.0.0.1", "--tls-skip-verify"}},
		{"other names", func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"a.example", "b.example"} }, &tls.Config{}, true,
			[]string{"a.example, b.example", "127.0.0.1"}},
		{"another address", func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(10, 0, 0, 7)} }, &tls.Config{}, true,
			[]string{"10.0.0.7", "127.0.0.1"}},
		{"signed by itself", func(*x509.Certificate) {}, &tls.Config{}, false, []string{"signed by itself", "--cacert"}},
		{"a self-signed authority", func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }, &tls.Config{}, false,
			[]string{"CN=redis.example.com", "--cacert"}},
		{"expired", func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2021, 2, 3, 0, 0, 0, 0, time.UTC)
		}, &tls.Config{}, true, []string{"expired on 2021-02-03"}},
		{"not valid yet", func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2121, 1, 1, 0, 0, 0, 0, time.UTC)
		}, &tls.Config{}, true, []string{"not valid before 2120-01-01", "clock"}},
		{"for clients", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, &tls.Config{}, true,
			[]string{"serverAuth"}},
		{"a client certificate is asked for", func(*x509.Certificate) {}, &tls.Config{ClientAuth: tls.RequireAnyClientCert}, true,
			[]string{"--cert and --key"}},
		{"the same by an older version", func(*x509.Certificate) {}, &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, true,
			[]string{"--cert and --key"}},
		{"no version in common", func(*x509.Certificate) {}, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, true,
			[]string{"version of TLS"}},
	} {
		pair, file := selfSigned(t, row.change)
		row.server.Certificates = []tls.Certificate{pair}
		cfg := jobqueue.Config{URL: "rediss://" + shakeHands(t, row.server)}
		if row.trust {
			cfg.CACert = file
		}
		_, err := jobqueue.Connect(t.Context(), cfg)
		var e *redisconn.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: Connect = %v", row.name, err)
			continue
		}
		for _, want := range row.hints {
			if !strings.Contains(e.Hint(), want) {
				t.Errorf("%s: %v has the hint %q, want %q in it", row.name, err, e.Hint(), want)
			}
		}
	}
}

func TestTheVerificationCanBeLeftOut(t *testing.T) {
	t.Parallel()
	ca, cert, key := authority(t)
	_, port, _ := net.SplitHostPort(closedPort(t))
	redistest.Process(t, "--tls-port", port, "--tls-ca-cert-file", ca, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no")
	url := "rediss://127.0.0.1:" + port
	for _, row := range []struct {
		cfg        jobqueue.Config
		unverified bool
	}{
		{jobqueue.Config{URL: url, SkipVerify: true}, true},
		{jobqueue.Config{URL: url + "?skip_verify=true"}, true},
		{jobqueue.Config{URL: url, CACert: ca}, false},
	} {
		c, err := jobqueue.Connect(t.Context(), row.cfg)
		if err != nil {
			t.Errorf("Connect(%+v) = %v", row.cfg, err)
			continue
		}
		if c.Unverified() != row.unverified {
			t.Errorf("%+v: Unverified() = %v", row.cfg, c.Unverified())
		}
		c.Close()
	}
	if _, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: "redis://127.0.0.1:" + port, SkipVerify: true}); err == nil {
		t.Error("without TLS there is nothing to leave out, and it was no error")
	}
}
