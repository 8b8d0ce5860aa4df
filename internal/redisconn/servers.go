// Package redisconn reaches Redis: it reads the URL, finds the server that serves a
// key, opens, secures and authenticates connections, and tells which errors a new
// connection can remedy. [Servers] are the servers of one URL, a [Wire] is a connection
// on which the caller speaks the protocol itself.
package redisconn

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Config names the servers and says how to reach them.
type Config struct {
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

// Servers are the Redis servers that one URL names, and the ways to reach them.
// They are safe for concurrent use.
type Servers struct {
	routes
	Client  redis.UniversalClient // for single commands, to the server that they need
	options *redis.Options        // of each server; Addr names all of them
	// returns is true where a server that is away is replaced or comes back; see
	// Config.Reconnect.
	returns bool
	home    string // an address of a cluster's URL, empty for all else
	Missing missing
}

// Open prepares the connections and opens none.
func Open(cfg Config) (*Servers, error) {
	t, options, err := parseURL(cfg)
	if err != nil {
		return nil, err
	}
	quiet()
	s := &Servers{options: options, returns: cfg.Reconnect || t.deployment != single}
	if t.deployment == cluster {
		s.home = t.addrs[0]
	}
	options.OnConnect = s.introduce
	options.Dialer = greeting(s.dialer(nil), options.Protocol, s.noHello)
	s.Client, s.routes = t.open(options)
	return s, nil
}

// noHello notes that the server does not know HELLO.
func (s *Servers) noHello(err error) {
	s.Missing.Note("HELLO", "RESP2 is used although the URL asks for protocol=3", err)
}

// Greet makes sure that the server of the key answers, and lets probe ask it what
// it can do.
func (s *Servers) Greet(ctx context.Context, key string, probe func(context.Context, *redis.Client) error) error {
	err := s.greetOnce(ctx, key, probe)
	if HungUp(err) && !s.Missing.Lacks(setName) {
		// Some proxies close the connection on a command that they do not know.
		s.Missing.Note(setName, nameless, err)
		err = s.greetOnce(ctx, key, probe)
	}
	return explainTLS(Explain("connect to Redis", s.Address(), err), s.options.TLSConfig != nil)
}

func (s *Servers) greetOnce(ctx context.Context, key string, probe func(context.Context, *redis.Client) error) error {
	addr, err := s.Find(ctx, key)
	if err != nil {
		return err
	}
	node := s.Node(addr)
	if err := CheckReachable(ctx, node); err != nil {
		return s.explainMaster(addr, err)
	}
	return probe(ctx, node)
}

// Address names the servers, without secrets.
func (s *Servers) Address() string { return s.options.Addr }

// Database is the number of the database.
func (s *Servers) Database() int { return s.options.DB }

// Clustered reports whether the keys are shared among the masters of a cluster.
func (s *Servers) Clustered() bool {
	_, is := s.routes.(*shared)
	return is
}

// Unverified reports whether the connections are by TLS and the server's
// certificate is not verified.
func (s *Servers) Unverified() bool {
	return s.options.TLSConfig != nil && s.options.TLSConfig.InsecureSkipVerify
}

func (s *Servers) Explain(op, name string, err error) error {
	return ExplainOn(op, name, s.options.Addr, err)
}

// Close closes all connections but those of dial.
func (s *Servers) Close() error { return errors.Join(s.Client.Close(), s.routes.close()) }

// quiet keeps go-redis from writing to standard error what comes back as an
// error anyway. Its logger is one for the whole process, and there is no other
// way; done once, so that an application can set its own afterwards.
var quiet = sync.OnceFunc(func() { redis.SetLogger(noLog{}) })

type noLog struct{}

func (noLog) Printf(context.Context, string, ...any) {}
