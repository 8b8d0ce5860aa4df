package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/webpage"
)

// charted is a document whose chart has those values.
func charted(title string, x []float64) Make {
	return func() (webpage.Document, error) {
		y := make([]*float64, len(x))
		return webpage.Document{Title: title, Sections: []webpage.Section{{ID: "s", Title: "S", Charts: []webpage.Chart{{
			ID: "c", Kind: webpage.Time, X: x, Variants: []webpage.Variant{{Series: []webpage.Series{{Name: "a", Style: webpage.Line, Y: y}}}},
		}}}}}, nil
	}
}

// page is what a viewer has on its screen: the values of each document.
type page struct {
	docs  [][]float64
	ended bool
	more  int // events that added
}

var scripts = regexp.MustCompile(`<script type="application/json">(.*?)</script>`)

// receive takes in an event as the script of the page does.
func (p *page) receive(data []byte) error {
	if bytes.HasPrefix(data, []byte(":")) {
		return nil
	}
	name, rest, ok := bytes.Cut(bytes.TrimSuffix(data, []byte("\n\n")), []byte("\ndata: "))
	if !ok || bytes.ContainsAny(rest, "\n\r") {
		return fmt.Errorf("%q is not an event of one line", data)
	}
	var e struct {
		Document int    `json:"document"`
		HTML     string `json:"html"`
	}
	if err := json.Unmarshal(rest, &e); err != nil {
		return err
	}
	var all [][]float64
	for _, m := range scripts.FindAllStringSubmatch(e.HTML, -1) {
		var c webpage.Chart
		if err := json.Unmarshal([]byte(m[1]), &c); err != nil {
			return err
		}
		all = append(all, c.X)
	}
	switch string(name) {
	case "event: more":
		if e.Document >= len(p.docs) || len(all) != 1 {
			return fmt.Errorf("%d charts are added to document %d of %d", len(all), e.Document, len(p.docs))
		}
		p.docs[e.Document] = append(p.docs[e.Document], all[0]...)
		p.more++
	case "event: whole":
		p.docs = all
	case "event: end":
		p.docs, p.ended = all, true
	default:
		return fmt.Errorf("unknown event %q", name)
	}
	return nil
}

// Whatever a viewer misses, and whenever it comes, it ends with what everyone sees.
func TestEveryViewerEndsWithTheSameState(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7))
			h := NewHub("law")
			var viewers sync.WaitGroup
			pages := make([]*page, 6)
			for i := range pages {
				pages[i] = &page{}
				comes, slow := time.Duration(random.IntN(60))*time.Second, time.Duration(random.IntN(30*i+1))*time.Second
				viewers.Go(func() {
					time.Sleep(comes)
					if !h.join(len(pages)) {
						t.Error("a viewer was refused")
					}
					defer h.leave()
					h.follow(t.Context(), func(data []byte) error {
						time.Sleep(slow)
						err := pages[i].receive(data)
						if err != nil {
							t.Error(err)
						}
						return err
					})
				})
			}
			truth := map[string][]float64{}
			var keys []string
			for second := range 90 {
				time.Sleep(time.Second)
				key := fmt.Sprint("run ", second/25)
				if !slices.Contains(keys, key) {
					keys = append(keys, key)
				}
				before := len(truth[key])
				for range random.IntN(3) {
					truth[key] = append(truth[key], float64(second))
				}
				all := slices.Clone(truth[key])
				more := charted(key, all[before:])
				switch random.IntN(12) {
				case 0: // it has become another one
					truth[key] = []float64{-1}
					all, more = slices.Clone(truth[key]), nil
				case 1:
					if len(keys) > 1 {
						h.Remove(keys[0])
						keys = keys[1:]
					}
				}
				h.Show(key, charted(key, all), more)
			}
			h.End()
			viewers.Wait()
			for i, p := range pages {
				if !p.ended || len(p.docs) != len(keys) {
					t.Fatalf("seed %d: viewer %d has %d documents, want %d; ended: %t", seed, i, len(p.docs), len(keys), p.ended)
				}
				for k, key := range keys {
					if !slices.Equal(p.docs[k], truth[key]) {
						t.Errorf("seed %d: viewer %d has %v of %s, want %v", seed, i, p.docs[k], key, truth[key])
					}
				}
			}
		})
	}
}

// A viewer that keeps up is sent what is added, before the end too, and the same as one
// that comes late.
func TestAViewerThatKeepsUpIsSentOnlyWhatIsAdded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := NewHub("law")
		ctx, cancel := context.WithCancel(t.Context())
		var early, late page
		var viewers sync.WaitGroup
		follow := func(p *page) {
			h.join(2)
			viewers.Go(func() { defer h.leave(); h.follow(ctx, p.receive) })
		}
		follow(&early)
		var all []float64
		for i := range 20 {
			time.Sleep(time.Second)
			all = append(all, float64(i))
			h.Show("run", charted("run", slices.Clone(all)), charted("run", all[i:i+1:i+1]))
		}
		follow(&late)
		synctest.Wait()
		if early.more != 19 || late.more != 0 {
			t.Errorf("%d additions to the early viewer and %d to the late one, want 19 and 0", early.more, late.more)
		}
		for _, p := range []*page{&early, &late} {
			if len(p.docs) != 1 || !slices.Equal(p.docs[0], all) {
				t.Errorf("a viewer has %v, want %v", p.docs, all)
			}
		}
		cancel()
		viewers.Wait()
	})
}

// Showing something waits for no viewer: not for a viewer that reads nothing.
func TestAViewerThatReadsNothingHoldsNothingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := NewHub("law")
		h.join(1)
		stuck := make(chan struct{})
		var viewer sync.WaitGroup
		viewer.Go(func() {
			h.follow(t.Context(), func([]byte) error { <-stuck; return errors.New("gone") })
		})
		began := time.Now()
		for i := range 1000 {
			h.Show("run", charted("run", []float64{float64(i)}), charted("run", nil))
			if n := len(h.recent); n > maxRecent {
				t.Fatalf("%d changes are kept for viewers that lag behind, of at most %d", n, maxRecent)
			}
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("showing took %v of waiting", d)
		}
		close(stuck)
		viewer.Wait()
	})
}

// Nothing is made into a page before someone looks, and then once for all who look.
func TestWhatIsShownIsEncodedOnceAndOnlyForViewers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := NewHub("law")
		made, mu := map[string]int{}, sync.Mutex{}
		counted := func(name string) Make {
			return func() (webpage.Document, error) {
				mu.Lock()
				defer mu.Unlock()
				made[name]++
				return charted(name, []float64{1})()
			}
		}
		for range 10 {
			h.Show("run", counted("whole"), counted("more"))
		}
		if len(made) != 0 {
			t.Errorf("made without a viewer: %v", made)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var viewers sync.WaitGroup
		for range 3 {
			h.join(3)
			var p page
			viewers.Go(func() { h.follow(ctx, p.receive) })
		}
		synctest.Wait()
		for range 5 {
			h.Show("run", counted("whole"), counted("more"))
			synctest.Wait()
		}
		cancel()
		viewers.Wait()
		if made["whole"] != 1 || made["more"] != 5 {
			t.Errorf("made %v for three viewers, want whole once and more 5 times", made)
		}
	})
}
