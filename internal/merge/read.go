package merge

import (
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/queuedyno/queuedyno/result"
)

// Source is where results come from: a record, or any number of them one after another, as
// the logs of several copies of a program bring them.
type Source struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// Parse reads one result out of the bytes of a record. name says where they are from.
type Parse func(name string, data []byte) (*result.Result, error)

// maxFaults bounds how many errors [Merger.AddAll] collects.
const maxFaults = 20

// AddAll adds the results of all sources, in their order. Several are read at the same
// time, and as many are in memory. It reads on after an error, and returns all of them.
func (m *Merger) AddAll(sources []Source, parse Parse) error {
	type read struct {
		*loaded
		name string
		err  error
	}
	queue := make(chan chan read, runtime.GOMAXPROCS(0)) // in order
	stop := make(chan struct{})
	go func() {
		defer close(queue)
		put := func(do func() read) bool {
			one := make(chan read, 1)
			select {
			case queue <- one:
			case <-stop:
				return false
			}
			go func() { one <- do() }()
			return true
		}
		for _, s := range sources {
			select {
			case <-stop:
				return
			default:
			}
			n := 0
			err := s.documents(func(d *document) bool {
				n++
				name := s.Name
				if n > 1 {
					name = fmt.Sprintf("%s, result %d", s.Name, n)
				}
				return put(func() read {
					l, err := d.load(name, parse)
					d.release()
					return read{l, name, err}
				})
			})
			if err == nil && n == 0 {
				err = errors.New("it holds no result")
			}
			if err != nil && !put(func() read { return read{err: fmt.Errorf("%s: %w", s.Name, err)} }) {
				return
			}
		}
	}()
	var faults []error
	for one := range queue {
		got := <-one
		if got.err == nil {
			got.err = m.add(got.loaded, got.name)
			got.release()
		}
		if got.err != nil && len(faults) < maxFaults {
			faults = append(faults, got.err)
			if len(faults) == maxFaults {
				close(stop)
			}
		}
	}
	return errors.Join(faults...)
}
