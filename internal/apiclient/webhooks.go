package apiclient

import (
	"context"
	"iter"
	"time"

	"github.com/kodekloud/kml/internal/apitypes"
)

// ownerQuery names whose webhooks are meant; "" is the caller's own, or
// everybody's to those who see them.
type ownerQuery struct {
	Owner string `query:"owner"`
}

// MakeWebhook makes a webhook that is told of an owner's events; "" is the
// caller's own, or everybody's to those who see them. Its secret comes this once.
func (c *Client) MakeWebhook(ctx context.Context, owner string, r apitypes.WebhookRequest) (apitypes.WebhookSecret, error) {
	return do[apitypes.WebhookSecret](ctx, c, post(r, "/v1/webhooks").with(ownerQuery{owner}))
}

// Webhooks lists the webhooks of an owner; "" as above.
func (c *Client) Webhooks(ctx context.Context, owner string) iter.Seq2[apitypes.Webhook, error] {
	return pages[apitypes.Webhook](ctx, c, 0, get("/v1/webhooks").with(ownerQuery{owner}))
}

// Webhook gives a webhook.
func (c *Client) Webhook(ctx context.Context, id string) (apitypes.Webhook, error) {
	return do[apitypes.Webhook](ctx, c, get("/v1/webhooks/{id}", id))
}

// ChangeWebhook replaces the given version of a webhook; see [AnyVersion].
func (c *Client) ChangeWebhook(ctx context.Context, id string, version int64, r apitypes.WebhookRequest) (apitypes.Webhook, error) {
	return do[apitypes.Webhook](ctx, c, put(version, r, "/v1/webhooks/{id}", id))
}

// DeleteWebhook deletes a webhook; nothing is delivered to it any more.
func (c *Client) DeleteWebhook(ctx context.Context, id string) error {
	return c.none(ctx, del("/v1/webhooks/{id}", id))
}

// RotateWebhook gives a webhook a new secret; the old one signs beside it for
// the overlap, 0: the server's default.
func (c *Client) RotateWebhook(ctx context.Context, id string, overlap time.Duration) (apitypes.WebhookSecret, error) {
	return do[apitypes.WebhookSecret](ctx, c, post(apitypes.Rotation{Overlap: apitypes.Duration(overlap)}, "/v1/webhooks/{id}/rotate", id))
}

// PingWebhook sends an event to try a webhook.
func (c *Client) PingWebhook(ctx context.Context, id string) (apitypes.Delivery, error) {
	return do[apitypes.Delivery](ctx, c, post(nil, "/v1/webhooks/{id}/ping", id))
}

// DeliveryQuery narrows a list of deliveries; Limit is the most in all, 0: every
// one.
type DeliveryQuery struct {
	State string `query:"state"` // pending, delivered, dead
	Limit int
}

// Deliveries lists a webhook's deliveries, newest first.
func (c *Client) Deliveries(ctx context.Context, webhook string, q DeliveryQuery) iter.Seq2[apitypes.Delivery, error] {
	return pages[apitypes.Delivery](ctx, c, q.Limit, get("/v1/webhooks/{id}/deliveries", webhook).with(q))
}

// Delivery gives a delivery.
func (c *Client) Delivery(ctx context.Context, id string) (apitypes.Delivery, error) {
	return do[apitypes.Delivery](ctx, c, get("/v1/deliveries/{id}", id))
}

// Redeliver sends an event once more.
func (c *Client) Redeliver(ctx context.Context, id string) (apitypes.Delivery, error) {
	return do[apitypes.Delivery](ctx, c, post(nil, "/v1/deliveries/{id}/redeliver", id))
}
