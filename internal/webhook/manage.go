package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Spec is what an owner says of a webhook.
type Spec struct {
	Name   string
	URL    string   // "" with Callbacks
	Events []string // types; none means all
	// Callbacks makes it the owner's one webhook that signs calls to the callback
	// URLs of labs.
	Callbacks bool
	Off       bool
}

const (
	maxPerOwner = 50 // each event is delivered to all of them
	maxSecrets  = 5  // that sign at once
	maxOverlap  = 7 * 24 * time.Hour
	secretSize  = 32 // bytes
	// The prefix that Standard Webhooks gives to secrets.
	secretPrefix = "whsec_"
)

// check judges a spec.
func (s *Service) check(spec Spec) error {
	if spec.Name == "" || len(spec.Name) > 400 {
		return &fleet.FieldError{Field: "name", Value: spec.Name, Remedy: "give a name of 1 to 100 characters"}
	}
	for i, e := range spec.Events {
		if !slices.Contains(fleet.EventTypes, e) {
			return &fleet.FieldError{Field: fmt.Sprintf("events[%d]", i), Value: e, Remedy: "use types among " + strings.Join(fleet.EventTypes, ", ")}
		}
	}
	if spec.Callbacks {
		if spec.URL != "" {
			return &fleet.FieldError{Field: "url", Value: shown(spec.URL), Remedy: "leave it out: each lab names its own callback"}
		}
		return nil
	}
	return s.CheckURL("url", spec.URL)
}

// Create adds an owner's webhook and gives its secret, which is not shown again.
// Errors: a FieldError; ErrExists for a second one with Callbacks.
func (s *Service) Create(ctx context.Context, owner string, spec Spec) (*fleet.Webhook, string, error) {
	if err := s.check(spec); err != nil {
		return nil, "", err
	}
	others, err := s.Webhooks.Find(ctx, owner, false, "", maxPerOwner)
	if err != nil {
		return nil, "", fmt.Errorf("list webhooks: %w", err)
	}
	if len(others) >= maxPerOwner {
		return nil, "", &fleet.FieldError{Field: "name", Value: spec.Name, Remedy: "delete another first: an owner has at most " + strconv.Itoa(maxPerOwner) + " webhooks"}
	}
	return s.insert(ctx, owner, spec)
}

func (s *Service) insert(ctx context.Context, owner string, spec Spec) (*fleet.Webhook, string, error) {
	w := &fleet.Webhook{ID: "wh_" + s.NewID(), Owner: owner, Name: spec.Name, URL: spec.URL, Events: slices.Clone(spec.Events), Callbacks: spec.Callbacks,
		Off: spec.Off, CreatedAt: s.Clock.Now().UTC(), Version: 1}
	if spec.Callbacks {
		w.ID = callbacksID(owner)
	}
	secret, err := s.newSecret(w)
	if err != nil {
		return nil, "", err
	}
	if err := s.Webhooks.Insert(ctx, w); err != nil {
		return nil, "", fmt.Errorf("insert webhook: %w", err)
	}
	s.hooks.forget()
	return w, secret, nil
}

// callbacksID makes an owner's webhook for callbacks one, whoever makes it first.
func callbacksID(owner string) string {
	if owner == "" {
		return "callbacks"
	}
	return "callbacks." + safe(owner)
}

// purpose binds the secrets of a webhook to it.
func purpose(id string) string { return "webhook/" + id }

// newSecret puts a fresh secret before those that w has.
func (s *Service) newSecret(w *fleet.Webhook) (string, error) {
	raw := make([]byte, secretSize)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("secret of a webhook: %w", err)
	}
	secret := secretPrefix + base64.StdEncoding.EncodeToString(raw)
	sealed, err := s.Sealer.Seal(secret, purpose(w.ID))
	if err != nil {
		return "", err
	}
	w.Secrets = slices.Insert(w.Secrets, 0, fleet.WebhookSecret{Secret: sealed})
	return secret, nil
}

// Get gives a webhook. Errors: ErrNotFound.
func (s *Service) Get(ctx context.Context, id string) (*fleet.Webhook, error) {
	return s.Webhooks.Get(ctx, id)
}

// List gives an owner's webhooks by id, or everybody's; those after an id.
func (s *Service) List(ctx context.Context, owner string, everybody bool, after string, limit int) ([]*fleet.Webhook, error) {
	return s.Webhooks.Find(ctx, owner, everybody, after, limit)
}

// Update changes a webhook that was read before. Errors: a FieldError, or
// ErrConflict if it has changed since.
func (s *Service) Update(ctx context.Context, old *fleet.Webhook, spec Spec) (*fleet.Webhook, error) {
	if err := s.check(spec); err != nil {
		return nil, err
	}
	if spec.Callbacks != old.Callbacks {
		return nil, &fleet.FieldError{Field: "callbacks", Value: strconv.FormatBool(spec.Callbacks), Remedy: "it cannot be changed; make another webhook"}
	}
	return s.swap(ctx, old, func(w *fleet.Webhook) {
		w.Name, w.URL, w.Events, w.Off = spec.Name, spec.URL, slices.Clone(spec.Events), spec.Off
	})
}

// swap writes a change of what was read.
func (s *Service) swap(ctx context.Context, old *fleet.Webhook, change func(*fleet.Webhook)) (*fleet.Webhook, error) {
	next := old.Clone()
	change(next)
	next.Version = old.Version + 1
	if err := s.Webhooks.Swap(ctx, old, next); err != nil {
		return nil, fmt.Errorf("change webhook %s: %w", old.ID, err)
	}
	s.hooks.forget()
	return next, nil
}

// Delete removes a webhook. What is on its way to it is given up.
func (s *Service) Delete(ctx context.Context, id string) error {
	defer s.hooks.forget()
	return s.Webhooks.Delete(ctx, id)
}

// Rotate gives a webhook a new secret, which is not shown again. The one before
// signs too until overlap has passed; the time is given. An overlap of 0 ends it
// at once.
func (s *Service) Rotate(ctx context.Context, old *fleet.Webhook, overlap time.Duration) (w *fleet.Webhook, secret string, until time.Time, err error) {
	if overlap < 0 || overlap > maxOverlap {
		return nil, "", until, &fleet.FieldError{Field: "overlap", Value: overlap.String(), Remedy: "give a duration up to " + maxOverlap.String()}
	}
	now := s.Clock.Now().UTC()
	until = now.Add(overlap)
	fresh := old.Clone()
	if secret, err = s.newSecret(fresh); err != nil {
		return nil, "", until, err
	}
	for i := range fresh.Secrets[1:] {
		if k := &fresh.Secrets[i+1]; k.Until.IsZero() || k.Until.After(until) {
			k.Until = until
		}
	}
	fresh.Secrets = Signing(fresh, now)
	fresh.Secrets = fresh.Secrets[:min(len(fresh.Secrets), maxSecrets)]
	w, err = s.swap(ctx, old, func(w *fleet.Webhook) { w.Secrets = fresh.Secrets })
	return w, secret, until, err
}

// Signing gives the secrets of a webhook that sign at a time, newest first.
func Signing(w *fleet.Webhook, now time.Time) []fleet.WebhookSecret {
	return slices.DeleteFunc(slices.Clone(w.Secrets), func(k fleet.WebhookSecret) bool { return !k.Until.IsZero() && !k.Until.After(now) })
}

// Ping sends an event of type ping to a webhook, whatever its filter says, and
// gives the delivery. Errors: a FieldError if it is off or has no URL.
func (s *Service) Ping(ctx context.Context, w *fleet.Webhook) (*fleet.Delivery, error) {
	switch {
	case w.Callbacks:
		return nil, &fleet.FieldError{Field: "callbacks", Value: "true", Remedy: "ping a webhook that has a URL"}
	case w.Off:
		return nil, &fleet.FieldError{Field: "off", Value: "true", Remedy: "switch the webhook on first"}
	}
	now := s.Clock.Now().UTC()
	d := delivery(w, w.URL, fleet.Event{ID: "ping/" + s.NewID(), Type: fleet.EventPing, At: now, Owner: w.Owner}, now)
	return d, s.send(ctx, d)
}

// callbacks gives the webhook that signs an owner's callbacks, and makes it when
// it is first needed.
func (s *Service) callbacks(ctx context.Context, owner string) (*fleet.Webhook, error) {
	w, err := s.Webhooks.Get(ctx, callbacksID(owner))
	if !errors.Is(err, fleet.ErrNotFound) {
		return w, err
	}
	w, _, err = s.insert(ctx, owner, Spec{Name: "callbacks of labs", Callbacks: true})
	if errors.Is(err, fleet.ErrExists) {
		return s.Webhooks.Get(ctx, callbacksID(owner))
	}
	return w, err
}
