package fleet

import "time"

// Event is something that happened, as those who listen are told: on the event
// stream and by webhooks. It carries no secret. It may be told twice; its id
// does not change.
type Event struct {
	ID      string    `bson:"_id" json:"id"` // session/<id>/<version>, account/<id>/<version>, booking/<id>/<version>, ...
	Type    string    `bson:"type" json:"type"`
	At      time.Time `bson:"at" json:"at"`
	Owner   string    `bson:"owner,omitempty" json:"owner,omitempty"` // who may see it beside the operators
	Lab     string    `bson:"lab,omitempty" json:"lab,omitempty"`     // Session.ID
	Account string    `bson:"account,omitempty" json:"account,omitempty"`
	LabType string    `bson:"lab_type,omitempty" json:"lab_type,omitempty"`
	Booking string    `bson:"booking,omitempty" json:"booking,omitempty"`
	Student string    `bson:"student,omitempty" json:"student,omitempty"`
	State   string    `bson:"state,omitempty" json:"state,omitempty"`
	Reason  string    `bson:"reason,omitempty" json:"reason,omitempty"`
	EndsAt  time.Time `bson:"ends_at,omitempty" json:"ends_at,omitzero"`

	// Callback is the lab's callback URL, for those in this process who deliver. It
	// is neither stored with the event nor told.
	Callback string `bson:"-" json:"-"`
}

// The types of events.
const (
	EventLabScheduled = "lab.scheduled"
	EventLabWaiting   = "lab.waiting"
	EventLabAssigning = "lab.assigning"
	EventLabActive    = "lab.active"
	EventLabExtended  = "lab.extended"
	EventLabEnding    = "lab.ending" // asked to end while in assignment
	EventLabEnded     = "lab.ended"
	EventLabExpired   = "lab.expired"
	EventLabCancelled = "lab.cancelled"
	EventLabFailed    = "lab.failed"
	EventLabUpdated   = "lab.updated"     // anything else
	EventAccount      = "account.changed" // a state transition
	EventLabType      = "labtype.changed" // applied, switched on or off
	EventBooking      = "booking.changed"
	EventPing         = "ping" // asked for, to try a webhook
)

// EventTypes lists them.
var EventTypes = []string{EventLabScheduled, EventLabWaiting, EventLabAssigning, EventLabActive, EventLabExtended, EventLabEnding, EventLabEnded,
	EventLabExpired, EventLabCancelled, EventLabFailed, EventLabUpdated, EventAccount, EventLabType, EventBooking, EventPing}

// StreamedEvent is an event in its place on the stream.
type StreamedEvent struct {
	// Position grows along the stream: decimal numbers joined by dashes, of which
	// the first that differs decides. It is the Last-Event-ID of Server-Sent Events.
	Position string
	Event    Event
}

// Webhook is where an owner wants events delivered.
type Webhook struct {
	ID     string   `bson:"_id"`
	Owner  string   `bson:"owner"` // "" sees every event
	Name   string   `bson:"name"`
	URL    string   `bson:"url"`              // "" for the one that signs a lab's callbacks: see Callbacks
	Events []string `bson:"events,omitempty"` // types; empty means all
	// Callbacks marks the owner's one webhook whose secrets sign the calls to the
	// callback URLs of single labs.
	Callbacks bool            `bson:"callbacks,omitempty"`
	Off       bool            `bson:"off,omitempty"`
	Secrets   []WebhookSecret `bson:"secrets"` // newest first; each signs until it runs out
	CreatedAt time.Time       `bson:"created_at"`
	Version   int64           `bson:"version"`
	Writes    []string        `bson:"writes"`
}

// WebhookSecret signs deliveries until it runs out.
type WebhookSecret struct {
	Secret Sealed    `bson:"secret"` // sealed with purpose "webhook/<id>"
	Until  time.Time `bson:"until,omitempty"`
}

// DeliveryState is where a delivery stands.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryPending   DeliveryState = "pending"
	DeliveryDelivered DeliveryState = "delivered"
	DeliveryDead      DeliveryState = "dead" // given up: the dead letter
)

// Delivery is one event on its way to one webhook.
type Delivery struct {
	ID        string        `bson:"_id"` // of the webhook and the event: making it twice is making it once
	Webhook   string        `bson:"webhook"`
	Owner     string        `bson:"owner"`
	URL       string        `bson:"url"`
	Event     Event         `bson:"event"`
	State     DeliveryState `bson:"state"`
	Attempts  int           `bson:"attempts"`
	Restarted int           `bson:"restarted,omitempty"` // attempts before the last redelivery: the backoff begins anew there
	NextTry   time.Time     `bson:"next_try"`
	CreatedAt time.Time     `bson:"created_at"`
	DoneAt    time.Time     `bson:"done_at,omitempty"`
	Status    int           `bson:"status,omitempty"` // HTTP, of the last attempt
	Error     string        `bson:"error,omitempty"`  // of the last attempt
	Version   int64         `bson:"version"`
	Writes    []string      `bson:"writes"`
}

// Clone gives a copy that shares nothing that is written.
func (w *Webhook) Clone() *Webhook {
	c := *w
	c.Writes = append([]string(nil), w.Writes...)
	c.Events = append([]string(nil), w.Events...)
	c.Secrets = append([]WebhookSecret(nil), w.Secrets...)
	return &c
}

// Clone gives a copy that shares nothing that is written.
func (d *Delivery) Clone() *Delivery {
	c := *d
	c.Writes = append([]string(nil), d.Writes...)
	return &c
}
