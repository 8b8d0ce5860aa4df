package store

import "github.com/queuedyno/queuedyno/internal/render"

// Parse reads the bytes of a record of that kind.
func Parse[R render.Record](file string, data []byte) (R, error) {
	d, err := parse(file, data, of(render.KindOf[R]()))
	record, _ := render.As[R](d)
	return record, err
}

// FromSchema1 brings a result of schema 1 up to date.
var FromSchema1 = fromSchema1
