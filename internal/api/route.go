package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kodekloud/kml/internal/access"
)

// op is an operation of the API.
type op struct {
	id, method, path string
	tag              string // the noun, as in the document's sections
	summary          string // one line
	detail           string
	needs            access.Permission
	status           int            // of success; 200, or 204 without a body
	also             map[int]string // other statuses of success, and what each means
	maxBody          int64          // bytes; default 64 KiB
	limit            time.Duration  // of the whole call; default 10 s; negative: none (streams)
	hidden           bool           // secrets in the answer: the call is recorded, as one that changes something is
	fresh            bool           // a POST that changes nothing: a repetition under its Idempotency-Key is answered anew, and no answer is kept
	repeatable       bool           // doing it twice at once is doing it once: a repetition does not wait for a first try, whose process may have died
	browser          bool           // Basic with a key as password is good too
}

const (
	defaultBody  = 64 << 10
	defaultLimit = 10 * time.Second
)

// metadata keys of an operation, read by the middleware.
const metaOp = "kml.op"

// mutates says whether an operation may change something.
func (o op) mutates() bool { return o.method != http.MethodGet && o.method != http.MethodHead }

// register adds an operation. The handler's errors become problems.
func register[I, O any](s *Server, o op, h func(context.Context, *I) (*O, error)) {
	if o.maxBody == 0 {
		o.maxBody = defaultBody
	}
	if o.limit == 0 {
		o.limit = defaultLimit
	}
	ho := huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Tags: []string{o.tag}, Summary: o.summary, Description: o.detail,
		DefaultStatus: o.status, MaxBodyBytes: o.maxBody + 1, Metadata: map[string]any{metaOp: o}, Responses: map[string]*huma.Response{},
		// The chain has read the body. Huma's default stays on the socket, where it
		// ends calls that take longer as if their clients had gone.
		BodyReadTimeout: -1,
	}
	o.describe(&ho)
	huma.Register(s.api, ho, func(ctx context.Context, in *I) (*O, error) {
		if o.limit > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, o.limit)
			defer cancel()
		}
		out, err := h(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
	s.describeHeaders(o)
	o.describeAlso(ho.Responses)
}

// body is an answer with a body.
type body[T any] struct {
	Body T
}

// tagged is an answer with a body and its version.
type tagged[T any] struct {
	ETag string `header:"ETag" doc:"version, for If-Match"`
	Body T
}

// ok wraps a body.
func ok[T any](v T) *body[T] { return &body[T]{v} }
