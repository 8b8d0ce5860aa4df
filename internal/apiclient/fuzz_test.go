package apiclient

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/jsonscan"
)

// Whatever an API answers: an id that is found is in the answer, what is not found is an
// error with a text, and the text does not have the token of the request.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"data":{"id":"4711"}}`, `{"data":{"id":4711,"x":[1,{}]},"data":5}`, `{"data":{"id":null}}`, `{"data":{}}`, `{}`,
		`<html>busy</html>`, `{"data":{"id":"\ud800"}}`, "{\"data\":{\"id\":\"a\x8fb\"}}", `{"data":`, `{"":{"":""}}`, "", `{"a":"Bearer t0psecret42"}`,
	} {
		f.Add([]byte(seed), 201, "http://user:p@other/x?y")
	}
	c, err := New(Options{URL: "http://127.0.0.1:1/jobs", ID: "data.id", Headers: map[string]string{"Authorization": "Bearer t0psecret42"}})
	if err != nil {
		f.Fatal(err)
	}
	defer c.Close()
	f.Fuzz(func(t *testing.T, answer []byte, status int, location string) {
		res := &http.Response{StatusCode: status, Header: http.Header{"Location": {location}}}
		errs := []error{c.refused(res, answer)}
		id, err := c.find(answer)
		if err != nil {
			errs = append(errs, c.withoutID(res, answer, err))
		} else if !bytes.Contains(answer, id) && !bytes.ContainsRune(answer, 0x5c) { // 0x5c begins an escape
			t.Errorf("the id %q is not in %q", id, answer)
		} else if jsonscan.IsArray(answer) {
			t.Errorf("an id in %q", answer)
		}
		for _, err := range errs {
			if err.Error() == "" || strings.Contains(err.Error(), "t0psecret42") {
				t.Errorf("%q for %q", err, answer)
			}
		}
	})
}
