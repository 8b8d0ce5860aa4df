package jobqueue

// Design is how a queue is kept in Redis. What each promises when a worker
// dies, and what it costs, is in docs/designs.md.
type Design string

const (
	// List is LPUSH and BRPOP. What a worker that dies had popped is lost.
	List Design = "list"
	// ListPoll is LPUSH and RPOP, again after a pause when there was nothing.
	ListPoll Design = "list-poll"
	// ReliableList moves each job to a list of its worker's own, from which it
	// is given to another when the worker gives no sign of life.
	ReliableList Design = "reliable-list"
	// Stream is XADD and XREADGROUP: jobs stay in the stream until their worker
	// says that they are over, and are claimed by another if it never does.
	Stream Design = "stream"
)

// Notify is how messages get to subscribers.
type Notify string

const (
	// PubSub is PUBLISH and SUBSCRIBE.
	PubSub Notify = "pubsub"
	// ShardedPubSub is SPUBLISH and SSUBSCRIBE, since Redis 7.
	ShardedPubSub Notify = "sharded-pubsub"
	// NoNotify publishes nothing.
	NoNotify Notify = "none"
)

// Designs and Notifies are all that there are.
func Designs() []Design  { return []Design{List, ListPoll, ReliableList, Stream} }
func Notifies() []Notify { return []Notify{PubSub, ShardedPubSub, NoNotify} }
