package config

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// List is values with commas between.
type List []string

// UnmarshalText reads a,b,c.
func (l *List) UnmarshalText(text []byte) error {
	*l = nil
	for v := range strings.SplitSeq(string(text), ",") {
		if v = strings.TrimSpace(v); v != "" {
			*l = append(*l, v)
		}
	}
	return nil
}

// String is what UnmarshalText reads.
func (l List) String() string { return strings.Join(l, ",") }

// MarshalText writes a,b,c.
func (l List) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Pairs maps one text to another.
type Pairs map[string]string

var errPairs = errors.New("write value=role with commas between, such as kml-admins=admin,lecturers=teacher")

// UnmarshalText reads a=x,b=y. What stands before the last = is the key: names of
// groups may hold one.
func (p *Pairs) UnmarshalText(text []byte) error {
	var list List
	_ = list.UnmarshalText(text) // never fails
	out := Pairs{}
	for _, pair := range list {
		at := strings.LastIndex(pair, "=")
		if at < 1 || at == len(pair)-1 {
			return errPairs
		}
		out[strings.TrimSpace(pair[:at])] = strings.TrimSpace(pair[at+1:])
	}
	*p = out
	return nil
}

// String is what UnmarshalText reads.
func (p Pairs) String() string {
	pairs := slices.Sorted(maps.Keys(p))
	for i, key := range pairs {
		pairs[i] = key + "=" + p[key]
	}
	return strings.Join(pairs, ",")
}

// MarshalText writes a=x,b=y.
func (p Pairs) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
