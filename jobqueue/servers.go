package jobqueue

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

// connConfig names the servers and says how to reach them.
type connConfig struct {
	// URL is redis://, rediss://, unix://, redis-sentinel://, redis-cluster:// or
	// one of the last two by TLS. Required.
	URL string
	// Reconnect says that a single server comes back after an error such as LOADING
	// or READONLY, as masters behind sentinels and of a cluster do.
	Reconnect bool
	// CACert, Cert and Key are PEM files for TLS.
	CACert, Cert, Key string
	// SkipVerify accepts any certificate.
	SkipVerify bool
}

// servers are the Redis servers that one URL names, and the ways to reach them.
// They are safe for concurrent use.
type servers struct {
	routes
	client  redis.UniversalClient // for single commands, to the server that they need
	options *redis.Options        // of each server; Addr names all of them
	// returns is true where a server that is away is replaced or comes back; see
	// connConfig.Reconnect.
	returns bool
	missing missing
}

// openServers prepares the connections and opens none.
func openServers(cfg connConfig) (*servers, error) {
	t, options, err := parseURL(cfg)
	if err != nil {
		return nil, err
	}
	quiet()
	s := &servers{options: options, returns: cfg.Reconnect || t.deployment != single}
	options.OnConnect = s.introduce
	greetBy(options, func(err error) {
		s.missing.note("HELLO", "RESP2 is spoken although the URL asks for protocol=3", err)
	})
	s.client, s.routes = t.open(options)
	return s, nil
}

// greet makes sure that the server of the key answers, and lets probe ask it what
// it can do.
func (s *servers) greet(ctx context.Context, key string, probe func(context.Context, *redis.Client) error) error {
	err := s.greetOnce(ctx, key, probe)
	if hungUp(err) && !s.missing.lacks(setName) {
		// Some proxies close the connection on a command that they do not know.
		s.missing.note(setName, nameless, err)
		err = s.greetOnce(ctx, key, probe)
	}
	return explainTLS(explain("connect", s.address(), err), s.options.TLSConfig != nil)
}

func (s *servers) greetOnce(ctx context.Context, key string, probe func(context.Context, *redis.Client) error) error {
	addr, err := s.find(ctx, key)
	if err != nil {
		return err
	}
	node := s.node(addr)
	if err := answers(ctx, node); err != nil {
		return s.explainMaster(addr, err)
	}
	return probe(ctx, node)
}

// address names the servers, without secrets.
func (s *servers) address() string { return s.options.Addr }

// database is the number of the database.
func (s *servers) database() int { return s.options.DB }

// clustered reports whether the keys are shared among the masters of a cluster.
func (s *servers) clustered() bool {
	_, is := s.routes.(*shared)
	return is
}

// unverified reports whether the connections are by TLS and the server's
// certificate is not verified.
func (s *servers) unverified() bool {
	return s.options.TLSConfig != nil && s.options.TLSConfig.InsecureSkipVerify
}

func (s *servers) explain(op, name string, err error) error {
	return explainOn(op, name, s.options.Addr, err)
}

// shut closes all connections but those of dial.
func (s *servers) shut() error { return errors.Join(s.client.Close(), s.routes.close()) }

// quiet keeps go-redis from writing to standard error what comes back as an
// error anyway. Its logger is one for the whole process, and there is no other
// way; done once, so that an application can set its own afterwards.
var quiet = sync.OnceFunc(func() { redis.SetLogger(noLog{}) })

type noLog struct{}

func (noLog) Printf(context.Context, string, ...any) {}
