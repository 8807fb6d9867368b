package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
)

// problemBase is where the codes are described.
const problemBase = "https://kml.dev/problems/"

// The table of errors: what a service's error is to a client. The first match
// holds.
var problems = []struct {
	err    error
	status int
	code   string
	remedy string
}{
	{fleet.ErrNotFound, http.StatusNotFound, "not_found", "check the id; list what there is"},
	{fleet.ErrExists, http.StatusConflict, "exists", "choose another name or id"},
	{fleet.ErrConflict, http.StatusConflict, "conflict", "read it again and repeat the call"},
	{fleet.ErrInvalid, http.StatusUnprocessableEntity, "invalid", ""},
	{fleet.ErrLabTypeOff, http.StatusConflict, "lab_type_off", "ask an operator to activate the lab type, or choose another"},
	{fleet.ErrEnded, http.StatusConflict, "lab_over", "request a new lab"},
	{fleet.ErrBookingOver, http.StatusConflict, "booking_over", "make a new booking"},
	{fleet.ErrNotYet, http.StatusConflict, "lab_not_ready", "wait for the lab: GET /v1/labs/{id}?wait=30s"},
	{fleet.ErrBadMove, http.StatusConflict, "wrong_state", "look at the account's state and choose what fits it"},
	{fleet.ErrProtected, http.StatusForbidden, "protected", "protected accounts are never touched"},
	{fleet.ErrForbidden, http.StatusForbidden, "forbidden", "use a key whose role has the permission"},
	{fleet.ErrPoolEmpty, http.StatusServiceUnavailable, "pool_empty", "try again later"},
	{fleet.ErrStaleEpoch, http.StatusConflict, "conflict", "read it again and repeat the call"},
	{context.DeadlineExceeded, http.StatusGatewayTimeout, "timeout", "try again; what was asked for may have been done"},
	{context.Canceled, http.StatusServiceUnavailable, "cancelled", "try again"},
}

// outOfTime is what is told of an error that only says that the time was over:
// its text names what was waited for, such as the stores' addresses.
var outOfTime = map[string]string{"timeout": "it took too long", "cancelled": "it was broken off"}

// newProblem makes a problem.
func newProblem(status int, code, detail, remedy string) *apitypes.Problem {
	return &apitypes.Problem{Type: problemBase + code, Title: http.StatusText(status), Status: status, Code: code, Detail: detail, Remedy: remedy}
}

// problem is an error as a client is told of it. What no table knows is logged,
// and told without its text.
func (s *Server) problem(ctx context.Context, err error) error {
	id := callOf(ctx).id
	var p *apitypes.Problem
	if errors.As(err, &p) {
		p.Request = id
		return p
	}
	var status huma.StatusError
	if errors.As(err, &status) {
		return status
	}
	if p := fullProblem(err); p != nil {
		p.Request = id
		return p
	}
	for _, known := range problems {
		if errors.Is(err, known.err) {
			detail := shortenTo(err.Error(), 500)
			if over, ok := outOfTime[known.code]; ok {
				s.logger(ctx).Warn().Err(err).Msg("a request ran out of time")
				detail = over
			}
			p := newProblem(known.status, known.code, detail, known.remedy)
			p.Request = id
			for _, f := range fieldErrors(err) {
				p.Errors = append(p.Errors, apitypes.ProblemField{Field: f.Field, Value: shorten(f.Value), Remedy: f.Remedy})
				p.Remedy = cmp.Or(p.Remedy, f.Remedy)
			}
			return p
		}
	}
	s.logger(ctx).Error().Err(err).Msg("request failed unexpectedly")
	p = internalProblem()
	p.Request = id
	return p
}

// fieldErrors finds every FieldError in an error's tree.
func fieldErrors(err error) []*fleet.FieldError {
	switch e := err.(type) {
	case nil:
		return nil
	case *fleet.FieldError:
		return []*fleet.FieldError{e}
	case interface{ Unwrap() []error }:
		var out []*fleet.FieldError
		for _, sub := range e.Unwrap() {
			out = append(out, fieldErrors(sub)...)
		}
		return out
	}
	return fieldErrors(errors.Unwrap(err))
}

// inBody names the fields that a service complains of as the request's JSON does.
func inBody(err error) error { return inPart("body.", err) }

// inQuery names them as the query does.
func inQuery(err error) error { return inPart("query.", err) }

func inPart(part string, err error) error {
	var out []error
	for _, f := range fieldErrors(err) {
		out = append(out, &fleet.FieldError{Field: part + f.Field, Value: f.Value, Remedy: f.Remedy})
	}
	return cmp.Or(errors.Join(out...), err)
}

// shorten keeps answers, logs and records from repeating a huge value, or a key
// that somebody gave for its id.
func shorten(v string) string { return shortenTo(v, 80) }

func shortenTo(v string, most int) string {
	v = access.Hide(v)
	if r := []rune(v); len(r) > most {
		return string(r[:most]) + "…"
	}
	return v
}
