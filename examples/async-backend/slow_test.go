package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// The messages are large, so that they fill what the kernel buffers for a client
// that reads nothing.
func TestAClientThatStopsReadingIsDisconnectedAndTheOthersAreNot(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	api, _ := s.startAPI()
	stalled, healthy := listen(t, api, "acme"), listen(t, api, "acme")
	const messages = 2*clientBuffer + 200
	reason := strings.Repeat("x", 64<<10)
	for i := range messages {
		u := jobqueue.Update{TenantID: "acme", JobID: "4711", Status: jobqueue.Failed, Error: &reason}
		if n, err := s.queue.Publish(t.Context(), u); n != 1 || err != nil {
			t.Fatalf("Publish = %d, %v", n, err)
		}
		if got := healthy.next(); got.JobID != "4711" {
			t.Fatalf("message %d: %+v", i, got)
		}
	}
	got := 0
	for {
		if _, err := stalled.read(); err != nil {
			var closed *websocket.CloseError
			if errors.As(err, &closed) && closed.Code != websocket.ClosePolicyViolation && closed.Code != websocket.CloseAbnormalClosure {
				t.Errorf("the stalled client got %v, want close code %d", err, websocket.ClosePolicyViolation)
			}
			break
		}
		got++
	}
	if got == 0 || got >= messages {
		t.Errorf("the stalled client was sent %d of %d messages; want some, and then a close", got, messages)
	}
}
