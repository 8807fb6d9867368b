package apiclient

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// safety is what a call that may not have arrived may be done again for.
type safety int

const (
	never     safety = iota // it is asked once, whatever happens
	untouched               // only if the server has surely not begun
	always
)

type safetyKey struct{}

// withSafety tells [again] what a call allows. An edit of one version is not
// repeated when its answer was lost: the first may have changed the version, and
// the second would be told that somebody else had.
func withSafety(ctx context.Context, k call) context.Context {
	s := always
	switch {
	case k.once:
		s = never
	case k.method == http.MethodPatch, k.match != "" && k.match != "*":
		s = untouched
	}
	return context.WithValue(ctx, safetyKey{}, s)
}

// longestWait is the longest Retry-After that is waited for; the caller decides
// about longer ones.
const longestWait = time.Minute

// again says whether a call is tried again.
func again(ctx context.Context, r *http.Response, err error) (bool, error) {
	s, _ := ctx.Value(safetyKey{}).(safety)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case s == never:
		return false, nil
	case err != nil && s == untouched:
		var op *net.OpError
		return errors.As(err, &op) && op.Op == "dial", nil
	case err != nil:
		// The default policy knows which errors come again, such as a certificate
		// that nobody vouches for.
		return retryablehttp.DefaultRetryPolicy(ctx, nil, err)
	case r.StatusCode == http.StatusConflict && r.Header.Get("Retry-After") != "": // an earlier try under the same Idempotency-Key is at work, or died
		return true, nil
	case r.StatusCode == http.StatusTooManyRequests, r.StatusCode == http.StatusServiceUnavailable && s == always:
		return retryAfter(r) <= longestWait, nil
	}
	return false, nil
}

// retryAfter is how long the server asks to wait, in its usual form of seconds; 0
// if it does not say.
func retryAfter(r *http.Response) time.Duration {
	n, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}
