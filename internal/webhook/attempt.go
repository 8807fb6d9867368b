package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/kodekloud/kml/internal/fleet"
)

// backoff is the wait after each attempt that failed. After the last one the
// delivery is given up.
var backoff = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour}

// MaxAttempts is how often a delivery is tried before it is given up.
const MaxAttempts = 10

const maxRetryAfter = time.Hour // that a receiver may ask for

// Attempt tries a delivery once and writes down what became of it. A failure is
// no error: it is in the document, and its next attempt is enqueued. A task that
// is not of the attempt at hand makes sure that the right one exists.
// Errors: SnoozeError before its time or when too much is being sent; a store's.
func (s *Service) Attempt(ctx context.Context, id string, attempt int) error {
	d, err := s.Deliveries.Get(ctx, id)
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return nil // forgotten, as old ones are
	case err != nil:
		return fmt.Errorf("delivery %s: %w", id, err)
	case d.State != fleet.DeliveryPending:
		return nil
	case d.Attempts != attempt:
		return s.enqueue(ctx, d)
	}
	if early := d.NextTry.Sub(s.Clock.Now()); early > 0 {
		return fleet.Snooze(early, "the next try is later")
	}
	w, err := s.Webhooks.Get(ctx, d.Webhook)
	if err != nil && !errors.Is(err, fleet.ErrNotFound) {
		return fmt.Errorf("webhook of delivery %s: %w", id, err)
	}
	next, err := s.try(ctx, d, w)
	if err != nil {
		return err
	}
	if next.Status == http.StatusGone && !w.Callbacks {
		if err := s.switchOff(ctx, w.ID); err != nil {
			return err
		}
	}
	if err := s.write(ctx, d, next); err != nil {
		return err
	}
	s.Observe(next.State)
	if next.State == fleet.DeliveryPending {
		return s.enqueue(ctx, next)
	}
	return nil
}

// try sends a delivery and gives it as it stands afterwards. w is nil if the
// webhook is no more.
func (s *Service) try(ctx context.Context, d *fleet.Delivery, w *fleet.Webhook) (*fleet.Delivery, error) {
	next := d.Clone()
	switch {
	case w == nil:
		return s.giveUp(next, "the webhook was deleted"), nil
	case w.Off:
		return s.giveUp(next, "the webhook is switched off"), nil
	case !w.Callbacks:
		next.URL = w.URL // as it is now: it may have been mended
	}
	if err := s.Targets.Check("url", next.URL); err != nil {
		return s.giveUp(next, errRefused.Error()), nil
	}
	free, ok := s.sender.slot(d.Owner, next.URL)
	if !ok {
		return nil, fleet.Snooze(busyFor+rand.N(busyFor), "as much is being sent as may be at once")
	}
	defer free()
	header, body, err := s.message(w, d.Event)
	if err != nil {
		return nil, err
	}
	got := s.sender.post(ctx, next.URL, header, body)
	if errors.Is(ctx.Err(), context.Canceled) && got.err != "" {
		return nil, fmt.Errorf("send delivery %s: %w", d.ID, ctx.Err()) // the worker shuts down: not the receiver's failure
	}
	return s.settle(next, got), nil
}

// settle notes the outcome of an attempt.
func (s *Service) settle(d *fleet.Delivery, got answer) *fleet.Delivery {
	d.Attempts++
	d.Status, d.Error = got.status, got.err
	now := s.Clock.Now().UTC()
	failed := d.Attempts - d.Restarted
	switch {
	case got.err == "":
		d.State, d.DoneAt = fleet.DeliveryDelivered, now
	case got.status == http.StatusGone, got.refused, failed > len(backoff):
		d.State, d.DoneAt = fleet.DeliveryDead, now
	default:
		wait := jittered(backoff[failed-1])
		d.NextTry = now.Add(max(wait, min(got.retryAfter(now), maxRetryAfter)))
	}
	return d
}

// giveUp ends a delivery that cannot be tried.
func (s *Service) giveUp(d *fleet.Delivery, why string) *fleet.Delivery {
	d.Attempts++
	d.State, d.DoneAt, d.Status, d.Error = fleet.DeliveryDead, s.Clock.Now().UTC(), 0, why
	return d
}

// jittered keeps those that failed at once from coming back at once: up to a
// tenth more or less.
func jittered(d time.Duration) time.Duration { return d - d/10 + rand.N(d/5) }

// switchOff ends a webhook whose receiver says that it is gone for good.
func (s *Service) switchOff(ctx context.Context, id string) error {
	w, err := s.Webhooks.Get(ctx, id)
	if err != nil && errors.Is(err, fleet.ErrNotFound) || err == nil && w.Off {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = s.swap(ctx, w, func(w *fleet.Webhook) { w.Off = true })
	return err // after a conflict the task comes again
}

// message gives an event as it is sent: signed with every secret that holds.
func (s *Service) message(w *fleet.Webhook, e fleet.Event) (http.Header, []byte, error) {
	body, err := json.Marshal(struct {
		Type      string      `json:"type"`
		Timestamp time.Time   `json:"timestamp"`
		Data      fleet.Event `json:"data"`
	}{e.Type, e.At.UTC(), e})
	if err != nil {
		return nil, nil, fmt.Errorf("event %s: %w", e.ID, err)
	}
	// Full stops part id, timestamp and body in what is signed; none may be in the id.
	id, now := strings.ReplaceAll(e.ID, ".", "~"), s.Clock.Now()
	var signatures []string
	for _, k := range Signing(w, now) {
		secret, err := s.Sealer.Open(k.Secret, purpose(w.ID))
		if err != nil {
			return nil, nil, err
		}
		signer, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			return nil, nil, fmt.Errorf("secret of webhook %s is damaged", w.ID) // the cause might quote it
		}
		signature, err := signer.Sign(id, now, body)
		if err != nil {
			return nil, nil, err
		}
		signatures = append(signatures, signature)
	}
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "kml-webhooks/1")
	h.Set(standardwebhooks.HeaderWebhookID, id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, fmt.Sprint(now.Unix()))
	h.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return h, body, nil
}
