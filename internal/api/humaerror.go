package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kodekloud/kml/internal/apitypes"
)

// mostErrors is how many wrong fields a problem tells of.
const mostErrors = 20

// huma asks these two package variables how its errors are told.
func init() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError { return badInput(status, msg, errs) }
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		p := badInput(status, msg, errs)
		p.Request = callOf(ctx.Context()).id
		return p
	}
}

// inputCodes are the codes of what huma finds wrong with a request.
var inputCodes = map[int]struct{ code, remedy string }{
	http.StatusBadRequest:           {"malformed", "send JSON as the API's document describes it"},
	http.StatusNotAcceptable:        {"not_acceptable", "accept application/json"},
	http.StatusUnsupportedMediaType: {"unsupported_media_type", "send Content-Type: application/json"},
	http.StatusUnprocessableEntity:  {"invalid", "mend the fields that errors names"},
}

// badInput is what huma finds wrong with a request, as a problem.
func badInput(status int, msg string, errs []error) *apitypes.Problem {
	if status >= http.StatusInternalServerError {
		return internalProblem() // what huma says of it may name inner things
	}
	known, ok := inputCodes[status]
	if !ok {
		known.code = "refused"
	}
	p := newProblem(status, known.code, shorten(msg), known.remedy)
	for _, err := range errs {
		var sub *apitypes.Problem
		switch f, ok := field(err); {
		case errors.As(err, &sub):
			p.Errors = append(p.Errors, sub.Errors...)
		case ok && len(p.Errors) < mostErrors:
			p.Errors = append(p.Errors, f)
		}
	}
	return p
}

// field tells one error of huma's validation. A whole body is not repeated, nor
// is what has parts.
func field(err error) (apitypes.ProblemField, bool) {
	var d huma.ErrorDetailer
	switch {
	case err == nil:
		return apitypes.ProblemField{}, false
	case !errors.As(err, &d):
		return apitypes.ProblemField{Field: "body", Remedy: shorten(err.Error())}, true
	}
	e := d.ErrorDetail()
	f := apitypes.ProblemField{Field: shorten(cmp.Or(e.Location, "body")), Remedy: shortenTo(e.Message, 500)}
	switch v := e.Value.(type) {
	case string:
		if f.Field != "body" {
			f.Value = shorten(v)
		}
	case bool, int, int64, float64:
		f.Value = shorten(fmt.Sprint(v))
	}
	return f, true
}

// internalProblem is all that a client is told of an error that no table knows.
func internalProblem() *apitypes.Problem {
	return newProblem(http.StatusInternalServerError, "internal", "the server failed at this request", "try again; if it persists, give the operators the id of the request")
}
