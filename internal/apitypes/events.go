package apitypes

import "time"

// Event is something that happened. It may come twice; its id does not change.
type Event struct {
	ID      string    `json:"id"`
	Type    string    `json:"type" example:"lab.active"`
	At      time.Time `json:"at"`
	Owner   string    `json:"owner,omitempty"`
	Lab     string    `json:"lab,omitempty"`
	Account string    `json:"account,omitempty"`
	LabType string    `json:"lab_type,omitempty"`
	Booking string    `json:"booking,omitempty"`
	Student string    `json:"student,omitempty"`
	State   string    `json:"state,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	EndsAt  time.Time `json:"ends_at,omitzero"`
}

// WebhookRequest makes or changes a webhook.
type WebhookRequest struct {
	Name      string   `json:"name" minLength:"1" maxLength:"100"`
	URL       string   `json:"url,omitempty" maxLength:"2000" doc:"where events are delivered; left out with callbacks"`
	Events    []string `json:"events,omitempty" maxItems:"50" doc:"types of events; none means all" example:"[\"lab.active\",\"lab.ended\"]"`
	Callbacks bool     `json:"callbacks,omitempty" doc:"signs the calls to the callback URLs of single labs, instead of having a URL itself"`
	Off       bool     `json:"off,omitempty"`
}

// Webhook is where events are delivered.
type Webhook struct {
	ID        string    `json:"id"`
	Owner     string    `json:"owner,omitempty"`
	Name      string    `json:"name"`
	URL       string    `json:"url,omitempty"`
	Events    []string  `json:"events,omitempty"`
	Callbacks bool      `json:"callbacks,omitempty"`
	Off       bool      `json:"off"`
	Secrets   int       `json:"secrets" doc:"how many secrets sign at present: two for a while after a rotation"`
	CreatedAt time.Time `json:"created_at"`
	Version   int64     `json:"version"`
}

// WebhookSecret is a webhook with its new secret, shown once.
type WebhookSecret struct {
	Webhook
	Secret string    `json:"secret" doc:"whsec_…, shown this once"`
	Old    time.Time `json:"old_until,omitzero" doc:"until then deliveries are signed with the old secret too"`
}

// String hides the secret.
func (s WebhookSecret) String() string { return "secret of webhook " + s.ID + " (hidden)" }

// GoString hides the secret.
func (s WebhookSecret) GoString() string { return s.String() }

// Rotation rotates a webhook's secret.
type Rotation struct {
	Overlap Duration `json:"overlap,omitempty" maxLength:"32" doc:"how long the old secret signs too; default 24h" example:"24h"`
}

// Delivery is one event on its way to one webhook.
type Delivery struct {
	ID        string    `json:"id"`
	Webhook   string    `json:"webhook"`
	URL       string    `json:"url"`
	Event     Event     `json:"event"`
	State     string    `json:"state" enum:"pending,delivered,dead"`
	Attempts  int       `json:"attempts"`
	NextTry   time.Time `json:"next_try,omitzero"`
	CreatedAt time.Time `json:"created_at"`
	DoneAt    time.Time `json:"done_at,omitzero"`
	Status    int       `json:"status,omitempty" doc:"HTTP status of the last attempt"`
	Error     string    `json:"error,omitempty" doc:"of the last attempt"`
}
