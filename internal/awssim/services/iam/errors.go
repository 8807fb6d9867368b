package iam

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

func notFound(format string, args ...any) error {
	return core.Errorf(404, "NoSuchEntity", format, args...)
}

func exists(format string, args ...any) error {
	return core.Errorf(409, "EntityAlreadyExists", format, args...)
}

func conflict(format string, args ...any) error {
	return core.Errorf(409, "DeleteConflict", format, args...)
}

func overLimit(quota string, n int) error {
	return core.Errorf(409, "LimitExceeded", "Cannot exceed quota for %s: %d", quota, n)
}

func invalid(format string, args ...any) error {
	return core.Errorf(400, "ValidationError", format, args...)
}

func invalidInput(format string, args ...any) error {
	return core.Errorf(400, "InvalidInput", format, args...)
}

// check is a list of constraints on a request's fields. The first that does not
// hold is reported as IAM reports it.
type check struct{ err error }

func (v *check) failed(field, value, constraint string) {
	if v.err != nil {
		return
	}
	shown := "'" + value + "'"
	if value == "" {
		shown = "null"
	}
	v.err = invalid("1 validation error detected: Value %s at '%s' failed to satisfy constraint: %s", shown, lowerFirst(field), constraint)
}

func (v *check) required(field, value string) *check {
	if value == "" {
		v.failed(field, value, "Member must not be null")
	}
	return v
}

var (
	nameChars = regexp.MustCompile(`^[\w+=,.@-]+$`)
	pathChars = regexp.MustCompile(`^(/|/[\x21-\x7E]+/)$`)
	textChars = regexp.MustCompile(`^[\t\n\r\x20-\x7E\x{A1}-\x{FF}]*$`)
)

// name checks an entity's name of at most n characters.
func (v *check) name(field, value string, n int) *check {
	v.required(field, value)
	if len(value) > n {
		v.failed(field, value, fmt.Sprintf("Member must have length less than or equal to %d", n))
	}
	if !nameChars.MatchString(value) {
		v.err = firstError(v.err, invalid("The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", lowerFirst(field)))
	}
	return v
}

// path checks an optional path.
func (v *check) path(field, value string) *check {
	if value != "" && (len(value) > 512 || !pathChars.MatchString(value)) {
		v.err = firstError(v.err, invalid("The specified value for %s is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.", lowerFirst(field)))
	}
	return v
}

func (v *check) text(field, value string, n int) *check {
	if len(value) > n {
		v.failed(field, value, fmt.Sprintf("Member must have length less than or equal to %d", n))
	}
	if !textChars.MatchString(value) {
		v.failed(field, value, `Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*`)
	}
	return v
}

func (v *check) oneOf(field, value string, allowed ...string) *check {
	for _, a := range allowed {
		if a == value {
			return v
		}
	}
	v.failed(field, value, "Member must satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
	return v
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
