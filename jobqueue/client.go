package jobqueue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/redisconn"
)

// The default names.
const (
	DefaultQueue   = "job_queue"
	DefaultChannel = "job_updates"
)

// Config says which Redis to use and under which names.
type Config struct {
	// URL is redis://, rediss:// or unix://, with user, password and database
	// where needed; or redis-sentinel://h1:26379,h2:26379/0#mymaster or
	// redis-cluster://h1:7000,h2:7001, which are rediss-… by TLS. The user and
	// password of a sentinel itself are the options sentinel_username and
	// sentinel_password. The option protocol=3 speaks RESP3. Required.
	URL string
	// Reconnect says of a single server that it comes back when it restarts, or
	// that its name will soon lead to another one: then what it answers meanwhile
	// (LOADING, READONLY and the like), and an Open that does not reach it, match
	// [ErrLost], too. With sentinels and a cluster they always do; a connection
	// that breaks does with every server.
	Reconnect bool
	// Identify asks the server for the id of every connection, which the method
	// Disconnect of producers, consumers and subscribers needs. It costs a command for
	// each connection that is opened.
	Identify bool
	// Route returns the address, host:port, that the connections of a pool (producers,
	// consumers or subscribers) dial by TCP in place of a server's: that of a proxy, or
	// nothing to dial the server. Certificates
	// are still expected to be the server's. nil means that all connections are direct,
	// as those for single commands always are. It is called for each connection, by
	// several goroutines.
	Route func(pool, network, addr string) (proxied string, err error)
	// CACert, Cert and Key are PEM files for TLS: an authority to trust besides
	// the system's, and the client's certificate with its key.
	CACert, Cert, Key string
	// SkipVerify accepts any certificate of the server, as the URL's option
	// skip_verify=true does: the connection is encrypted, and who is at the
	// other end is not known.
	SkipVerify bool
	// Queue is the key of the list and Channel that of the updates. Empty means
	// [DefaultQueue] and [DefaultChannel].
	Queue, Channel string
	// Design is how the queue is kept. Empty means [List].
	Design Design
	// Notify is how messages get to subscribers. Empty means [PubSub].
	Notify Notify
	// Queues and Channels are how many there are, 0 meaning 1. Of several, queue i has
	// the name <Queue>:<i> and channel i the name <Channel>:t<i+1>.
	Queues, Channels int
	// Pattern makes subscribers of all channels subscribe to a pattern.
	Pattern bool
	// Poll is the pause before an empty queue is asked again by [ListPoll], and
	// by designs that can wait for one queue only and have several. 0 means
	// 10 ms.
	Poll time.Duration
	// Visibility is for how long a worker of a [ReliableList] or a [Stream] may
	// give no sign before its jobs are given to another: longer than its longest
	// work. 0 means 5 s.
	Visibility time.Duration
}

// Client is a connection to a Redis job queue. It is a [Backend], and has the
// commands that need no separate connection. It is safe for concurrent use.
type Client struct {
	servers        *redisconn.Servers
	rdb            redis.UniversalClient // the servers', for single commands
	cfg            Config                // with defaults
	queue, channel string
	lanes          lanes
	reaper         reaper
	crossSlot      bool    // see Apart
	claims         []claim // of each queue
	subscribed     subscribedNodes
	elsewhere      func(context.Context) (Subscriber, error) // opens subscribers, unless nil
	noInfo         atomic.Bool                               // INFO is withheld
	pings          atomic.Int64                              // sent on silent subscriptions
	// What the server can do, asked once.
	unblocks  bool // CLIENT UNBLOCK, by CLIENT ID
	popsMany  bool // RPOP with a count, since Redis 6.2
	fractions bool // BRPOP with fractions of a second, since Redis 6.0
}

var _ MultiQueue = (*Client)(nil)

// Connect dials the Redis, logs in, and finds out what it can do. An error whose
// remedy is known has a method Hint() string.
func Connect(ctx context.Context, cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("job queue: %w", err)
	}
	cfg = cfg.WithDefaults()
	s, err := redisconn.Open(redisconn.Config{
		URL: cfg.URL, Reconnect: cfg.Reconnect,
		CACert: cfg.CACert, Cert: cfg.Cert, Key: cfg.Key, SkipVerify: cfg.SkipVerify,
	})
	if err != nil {
		return nil, err
	}
	if s.Clustered() {
		if cfg, err = cfg.oneSlot(); err != nil {
			s.Close()
			return nil, fmt.Errorf("job queue: %w", err)
		}
	}
	c := &Client{
		servers: s,
		rdb:     s.Client,
		cfg:     cfg,
		queue:   cfg.Queue,
		channel: cfg.Channel,
		lanes:   cfg.lanes(),
		claims:  make([]claim, cfg.Queues),
	}
	c.crossSlot = s.Clustered() && !oneTag(c.lanes.queues)
	if err := s.Greet(ctx, c.lanes.queues[0], c.probe); err != nil {
		s.Close()
		return nil, err
	}
	return c, nil
}

// probe asks what the server can do. A refusal means that it cannot, and so does
// a connection that is closed in place of an answer: each question has one of its
// own then, and the needs, which are asked last, tell whether the server is there
// at all.
func (c *Client) probe(ctx context.Context, node *redis.Client) error {
	absent := probeKey(c.lanes.queues[0]) // which does not exist
	err := node.ClientID(ctx).Err()
	what := "CLIENT ID"
	if err == nil {
		what, err = "CLIENT UNBLOCK", node.Do(ctx, "CLIENT", "UNBLOCK", 0).Err()
	}
	switch {
	case err == nil:
		c.unblocks = true
	case !redisconn.Unsupported(err):
		return err
	case c.blocks():
		c.servers.Missing.Note(what, fmt.Sprintf("a consumer asks again every %s in place of waiting in one command", pollBlock), err)
	}
	many := node.Do(ctx, "RPOP", absent, 2).Err()
	c.popsMany = many == nil || errors.Is(many, redis.Nil)
	if !c.popsMany && !redisconn.Unsupported(many) {
		return many
	}
	if err := node.Ping(ctx).Err(); redisconn.Withheld(err) {
		c.servers.Missing.Note("PING", "the server's own delay is not measured", err)
	}
	if err := c.probeFractions(ctx, node, absent); err != nil {
		return err
	}
	pipe := node.Pipeline()
	needs := c.needs(ctx, pipe, absent)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) && !redisconn.IsErrorReply(err) {
		return err
	}
	return lacking(needs, c.servers.Address())
}

// blocks reports whether the design's consumers wait in a command.
func (c *Client) blocks() bool { return c.cfg.Design != ListPoll }

// probeFractions finds out whether BRPOP takes fractions of a second. They came
// with Redis 6, as RPOP with a count did a little later; without both it is tried.
func (c *Client) probeFractions(ctx context.Context, node *redis.Client, absent string) error {
	c.fractions = c.popsMany || !c.unblocks
	if c.popsMany || c.unblocks || c.cfg.Design != List {
		return nil
	}
	err := node.Do(ctx, "BRPOP", absent, "0.001").Err()
	if redisconn.IsErrorReply(err) && strings.Contains(err.Error(), "not an integer") {
		c.fractions = false
	}
	if err == nil || errors.Is(err, redis.Nil) || redisconn.Unsupported(err) {
		return nil
	}
	return err
}

// probeKey is a new key that lives in the same slot of a cluster as key.
func probeKey(key string) string {
	return fmt.Sprintf("queuedyno:probe:%d:{%s}", time.Now().UnixNano(), hashTag(key))
}

// Address is where the Redis is, without secrets.
func (c *Client) Address() string { return c.servers.Address() }

// Queue and Channel are the names in use, or what the names of several begin with.
func (c *Client) Queue() string   { return c.queue }
func (c *Client) Channel() string { return c.channel }

// Queues and Channels are the names of all of them, in the order of their numbers. The
// slices must not be changed.
func (c *Client) Queues() []string   { return c.lanes.queues }
func (c *Client) Channels() []string { return c.lanes.channels }

// Unverified reports whether the connections are by TLS and the server's
// certificate is not verified.
func (c *Client) Unverified() bool { return c.servers.Unverified() }

// Clustered reports whether the servers are a Redis Cluster.
func (c *Client) Clustered() bool { return c.servers.Clustered() }

// Do sends commands that no other method sends, in one write, and returns the answers to
// all of them. The error is the first that there was; the commands behind it were sent, too.
// An answer that there is nothing is nil, and no error.
func (c *Client) Do(ctx context.Context, commands ...[]string) (answers []any, err error) {
	pipe := c.rdb.Pipeline()
	sent := make([]*redis.Cmd, len(commands))
	for i, words := range commands {
		args := make([]any, len(words))
		for j, word := range words {
			args[j] = word
		}
		sent[i] = pipe.Do(ctx, args...)
	}
	_, _ = pipe.Exec(ctx) // each command has its error
	for _, cmd := range sent {
		if answers = append(answers, cmd.Val()); err == nil && !errors.Is(cmd.Err(), redis.Nil) {
			err = cmd.Err()
		}
	}
	return answers, c.explain("send commands about", c.queue, err)
}

// PoolTimeouts is how often one of the client's commands gave up waiting for a
// connection of its pool. Producers, consumers and subscribers have none.
func (c *Client) PoolTimeouts() int64 { return int64(c.rdb.PoolStats().Timeouts) }

// Pings is how many PINGs were sent on subscriptions that were silent, to prove
// that they are alive.
func (c *Client) Pings() int64 { return c.pings.Load() }

// Close closes the client's own connections. Producers, consumers and
// subscribers that it opened are closed by the caller.
func (c *Client) Close() error { return c.servers.Close() }

func (c *Client) explain(op, name string, err error) error {
	return c.servers.Explain(op, name, err)
}
