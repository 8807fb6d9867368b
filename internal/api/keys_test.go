package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
)

func TestKeyRoutes(t *testing.T) {
	t.Parallel()
	b := setup(t, withKeys, withCalls)
	root := b.key(t, access.Admin)
	a := b.with(t, root, "POST", "/v1/keys", apitypes.KeyRequest{Name: "academy", Role: "backend", Owner: "academy"}, idempotencyKey, "k")
	made := decode[apitypes.NewKey](t, a, http.StatusCreated)
	if !strings.HasPrefix(made.Secret, "kml_"+made.ID+"_") || made.Owner != "academy" || !strings.Contains(made.CreatedBy, "the admin") {
		t.Errorf("made %v of %s", made.Key, made.CreatedBy)
	}
	if again := b.with(t, root, "POST", "/v1/keys", apitypes.KeyRequest{Name: "academy", Role: "backend", Owner: "academy"}, idempotencyKey, "k"); again.body != a.body {
		t.Error("a repetition made another key")
	}
	if who := decode[apitypes.Me](t, b.with(t, made.Secret, "GET", "/v1/me", nil), 200); who.ID != made.ID || who.Role != "backend" || who.Owner != "academy" || len(who.Permissions) == 0 {
		t.Errorf("me is %+v", who)
	}
	listed := b.with(t, root, "GET", "/v1/keys?prefix=kml_"+made.ID, nil)
	if page := decode[apitypes.Page[apitypes.Key]](t, listed, 200); len(page.Items) != 1 || page.Items[0].ID != made.ID || page.Items[0].LastFrom != "127.0.0.1" || strings.Contains(listed.body, made.Secret) {
		t.Errorf("listed %s", listed.body)
	}
	var seen []string
	for next := ""; ; {
		page := decode[apitypes.Page[apitypes.Key]](t, b.with(t, root, "GET", "/v1/keys?limit=1&cursor="+next, nil), 200)
		for _, k := range page.Items {
			seen = append(seen, k.ID)
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if len(seen) != 2 || seen[0] >= seen[1] {
		t.Errorf("page by page: %v", seen)
	}
	refused(t, b.with(t, made.Secret, "POST", "/v1/keys", apitypes.KeyRequest{Name: "x", Role: "admin"}), http.StatusForbidden, "forbidden")
	names(t, refused(t, b.with(t, root, "POST", "/v1/keys", apitypes.KeyRequest{Name: "x", Role: "admin", ExpiresAt: t0}), http.StatusUnprocessableEntity, "invalid"), "body.expires")
	names(t, refused(t, b.with(t, root, "POST", "/v1/keys", apitypes.KeyRequest{Name: "x", Role: "king"}), http.StatusUnprocessableEntity, "invalid"), "body.role")
	for range 2 {
		if a := b.with(t, root, "DELETE", "/v1/keys/"+made.ID, nil); a.status != http.StatusNoContent || a.body != "" {
			t.Errorf("revoke: %+v", a)
		}
	}
	refused(t, b.with(t, made.Secret, "GET", "/v1/me", nil), http.StatusUnauthorized, "unauthenticated")
	if k := decode[apitypes.Key](t, b.with(t, root, "GET", "/v1/keys/"+made.ID, nil), 200); k.RevokedAt.IsZero() {
		t.Errorf("after the revocation: %+v", k)
	}
	refused(t, b.with(t, root, "DELETE", "/v1/keys/none", nil), http.StatusNotFound, "not_found")
	for _, l := range b.calls(t) {
		if strings.Contains(l.What+l.Reason+l.Outcome, made.Secret) {
			t.Errorf("the key is in the log: %+v", l)
		}
	}
	if l := b.calls(t); len(l) == 0 || !func() bool {
		for _, line := range l {
			if line.What == "create-key /v1/keys/"+made.ID {
				return true
			}
		}
		return false
	}() {
		t.Errorf("who made the key is not in the log: %+v", l)
	}
}

// Whoever gives a whole key where its id belongs finds it in no log and no answer.
func TestWholeKeyForAnID(t *testing.T) {
	t.Parallel()
	var lines safeBuffer
	b := setup(t, withKeys, func(_ *bench, c *Config) { c.Log = c.Log.Output(&lines).Level(zerolog.DebugLevel) })
	root, other := b.key(t, access.Admin), b.key(t, access.Viewer)
	public, secret := other[:17], other[17:25]
	for _, path := range []string{"/v1/keys/" + other, "/v1/" + other, "/v1/labs/x" + other} {
		if a := b.with(t, root, "DELETE", path, nil); a.status < 400 || strings.Contains(a.body, secret) {
			t.Errorf("%s: %+v", path, a)
		}
	}
	said := fmt.Sprint(b.calls(t))
	if !strings.Contains(said, public) || strings.Contains(said, secret) {
		t.Errorf("recorded: %s", said)
	}
	if got := lines.String(); !strings.Contains(got, public) || strings.Contains(got, secret) {
		t.Errorf("logged: %s", got)
	}
}

// Tokens of people and a provider that is down.
func TestTokens(t *testing.T) {
	t.Parallel()
	people := tokens{"good": {ID: "oidc:1", Name: "ada", Role: access.Viewer, Owner: "1"}, "stranger": {ID: "oidc:2", Name: "eve"}}
	b := setup(t, withKeys, func(_ *bench, c *Config) { c.Tokens = people })
	if who := decode[apitypes.Me](t, b.with(t, "good", "GET", "/v1/me", nil), 200); who.ID != "oidc:1" {
		t.Errorf("me is %+v", who)
	}
	refused(t, b.with(t, "stranger", "GET", "/v1/me", nil), http.StatusForbidden, "forbidden")
	a := b.with(t, "bad", "GET", "/v1/me", nil)
	refused(t, a, http.StatusUnauthorized, "unauthenticated")
	if a.header.Get("WWW-Authenticate") != `Bearer realm="KML"` {
		t.Errorf("challenge is %q", a.header.Get("WWW-Authenticate"))
	}
	refused(t, b.with(t, "down", "GET", "/v1/me", nil), http.StatusServiceUnavailable, "identity_provider_unreachable")
	if who := decode[apitypes.Me](t, b.with(t, b.key(t, access.Viewer), "GET", "/v1/me", nil), 200); who.Role != "viewer" {
		t.Errorf("keys go on: %+v", who)
	}
	refused(t, b.do(t, access.Principal{}, "GET", "/v1/me", nil, "Authorization", "Basic a2V5OmdoZA=="), http.StatusUnauthorized, "unauthenticated")
}

type tokens map[string]access.Principal

func (p tokens) Verify(_ context.Context, raw string) (access.Principal, error) {
	if raw == "down" {
		return access.Principal{}, access.ErrUnreachable
	}
	who, ok := p[raw]
	if !ok {
		return who, access.ErrUnauthenticated
	}
	return who, nil
}
