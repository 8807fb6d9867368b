package handlers

import (
	"context"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

// Webhooks delivers events, by package webhook.
type Webhooks interface {
	Attempt(ctx context.Context, delivery string, attempt int) error
}

// deliver tries a delivery once. A receiver that fails is no failure of the task:
// it stands in the delivery's document, which names the next attempt.
func (s Services) deliver(ctx context.Context, t *asynq.Task) error {
	p, err := tasks.Decode[tasks.Deliver](t)
	if err != nil {
		return outcome(ctx, fleet.Permanent(err, "enqueue with tasks.NewDeliver"))
	}
	return outcome(ctx, s.Webhooks.Attempt(ctx, p.Delivery, p.Attempt))
}
