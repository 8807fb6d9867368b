package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// trusted are the networks of proxies whose word on the client is believed.
type trusted []netip.Prefix

func (t trusted) has(a netip.Addr) bool {
	return slices.ContainsFunc(t, func(p netip.Prefix) bool { return p.Contains(a) })
}

// client is the address that a request comes from: the peer's, or, as long as
// those who say so are trusted proxies, whom they had it from. Anybody may write
// X-Forwarded-For, so it is read from its end and no further than that.
func (t trusted) client(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	at := peer.Addr().Unmap()
	if !t.has(at) {
		return at
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return at
		}
		if at = a.Unmap().WithZone(""); !t.has(at) {
			return at
		}
	}
	return at
}

// neighbourhood is what failed tries are counted by: an address, or the /64 that
// every host of IPv6 has to choose from.
func neighbourhood(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
