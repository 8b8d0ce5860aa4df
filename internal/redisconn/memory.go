package redisconn

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// maxMemory is the setting that limits a server's memory.
const maxMemory = "maxmemory"

// setting is the value of one of the server's settings.
func (s *Servers) setting(ctx context.Context, addr, name string) (string, error) {
	all, err := s.Node(addr).ConfigGet(ctx, name).Result()
	if err != nil {
		return "", Explain("read the setting "+name, addr, err)
	}
	value, known := all[name]
	if !known {
		return "", Explain("read the setting "+name, addr, errors.New("the server does not have it"))
	}
	return value, nil
}

// CheckMemoryLimit makes sure that the limit of memory of every master can be set, and
// unless evicts is true, that no server would evict keys because of it: those may be of
// other clients, and would not come back.
func (s *Servers) CheckMemoryLimit(ctx context.Context, evicts bool) error {
	masters, err := s.Masters(ctx)
	if err != nil {
		return err
	}
	for _, addr := range masters {
		policy, err := s.setting(ctx, addr, "maxmemory-policy")
		if err != nil {
			return err
		}
		if policy != "noeviction" && !evicts {
			return &Error{Op: "limit the memory of the server", Address: addr,
				Err:    fmt.Errorf("its maxmemory-policy is %s: it would evict keys of other clients, too", policy),
				Remedy: "use a private server, with the same policy if that is what you measure: --redis process --redis-args '--maxmemory-policy " + policy + "'"}
		}
		was, err := s.setting(ctx, addr, maxMemory)
		if err != nil {
			return err
		}
		if err := s.Node(addr).ConfigSet(ctx, maxMemory, was).Err(); err != nil {
			return Explain("set the setting "+maxMemory, addr, err)
		}
	}
	return nil
}

// limited is a server whose limit of memory was changed.
type limited struct{ addr, was string }

// LimitMemory sets the limit of memory of every master to what limit makes of the memory
// that it uses, both in bytes. restore sets it to exactly what it was, also where that
// takes several tries; it is not nil after an error either.
func (s *Servers) LimitMemory(ctx context.Context, limit func(used int64) int64) (restore func(context.Context) error, err error) {
	var changed []limited
	restore = func(ctx context.Context) (err error) {
		for _, one := range changed {
			err = errors.Join(err, s.restoreMemory(ctx, one))
		}
		return err
	}
	masters, err := s.Masters(ctx)
	if err != nil {
		return restore, err
	}
	for _, addr := range masters {
		was, err := s.setting(ctx, addr, maxMemory)
		if err != nil {
			return restore, err
		}
		info, err := s.Node(addr).Info(ctx, "memory").Result()
		if err != nil {
			return restore, Explain("ask for the memory in use", addr, err)
		}
		used, err := strconv.ParseInt(infoField(info, "used_memory"), 10, 64)
		if err != nil {
			return restore, Explain("ask for the memory in use", addr, errors.New("INFO memory does not say used_memory"))
		}
		changed = append(changed, limited{addr, was}) // before it is sent: the answer may be lost
		if err := s.Node(addr).ConfigSet(ctx, maxMemory, strconv.FormatInt(limit(used), 10)).Err(); err != nil {
			return restore, Explain("set the setting "+maxMemory, addr, err)
		}
	}
	return restore, nil
}

// restoreMemory sets the limit of a server to what it was, until that succeeds or ctx
// ends.
func (s *Servers) restoreMemory(ctx context.Context, one limited) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.Node(one.addr).ConfigSet(ctx, maxMemory, one.was).Err()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return &Error{Op: "restore the setting " + maxMemory, Address: one.addr, Err: err, Remedy: "set it yourself: CONFIG SET maxmemory " + one.was}
		case <-tick.C:
		}
	}
}
