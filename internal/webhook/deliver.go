package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Deliver puts events on their way to the webhooks that want them: those of the
// event's owner and those that see everything; and to the callback URL of the
// lab that they are of, if it has one. Again is no second delivery.
func (s *Service) Deliver(ctx context.Context, events []fleet.Event) error {
	hooks, err := s.all(ctx)
	if err != nil {
		return fmt.Errorf("deliver: list webhooks: %w", err)
	}
	now := s.Clock.Now().UTC()
	var ds []*fleet.Delivery
	for _, e := range events {
		for _, w := range hooks {
			if !w.Callbacks && (w.Owner == "" || w.Owner == e.Owner) && wants(w, e) {
				ds = append(ds, delivery(w, w.URL, e, now))
			}
		}
		if e.Callback == "" {
			continue
		}
		w, err := s.callbacks(ctx, e.Owner)
		if err != nil {
			return fmt.Errorf("deliver: webhook of callbacks: %w", err)
		}
		if wants(w, e) {
			ds = append(ds, delivery(w, e.Callback, e, now))
		}
	}
	if len(ds) == 0 {
		return nil
	}
	return s.send(ctx, ds...)
}

// wants says whether a webhook is on and its filter lets the event through.
func wants(w *fleet.Webhook, e fleet.Event) bool {
	return !w.Off && (len(w.Events) == 0 || slices.Contains(w.Events, e.Type))
}

func delivery(w *fleet.Webhook, url string, e fleet.Event, now time.Time) *fleet.Delivery {
	return &fleet.Delivery{ID: w.ID + "." + safe(e.ID), Webhook: w.ID, Owner: w.Owner, URL: url, Event: e, State: fleet.DeliveryPending,
		NextTry: now, CreatedAt: now, Version: 1}
}

// safe makes an id fit for one segment of a path: slashes become dots, what else
// is not plain is written by its code. Two ids never become one.
func safe(id string) string {
	var b strings.Builder
	for _, c := range []byte(id) {
		switch {
		case c == '/':
			b.WriteByte('.')
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "~%02x", c)
		}
	}
	return b.String()
}

// send stores deliveries that are new and makes their first tasks.
func (s *Service) send(ctx context.Context, ds ...*fleet.Delivery) error {
	if err := s.Deliveries.Add(ctx, ds...); err != nil {
		return fmt.Errorf("add deliveries: %w", err)
	}
	var all []error
	for _, d := range ds {
		all = append(all, s.enqueue(ctx, d))
	}
	return errors.Join(all...)
}

// enqueue makes the task that a delivery asks for.
func (s *Service) enqueue(ctx context.Context, d *fleet.Delivery) error {
	if err := s.Enqueue(ctx, d.ID, d.Attempts, d.NextTry); err != nil {
		return fmt.Errorf("enqueue delivery %s: %w", d.ID, err)
	}
	return nil
}

// Delivery gives one. Errors: ErrNotFound.
func (s *Service) Delivery(ctx context.Context, id string) (*fleet.Delivery, error) {
	return s.Deliveries.Get(ctx, id)
}

// Sent lists deliveries.
func (s *Service) Sent(ctx context.Context, q fleet.DeliveryQuery) ([]*fleet.Delivery, error) {
	return s.Deliveries.Find(ctx, q)
}

// Redeliver sends again what was delivered or given up; its backoff begins anew.
// Errors: ErrNotFound; a FieldError if it is on its way.
func (s *Service) Redeliver(ctx context.Context, id string) (*fleet.Delivery, error) {
	old, err := s.Deliveries.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	next := old.Clone()
	next.State, next.NextTry, next.DoneAt = fleet.DeliveryPending, s.Clock.Now().UTC(), time.Time{}
	if old.State == fleet.DeliveryPending {
		// The task of its next try lies ready under its name: the try that is made
		// now has the next one.
		next.Attempts++
	}
	next.Restarted = next.Attempts
	if err := s.write(ctx, old, next); err != nil {
		return nil, err
	}
	return next, s.enqueue(ctx, next)
}

func (s *Service) write(ctx context.Context, old, next *fleet.Delivery) error {
	next.Version = old.Version + 1
	if err := s.Deliveries.Swap(ctx, old, next); err != nil {
		return fmt.Errorf("write delivery %s: %w", old.ID, err)
	}
	return nil
}

const (
	lostAfter  = 30 * time.Second // a task that is so late may be lost
	sweepLimit = 1000
)

// Sweep makes the tasks of deliveries that are overdue anew: those that are
// known stay as they are, those that were lost are back. It gives how many it
// looked at.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	due, err := s.Deliveries.Find(ctx, fleet.DeliveryQuery{State: fleet.DeliveryPending, Due: s.Clock.Now().Add(-lostAfter), Limit: sweepLimit})
	if err != nil {
		return 0, fmt.Errorf("find overdue deliveries: %w", err)
	}
	var all []error
	for _, d := range due {
		all = append(all, s.enqueue(ctx, d))
	}
	return len(due), errors.Join(all...)
}
