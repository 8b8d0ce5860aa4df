package apiclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/queuedyno/queuedyno/internal/endpoint"
	"github.com/queuedyno/queuedyno/internal/jsonscan"
)

// Do requests one job and appends the id in the answer to dst; a number is appended as
// it is written. The error is an [*endpoint.Error]. Do never sends a request a second
// time once a byte of it was written, so that no job is made twice.
func (c *Client) Do(ctx context.Context, tenant string, job int64, dst []byte) ([]byte, error) {
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := c.request(within, tenant, job)
	if err != nil {
		return dst, c.fail(endpoint.Other, 0, err, "use tenants whose names a URL can hold")
	}
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return dst, c.endpoint.Explain(c.method, ctx, err)
	}
	answer := c.answers.Get().(*answer)
	defer c.answers.Put(answer)
	answer.Reset()
	answer.limited = io.LimitedReader{R: res.Body, N: MaxAnswer + 1}
	n, err := answer.ReadFrom(&answer.limited)
	res.Body.Close()
	switch {
	case n > MaxAnswer:
		err = fmt.Errorf("the answer is larger than %d KiB", MaxAnswer>>10)
		return dst, c.fail(endpoint.TooLarge, res.StatusCode, err, "let the API answer with the id of the job, not with more")
	case err != nil:
		return dst, c.endpoint.Explain(c.method, ctx, err)
	case !c.expected(res.StatusCode):
		return dst, c.refused(res, answer.Bytes())
	}
	id, err := c.find(answer.Bytes())
	if err != nil {
		return dst, c.withoutID(res, answer.Bytes(), err)
	}
	return append(dst, id...), nil
}

// request makes the request for a job. The text of the body is not reused: the
// transport may still read it after the answer has come.
func (c *Client) request(ctx context.Context, tenant string, job int64) (*http.Request, error) {
	u, err := c.endpoint.URL(tenant, job)
	if err != nil {
		return nil, err
	}
	base := http.Request{Method: c.method, URL: u, Host: u.Host, Header: c.endpoint.Header(tenant, job), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	if host := base.Header["Host"]; len(host) > 0 {
		base.Host = host[0]
	}
	req := base.WithContext(ctx)
	if u.User != nil && req.Header["Authorization"] == nil {
		req.Header = req.Header.Clone()
		password, _ := u.User.Password()
		req.SetBasicAuth(u.User.Username(), password)
	}
	if c.bodyGiven {
		b := &body{}
		text := c.body.Append(b.space[:0], tenant, job)
		b.Reset(text)
		req.Body, req.ContentLength = b, int64(len(text))
		// For a connection that the server closed before anything was written.
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	}
	return req, nil
}

// answer is the text of an answer, and the reader that limits it: both are used again.
type answer struct {
	bytes.Buffer
	limited io.LimitedReader
}

// body is the body of one request, and the space for its text.
type body struct {
	bytes.Reader
	space [256]byte
}

func (*body) Close() error { return nil }

func (c *Client) expected(status int) bool {
	if len(c.status) == 0 {
		return status >= 200 && status <= 299
	}
	return slices.Contains(c.status, status)
}

// What an answer without an id is.
var (
	errNotThere = errors.New("there is no id")
	errNoText   = errors.New("the id is neither text nor a number")
	errNoUTF8   = errors.New("the id has a character that cannot be decoded")
)

// find is the id in an answer. One with U+FFFD is refused: decoding puts that in the
// place of whatever it cannot read, so that two such ids can become one.
func (c *Client) find(answer []byte) ([]byte, error) {
	token, err := walk(jsonscan.Object(answer), c.path, true)
	switch {
	case err != nil:
		return nil, err
	case token == nil:
		return nil, errNotThere
	case !jsonscan.IsID(token):
		return nil, errNoText
	}
	id := jsonscan.Contents(token)
	if bytes.ContainsRune(id, utf8.RuneError) {
		return nil, errNoUTF8
	}
	return id, nil
}

// walk finds the value at a path, nil without one. whole says that the object is
// the whole answer.
func walk(obj jsonscan.Members, path [][]byte, whole bool) (token []byte, err error) {
	for obj.Next() {
		switch {
		case !obj.Is(path[0], false):
		case len(path) == 1:
			token = obj.Value
		case obj.Value[0] == '{':
			inner, err := walk(obj.Inner(), path[1:], false)
			if err != nil {
				return nil, err
			}
			if inner != nil {
				token = inner
			}
		}
	}
	if whole {
		return token, obj.End()
	}
	return token, obj.Err()
}

// keysOf are the paths that an answer has, without their values, for a message.
func keysOf(obj jsonscan.Members, under string, depth int, all []string) []string {
	for obj.Next() {
		at := under + "." + string(jsonscan.Unquoted(obj.Key))
		if obj.Value[0] == '{' && depth > 0 {
			all = keysOf(obj.Inner(), at, depth-1, all)
		} else {
			all = append(all, at)
		}
	}
	return all
}

func (c *Client) fail(kind endpoint.Kind, status int, err error, remedy string) *endpoint.Error {
	return &endpoint.Error{Op: c.method, Address: c.endpoint.Address, Kind: kind, Status: status, Err: err, Remedy: remedy}
}

// refused is the error for an answer with another status than expected.
func (c *Client) refused(res *http.Response, answer []byte) error {
	text := fmt.Sprintf("the API answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))
	if len(bytes.TrimSpace(answer)) > 0 {
		text += ": " + c.endpoint.Excerpt(answer)
	}
	kind, remedy := endpoint.Status, ""
	switch code := res.StatusCode; {
	case code == http.StatusBadRequest && !c.endpoint.TLS && bytes.Contains(answer, []byte("HTTPS")):
		remedy = "the server speaks TLS on that port; write https://"
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		remedy = "set the header that the API asks for, such as Authorization, or correct its value"
	case code == http.StatusNotFound, code == http.StatusMethodNotAllowed:
		remedy = "correct the path of the URL, or the method"
	case code == http.StatusUnsupportedMediaType:
		remedy = "set the header Content-Type to what the API reads"
	case code == http.StatusTooManyRequests:
		remedy = "raise the API's limit of requests for this load, or lower the rate"
	case code >= 300 && code <= 399:
		kind = endpoint.Redirect
		remedy = "redirects are not followed; write the URL to which the API redirects"
		if to, _, _ := strings.Cut(res.Header.Get("Location"), "?"); to != "" {
			if scheme, rest, ok := strings.Cut(to, "://"); ok {
				host, path, _ := strings.Cut(rest, "/")
				to = scheme + "://" + host[strings.LastIndexByte(host, '@')+1:] + "/" + path
			}
			remedy += ": " + c.endpoint.Excerpt([]byte(to))
		}
	case code >= 200 && code <= 299:
		remedy = fmt.Sprintf("add %d to the expected status codes if the API has accepted the job", code)
	case code >= 500:
		remedy = "see the log of the API"
	case code >= 400:
		remedy = "correct the body, the headers or the URL as the API says"
	}
	return c.fail(kind, res.StatusCode, errors.New(text), remedy)
}

// withoutID is the error for an answer that has no usable id.
func (c *Client) withoutID(res *http.Response, answer []byte, err error) error {
	keys := keysOf(jsonscan.Object(answer), "", 3, nil)
	const most = 12
	if len(keys) > most {
		keys = append(keys[:most], "…")
	}
	there := c.endpoint.Excerpt([]byte(strings.Join(keys, ", ")))
	switch {
	case errors.Is(err, errNotThere) && len(keys) == 0:
		return c.fail(endpoint.NoID, res.StatusCode, errors.New("the answer is an empty object"), "let the API answer with the id of the job")
	case errors.Is(err, errNotThere):
		return c.fail(endpoint.NoID, res.StatusCode, fmt.Errorf("the answer has no id at %s; it has %s", c.pathText, there), "write the path of the id (--entry-id)")
	case errors.Is(err, errNoText):
		return c.fail(endpoint.NoID, res.StatusCode, fmt.Errorf("the id at %s is neither text nor a number; the answer has %s", c.pathText, there), "write the path of the id (--entry-id), down to a text or a number")
	case errors.Is(err, errNoUTF8):
		return c.fail(endpoint.NoID, res.StatusCode, fmt.Errorf("the id at %s has a character that cannot be decoded", c.pathText), "let the API answer with an id in UTF-8")
	}
	remedy := "let the API answer with a JSON object that has the id"
	if encoding := res.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		remedy = "the answer is compressed; remove the header Accept-Encoding"
	}
	if len(bytes.TrimSpace(answer)) == 0 {
		return c.fail(endpoint.Unreadable, res.StatusCode, errors.New("the answer is empty"), remedy)
	}
	return c.fail(endpoint.Unreadable, res.StatusCode, fmt.Errorf("the answer cannot be read: %w: %s", err, c.endpoint.Excerpt(answer)), remedy)
}
