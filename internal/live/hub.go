// Package live serves a page that shows what goes on while it goes on: the documents of
// report.html, to which server-sent events add. What computes them calls [Hub.Show]
// and waits for no viewer; a [Server] serves the hub by HTTP. Begin reading at [Hub].
package live

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/webpage"
)

// Make makes a document. It is called later, by other goroutines, and only if there is a
// viewer: it may hold only what does not change any more.
type Make func() (webpage.Document, error)

// Hub holds the documents that viewers see, and what was added to them last. A viewer
// that has missed more than that is sent all documents again, so that all viewers come
// to see the same whatever they missed. It is safe for concurrent use.
type Hub struct {
	// Figures are the names of the key figures that the documents have, empty where they
	// have no common ones. They may be set before there is a viewer.
	Figures []string

	title string

	mu   sync.Mutex // guards what follows
	docs []shown
	// version counts the changes. The last of recent is the one that led to it, and
	// those before it follow each other without a gap.
	version uint64
	recent  []*frame
	whole   *frame        // all documents as of version, nil when no viewer asked
	changed chan struct{} // closed at the next change
	viewers int
	idle    chan struct{} // closed when the last viewer has left, nil when none waits for it
	ended   bool
}

// shown is one document. Its key names it for the caller.
type shown struct {
	key  string
	make Make
}

// maxRecent is how many changes a viewer may lag behind.
const maxRecent = 8

// NewHub makes a hub without documents for a page with that title.
func NewHub(title string) *Hub { return &Hub{title: title, changed: make(chan struct{})} }

// Show makes whole the document of that key, which is the last one if it is new. more
// makes a document that holds only what has to be added to the one before to make it
// that; nil means that it is another one.
func (h *Hub) Show(key string, whole, more Make) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.at(key)
	if at < 0 {
		at, more = len(h.docs), nil
		h.docs = append(h.docs, shown{key: key})
	}
	h.docs[at].make = whole
	h.change(at, more)
}

// Remove removes the document of that key, if there is one.
func (h *Hub) Remove(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at := h.at(key); at >= 0 {
		h.docs = append(h.docs[:at:at], h.docs[at+1:]...)
		h.change(0, nil)
	}
}

// at is the place of the document of that key, -1 without one. The caller holds mu.
func (h *Hub) at(key string) int {
	return slices.IndexFunc(h.docs, func(d shown) bool { return d.key == key })
}

// End says that what is shown now is all there will be.
func (h *Hub) End() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	h.change(0, nil)
}

// Watched reports whether there are viewers.
func (h *Hub) Watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.viewers > 0
}

// change notes a change. The caller holds mu.
func (h *Hub) change(at int, more Make) {
	h.version++
	h.whole = nil
	switch {
	case more == nil || h.viewers == 0:
		h.recent = nil
	default:
		h.recent = append(h.recent, &frame{version: h.version, encode: func() ([]byte, error) { return encodeMore(at, more) }})
		if n := len(h.recent) - maxRecent; n > 0 {
			h.recent = append([]*frame(nil), h.recent[n:]...)
		}
	}
	close(h.changed)
	h.changed = make(chan struct{})
}

// next is what a viewer is sent that has seen the given version, 0 for none. Without
// anything new it is nil, and changed is closed at the next change.
func (h *Hub) next(seen uint64) (f *frame, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if seen == h.version {
		return nil, h.changed
	}
	if n := len(h.recent); n > 0 && seen > 0 && h.recent[0].version <= seen+1 {
		return h.recent[int(seen+1-h.recent[0].version)], nil
	}
	if h.whole == nil {
		docs, ended := slices.Clone(h.docs), h.ended
		h.whole = &frame{version: h.version, last: ended, encode: func() ([]byte, error) { return encodeWhole(h.title, h.Figures, docs, ended) }}
	}
	return h.whole, nil
}

// heartbeat is how often something is written, so that viewers that are gone are found
// out.
const heartbeat = 15 * time.Second

// follow writes to one viewer everything from the start, and then what is added, until
// the end, the end of ctx, or an error of write.
func (h *Hub) follow(ctx context.Context, write func([]byte) error) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	var seen uint64
	for {
		f, changed := h.next(seen)
		if f != nil {
			data, err := f.bytes()
			switch {
			case err != nil && seen > 0:
				seen = 0 // without it what follows says nothing: all is sent again
			case err != nil || write(data) != nil || f.last:
				return
			default:
				seen = f.version
			}
			continue
		}
		select {
		case <-changed:
		case <-beat.C:
			if write([]byte(":\n\n")) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// join and leave count the viewers, of which there are at most so many.
func (h *Hub) join(most int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.viewers >= most {
		return false
	}
	h.viewers++
	return true
}

func (h *Hub) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.viewers--
	if h.viewers == 0 && h.idle != nil {
		close(h.idle)
		h.idle = nil
	}
}

// left is closed when no viewer is left.
func (h *Hub) left() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.idle == nil {
		h.idle = make(chan struct{})
	}
	idle := h.idle
	if h.viewers == 0 {
		close(idle)
		h.idle = nil
	}
	return idle
}

// frame is one event. It is encoded once, for the first viewer that it is sent to.
type frame struct {
	version uint64 // that a viewer has seen after it
	last    bool   // nothing follows
	once    sync.Once
	encode  func() ([]byte, error)
	data    []byte
	err     error
}

func (f *frame) bytes() ([]byte, error) {
	f.once.Do(func() {
		f.data, f.err = f.encode()
		f.encode = nil // with what it holds
	})
	return f.data, f.err
}

// encodeWhole is the event that replaces all documents.
func encodeWhole(title string, figures []string, docs []shown, ended bool) ([]byte, error) {
	p := webpage.Page{Title: title, Figures: figures}
	for _, d := range docs {
		one, err := d.make()
		if err != nil {
			one.Warnings = append(one.Warnings, err.Error())
		}
		p.Documents = append(p.Documents, one)
	}
	name := "whole"
	if ended {
		name = "end"
	}
	return event(name, 0, p)
}

// encodeMore is the event that adds to the document at that place. The documents before
// it are empty: the page finds its parts by their numbers.
func encodeMore(at int, more Make) ([]byte, error) {
	one, err := more()
	if err != nil {
		return nil, err
	}
	return event("more", at, webpage.Page{Documents: append(make([]webpage.Document, at), one)})
}

func event(name string, document int, p webpage.Page) ([]byte, error) {
	var part, out bytes.Buffer
	if err := webpage.Part(&part, p); err != nil {
		return nil, fmt.Errorf("write live page: %w", err)
	}
	fmt.Fprintf(&out, "event: %s\ndata: ", name)
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(struct {
		Document int    `json:"document"`
		HTML     string `json:"html"`
	}{document, part.String()})
	if err != nil {
		return nil, fmt.Errorf("encode live page: %w", err)
	}
	out.WriteByte('\n') // after that of the encoder: the event is complete
	return out.Bytes(), nil
}
