package tasks

import (
	"time"

	"github.com/hibiken/asynq"
)

// Deliver is the payload of KindDeliver.
type Deliver struct {
	Delivery string `json:"delivery"`
	Attempt  int    `json:"attempt"` // how many there were before
}

// NewDeliver makes the task of one attempt at a delivery of a webhook.
func NewDeliver(delivery string, attempt int, at time.Time) *asynq.Task {
	return newTask(KindDeliver, ID(KindDeliver, delivery, 0, "", attempt), Deliver{delivery, attempt}, asynq.ProcessAt(at))
}
