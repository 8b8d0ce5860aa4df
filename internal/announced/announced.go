// Package announced hears the updates of workers that do not publish them on one channel:
// on a channel for each job or tenant, or by setting a key for each job. Begin reading at
// [Listen].
package announced

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// client is a queue in Redis, such as a [jobqueue.Client].
type client interface {
	Elsewhere(open func(context.Context) (jobqueue.Subscriber, error))
	OpenPatternSubscriber(ctx context.Context, names string, compose jobqueue.Compose) (jobqueue.Subscriber, error)
	Do(ctx context.Context, commands ...[]string) (answers []any, err error)
	Clustered() bool
}

// Listen makes the subscribers of the queue hear what workers announce in the form, which has
// a source, of jobs whose ids begin with these letters. They receive messages that the form
// reads. It is called before the queue is used.
func Listen(b jobqueue.Backend, form updates.Mapping, ids string) error {
	c, ok := b.(client)
	source := form.Source()
	switch {
	case !ok:
		return errors.New("updates on other channels, or at keys, are heard in Redis, and this queue is not in one")
	case source.Keys && c.Clustered():
		return errors.New("in a Redis Cluster each node reports its own keys, so that keys that workers set cannot be heard there; let the workers publish, or use a single server or sentinels")
	case source.Keys:
		k := &keys{c: c, form: form, pattern: source.Pattern(ids), fields: form.Fields()}
		c.Elsewhere(k.open)
	default:
		names := source.Pattern(ids)
		c.Elsewhere(func(ctx context.Context) (jobqueue.Subscriber, error) {
			return c.OpenPatternSubscriber(ctx, names, source.AppendComposed)
		})
	}
	return nil
}

// Remove removes the keys that workers set for the jobs with the ids. It does nothing where
// they set none.
func Remove(ctx context.Context, b jobqueue.Backend, form updates.Mapping, ids iter.Seq[string]) error {
	source := form.Source()
	c, ok := b.(client)
	if source == nil || !source.Keys || !ok {
		return nil
	}
	for page := range dialect.Pages(ids) {
		remove := []string{"DEL"}
		for _, id := range page {
			remove = append(remove, source.Name(id))
		}
		if _, err := c.Do(ctx, remove); err != nil {
			return fmt.Errorf("remove the keys that workers set: %w", err)
		}
	}
	return nil
}
