package apiclient

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/kodekloud/kml/internal/apitypes"
)

// BookingQuery narrows a list of bookings; empty fields do not. Limit is the
// most bookings in all, 0: every one.
type BookingQuery struct {
	State string    `query:"state"`
	From  time.Time `query:"from"` // of their start
	To    time.Time `query:"to"`
	Limit int
}

// SlotQuery asks when a class would fit.
type SlotQuery struct {
	Type     string            `query:"lab_type"`
	Seats    int               `query:"seats"`
	Duration apitypes.Duration `query:"duration"`
	From     time.Time         `query:"from"`
	Purpose  string            `query:"purpose"`
}

// Book books seats for a class. When the fleet cannot hold them the problem
// names the nearest times at which it can: [apitypes.Problem].Slots.
func (c *Client) Book(ctx context.Context, r apitypes.BookingRequest) (apitypes.Booking, error) {
	return do[apitypes.Booking](ctx, c, post(r, "/v1/bookings"))
}

// Bookings lists bookings by their start.
func (c *Client) Bookings(ctx context.Context, q BookingQuery) iter.Seq2[apitypes.Booking, error] {
	return pages[apitypes.Booking](ctx, c, q.Limit, get("/v1/bookings").with(q))
}

// Booking gives a booking.
func (c *Client) Booking(ctx context.Context, id string) (apitypes.Booking, error) {
	return do[apitypes.Booking](ctx, c, get("/v1/bookings/{id}", id))
}

// ChangeBooking changes the given version of a booking; see [AnyVersion].
func (c *Client) ChangeBooking(ctx context.Context, id string, version int64, ch apitypes.BookingChange) (apitypes.Booking, error) {
	return do[apitypes.Booking](ctx, c, call{method: http.MethodPatch, path: "/v1/bookings/{id}", vars: []string{id}, in: ch, match: match(version)})
}

// CancelBooking gives a booking's seats back.
func (c *Client) CancelBooking(ctx context.Context, id, reason string) (apitypes.Booking, error) {
	return do[apitypes.Booking](ctx, c, post(apitypes.Reason{Reason: reason}, "/v1/bookings/{id}/cancel", id))
}

// Slots gives the nearest times at which a class would fit.
func (c *Client) Slots(ctx context.Context, q SlotQuery) ([]apitypes.Slot, error) {
	return whole[apitypes.Slot](ctx, c, get("/v1/bookings/slots").with(q))
}
