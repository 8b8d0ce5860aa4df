package netfault_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/netfault"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// A latency on the consumers moves what they do by what it predicts: a publish is a
// round trip, and a job on its way to a waiting consumer half of one. The producers
// have their own connections, and none of their bytes takes the slow way.
func TestLatencyOfOneRoleOnARealRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Process(t)
	var slow netfault.Proxies
	t.Cleanup(func() { slow.Close() })
	slowURL, err := url.Parse(redis.URL())
	if err != nil {
		t.Fatal(err)
	}
	if slowURL.Host, err = slow.Route("tcp", slowURL.Host); err != nil {
		t.Fatal(err)
	}
	open := func(url string) *jobqueue.Client {
		c, err := jobqueue.Connect(t.Context(), jobqueue.Config{URL: url, Queue: "q", Channel: "c"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	direct, through := open(redis.URL()), open(slowURL.String())
	producer, err := direct.OpenProducer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	consumer, err := through.OpenConsumer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	push := func() {
		if err := producer.Push(t.Context(), []byte("job")); err != nil {
			t.Fatal(err)
		}
	}
	pop := func() (time.Time, error) {
		jobs, err := consumer.Pop(t.Context(), 1, 30*time.Second)
		if err == nil && len(jobs) != 1 {
			err = fmt.Errorf("%d jobs were popped", len(jobs))
		}
		return time.Now(), err
	}
	must := func(at time.Time, err error) time.Time {
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	push()
	must(pop())
	const latency = 50 * ms
	end := begin(t, &slow, netfault.Fault{Latency: latency})
	for range 3 {
		before := slow.Counts()
		began := time.Now()
		push()
		if now := slow.Counts(); now.Up != before.Up {
			t.Errorf("a push took the way of the consumers: %+v and then %+v", before, now)
		}
		if took := must(pop()).Sub(began); took < latency {
			t.Errorf("a pop took %v; want at least %v", took, latency)
		}
		began = time.Now()
		if _, err := consumer.Publish(t.Context(), []byte(`{"jobId":"1","status":"COMPLETED"}`)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < latency {
			t.Errorf("a publish took %v; want at least %v", took, latency)
		}
		type answer struct {
			at  time.Time
			err error
		}
		popped := make(chan answer)
		go func() {
			at, err := pop()
			popped <- answer{at, err}
		}()
		for n := int64(0); n == 0; { // until the consumer waits
			if n, err = direct.Blocked(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		began = time.Now()
		push()
		got := <-popped
		if took := must(got.at, got.err).Sub(began); took < latency/2 {
			t.Errorf("a job took %v to a waiting consumer; want at least %v", took, latency/2)
		}
	}
	end()
	push()
	must(pop())
}
