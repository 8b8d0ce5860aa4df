package redisconn

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/redis/go-redis/v9"
)

// watched are a master and its replicas, watched by sentinels. The sentinels
// are asked for the master's address anew for every connection.
type watched struct {
	nodes
	target target
}

func openSentinels(t target, o *redis.Options) (redis.UniversalClient, routes) {
	// go-redis follows the master for single commands.
	rdb := redis.NewFailoverClient(t.universal(o).Failover())
	return rdb, &watched{nodes: nodes{options: o}, target: t}
}

// Find asks all sentinels at once and takes the first answer.
func (w *watched) Find(ctx context.Context, _ string) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		addr string
		err  error
	}
	answers := make(chan answer, len(w.target.addrs))
	for _, sentinel := range w.target.addrs {
		go func() {
			addr, err := w.ask(ctx, sentinel)
			answers <- answer{addr, err}
		}()
	}
	var faults []error
	addr := ""
	// All are waited for, so that none outlives the call; cancel ends the rest.
	for range w.target.addrs {
		a := <-answers
		switch {
		case a.err == nil && addr == "":
			addr = a.addr
			cancel()
		case a.err != nil:
			faults = append(faults, a.err)
		}
	}
	if addr != "" {
		return addr, nil
	}
	return "", errors.Join(faults...)
}

// ask asks one sentinel where the master is.
func (w *watched) ask(ctx context.Context, sentinel string) (string, error) {
	s := w.sentinel(sentinel)
	defer s.Close()
	where, err := s.GetMasterAddrByName(ctx, w.target.master).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return "", &Error{Op: "ask for the master", Address: sentinel,
			Err:    fmt.Errorf("the sentinel knows no master %q", w.target.master),
			Remedy: "the name after the # of the URL is that of \"sentinel monitor\"; SENTINEL MASTERS lists the names"}
	case err != nil:
		return "", explainSentinel(sentinel, err)
	case len(where) != 2:
		return "", fmt.Errorf("ask for the master at %s: %q is not an address", sentinel, where)
	}
	return net.JoinHostPort(where[0], where[1]), nil
}

// explainSentinel is explain with the remedies that a sentinel needs.
func explainSentinel(sentinel string, err error) error {
	e := &Error{Op: "ask for the master", Address: sentinel, Err: err, Remedy: remedy(err)}
	switch {
	case isUnknownCommand(err):
		e.Remedy = "that is not a sentinel: name the sentinels in the URL, port 26379 by default, and not the servers that they watch"
	case isLogin(err):
		e.Remedy = "the sentinel has its own user and password; give them as the options sentinel_username and sentinel_password of the URL"
	}
	return e
}

// explainMaster adds to an error that the address is the one that sentinels name.
func (s *Servers) explainMaster(at string, err error) error {
	_, named := s.routes.(*watched)
	if !named || IsErrorReply(err) || tlsRemedy(err) != "" || errors.Is(err, context.Canceled) {
		return err
	}
	return &Error{Op: "connect to the master that the sentinels name", Address: at, Err: err,
		Remedy: "make that address reachable from here: the master may be down and not replaced yet (SENTINEL CKQUORUM), or the sentinels know it by an address of another network (a container's, a host name): let it announce another, by replica-announce-ip and sentinel announce-ip, or run queuedyno in that network"}
}

// invalidate has nothing to forget: every connection asks again.
func (w *watched) invalidate() {}

func (w *watched) Masters(ctx context.Context) ([]string, error) {
	addr, err := w.Find(ctx, "")
	return []string{addr}, err
}

func (w *watched) Mode() string { return "sentinel" }
