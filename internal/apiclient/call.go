package apiclient

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/hashicorp/go-retryablehttp"
)

// call is one operation, as it is about to be asked for.
type call struct {
	method string
	path   string   // as in the OpenAPI document: /v1/labs/{id}
	vars   []string // the values of its braces, in order
	query  url.Values
	in     any // the body, nil: none
	match  string
	fresh  bool // only if there is none yet
	once   bool // not tried again
}

// AnyVersion edits whatever stands, without a look at its version.
const AnyVersion int64 = -1

// match is the If-Match of an edit of a version.
func match(version int64) string {
	if version == AnyVersion {
		return "*"
	}
	return `"` + strconv.FormatInt(version, 10) + `"`
}

type keyKey struct{}

// WithIdempotencyKey gives the POST that is made with the context this key
// instead of a random one, so that a program that was killed can ask again.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, keyKey{}, key)
}

func idempotencyKey(ctx context.Context) string {
	if key, ok := ctx.Value(keyKey{}).(string); ok && key != "" {
		return key
	}
	return rand.Text()
}

// url is the call's address. A value is one segment of the path, whatever is in it.
func (c *Client) url(k call) string {
	path := k.path
	for _, v := range k.vars {
		before, rest, _ := strings.Cut(path, "{")
		_, after, _ := strings.Cut(rest, "}")
		path = before + segment(v) + after
	}
	address := c.base.String() + path
	if q := k.query.Encode(); q != "" {
		address += "?" + q
	}
	return address
}

// segment escapes a value for the path; "." and ".." would be walked.
func segment(v string) string {
	if v == "." || v == ".." {
		return strings.ReplaceAll(v, ".", "%2E")
	}
	return url.PathEscape(v)
}

// header sets what every call carries.
func (c *Client) header(h http.Header) {
	h.Set("User-Agent", c.agent)
	if c.key != "" {
		h.Set("Authorization", "Bearer "+c.key)
	}
}

// send asks, and gives an answer of success; its body must be closed.
func (c *Client) send(ctx context.Context, k call) (*http.Response, error) {
	var body any // of type nil if there is none: retryablehttp asks so
	if k.in != nil {
		raw, err := json.Marshal(k.in)
		if err != nil {
			return nil, fmt.Errorf("body of %s %s: %w", k.method, k.path, err)
		}
		body = raw
	}
	r, err := retryablehttp.NewRequestWithContext(withSafety(ctx, k), k.method, c.url(k), body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", k.method, k.path, err)
	}
	c.header(r.Header)
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if k.method == http.MethodPost {
		r.Header.Set("Idempotency-Key", idempotencyKey(ctx))
	}
	if k.match != "" {
		r.Header.Set("If-Match", k.match)
	}
	if k.fresh {
		r.Header.Set("If-None-Match", "*")
	}
	answer, err := c.calls.Do(r)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("%s %s: %w", k.method, k.path, ctx.Err())
	case err != nil:
		return nil, c.unreachable(err)
	case answer.StatusCode < 200 || answer.StatusCode > 299:
		defer func() { _ = answer.Body.Close() }() // nothing was written to it
		return nil, failure(answer)
	}
	return answer, nil
}

// do makes a call and reads its answer.
func do[T any](ctx context.Context, c *Client, k call) (out T, err error) {
	answer, err := c.send(ctx, k)
	if err != nil {
		return out, err
	}
	defer func() { _ = answer.Body.Close() }() // nothing was written to it
	if answer.StatusCode == http.StatusNoContent {
		return out, nil
	}
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil {
		return out, c.unread(ctx, k, err)
	}
	return out, nil
}

// none makes a call whose answer has no body.
func (c *Client) none(ctx context.Context, k call) error {
	answer, err := c.send(ctx, k)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// text copies an answer that is not JSON.
func (c *Client) text(ctx context.Context, k call, w io.Writer) error {
	answer, err := c.send(ctx, k)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // nothing was written to it
	var b bytes.Buffer
	if _, err := b.ReadFrom(answer.Body); err != nil {
		return c.unread(ctx, k, err)
	}
	_, err = b.WriteTo(w)
	return err
}

// unread is the error of an answer that broke off or is not what it should be.
func (c *Client) unread(ctx context.Context, k call, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", k.method, k.path, ctx.Err())
	}
	return fmt.Errorf("%s %s: %w: %w", k.method, k.path, ErrNotKML, err)
}

func get(path string, vars ...string) call {
	return call{method: http.MethodGet, path: path, vars: vars}
}

func post(in any, path string, vars ...string) call {
	return call{method: http.MethodPost, path: path, vars: vars, in: in}
}

func put(version int64, in any, path string, vars ...string) call {
	return call{method: http.MethodPut, path: path, vars: vars, in: in, match: match(version)}
}

// putNew makes what is not there yet.
func putNew(in any, path string, vars ...string) call {
	return call{method: http.MethodPut, path: path, vars: vars, in: in, fresh: true}
}

func del(path string, vars ...string) call {
	return call{method: http.MethodDelete, path: path, vars: vars}
}

// with adds a query, which [values] reads.
func (k call) with(query any) call {
	k.query = values(query)
	return k
}
