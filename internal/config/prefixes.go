package config

import (
	"errors"
	"net/netip"
	"strings"
)

// Prefixes are networks. They are written as 10.20.0.0/16,fd00:1::/64.
type Prefixes []netip.Prefix

var errPrefixes = errors.New("write networks with commas between, such as 10.20.0.0/16,127.0.0.1/32")

// UnmarshalText reads networks with commas between.
func (p *Prefixes) UnmarshalText(text []byte) error {
	var out Prefixes
	for one := range strings.SplitSeq(string(text), ",") {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(one))
		if err != nil || prefix != prefix.Masked() || prefix.Addr().Is4In6() {
			return errPrefixes
		}
		out = append(out, prefix)
	}
	*p = out
	return nil
}

// String is what UnmarshalText reads.
func (p Prefixes) String() string {
	all := make([]string, len(p))
	for i, one := range p {
		all[i] = one.String()
	}
	return strings.Join(all, ",")
}

// MarshalText gives what UnmarshalText reads.
func (p Prefixes) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
