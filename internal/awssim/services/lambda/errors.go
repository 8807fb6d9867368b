package lambda

import (
	"errors"
	"sort"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

func invalid(format string, args ...any) *core.Error {
	return core.Errorf(400, "InvalidParameterValueException", format, args...)
}

func conflict(format string, args ...any) *core.Error {
	return core.Errorf(409, "ResourceConflictException", format, args...)
}

func notFound(format string, args ...any) *core.Error {
	return core.Errorf(404, "ResourceNotFoundException", format, args...)
}

// elsewhere tells of a refusal by another service, in Lambda's words.
func elsewhere(service, operation string, err error) error {
	var e *core.Error
	if !errors.As(err, &e) {
		return err
	}
	return invalid("Error occurred while %s. %s Error Code: %s. %s Error Message: %s", operation, service, e.Code, service, e.Message)
}

// describing is the operation of EC2 by which Lambda found an error out.
func describing(err error) string {
	var e *core.Error
	if errors.As(err, &e) && strings.HasPrefix(e.Code, "InvalidGroup") {
		return "DescribeSecurityGroups"
	}
	return "DescribeSubnets"
}

// Page is which page of a list is asked for; MaxItems 0 means the service's own.
type Page struct {
	Marker   string
	MaxItems int
}

const pageSize = 50

// cut gives one page of items sorted by key.
func cut[T any](items []T, key func(T) string, p Page) ([]T, string, error) {
	n := p.MaxItems
	if n < 0 {
		return nil, "", invalid("1 validation error detected: Value '%d' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1", n)
	}
	if n == 0 || n > pageSize {
		n = pageSize
	}
	out, next, ok := core.Page(items, key, p.Marker, n)
	if !ok {
		return nil, "", invalid("Invalid marker: %s", p.Marker)
	}
	return append([]T{}, out...), next, nil
}

// sorted gives the values of m by key.
func sorted[T any](m map[string]T) []T {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	out := make([]T, len(keys))
	for i, k := range keys {
		out[i] = m[k]
	}
	return out
}
