package jobqueue_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/resp"
	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

func TestARehearsalChangesNothingAndIsHeardByNobody(t *testing.T) {
	t.Parallel()
	s := redistest.Process(t)
	for i, cfg := range []jobqueue.Config{
		{}, {Queues: 3, Channels: 2}, {Design: jobqueue.ListPoll}, {Design: jobqueue.ReliableList, Queues: 2},
		{Design: jobqueue.Stream}, {Notify: jobqueue.NoNotify}, {Notify: jobqueue.ShardedPubSub}, {Channels: 2},
	} {
		cfg.URL = s.URL()
		cfg.Queue, cfg.Channel = runname.Of(fmt.Sprint("rehearsal", i))
		c, err := jobqueue.Connect(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ears, err := c.OpenSubscriber(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer ears.Close()
		if err := c.Push(t.Context(), "a", "b"); err != nil {
			t.Fatal(err)
		}
		before := dump(t, s)
		if err := c.CheckPermissions(t.Context()); err != nil {
			t.Errorf("%+v: CheckPermissions = %v", cfg, err)
		}
		if after := dump(t, s); after != before {
			t.Errorf("%+v: the keys were\n%s\nand are\n%s", cfg, before, after)
		}
		if cfg.Notify == jobqueue.NoNotify {
			continue
		}
		// The first message that is heard is the one after the rehearsal.
		if _, err := c.Publish(t.Context(), jobqueue.Update{JobID: "a", Status: jobqueue.Completed}); err != nil {
			t.Fatal(err)
		}
		if m, err := ears.Receive(t.Context()); err != nil || len(m) == 0 {
			t.Errorf("%+v: %q was heard, %v", cfg, m, err)
		}
	}
}

// dump is all that a server holds.
func dump(t *testing.T, s *redisserver.Server) string {
	t.Helper()
	rdb := admin(t, s)
	keys, err := rdb.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(keys)
	var all []string
	for _, key := range keys {
		text, err := rdb.Dump(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%q: %x", key, text))
	}
	return strings.Join(all, "\n")
}

func TestARehearsalFindsEveryRightThatIsLacking(t *testing.T) {
	t.Parallel()
	for _, c := range rights {
		if strings.Contains(c.rights, "psubscribe") {
			continue // a worker does not subscribe
		}
		for lacking := range strings.FieldsSeq(needed[c.name]) {
			t.Run(c.name+" "+lacking, func(t *testing.T) {
				t.Parallel()
				acl := []string{"--user", "load", "on", ">s3cret", "~queuedyno:*", "&queuedyno:*", "-@all", "+multi", "+discard"}
				acl = append(acl, strings.Fields(everybodysRights+" "+c.rights)...)
				s := redistest.Process(t, append(acl, "-"+lacking)...)
				cfg := c.cfg
				cfg.URL, cfg.Visibility = strings.Replace(s.URL(), "redis://", "redis://load:s3cret@", 1), time.Minute
				cfg.Queue, cfg.Channel = runname.Of("rehearsal")
				client, err := jobqueue.Connect(t.Context(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				err = client.CheckPermissions(t.Context())
				var e *redisconn.Error
				if !redisconn.Refused(err) || !errors.As(err, &e) || e.Hint() == "" || !strings.Contains(err.Error(), lacking) {
					t.Errorf("CheckPermissions without %s = %v, want that refusal with a hint", lacking, err)
				}
			})
		}
	}
}

// needed are rights that a worker of each kind cannot do without.
var needed = map[string]string{
	"list":           "brpop publish",
	"list-poll":      "rpop",
	"reliable-list":  "blmove lrem sadd set",
	"stream":         "xreadgroup xautoclaim xack xdel xgroup|create",
	"sharded-pubsub": "spublish",
}

func TestWhatWaitingDoesNotMendIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"NOPERM this user has no permissions": true, "WRONGPASS invalid": true, "NOAUTH Authentication required.": true,
		"WRONGTYPE Operation against a key": true, "READONLY You can't write": false, "LOADING Redis is loading": false,
		"MASTERDOWN Link with MASTER is down": false, "OOM command not allowed": false, "CLUSTERDOWN Hash slot not served": false,
	} {
		err := fmt.Errorf("pop: %w", &resp.ReplyError{Text: text})
		if got := redisconn.Refused(err); got != want {
			t.Errorf("Refused(%v) = %t", err, got)
		}
	}
	if redisconn.Refused(nil) || redisconn.Refused(errors.New("NOPERM")) || redisconn.ReadOnly(nil) {
		t.Error("what is no answer of the server was taken for one")
	}
	if !redisconn.ReadOnly(&resp.ReplyError{Text: "READONLY You can't write"}) {
		t.Error("READONLY is not recognized")
	}
}

func TestARehearsalInAClusterAsksTheNodeOfEachQueue(t *testing.T) {
	t.Parallel()
	g := redistest.Cluster(t, 0)
	everywhere(t, g.Nodes(), append(listRights, "+cluster|slots", "+multi", "+discard", "+sadd", "+blmove", "+lmove", "+lrem", "~{queuedyno:*")...)
	url := strings.Replace(g.URL(), "://", "://load:s3cret@", 1)
	for _, cfg := range []jobqueue.Config{{}, {Queues: 3, Channels: 2}, {Design: jobqueue.ReliableList, Queues: 3}} {
		cfg.URL = url
		cfg.Queue, cfg.Channel = runname.Of("rehearsal")
		c, err := jobqueue.Connect(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.CheckPermissions(t.Context()); err != nil {
			t.Errorf("%+v: CheckPermissions = %v", cfg, err)
		}
	}
	everywhere(t, g.Nodes(), "load", "-publish")
	cfg := jobqueue.Config{URL: url, Queues: 3}
	cfg.Queue, cfg.Channel = runname.Of("rehearsal")
	c, err := jobqueue.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.CheckPermissions(t.Context()); !redisconn.Refused(err) {
		t.Errorf("CheckPermissions without publish = %v, want that refusal", err)
	}
}
