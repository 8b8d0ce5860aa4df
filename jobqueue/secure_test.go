package jobqueue_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/queuetest"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// authority makes an authority and a certificate that it signed for this host,
// as PEM files.
func authority(t *testing.T) (ca, cert, key string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	make1 := func(serial int64, isCA bool, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, []byte) {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: fmt.Sprint("queuedyno test ", serial)},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			IsCA: isCA, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		if parent == nil {
			parent, signer = c, k
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, &k.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return parsed, k, der
	}
	caCert, caKey, caDER := make1(1, true, nil, nil)
	_, leafKey, leafDER := make1(2, false, caCert, caKey)
	keyDER, err := x509.MarshalECPrivateKey(leafKey)
	if err != nil {
		t.Fatal(err)
	}
	return write("ca.pem", "CERTIFICATE", caDER), write("cert.pem", "CERTIFICATE", leafDER), write("key.pem", "EC PRIVATE KEY", keyDER)
}

func TestMutualTLS(t *testing.T) {
	t.Parallel()
	ca, cert, key := authority(t)
	_, port, _ := net.SplitHostPort(closedPort(t))
	redistest.Process(t, "--tls-port", port, "--tls-ca-cert-file", ca, "--tls-cert-file", cert, "--tls-key-file", key)
	url := "rediss://127.0.0.1:" + port
	queue, channel := runname.Of("tls")
	full := jobqueue.Config{URL: url, CACert: ca, Cert: cert, Key: key, Queue: queue, Channel: channel}

	c, err := jobqueue.Connect(t.Context(), full)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p, err := c.OpenProducer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	w, err := c.OpenConsumer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := p.Push(t.Context(), []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if jobs, err := w.Pop(t.Context(), 1, time.Second); err != nil || string(jobs[0]) != "secret" {
		t.Errorf("Pop = %q, %v", jobs, err)
	}

	for name, cfg := range map[string]jobqueue.Config{
		"an unknown authority":               {URL: url, Cert: cert, Key: key},
		"no certificate to show":             {URL: url, CACert: ca},
		"a certificate without key":          {URL: url, CACert: ca, Cert: cert},
		"an authority without a certificate": {URL: url, CACert: key},
		"a file that does not exist":         {URL: url, CACert: "nowhere.pem"},
	} {
		_, err := jobqueue.Connect(t.Context(), cfg)
		if err == nil {
			t.Errorf("%s: connected", name)
			continue
		}
		var e *redisconn.Error
		if errors.As(err, &e) && e.Hint() == "" {
			t.Errorf("%s: %v has no hint", name, err)
		}
	}
}

func TestTLSToAPlainPortIsExplained(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	s := redistest.Process(t)
	_, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: strings.Replace(s.URL(), "redis://", "rediss://", 1)})
	var e *redisconn.Error
	if !errors.As(err, &e) || !strings.Contains(e.Hint(), "redis://") {
		t.Errorf("Connect = %v, want a hint about the scheme", err)
	}
}

// everybodysRights are what a user of Redis needs in any design, and rights what
// each needs besides. docs/redis.md has them, too.
const everybodysRights = "+publish +subscribe +unsubscribe +ping +set +del +type" +
	" +client|id +client|unblock +client|setname +hello +auth +select"

var rights = []struct {
	name   string
	cfg    jobqueue.Config
	rights string
}{
	{"list", jobqueue.Config{}, "+lpush +brpop +rpop +llen +lrange"},
	{"list-poll", jobqueue.Config{Design: jobqueue.ListPoll}, "+lpush +rpop +llen +lrange"},
	{"reliable-list", jobqueue.Config{Design: jobqueue.ReliableList},
		"+lpush +blmove +lmove +lrem +llen +lrange +sadd +srem +smembers +exists ~{queuedyno:*"},
	{"stream", jobqueue.Config{Design: jobqueue.Stream},
		"+xadd +multi +exec +xreadgroup +xautoclaim +xack +xdel +xgroup|create +xgroup|delconsumer +xlen +xpending +xrange +xinfo|groups"},
	{"sharded-pubsub", jobqueue.Config{Notify: jobqueue.ShardedPubSub},
		"+lpush +brpop +rpop +llen +lrange +spublish +ssubscribe +sunsubscribe"},
	{"pattern", jobqueue.Config{Pattern: true}, "+lpush +brpop +rpop +llen +lrange +psubscribe +punsubscribe allchannels"},
}

func TestAUserWithTheLeastRightsIsEnough(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is for the race detector, and other tests show it the same goroutines")
	}
	t.Parallel()
	for _, c := range rights {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			acl := []string{"--user", "load", "on", ">s3cret", "~queuedyno:*", "&queuedyno:*", "-@all"}
			acl = append(acl, strings.Fields(everybodysRights+" "+c.rights)...)
			s := redistest.Process(t, acl...)
			url := strings.Replace(s.URL(), "redis://", "redis://load:s3cret@", 1)
			open := func(tb testing.TB) jobqueue.Backend {
				cfg := c.cfg
				cfg.URL, cfg.Visibility = url, time.Minute
				cfg.Queue, cfg.Channel = runname.Of(fmt.Sprint("acl", serial.Add(1)))
				c, err := jobqueue.Connect(tb.Context(), cfg)
				if err != nil {
					tb.Fatal(err)
				}
				tb.Cleanup(func() { c.Close() })
				return c
			}
			queuetest.Conformance(t, open)
			q := open(t).(*jobqueue.Client)
			if err := q.Check(t.Context(), 1); err != nil {
				t.Errorf("Check = %v", err)
			}
			if err := q.Push(t.Context(), "a", "b"); err != nil {
				t.Errorf("Push = %v", err)
			}
			if jobs, err := q.Peek(t.Context(), 0, 5); err != nil || len(jobs) != 2 {
				t.Errorf("Peek = %q, %v", jobs, err)
			}
			if err := q.Clear(t.Context()); err != nil {
				t.Errorf("Clear = %v", err)
			}
			if f, err := q.Inspect(t.Context()); err != nil || len(f.Withheld) != 2 {
				t.Errorf("Inspect = %+v, %v; want INFO and CONFIG withheld, and no error", f.Withheld, err)
			}
		})
	}
}

func TestTheRightsAreInTheDocumentation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range append([]string{everybodysRights}, func() (all []string) {
		for _, r := range rights {
			all = append(all, r.rights)
		}
		return all
	}()...) {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/redis.md has no line with %s", want)
		}
	}
}

func TestAUnixSocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "qd") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "redis.sock")
	redistest.Process(t, "--unixsocket", socket)
	c, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: "unix://" + socket})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n, err := c.Len(t.Context()); n != 0 || err != nil {
		t.Errorf("Len = %d, %v", n, err)
	}
}
