// Package apitypes is the JSON of the HTTP API: what the server is given and
// gives, and what the Go client and the command line read.
//
// Invariants:
//   - Standard library only: a type says what is on the wire, nothing else. The
//     tags are those of the OpenAPI document (doc, example, enum, ...).
//   - Times are RFC 3339 in UTC; durations are strings such as "1h30m".
//   - Only [Credentials], [SignInLink], [NewKey] and [WebhookSecret] hold secrets.
package apitypes

import (
	"fmt"
	"time"
)

// Duration is a time.Duration that is written as "1h30m".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("duration %.40q: give one such as 90m or 1h30m", b)
	}
	*d = Duration(v)
	return nil
}

func (d Duration) String() string { return time.Duration(d).String() }

// Page is one page of a list; Next is the cursor of the following one, "" if
// there is none.
type Page[T any] struct {
	Items []T    `json:"items" nullable:"false" doc:"the page, in the order asked for"`
	Next  string `json:"next,omitempty" doc:"give it as cursor to get the next page; absent on the last"`
}

// Problem is an error, as application/problem+json (RFC 9457).
type Problem struct {
	Type   string         `json:"type" doc:"address of the code's description" example:"https://kml.dev/problems/invalid"`
	Title  string         `json:"title" doc:"the HTTP status in words"`
	Status int            `json:"status" doc:"the HTTP status"`
	Code   string         `json:"code" doc:"stable name of the problem" example:"invalid"`
	Detail string         `json:"detail" doc:"what is wrong, for a person"`
	Remedy string         `json:"remedy,omitempty" doc:"what to do about it"`
	Errors []ProblemField `json:"errors,omitempty" doc:"what is wrong with single fields"`
	Slots  []Slot         `json:"slots,omitempty" doc:"of a booking refused: the nearest times at which it fits"`
	// Request finds the call in the logs.
	Request string `json:"request,omitempty" doc:"id of the request, as in the header X-Request-Id and in the logs"`
}

// ProblemField is what is wrong with one field.
type ProblemField struct {
	Field  string `json:"field" example:"body.duration"`
	Value  string `json:"value,omitempty" doc:"as it was given, cut short"`
	Remedy string `json:"remedy" doc:"what to give instead"`
}

func (p *Problem) Error() string {
	if p.Detail == "" {
		return p.Title
	}
	return p.Detail
}

// Reason is the body of what needs a reason.
type Reason struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"why; it is kept and others will read it" example:"the class is over"`
}

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of a problem.
func (p *Problem) ContentType(string) string { return "application/problem+json" }
