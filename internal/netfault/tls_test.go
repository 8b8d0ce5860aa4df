package netfault_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/netfault"
)

// TLS passes untouched: the client verifies the certificate of the server behind the
// proxy, and the server is asked for the name that the client expects.
func TestTLSPassesThrough(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"redis.test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	names := make(chan string, 10)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			names <- h.ServerName
			return nil, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	p := front(t, l.Addr().String())
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	connect := func(config *tls.Config) (*tls.Conn, error) {
		c, err := tls.Dial("tcp", p.Addr(), config)
		if err == nil {
			t.Cleanup(func() { c.Close() })
		}
		return c, err
	}
	c, err := connect(&tls.Config{RootCAs: pool, ServerName: "redis.test"})
	if err != nil {
		t.Fatal(err)
	}
	if name := <-names; name != "redis.test" {
		t.Errorf("the server is asked for %q; want redis.test", name)
	}
	end := begin(t, p, netfault.Fault{Latency: 30 * ms, Bandwidth: 1_000_000})
	if took := roundTrip(t, c); took < 30*ms {
		t.Errorf("a round trip took %v; want at least 30ms", took)
	}
	end()
	roundTrip(t, c)
	if _, err := connect(&tls.Config{RootCAs: pool}); err == nil {
		t.Error("a client accepts the certificate for the proxy's address")
	}
}
