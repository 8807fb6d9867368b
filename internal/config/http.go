package config

import (
	"net/url"
	"slices"
)

func (v *checks) http(h *HTTP) {
	v.check((h.TLSCert == "") == (h.TLSKey == ""), "http.tls_key", h.TLSKey, "give both http.tls_cert and http.tls_key, or neither")
	v.check(h.ClientCA == "" || h.TLSCert != "", "http.client_ca", h.ClientCA, "give http.tls_cert and http.tls_key too: certificates of clients need TLS")
	for _, origin := range h.CORSOrigins {
		u, err := url.Parse(origin)
		v.check(err == nil && isHTTP(u) && origin == u.Scheme+"://"+u.Host, "http.cors_origins", origin, "write origins such as https://academy.example")
	}
}

func isHTTP(u *url.URL) bool { return (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" }

// roles are those of package access, which a leaf does not know.
var roles = []string{"backend", "teacher", "viewer", "operator", "admin"}

func (v *checks) oidc(o *OIDC) {
	for _, role := range o.Roles {
		v.check(slices.Contains(roles, role), "oidc.roles", role, "map to roles that there are: backend, teacher, viewer, operator, admin")
	}
	if o.Issuer == "" {
		return
	}
	u, err := url.Parse(o.Issuer)
	v.check(err == nil && isHTTP(u), "oidc.issuer", o.Issuer, "write the provider's address, such as https://login.example/realms/kml")
	v.check(o.Audience != "", "oidc.audience", "", "is missing; name whom the provider's tokens must be for")
	v.check(len(o.Roles) > 0, "oidc.roles", "", "is missing; without it the provider's people may do nothing")
}
