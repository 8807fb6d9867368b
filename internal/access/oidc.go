package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/kodekloud/kml/internal/clock"
)

const (
	discoveryLimit = 10 * time.Second
	retryAfter     = 5 * time.Second // before a provider that did not answer is asked again
	tokenWho       = "oidc:"         // begins a person's id: no key's id has a colon
)

// algorithms are those that a key set's public keys can check. None of them
// takes a public key for a shared secret.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

// OIDCConfig says which tokens are good and what they make of a person.
type OIDCConfig struct {
	Issuer     string          // address of the provider, as its tokens have it
	Audience   string          // whom the tokens must be for
	RoleClaim  string          // default roles; a path such as realm_access.roles is good too
	Roles      map[string]Role // what a value of the claim makes of its bearer
	OwnerClaim string          // whose labs the bearer sees; default sub
	Clock      clock.Clock
	Client     *http.Client // default: one with a timeout
}

// OIDC checks bearer tokens of people. The provider is looked up when the first
// token comes: one that is down does not keep the API from starting.
type OIDC struct {
	c      OIDCConfig
	client *http.Client

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
	failed   error
	failedAt time.Time
}

// NewOIDC makes a checker of tokens.
func NewOIDC(c OIDCConfig) *OIDC {
	c.RoleClaim, c.OwnerClaim = cmp.Or(c.RoleClaim, "roles"), cmp.Or(c.OwnerClaim, "sub")
	o := &OIDC{c: c}
	given := c.Client
	if given == nil {
		given = &http.Client{}
	}
	copied := *given
	copied.Timeout = cmp.Or(copied.Timeout, discoveryLimit)
	copied.Transport = &polite{next: given.Transport, clock: c.Clock}
	o.client = &copied
	return o
}

// Verify says whose token it is. The role is "" if the provider gives none that
// is mapped. Errors match ErrUnauthenticated if the token is not good, and
// ErrUnreachable if that cannot be told.
func (o *OIDC) Verify(ctx context.Context, raw string) (Principal, error) {
	verifier, err := o.provider(ctx)
	if err != nil {
		return Principal{}, err
	}
	var down error
	token, err := verifier.Verify(context.WithValue(ctx, downKey{}, &down), raw)
	switch {
	case down != nil:
		return Principal{}, fmt.Errorf("%w: keys of %s: %w", ErrUnreachable, o.c.Issuer, down)
	case err != nil && ctx.Err() != nil:
		return Principal{}, fmt.Errorf("%w: %w", ErrUnreachable, ctx.Err())
	case err != nil:
		return Principal{}, fmt.Errorf("token: %w: %w", ErrUnauthenticated, err)
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return Principal{}, fmt.Errorf("claims of a token: %w: %w", ErrUnauthenticated, err)
	}
	if token.Subject == "" {
		return Principal{}, fmt.Errorf("token without a subject: %w", ErrUnauthenticated)
	}
	return o.principal(token.Subject, claims)
}

// principal is what the claims make of their bearer.
func (o *OIDC) principal(subject string, claims map[string]any) (Principal, error) {
	p := Principal{ID: tokenWho + subject, Name: firstText(claims, "email", "preferred_username", "name"), Role: o.role(claims), Owner: subject}
	if o.c.OwnerClaim == "sub" {
		return p, nil
	}
	p.Owner, _ = claim(claims, o.c.OwnerClaim).(string)
	// An address that nobody has checked is whatever its bearer typed.
	if verified, _ := claims["email_verified"].(bool); p.Owner == "" || o.c.OwnerClaim == "email" && !verified {
		return Principal{}, fmt.Errorf("token without a verified %s: %w", o.c.OwnerClaim, ErrUnauthenticated)
	}
	return p, nil
}

// role is the highest that the claim's values are mapped to.
func (o *OIDC) role(claims map[string]any) Role {
	best := -1
	for _, value := range texts(claim(claims, o.c.RoleClaim)) {
		best = max(best, slices.Index(Roles, o.c.Roles[value]))
	}
	if best < 0 {
		return ""
	}
	return Roles[best]
}

// provider looks the provider up, once it answers. One that did not is left in
// peace for a while.
func (o *OIDC) provider(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.verifier != nil {
		return o.verifier, nil
	}
	if o.failed != nil && o.c.Clock.Since(o.failedAt) < retryAfter {
		return nil, o.failed
	}
	// Not of this call alone: its end must not be the provider's failure.
	ctx, cancel := context.WithTimeout(oidc.ClientContext(context.WithoutCancel(ctx), o.client), discoveryLimit)
	defer cancel()
	p, err := oidc.NewProvider(ctx, o.c.Issuer)
	var keys struct {
		URI string `json:"jwks_uri"`
	}
	if err == nil {
		err = p.Claims(&keys)
	}
	if err != nil {
		o.failed, o.failedAt = fmt.Errorf("%w: %s: %w", ErrUnreachable, o.c.Issuer, err), o.c.Clock.Now()
		return nil, o.failed
	}
	set := keySet{oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), o.client), keys.URI)}
	o.verifier = oidc.NewVerifier(o.c.Issuer, set, &oidc.Config{ClientID: o.c.Audience, SupportedSigningAlgs: algorithms, Now: o.c.Clock.Now})
	return o.verifier, nil
}

type downKey struct{}

// keySet tells a provider that does not answer from a signature that is not
// good: go-oidc's error has lost the difference.
type keySet struct{ remote *oidc.RemoteKeySet }

// VerifySignature implements oidc.KeySet.
func (k keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.remote.VerifySignature(ctx, jwt)
	if down, ok := ctx.Value(downKey{}).(*error); ok && errors.Is(err, errNoAnswer) {
		*down = err
	}
	return payload, err
}

// claim finds a claim by its name, or by a path of names.
func claim(claims map[string]any, name string) any {
	if v, ok := claims[name]; ok {
		return v
	}
	head, rest, ok := strings.Cut(name, ".")
	inner, isMap := claims[head].(map[string]any)
	if !ok || !isMap {
		return nil
	}
	return claim(inner, rest)
}

// texts are the strings of a claim that is one or a list of them.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

func firstText(claims map[string]any, names ...string) string {
	for _, name := range names {
		if s, ok := claims[name].(string); ok && s != "" {
			return s
		}
	}
	return ""
}
