package main

import (
	"bufio"
	"iter"
)

// longestLine bounds a line of standard input, which is a job.
const longestLine = 64 << 20

// lines are the lines of standard input that are not empty, and what went wrong
// with reading them.
func (p *program) lines() (iter.Seq[string], func() error) {
	in := bufio.NewScanner(p.stdin)
	in.Buffer(nil, longestLine)
	return func(yield func(string) bool) {
		for in.Scan() {
			if in.Text() != "" && !yield(in.Text()) {
				return
			}
		}
	}, in.Err
}

// chunks cuts a sequence into slices of n and a last one of what is left. Each
// is valid until the next.
func chunks[T any](all iter.Seq[T], n int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		chunk := make([]T, 0, n)
		for one := range all {
			if chunk = append(chunk, one); len(chunk) == n {
				if !yield(chunk) {
					return
				}
				chunk = chunk[:0]
			}
		}
		if len(chunk) > 0 {
			yield(chunk)
		}
	}
}
