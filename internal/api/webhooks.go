package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/webhook"
)

// Webhooks keeps webhooks and delivers to them: package webhook.
type Webhooks interface {
	Create(ctx context.Context, owner string, spec webhook.Spec) (*fleet.Webhook, string, error)
	Get(ctx context.Context, id string) (*fleet.Webhook, error)
	List(ctx context.Context, owner string, everybody bool, after string, limit int) ([]*fleet.Webhook, error)
	Update(ctx context.Context, old *fleet.Webhook, spec webhook.Spec) (*fleet.Webhook, error)
	Delete(ctx context.Context, id string) error
	Rotate(ctx context.Context, old *fleet.Webhook, overlap time.Duration) (w *fleet.Webhook, secret string, until time.Time, err error)
	Ping(ctx context.Context, w *fleet.Webhook) (*fleet.Delivery, error)
	Delivery(ctx context.Context, id string) (*fleet.Delivery, error)
	Sent(ctx context.Context, q fleet.DeliveryQuery) ([]*fleet.Delivery, error)
	Redeliver(ctx context.Context, id string) (*fleet.Delivery, error)
}

const usualOverlap = 24 * time.Hour // of secrets in a rotation

func (s *Server) webhookRoutes() {
	register(s, op{id: "create-webhook", method: http.MethodPost, path: "/v1/webhooks", tag: "Webhooks", summary: "Have events delivered; the secret is shown this once", status: http.StatusCreated, hidden: true, needs: access.WebhooksWrite,
		detail: "Deliveries are signed by Standard Webhooks. Who sees every owner's events makes a webhook for all of them, or for one with owner."}, s.createWebhook)
	register(s, op{id: "list-webhooks", method: http.MethodGet, path: "/v1/webhooks", tag: "Webhooks", summary: "List webhooks by id", needs: access.WebhooksRead}, s.listWebhooks)
	register(s, op{id: "get-webhook", method: http.MethodGet, path: "/v1/webhooks/{id}", tag: "Webhooks", summary: "Look at a webhook", needs: access.WebhooksRead}, s.getWebhook)
	register(s, op{id: "update-webhook", method: http.MethodPut, path: "/v1/webhooks/{id}", tag: "Webhooks", summary: "Change a webhook", needs: access.WebhooksWrite}, s.updateWebhook)
	register(s, op{id: "delete-webhook", method: http.MethodDelete, path: "/v1/webhooks/{id}", tag: "Webhooks", summary: "Delete a webhook", status: http.StatusNoContent, needs: access.WebhooksWrite,
		detail: "What is on its way to it is given up."}, s.deleteWebhook)
	register(s, op{id: "rotate-webhook", method: http.MethodPost, path: "/v1/webhooks/{id}/rotate", tag: "Webhooks", summary: "Give a webhook a new secret; it is shown this once", hidden: true, needs: access.WebhooksWrite,
		detail: "For the time of the overlap deliveries carry a signature of each secret."}, s.rotateWebhook)
	register(s, op{id: "ping-webhook", method: http.MethodPost, path: "/v1/webhooks/{id}/ping", tag: "Webhooks", summary: "Try a webhook", status: http.StatusAccepted, needs: access.WebhooksWrite,
		detail: "An event of type ping is sent, whatever types the webhook asks for."}, s.pingWebhook)
	register(s, op{id: "list-deliveries", method: http.MethodGet, path: "/v1/webhooks/{id}/deliveries", tag: "Webhooks", summary: "List what was sent to a webhook, the newest first", needs: access.WebhooksRead}, s.listDeliveries)
	register(s, op{id: "get-delivery", method: http.MethodGet, path: "/v1/deliveries/{id}", tag: "Webhooks", summary: "Look at a delivery", needs: access.WebhooksRead}, s.getDelivery)
	register(s, op{id: "redeliver", method: http.MethodPost, path: "/v1/deliveries/{id}/redeliver", tag: "Webhooks", summary: "Send again what was delivered or given up", status: http.StatusAccepted, needs: access.WebhooksWrite,
		detail: "It has the same webhook-id, so a receiver that remembers ids sees that it knows it."}, s.redeliver)
}

// WebhookPath is embedded by the input of whatever is about one webhook.
type WebhookPath struct {
	ID string `path:"id" minLength:"1" maxLength:"512" doc:"id of the webhook"`
}

type deliveryPath struct {
	ID string `path:"id" minLength:"1" maxLength:"1024" doc:"id of the delivery"`
}

// ownerOf is whom a call is about; who sees its own alone must have a name, since
// no name means everybody.
func ownerOf(ctx context.Context, asked string) (string, error) {
	p := access.From(ctx)
	owner, err := p.Scope(asked)
	if err == nil && p.OwnOnly() && owner == "" {
		err = fleet.ErrForbidden
	}
	return owner, err
}

// sees says whether the caller may know of what is somebody's.
func sees(ctx context.Context, owner string) bool {
	p := access.From(ctx)
	return p.Sees(owner) && (owner != "" || !p.OwnOnly())
}

// webhook reads one that the caller may know of.
func (s *Server) webhook(ctx context.Context, id string) (*fleet.Webhook, error) {
	w, err := s.Webhooks.Get(ctx, id)
	if errors.Is(err, fleet.ErrNotFound) || err == nil && !sees(ctx, w.Owner) {
		return nil, fmt.Errorf("webhook %s: %w", shorten(id), fleet.ErrNotFound)
	}
	return w, err
}

// delivery reads one that the caller may know of.
func (s *Server) delivery(ctx context.Context, id string) (*fleet.Delivery, error) {
	d, err := s.Webhooks.Delivery(ctx, id)
	if errors.Is(err, fleet.ErrNotFound) || err == nil && !sees(ctx, d.Owner) {
		return nil, fmt.Errorf("delivery %s: %w", shorten(id), fleet.ErrNotFound)
	}
	return d, err
}

func spec(r apitypes.WebhookRequest) webhook.Spec {
	return webhook.Spec{Name: r.Name, URL: r.URL, Events: r.Events, Callbacks: r.Callbacks, Off: r.Off}
}

func (s *Server) createWebhook(ctx context.Context, in *struct {
	Owner string `query:"owner" maxLength:"100" doc:"for those who see more than their own: whose events; none means everybody's"`
	Body  apitypes.WebhookRequest
}) (*tagged[apitypes.WebhookSecret], error) {
	owner, err := ownerOf(ctx, in.Owner)
	if err != nil {
		return nil, fmt.Errorf("webhook of %s: %w", shorten(in.Owner), err)
	}
	w, secret, err := s.Webhooks.Create(ctx, owner, spec(in.Body))
	if err != nil {
		return nil, inBody(err)
	}
	return &tagged[apitypes.WebhookSecret]{etag(w.Version), apitypes.WebhookSecret{Webhook: s.toWebhook(w), Secret: secret}}, nil
}

func (s *Server) listWebhooks(ctx context.Context, in *struct {
	Paged
	Owner string `query:"owner" maxLength:"100" doc:"for those who see more than their own"`
}) (*body[apitypes.Page[apitypes.Webhook]], error) {
	owner, err := ownerOf(ctx, in.Owner)
	if err != nil {
		return nil, fmt.Errorf("webhooks of %s: %w", shorten(in.Owner), err)
	}
	after, err := in.cursor()
	if err != nil {
		return nil, err
	}
	found, err := s.Webhooks.List(ctx, owner, owner == "", after.ID, in.Limit+1)
	if err != nil {
		return nil, err
	}
	found, next := page(found, in.Limit, func(w *fleet.Webhook) (time.Time, string) { return w.CreatedAt, w.ID })
	return ok(pageOf(found, next, s.toWebhook)), nil
}

func (s *Server) getWebhook(ctx context.Context, in *WebhookPath) (*tagged[apitypes.Webhook], error) {
	w, err := s.webhook(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &tagged[apitypes.Webhook]{etag(w.Version), s.toWebhook(w)}, nil
}

func (s *Server) updateWebhook(ctx context.Context, in *struct {
	WebhookPath
	Versioned
	Body apitypes.WebhookRequest
}) (*tagged[apitypes.Webhook], error) {
	w, err := s.webhook(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := in.match(w.Version); err != nil {
		return nil, err
	}
	if w, err = s.Webhooks.Update(ctx, w, spec(in.Body)); err != nil {
		return nil, inBody(err)
	}
	return &tagged[apitypes.Webhook]{etag(w.Version), s.toWebhook(w)}, nil
}

func (s *Server) deleteWebhook(ctx context.Context, in *WebhookPath) (*struct{}, error) {
	w, err := s.webhook(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return nil, s.Webhooks.Delete(ctx, w.ID)
}

func (s *Server) rotateWebhook(ctx context.Context, in *struct {
	WebhookPath
	Body *apitypes.Rotation `required:"false"`
}) (*tagged[apitypes.WebhookSecret], error) {
	w, err := s.webhook(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	overlap := usualOverlap
	if in.Body != nil {
		overlap = cmp.Or(time.Duration(in.Body.Overlap), overlap)
	}
	w, secret, until, err := s.Webhooks.Rotate(ctx, w, overlap)
	if err != nil {
		return nil, inBody(err)
	}
	return &tagged[apitypes.WebhookSecret]{etag(w.Version), apitypes.WebhookSecret{Webhook: s.toWebhook(w), Secret: secret, Old: until}}, nil
}

func (s *Server) pingWebhook(ctx context.Context, in *WebhookPath) (*body[apitypes.Delivery], error) {
	w, err := s.webhook(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	d, err := s.Webhooks.Ping(ctx, w)
	if err != nil {
		return nil, err
	}
	return ok(toDelivery(d)), nil
}

func (s *Server) listDeliveries(ctx context.Context, in *struct {
	WebhookPath
	Paged
	State string `query:"state" enum:"pending,delivered,dead" doc:"dead is what was given up"`
}) (*body[apitypes.Page[apitypes.Delivery]], error) {
	w, err := s.webhook(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	cursor, err := in.cursor()
	if err != nil {
		return nil, err
	}
	found, err := s.Webhooks.Sent(ctx, fleet.DeliveryQuery{Webhook: w.ID, State: fleet.DeliveryState(in.State), Cursor: cursor, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	found, next := page(found, in.Limit, func(d *fleet.Delivery) (time.Time, string) { return d.CreatedAt, d.ID })
	return ok(pageOf(found, next, toDelivery)), nil
}

func (s *Server) getDelivery(ctx context.Context, in *deliveryPath) (*body[apitypes.Delivery], error) {
	d, err := s.delivery(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(toDelivery(d)), nil
}

func (s *Server) redeliver(ctx context.Context, in *deliveryPath) (*body[apitypes.Delivery], error) {
	d, err := s.delivery(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if d, err = s.Webhooks.Redeliver(ctx, d.ID); err != nil {
		return nil, err
	}
	return ok(toDelivery(d)), nil
}

// toWebhook is a webhook in JSON, without its secrets.
func (s *Server) toWebhook(w *fleet.Webhook) apitypes.Webhook {
	return apitypes.Webhook{ID: w.ID, Owner: w.Owner, Name: w.Name, URL: w.URL, Events: w.Events, Callbacks: w.Callbacks, Off: w.Off,
		Secrets: len(webhook.Signing(w, s.Clock.Now())), CreatedAt: w.CreatedAt, Version: w.Version}
}

// toDelivery is a delivery in JSON.
func toDelivery(d *fleet.Delivery) apitypes.Delivery {
	out := apitypes.Delivery{ID: d.ID, Webhook: d.Webhook, URL: d.URL, Event: toEvent(d.Event), State: string(d.State), Attempts: d.Attempts,
		CreatedAt: d.CreatedAt, DoneAt: d.DoneAt, Status: d.Status, Error: d.Error}
	if d.State == fleet.DeliveryPending {
		out.NextTry = d.NextTry
	}
	return out
}
