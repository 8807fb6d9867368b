package access_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/clock"
)

// provider is an OpenID Connect provider on a socket: a discovery document and a
// key set, as RFC 8414 and RFC 7517 have them.
type provider struct {
	*httptest.Server
	mu    sync.Mutex
	keys  []jose.JSONWebKey
	asked map[string]int
	down  bool
}

func newProvider(t *testing.T, keys ...jose.JSONWebKey) *provider {
	t.Helper()
	p := &provider{keys: keys, asked: map[string]int{}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[r.URL.Path]++
	if p.down {
		http.Error(w, "maintenance", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": p.URL, "jwks_uri": p.URL + "/keys", "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.URL + "/token",
			"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"}}) // it is not asked which are good
	case "/keys":
		set := jose.JSONWebKeySet{}
		for _, k := range p.keys {
			set.Keys = append(set.Keys, k.Public())
		}
		_ = json.NewEncoder(w).Encode(set)
	default:
		http.NotFound(w, r)
	}
}

func (p *provider) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *provider) times(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

func rsaKey(t *testing.T, kid string) jose.JSONWebKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	return jose.JSONWebKey{Key: k, KeyID: kid, Algorithm: "RS256", Use: "sig"}
}

// sign makes a token of claims.
func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	must(t, err)
	payload, err := json.Marshal(claims)
	must(t, err)
	signed, err := signer.Sign(payload)
	must(t, err)
	raw, err := signed.CompactSerialize()
	must(t, err)
	return raw
}

type people struct {
	*access.OIDC
	*provider
	clock *clock.Fake
	key   jose.JSONWebKey
}

func setupPeople(t *testing.T, edit func(*access.OIDCConfig)) *people {
	t.Helper()
	p := &people{clock: clock.NewFake(t0), key: rsaKey(t, "k1")}
	p.provider = newProvider(t, p.key)
	c := access.OIDCConfig{Issuer: p.URL, Audience: "kml", Clock: p.clock, Roles: map[string]access.Role{"staff": access.Teacher, "sre": access.Operator, "boss": access.Admin}}
	if edit != nil {
		edit(&c)
	}
	p.OIDC = access.NewOIDC(c)
	return p
}

// claims are good ones, changed; a nil takes one away.
func (p *people) claims(change map[string]any) map[string]any {
	c := map[string]any{"iss": p.URL, "aud": "kml", "sub": "u-17", "email": "ada@example.org", "iat": t0.Unix(), "exp": t0.Add(time.Hour).Unix(), "roles": []string{"staff"}}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func (p *people) token(t *testing.T, change map[string]any) string {
	t.Helper()
	return sign(t, jose.RS256, p.key, p.claims(change))
}

func TestTokenOfAPerson(t *testing.T) {
	t.Parallel()
	p := setupPeople(t, nil)
	got, err := p.Verify(t.Context(), p.token(t, nil))
	if want := (access.Principal{ID: "oidc:u-17", Name: "ada@example.org", Role: access.Teacher, Owner: "u-17"}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for name, c := range map[string]struct {
		claims map[string]any
		want   access.Role
	}{
		"the highest of several":  {map[string]any{"roles": []string{"staff", "boss", "sre"}}, access.Admin},
		"one that is no list":     {map[string]any{"roles": "sre"}, access.Operator},
		"one that is not mapped":  {map[string]any{"roles": []string{"admin", "operator"}}, ""},
		"none":                    {map[string]any{"roles": nil}, ""},
		"no text":                 {map[string]any{"roles": []any{1, map[string]any{"staff": true}}}, ""},
		"several audiences":       {map[string]any{"aud": []string{"other", "kml"}}, access.Teacher},
		"not before, within skew": {map[string]any{"nbf": t0.Add(time.Minute).Unix()}, access.Teacher},
	} {
		got, err := p.Verify(t.Context(), p.token(t, c.claims))
		if err != nil || got.Role != c.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if got.Role == "" && got.Role.May(access.Authenticated) {
			t.Errorf("%s: may do something", name)
		}
	}
	if n := p.times("/.well-known/openid-configuration") + p.times("/keys"); n != 2 {
		t.Errorf("the provider was asked %d times", n)
	}
}

func TestTokensThatAreNotGood(t *testing.T) {
	t.Parallel()
	p := setupPeople(t, nil)
	_, err := p.Verify(t.Context(), p.token(t, nil)) // the keys are known from now on
	must(t, err)
	stranger := rsaKey(t, "k1") // says the same id
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	public, ok := p.key.Public().Key.(*rsa.PublicKey)
	if !ok {
		t.Fatal("no RSA key")
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	must(t, err)
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := strings.Split(p.token(t, nil), ".")
	part := func(v any) string {
		b, err := json.Marshal(v)
		must(t, err)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	for name, token := range map[string]string{
		"another issuer":                   p.token(t, map[string]any{"iss": "https://evil.example"}),
		"no issuer":                        p.token(t, map[string]any{"iss": nil}),
		"for somebody else":                p.token(t, map[string]any{"aud": "other"}),
		"for nobody":                       p.token(t, map[string]any{"aud": nil}),
		"expired a second ago":             p.token(t, map[string]any{"exp": t0.Add(-time.Second).Unix()}),
		"without an end":                   p.token(t, map[string]any{"exp": nil}),
		"not before tomorrow":              p.token(t, map[string]any{"nbf": t0.Add(24 * time.Hour).Unix()}),
		"of nobody":                        p.token(t, map[string]any{"sub": nil}),
		"signed by a stranger":             sign(t, jose.RS256, stranger, p.claims(nil)),
		"by a key of another kind":         sign(t, jose.ES256, ec, p.claims(nil)),
		"HS256 with the public key in PEM": sign(t, jose.HS256, asPEM, p.claims(nil)),
		"HS256 with the public key in DER": sign(t, jose.HS256, der, p.claims(nil)),
		"alg none":                         part(map[string]any{"alg": "none", "typ": "JWT"}) + "." + good[1] + ".",
		"alg none, old signature":          part(map[string]any{"alg": "none", "kid": "k1"}) + "." + good[1] + "." + good[2],
		"other claims":                     good[0] + "." + part(p.claims(map[string]any{"roles": "boss"})) + "." + good[2],
		"no signature":                     good[0] + "." + good[1] + ".",
		"its own key in the header":        part(map[string]any{"alg": "RS256", "jwk": stranger.Public()}) + "." + good[1] + "." + good[2],
		"two parts":                        good[0] + "." + good[1],
		"nothing":                          "",
		"no token at all":                  "abc",
		"huge":                             strings.Repeat("a.", 1<<16),
	} {
		if got, err := p.Verify(t.Context(), token); !errors.Is(err, access.ErrUnauthenticated) || errors.Is(err, access.ErrUnreachable) || got != (access.Principal{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	token := p.token(t, nil)
	p.clock.Advance(time.Hour + time.Second)
	if _, err := p.Verify(t.Context(), token); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("good before, expired now: %v", err)
	}
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	p := setupPeople(t, nil)
	old := p.token(t, nil)
	_, err := p.Verify(t.Context(), old)
	must(t, err)
	p.key = rsaKey(t, "k2")
	p.set(func() { p.keys = []jose.JSONWebKey{p.key} })
	p.clock.Advance(5 * time.Second)
	if _, err := p.Verify(t.Context(), p.token(t, nil)); err != nil {
		t.Fatalf("a token of the new key: %v", err)
	}
	p.clock.Advance(5 * time.Second)
	if _, err := p.Verify(t.Context(), old); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("a token of a key that was taken out: %v", err)
	}
	// Anybody can make tokens with key ids that nobody knows.
	before := p.times("/keys")
	for range 50 {
		if _, err := p.Verify(t.Context(), sign(t, jose.RS256, rsaKeyOnce(t), p.claims(nil))); !errors.Is(err, access.ErrUnauthenticated) {
			t.Fatalf("an unknown key id: %v", err)
		}
	}
	if n := p.times("/keys") - before; n > 1 {
		t.Errorf("50 such tokens made us ask %d times", n)
	}
}

var unknownKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// rsaKeyOnce is a stranger's key with an id of its own.
func rsaKeyOnce(t *testing.T) jose.JSONWebKey {
	t.Helper()
	return jose.JSONWebKey{Key: unknownKey(), KeyID: rand.Text(), Algorithm: "RS256"}
}

// A provider that is down is told apart from a token that is bad, is left in
// peace for a while, and found again.
func TestProviderDown(t *testing.T) {
	t.Parallel()
	p := setupPeople(t, nil)
	p.set(func() { p.down = true })
	token := p.token(t, nil)
	for range 10 {
		if _, err := p.Verify(t.Context(), token); !errors.Is(err, access.ErrUnreachable) || errors.Is(err, access.ErrUnauthenticated) {
			t.Fatalf("down from the start: %v", err)
		}
	}
	if n := p.times("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	p.set(func() { p.down = false })
	p.clock.Advance(5 * time.Second)
	if _, err := p.Verify(t.Context(), token); err != nil {
		t.Fatalf("back again: %v", err)
	}
	p.set(func() { p.down = true })
	p.clock.Advance(5 * time.Second)
	if _, err := p.Verify(t.Context(), token); err != nil {
		t.Errorf("known keys are good while it is down: %v", err)
	}
	if _, err := p.Verify(t.Context(), sign(t, jose.RS256, rsaKeyOnce(t), p.claims(nil))); !errors.Is(err, access.ErrUnreachable) {
		t.Errorf("an unknown key id while it is down: %v", err)
	}
}

func TestProviderSaysItIsAnother(t *testing.T) {
	t.Parallel()
	p := setupPeople(t, func(c *access.OIDCConfig) { c.Issuer += "/" })
	if _, err := p.Verify(t.Context(), p.token(t, nil)); !errors.Is(err, access.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

func TestOwnerAndRoleClaims(t *testing.T) {
	t.Parallel()
	p := setupPeople(t, func(c *access.OIDCConfig) { c.OwnerClaim, c.RoleClaim = "email", "realm_access.roles" })
	nested := map[string]any{"roles": nil, "realm_access": map[string]any{"roles": []string{"sre"}}, "email_verified": true}
	got, err := p.Verify(t.Context(), p.token(t, nested))
	if err != nil || got.Owner != "ada@example.org" || got.Role != access.Operator {
		t.Errorf("%+v, %v", got, err)
	}
	for name, change := range map[string]map[string]any{"not verified": {"email_verified": false}, "verified is not told": {"email_verified": nil}, "none": {"email": nil}} {
		c := maps.Clone(nested)
		maps.Copy(c, change)
		if got, err := p.Verify(t.Context(), p.token(t, c)); !errors.Is(err, access.ErrUnauthenticated) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
