package render

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/result"
)

// runJSON writes the result as result.json.
func runJSON(r *result.Result) (string, error) { return recordJSON("result", r) }

// comparisonJSON writes the record as compare.json.
func comparisonJSON(r *compare.Record) (string, error) { return recordJSON("comparison", r) }

// calibrationJSON writes a calibration.
func calibrationJSON(c *compare.Calibration) (string, error) { return recordJSON("calibration", c) }

// searchJSON writes the record as capacity.json.
func searchJSON(r *study.Record) (string, error) { return recordJSON("capacity", r) }

// staffingJSON writes a plan.
func staffingJSON(s *study.Staffing) (string, error) { return recordJSON("staffing plan", s) }

// recordJSON writes a record: indented, nothing left out, and read back as it was. Lists
// and objects that hold nothing are [] and {}, never null, so that scripts can go through
// them.
func recordJSON[R Record](what string, record R) (string, error) {
	return indented(what, filler{}.filled(reflect.ValueOf(record)).Interface())
}

// indented writes a record, with what it is called in errors.
func indented(what string, v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("encode %s: %w", what, err)
	}
	return b.String(), nil
}

// filler knows the types whose values can hold a list or a map, at any depth.
type filler map[reflect.Type]bool

// holds reports whether values of a type can hold a list or a map. What writes itself stays
// as it is.
func (f filler) holds(t reflect.Type) bool {
	if known, has := f[t]; has {
		return known
	}
	switch kind := t.Kind(); {
	case t.Implements(reflect.TypeFor[json.Marshaler]()), t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		f[t] = false
	case kind == reflect.Pointer:
		f[t] = f.holds(t.Elem())
	case kind == reflect.Struct:
		f[t] = slices.ContainsFunc(reflect.VisibleFields(t), func(field reflect.StructField) bool { return shown(field) && f.holds(field.Type) })
	default:
		f[t] = kind == reflect.Map || kind == reflect.Slice && t.Elem().Kind() != reflect.Uint8
	}
	return f[t]
}

// shown reports whether a field is always in the JSON. An empty list is not zero.
func shown(f reflect.StructField) bool {
	return f.IsExported() && !strings.Contains(f.Tag.Get("json"), "omitzero")
}

// filled is v with no list and no map in it that is nil, and a copy as far as that takes
// one.
func (f filler) filled(v reflect.Value) reflect.Value {
	t, kind := v.Type(), v.Kind()
	list := kind == reflect.Slice || kind == reflect.Map
	if !f.holds(t) || kind == reflect.Pointer && v.IsNil() || list && !v.IsNil() && !f.holds(t.Elem()) {
		return v
	}
	out := reflect.New(t).Elem()
	switch kind {
	case reflect.Pointer:
		out.Set(reflect.New(t.Elem()))
		out.Elem().Set(f.filled(v.Elem()))
	case reflect.Struct:
		out.Set(v)
		for i := range t.NumField() {
			if shown(t.Field(i)) {
				out.Field(i).Set(f.filled(v.Field(i)))
			}
		}
	case reflect.Slice:
		out.Set(reflect.MakeSlice(t, v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(f.filled(v.Index(i)))
		}
	case reflect.Map:
		out.Set(reflect.MakeMapWithSize(t, v.Len()))
		for key, value := range v.Seq2() {
			out.SetMapIndex(key, f.filled(value))
		}
	}
	return out
}
