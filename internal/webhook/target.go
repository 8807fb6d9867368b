package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kodekloud/kml/internal/fleet"
)

// errRefused means that a target is not admitted. It names no address: which one
// a name has inside is nobody's business.
var errRefused = errors.New("the target is not a public address, and the configuration does not admit it")

// special are the IPv4 blocks that are not public (IANA's registry of special
// purposes), multicast and the reserved rest.
var special = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4")

// IPv6 is public in one block alone, without what is in it for other protocols
// (Teredo among them), documentation, and 6to4, which hides an IPv4 address.
// NAT64, unique local, link-local and mapped addresses are outside of it.
var (
	public6  = netip.MustParsePrefix("2000::/3")
	special6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)

func prefixes(all ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(all))
	for i, p := range all {
		out[i] = netip.MustParsePrefix(p)
	}
	return out
}

func within(blocks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(blocks, func(p netip.Prefix) bool { return p.Contains(a) })
}

// public says whether an address belongs to the whole Internet.
func public(a netip.Addr) bool {
	if a.Is4() {
		return !within(special, a)
	}
	return public6.Contains(a) && !within(special6, a)
}

// Targets says where requests may go.
type Targets struct {
	// Private are addresses that are admitted though they are not public, by
	// http as well.
	Private []netip.Prefix
}

// admitted says whether an address was named by the configuration.
func (t Targets) admitted(a netip.Addr) bool { return within(t.Private, a.WithZone("").Unmap()) }

// dial judges the address that is about to be connected to. Plain http goes to
// admitted addresses alone.
func (t Targets) dial(address string, plain bool) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return errRefused
	}
	a := ap.Addr().WithZone("").Unmap()
	if t.admitted(a) || !plain && public(a) {
		return nil
	}
	return errRefused
}

const maxURL = 2000

// numeric is a host that some resolvers read as an IPv4 address: 2130706433,
// 0177.0.0.1, 0x7f.1.
var numeric = regexp.MustCompile(`(?i)^(.*\.)?(0x[0-9a-f]*|[0-9]+)\.?$`)

// Check judges a URL before anything is stored or sent: its form, and its
// address if it names one. A name is judged when it is dialled. The error is a
// [fleet.FieldError] for the field, and does not repeat a password.
func (t Targets) Check(field, raw string) error {
	refuse := func(remedy string) error { return &fleet.FieldError{Field: field, Value: shown(raw), Remedy: remedy} }
	u, err := url.Parse(raw)
	if err != nil || len(raw) > maxURL || u.Opaque != "" || u.Hostname() == "" {
		return refuse(fmt.Sprintf("give a URL of at most %d characters, such as https://example.org/hooks", maxURL))
	}
	if u.User != nil {
		return refuse("leave out user and password; deliveries are signed")
	}
	if u.Fragment != "" {
		return refuse("leave out what follows #")
	}
	if p, err := strconv.Atoi(u.Port()); u.Port() != "" && (err != nil || p < 1 || p > 65535) {
		return refuse("give a port from 1 to 65535")
	}
	switch u.Scheme {
	case "https":
	case "http":
		if len(t.Private) == 0 {
			return refuse("use https; http is for networks that webhooks.allow_private of the configuration admits")
		}
	default:
		return refuse("use https")
	}
	if !t.host(u.Hostname(), u.Scheme == "http") {
		return refuse("give a public address; webhooks.allow_private of the configuration admits others")
	}
	return nil
}

// host judges what a URL names as its host.
func (t Targets) host(host string, plain bool) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return t.dial(netip.AddrPortFrom(a, 1).String(), plain) == nil
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return len(t.Private) > 0
	}
	return !numeric.MatchString(host) && !strings.Contains(host, ":")
}

// shown is a URL as an error repeats it: nothing of one that may hold a password.
func shown(raw string) string {
	if strings.Contains(raw, "@") {
		return ""
	}
	return raw
}
