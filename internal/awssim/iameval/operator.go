package iameval

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// matcher is one value of a condition, compiled for its operator.
type matcher interface {
	match(value string, r *request) bool
}

// operator is a condition operator without its modifiers.
type operator struct {
	// negated operators hold when no value of the policy matches, and so when
	// the key is missing.
	negated bool
	// compile reads one value of the policy.
	compile func(value string, d dialect) (matcher, error)
}

// operators is the closed list of the "Condition operators" page. Null is not
// in it: it asks about the key, not about a value (see condition.go).
var operators = map[string]operator{
	"StringEquals":              {compile: compileExact},
	"StringNotEquals":           {compile: compileExact, negated: true},
	"StringEqualsIgnoreCase":    {compile: compileIgnoreCase},
	"StringNotEqualsIgnoreCase": {compile: compileIgnoreCase, negated: true},
	"StringLike":                {compile: compileLike},
	"StringNotLike":             {compile: compileLike, negated: true},

	"NumericEquals":            {compile: compileNumber(func(c int) bool { return c == 0 })},
	"NumericNotEquals":         {compile: compileNumber(func(c int) bool { return c == 0 }), negated: true},
	"NumericLessThan":          {compile: compileNumber(func(c int) bool { return c < 0 })},
	"NumericLessThanEquals":    {compile: compileNumber(func(c int) bool { return c <= 0 })},
	"NumericGreaterThan":       {compile: compileNumber(func(c int) bool { return c > 0 })},
	"NumericGreaterThanEquals": {compile: compileNumber(func(c int) bool { return c >= 0 })},

	"DateEquals":            {compile: compileDate(func(c int) bool { return c == 0 })},
	"DateNotEquals":         {compile: compileDate(func(c int) bool { return c == 0 }), negated: true},
	"DateLessThan":          {compile: compileDate(func(c int) bool { return c < 0 })},
	"DateLessThanEquals":    {compile: compileDate(func(c int) bool { return c <= 0 })},
	"DateGreaterThan":       {compile: compileDate(func(c int) bool { return c > 0 })},
	"DateGreaterThanEquals": {compile: compileDate(func(c int) bool { return c >= 0 })},

	"Bool":         {compile: compileBool},
	"BinaryEquals": {compile: compileBinary},
	"IpAddress":    {compile: compileAddress},
	"NotIpAddress": {compile: compileAddress, negated: true},

	"ArnEquals":    {compile: compileARN},
	"ArnLike":      {compile: compileARN},
	"ArnNotEquals": {compile: compileARN, negated: true},
	"ArnNotLike":   {compile: compileARN, negated: true},
}

func compileExact(value string, d dialect) (matcher, error) {
	p := compilePattern(value, dialect{variables: d.variables})
	return &p, nil
}

func compileLike(value string, d dialect) (matcher, error) {
	p := compilePattern(value, dialect{wildcards: true, variables: d.variables})
	return &p, nil
}

// ignoreCase is StringEqualsIgnoreCase and, for its true and false, Bool.
type ignoreCase struct{ want pattern }

func compileIgnoreCase(value string, d dialect) (matcher, error) {
	return ignoreCase{compilePattern(value, dialect{variables: d.variables})}, nil
}

func (m ignoreCase) match(value string, r *request) bool {
	want, ok := m.want.expand(r)
	return ok && strings.EqualFold(want, value)
}

// compileBool accepts true, false and a variable that turns out to be one.
func compileBool(value string, d dialect) (matcher, error) {
	variable := d.variables && strings.HasPrefix(value, "${")
	if !variable && !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
		return nil, fmt.Errorf("%q is not a boolean", value)
	}
	return compileIgnoreCase(value, d)
}

// comparison holds for values that stand in the wanted order to a fixed one.
// Values that do not parse match nothing.
type comparison[T any] struct {
	want    T
	parse   func(string) (T, bool)
	compare func(T, T) int
	holds   func(int) bool
}

func (m comparison[T]) match(value string, _ *request) bool {
	got, ok := m.parse(value)
	return ok && m.holds(m.compare(got, m.want))
}

func compileNumber(holds func(int) bool) func(string, dialect) (matcher, error) {
	return compileComparison("number", parseNumber, compareNumbers, holds)
}

func compileDate(holds func(int) bool) func(string, dialect) (matcher, error) {
	return compileComparison("date", parseDate, time.Time.Compare, holds)
}

func compileComparison[T any](what string, parse func(string) (T, bool), compare func(T, T) int,
	holds func(int) bool) func(string, dialect) (matcher, error) {
	return func(value string, _ dialect) (matcher, error) {
		want, ok := parse(value)
		if !ok {
			return nil, fmt.Errorf("%q is not a %s", value, what)
		}
		return comparison[T]{want, parse, compare, holds}, nil
	}
}

// parseNumber reads an integer or decimal; NaN, infinities and hexadecimal are
// not numbers to IAM.
func parseNumber(s string) (float64, bool) {
	if strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

func compareNumbers(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// dateLayouts are the W3C forms of ISO 8601, the usual one first. A time
// without a zone is UTC. Go reads fractions of a second in each of them.
var dateLayouts = []string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04",
	"2006-01-02",
	"2006-01",
}

// parseDate reads an ISO 8601 date or a number of seconds since 1970. Digits
// alone are always seconds, never a year.
func parseDate(s string) (time.Time, bool) {
	if strings.Trim(s, "0123456789") == "" {
		seconds, err := strconv.ParseInt(s, 10, 64)
		return time.Unix(seconds, 0), err == nil
	}
	upper := s
	if strings.ContainsAny(s, "tz") {
		upper = strings.ToUpper(s)
	}
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, upper); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// binary compares the bytes that the policy gives in base64.
type binary string

func compileBinary(value string, _ dialect) (matcher, error) {
	raw, err := base64.StdEncoding.DecodeString(value)
	return binary(raw), err
}

func (m binary) match(value string, _ *request) bool { return value == string(m) }

// addressRange is a CIDR block.
type addressRange struct{ netip.Prefix }

func compileAddress(value string, _ dialect) (matcher, error) {
	if !strings.Contains(value, "/") {
		addr, err := netip.ParseAddr(value)
		if err != nil {
			return nil, err
		}
		return addressRange{netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	prefix, err := netip.ParsePrefix(value)
	return addressRange{prefix.Masked()}, err
}

func (m addressRange) match(value string, _ *request) bool {
	addr, err := netip.ParseAddr(value)
	return err == nil && m.Contains(addr.Unmap())
}

// arnParts is an ARN of six components, each matched by itself so that a * in
// one of the first five cannot reach over a colon.
type arnParts [6]pattern

func compileARN(value string, d dialect) (matcher, error) {
	var parts arnParts
	pieces := splitARN(value)
	if len(pieces) != len(parts) {
		return nil, fmt.Errorf("%q is not an ARN", value)
	}
	for i, piece := range pieces {
		parts[i] = compilePattern(piece, dialect{wildcards: true, variables: d.variables})
	}
	return &parts, nil
}

func (m *arnParts) match(value string, r *request) bool {
	for i := range m {
		component, rest, found := value, "", i == len(m)-1
		if i < len(m)-1 {
			component, rest, found = strings.Cut(value, ":")
		}
		if !found || !m[i].match(component, r) {
			return false
		}
		value = rest
	}
	return true
}

// splitARN cuts a pattern at its first five colons, leaving those inside ${…}.
func splitARN(s string) []string {
	var pieces []string
	start := 0
	for i := 0; i < len(s) && len(pieces) < 5; i++ {
		if strings.HasPrefix(s[i:], "${") {
			i += max(variableLen(s[i:])-1, 0)
		} else if s[i] == ':' {
			pieces = append(pieces, s[start:i])
			start = i + 1
		}
	}
	return append(pieces, s[start:])
}
