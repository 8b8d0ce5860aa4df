package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// openLoop is a load generator that shares no code with queuedyno, to check its
// figures with. It posts jobs at a fixed rate, whether or not earlier ones were
// answered, and times each from the moment when it was due until a WebSocket client
// has read its end: what a user waits, with all that made the request late. It
// returns the times in order, and how many jobs have none when patience is over.
func openLoop(api, tenant string, rate float64, jobs int, patience time.Duration) (latencies []time.Duration, lost int, err error) {
	conn, _, err := websocket.DefaultDialer.Dial(socketURL(api, tenant), nil)
	if err != nil {
		return nil, 0, err
	}
	var mu sync.Mutex
	due, ended := map[string]time.Time{}, map[string]time.Time{}
	var reader, requests sync.WaitGroup
	reader.Go(func() {
		for {
			_, message, err := conn.ReadMessage()
			now := time.Now()
			var update struct{ JobID, Status string }
			if err != nil || json.Unmarshal(message, &update) != nil {
				return
			}
			mu.Lock()
			if _, again := ended[update.JobID]; !again && update.Status != "RUNNING" {
				ended[update.JobID] = now
			}
			mu.Unlock()
		}
	})
	client := http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: jobs}}
	body := fmt.Appendf(nil, `{"tenantId":%q}`, tenant)
	start := time.Now()
	for i := range jobs {
		at := start.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		time.Sleep(time.Until(at) - time.Millisecond)
		for time.Now().Before(at) { // a timer alone is late, by up to half a millisecond
		}
		requests.Go(func() {
			answer, err := client.Post(api+"/jobs", "application/json", bytes.NewReader(body))
			if err != nil {
				return
			}
			defer answer.Body.Close()
			var job struct{ JobID string }
			if json.NewDecoder(answer.Body).Decode(&job) == nil && job.JobID != "" {
				mu.Lock()
				due[job.JobID] = at
				mu.Unlock()
			}
		})
	}
	requests.Wait()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		latencies = latencies[:0]
		mu.Lock()
		for id, from := range due {
			if to, ok := ended[id]; ok {
				latencies = append(latencies, to.Sub(from))
			}
		}
		missing := len(due) - len(latencies)
		mu.Unlock()
		if missing == 0 {
			break
		}
	}
	conn.Close()
	reader.Wait()
	slices.Sort(latencies)
	return latencies, jobs - len(latencies), nil
}

func TestTheIndependentClientAccountsForEveryJob(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI()
	w := s.startWorker("WORK=1ms")
	const jobs = 200
	latencies, lost, err := openLoop(api, "acme", 200, jobs, patience)
	if err != nil || lost != 0 || len(latencies) != jobs || !slices.IsSorted(latencies) || latencies[0] <= 0 {
		t.Fatalf("%d times, %d lost, %v; want %d times and none lost", len(latencies), lost, err, jobs)
	}
	t.Logf("p50 %s, p99 %s", latencies[jobs/2], latencies[jobs*99/100])

	w.kill()
	if latencies, lost, err := openLoop(api, "acme", 1000, 5, time.Second); err != nil || lost != 5 || len(latencies) != 0 {
		t.Errorf("without a worker: %d times, %d lost, %v; want 5 lost", len(latencies), lost, err)
	}
}
