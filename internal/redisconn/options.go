package redisconn

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/queuedyno/queuedyno/internal/mask"
)

// parseURL makes go-redis options in which nothing is tried twice and nothing
// is sent that was not asked for.
func parseURL(cfg Config) (target, *redis.Options, error) {
	t, o, faults := parseTarget(cfg.URL)
	if o != nil && o.Protocol != 0 && o.Protocol != 2 && o.Protocol != 3 {
		faults = append(faults, "protocol must be 2 or 3")
	}
	if len(faults) > 0 {
		return t, nil, fmt.Errorf("redis url %s: %s; write it like %s", mask.URL(cfg.URL), strings.Join(faults, "; "), forms[t.deployment])
	}
	if o.TLSConfig == nil {
		given := ""
		switch {
		case cfg.SkipVerify:
			given = "the verification of certificates is left out"
		case cfg.CACert != "" || cfg.Cert != "" || cfg.Key != "":
			given = "certificates are given"
		}
		if given != "" {
			return t, nil, fmt.Errorf("redis url %s: %s, but the scheme is not %s://",
				mask.URL(cfg.URL), given, strings.Replace(string(t.deployment), "redis", "rediss", 1))
		}
	}
	if o.TLSConfig != nil {
		o.TLSConfig.InsecureSkipVerify = o.TLSConfig.InsecureSkipVerify || cfg.SkipVerify
		if err := addCertificates(o.TLSConfig, cfg); err != nil {
			return t, nil, err
		}
	}
	o.MaxRetries = -1
	o.Protocol = cmp.Or(o.Protocol, 2)
	o.DisableIdentity = true
	o.ClientName = "" // see introduce
	o.PoolSize = 4
	// A proxy or firewall may have silently dropped a connection that was idle for
	// longer, and the next command would get no answer.
	o.ConnMaxIdleTime = time.Second
	o.ContextTimeoutEnabled = true
	o.DialTimeout = 5 * time.Second
	o.DialerRetries = 1
	o.ReadTimeout, o.WriteTimeout = AnswerTimeout, AnswerTimeout
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return t, o, nil
}

func addCertificates(t *tls.Config, cfg Config) error {
	if cfg.CACert != "" {
		pem, err := os.ReadFile(cfg.CACert)
		if err != nil {
			return fmt.Errorf("read certificate authority: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return fmt.Errorf("read certificate authority %s: no certificate in PEM form in it", cfg.CACert)
		}
		t.RootCAs = pool
	}
	if cfg.Cert == "" && cfg.Key == "" {
		return nil
	}
	if cfg.Cert == "" || cfg.Key == "" {
		return errors.New("read client certificate: a certificate and its key go together")
	}
	pair, err := tls.LoadX509KeyPair(cfg.Cert, cfg.Key)
	if err != nil {
		return fmt.Errorf("read client certificate: %w", err)
	}
	t.Certificates = []tls.Certificate{pair}
	return nil
}
