package apiclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"

	"github.com/kodekloud/kml/internal/apitypes"
)

// ErrUnreachable says that no answer came: the server may not have been reached,
// or not have answered in time.
var ErrUnreachable = errors.New("the server cannot be reached")

// ErrNotKML says that something answered that is not the API, such as a proxy.
var ErrNotKML = errors.New("this is not the API's answer")

// Code is the code of the server's problem, "" if err is none.
func Code(err error) string {
	if p, ok := problemOf(err); ok {
		return p.Code
	}
	return ""
}

// IsNotFound says whether what was asked for does not exist, or is another's.
func IsNotFound(err error) bool { return hasStatus(err, http.StatusNotFound, http.StatusGone) }

// IsRefused says whether the key is missing, unknown, or not allowed to.
func IsRefused(err error) bool {
	return hasStatus(err, http.StatusUnauthorized, http.StatusForbidden)
}

// IsConflict says whether what stands does not allow it: a wrong state, a name
// that is taken, or a version that has changed since.
func IsConflict(err error) bool {
	return hasStatus(err, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired)
}

// IsInvalid says whether the call itself was wrong.
func IsInvalid(err error) bool {
	return hasStatus(err, http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge)
}

// IsTimeout says whether the server had too little time.
func IsTimeout(err error) bool { return hasStatus(err, http.StatusGatewayTimeout) }

func problemOf(err error) (*apitypes.Problem, bool) {
	var p *apitypes.Problem
	ok := errors.As(err, &p)
	return p, ok
}

func hasStatus(err error, statuses ...int) bool {
	p, ok := problemOf(err)
	return ok && slices.Contains(statuses, p.Status)
}

// mostProblem is how much of an error's body is read.
const mostProblem = 1 << 20

// failure is the error of an answer that is none of success.
func failure(r *http.Response) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && (kind == "application/problem+json" || kind == "application/json") {
		var p apitypes.Problem
		if err := json.NewDecoder(io.LimitReader(r.Body, mostProblem)).Decode(&p); err == nil && p.Status == r.StatusCode {
			return &p
		}
	}
	if to := r.Header.Get("Location"); to != "" {
		return fmt.Errorf("%w: %s, to %.200q; give that server instead", ErrNotKML, r.Status, to)
	}
	return fmt.Errorf("%w, but %s; check the server's address", ErrNotKML, r.Status)
}

// unreachable is the error of a call that got no answer. The method and address
// that net/http writes in front are left out: the message names the server.
func (c *Client) unreachable(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("%w at %s: %w", ErrUnreachable, c.base.Redacted(), err)
}
