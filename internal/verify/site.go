package verify

import (
	"context"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// hooks wrap what a client opened; nil means that it is used as it is. What the
// opened can do besides its contract is the hook's to forward or to hide.
type hooks struct {
	producer   func(jobqueue.Producer) jobqueue.Producer
	consumer   func(jobqueue.Consumer) jobqueue.Consumer
	subscriber func(jobqueue.Subscriber) jobqueue.Subscriber
}

// site is the real client with hooks. All that the client can do besides its
// contract stays, since it is embedded.
type site struct {
	*jobqueue.Client
	hooks
}

var _ jobqueue.Backend = (*site)(nil)

// OpenProducer opens a producer on the client.
func (s *site) OpenProducer(ctx context.Context) (jobqueue.Producer, error) {
	p, err := s.Client.OpenProducer(ctx)
	return hooked(p, err, s.producer)
}

// OpenConsumer opens a consumer on the client.
func (s *site) OpenConsumer(ctx context.Context) (jobqueue.Consumer, error) {
	c, err := s.Client.OpenConsumer(ctx)
	return hooked(c, err, s.consumer)
}

// OpenSubscriber opens a subscriber on the client.
func (s *site) OpenSubscriber(ctx context.Context) (jobqueue.Subscriber, error) {
	c, err := s.Client.OpenSubscriber(ctx)
	return hooked(c, err, s.subscriber)
}

// hooked is what was opened, with the hook if there is one.
func hooked[T any](opened T, err error, hook func(T) T) (T, error) {
	if err == nil && hook != nil {
		opened = hook(opened)
	}
	return opened, err
}
