package webhook_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/webhook"
)

// After a rotation both secrets sign until the overlap is over, then the new one
// alone. Without overlap the old one ends at once.
func TestRotation(t *testing.T) {
	t.Parallel()
	r := receive(t, false, nil)
	b := setup(t)
	w, old := b.create(t, r.URL)
	w, fresh, until, err := b.Rotate(b.ctx, w, time.Minute)
	must(t, err)
	if old == fresh || !until.Equal(b.clock.Now().Add(time.Minute)) || len(webhook.Signing(w, b.clock.Now())) != 2 {
		t.Fatalf("until %v, %d secrets", until, len(w.Secrets))
	}
	ping := func() got {
		t.Helper()
		_, err := b.Ping(b.ctx, w)
		must(t, err)
		if d := b.run(t, b.one(t)); d.State != fleet.DeliveryDelivered || d.Event.Type != fleet.EventPing {
			t.Fatalf("%+v", d)
		}
		all := r.got()
		return all[len(all)-1]
	}
	g := ping()
	must(t, errors.Join(verifies(t, old, g), verifies(t, fresh, g)))
	if n := len(strings.Split(g.header.Get("webhook-signature"), " ")); n != 2 {
		t.Errorf("%d signatures", n)
	}
	b.clock.Advance(time.Minute)
	g = ping()
	if verifies(t, old, g) == nil || verifies(t, fresh, g) != nil {
		t.Error("after the overlap")
	}
	w, newest, _, err := b.Rotate(b.ctx, w, 0)
	must(t, err)
	g = ping()
	if verifies(t, fresh, g) == nil || verifies(t, newest, g) != nil || len(w.Secrets) != 1 {
		t.Errorf("without overlap: %d secrets", len(w.Secrets))
	}
	for _, bad := range []time.Duration{-1, 8 * 24 * time.Hour} {
		if _, _, _, err := b.Rotate(b.ctx, w, bad); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("overlap %v: %v", bad, err)
		}
	}
	for range 9 {
		w, _, _, err = b.Rotate(b.ctx, w, time.Hour)
		must(t, err)
	}
	if len(w.Secrets) != 5 {
		t.Errorf("%d secrets sign", len(w.Secrets))
	}
}

// What is stored cannot be read without the sealing key.
func TestSecretsAreSealed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w, secret := b.create(t, "https://example.org")
	stored, err := b.Get(b.ctx, w.ID)
	must(t, err)
	if text := fmt.Sprintf("%+v %s", stored, stored.Secrets[0].Secret.Data); strings.Contains(text, secret) || strings.Contains(text, strings.TrimPrefix(secret, "whsec_")) {
		t.Error("the secret is stored in the clear")
	}
	if len(secret) != len("whsec_")+44 || !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("secret of %d characters", len(secret))
	}
}

func TestSpecsAreChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good := webhook.Spec{Name: "n", URL: "https://example.org"}
	for field, edit := range map[string]func(*webhook.Spec){
		"name":      func(s *webhook.Spec) { s.Name = "" },
		"url":       func(s *webhook.Spec) { s.URL = "" },
		"events[1]": func(s *webhook.Spec) { s.Events = []string{fleet.EventPing, "lab.*"} },
	} {
		spec := good
		edit(&spec)
		_, _, err := b.Create(b.ctx, "academy", spec)
		var bad *fleet.FieldError
		if !errors.As(err, &bad) || bad.Field != field || bad.Remedy == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, _, err := b.Create(b.ctx, "academy", webhook.Spec{Name: "n", URL: "https://example.org", Callbacks: true}); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("callbacks with a URL: %v", err)
	}
	w, _ := b.create(t, "https://example.org")
	if _, err := b.Update(b.ctx, w, webhook.Spec{Name: "n", Callbacks: true}); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("turned into callbacks: %v", err)
	}
	if _, err := b.Update(b.ctx, w, good); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Update(b.ctx, w, good); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("of an old version: %v", err)
	}
	for range 49 {
		b.create(t, "https://example.org")
	}
	if _, _, err := b.Create(b.ctx, "academy", good); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("too many: %v", err)
	}
	if err := b.Delete(b.ctx, "none"); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("delete: %v", err)
	}
}
