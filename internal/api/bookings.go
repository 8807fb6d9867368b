package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/booking"
	"github.com/kodekloud/kml/internal/fleet"
)

// BookingService serves bookings: package booking. An owner of "" is anybody.
type BookingService interface {
	Book(ctx context.Context, r booking.Request) (*fleet.Booking, error)
	Change(ctx context.Context, id, owner string, version int64, c booking.Change) (*fleet.Booking, error)
	Cancel(ctx context.Context, id, owner, reason string) (*fleet.Booking, error)
	Get(ctx context.Context, id, owner string) (*fleet.Booking, error)
	List(ctx context.Context, q booking.Query) ([]fleet.Booking, error)
	FreeSlots(ctx context.Context, q booking.SlotQuery) ([]fleet.Slot, error)
	Held(ctx context.Context, b fleet.Booking) (int, error)
}

const (
	studentsBody = 4 << 20          // a list of thousands of students
	bookLimit    = 30 * time.Second // the whole fleet is looked at
)

func (s *Server) bookingRoutes() {
	register(s, op{id: "book", method: http.MethodPost, path: "/v1/bookings", tag: "Bookings", summary: "Book labs for a class", needs: access.BookingsWrite, status: http.StatusCreated,
		detail:  "Accepted only if the fleet can hold it beside what is booked; else 409 full, with the nearest free slots. Accounts are warmed and held ahead of the class, and let go when it ends or nobody comes.",
		maxBody: studentsBody, limit: bookLimit}, s.book)
	register(s, op{id: "list-bookings", method: http.MethodGet, path: "/v1/bookings", tag: "Bookings", summary: "List bookings, latest start first", needs: access.BookingsRead}, s.listBookings)
	register(s, op{id: "list-free-slots", method: http.MethodGet, path: "/v1/bookings/slots", tag: "Bookings", summary: "List the next times at which seats are free", needs: access.BookingsRead,
		limit: bookLimit}, s.freeSlots)
	register(s, op{id: "get-booking", method: http.MethodGet, path: "/v1/bookings/{id}", tag: "Bookings", summary: "Get a booking", needs: access.BookingsRead}, s.getBooking)
	register(s, op{id: "change-booking", method: http.MethodPatch, path: "/v1/bookings/{id}", tag: "Bookings", summary: "Change a booking", needs: access.BookingsWrite,
		detail: "More seats or another time must fit as a new booking must.", maxBody: studentsBody, limit: bookLimit}, s.changeBooking)
	register(s, op{id: "cancel-booking", method: http.MethodPost, path: "/v1/bookings/{id}/cancel", tag: "Bookings", summary: "Cancel a booking", needs: access.BookingsWrite,
		detail: "Labs of it that wait are cancelled; those that run are let be. Cancelling what is cancelled is no error."}, s.cancelBooking)
}

// BookingPath is embedded by the input of whatever is about one booking.
type BookingPath struct {
	ID string `path:"id" minLength:"1" maxLength:"64" doc:"id of the booking"`
}

// bookingAnswer is one booking.
type bookingAnswer struct {
	ETag     string `header:"ETag" doc:"version, for If-Match"`
	Location string `header:"Location" doc:"where the booking is"`
	Body     apitypes.Booking
}

// own is the owner that the caller acts as: "" for one who sees everybody's.
func own(ctx context.Context) (string, error) { return access.From(ctx).Scope("") }

func (s *Server) book(ctx context.Context, in *struct{ Body apitypes.BookingRequest }) (*bookingAnswer, error) {
	p, r := access.From(ctx), in.Body
	b, err := s.Bookings.Book(ctx, booking.Request{Owner: cmp.Or(p.Owner, p.ID), Title: r.Title, LabType: r.Type, Purpose: fleet.Purpose(r.Purpose), Seats: r.Seats,
		Start: r.Start, End: r.End, Students: r.Students, NoShow: time.Duration(r.NoShow)})
	if err != nil {
		return nil, inBody(err)
	}
	return s.answerBooking(ctx, b)
}

func (s *Server) listBookings(ctx context.Context, in *struct {
	Paged
	From  time.Time `query:"from" doc:"those that start then or later"`
	To    time.Time `query:"to" doc:"those that start before"`
	State string    `query:"state" enum:"booked,open,done,cancelled"`
}) (*body[apitypes.Page[apitypes.Booking]], error) {
	after, err := in.cursor()
	if err != nil {
		return nil, err
	}
	owner, err := own(ctx)
	if err != nil {
		return nil, err
	}
	found, err := s.Bookings.List(ctx, booking.Query{Owner: owner, State: fleet.BookingState(in.State), From: in.From, To: in.To, Cursor: after, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	found, next := page(found, in.Limit, func(b fleet.Booking) (time.Time, string) { return b.Start, b.ID })
	out := apitypes.Page[apitypes.Booking]{Items: make([]apitypes.Booking, len(found)), Next: next}
	for i := range found {
		if out.Items[i], err = s.toBooking(ctx, &found[i]); err != nil {
			return nil, err
		}
	}
	return ok(out), nil
}

func (s *Server) freeSlots(ctx context.Context, in *struct {
	Type     string    `query:"lab_type" required:"true" minLength:"1" maxLength:"64" doc:"lab type"`
	Seats    int       `query:"seats" required:"true" minimum:"1" maximum:"10000"`
	Duration string    `query:"duration" required:"true" maxLength:"32" doc:"of the class" example:"2h"`
	From     time.Time `query:"from" doc:"default now"`
	Purpose  string    `query:"purpose" enum:"production,development,testing" doc:"default production"`
}) (*body[apitypes.Page[apitypes.Slot]], error) {
	d, err := time.ParseDuration(in.Duration)
	if err != nil {
		return nil, &fleet.FieldError{Field: "query.duration", Value: in.Duration, Remedy: "give a duration such as 90m or 2h"}
	}
	found, err := s.Bookings.FreeSlots(ctx, booking.SlotQuery{LabType: in.Type, Purpose: fleet.Purpose(in.Purpose), Seats: in.Seats, Duration: d, From: in.From})
	if err != nil {
		return nil, inQuery(err)
	}
	return ok(pageOf(found, "", toSlot)), nil
}

func (s *Server) getBooking(ctx context.Context, in *BookingPath) (*bookingAnswer, error) {
	b, err := s.ownBooking(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.answerBooking(ctx, b)
}

func (s *Server) changeBooking(ctx context.Context, in *struct {
	BookingPath
	Versioned
	Body apitypes.BookingChange
}) (*bookingAnswer, error) {
	b, err := s.ownBooking(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := in.match(b.Version); err != nil {
		return nil, err
	}
	c := booking.Change{Seats: in.Body.Seats, Start: in.Body.Start, End: in.Body.End, Title: in.Body.Title, Students: in.Body.Students}
	b, err = s.Bookings.Change(ctx, b.ID, b.Owner, b.Version, c)
	if err != nil {
		return nil, inBody(err)
	}
	return s.answerBooking(ctx, b)
}

func (s *Server) cancelBooking(ctx context.Context, in *struct {
	BookingPath
	Body apitypes.Reason
}) (*bookingAnswer, error) {
	owner, err := own(ctx)
	if err != nil {
		return nil, err
	}
	b, err := s.Bookings.Cancel(ctx, in.ID, owner, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return s.answerBooking(ctx, b)
}

// ownBooking reads a booking that the caller may know of.
func (s *Server) ownBooking(ctx context.Context, id string) (*fleet.Booking, error) {
	owner, err := own(ctx)
	if err != nil {
		return nil, err
	}
	return s.Bookings.Get(ctx, id, owner)
}

func (s *Server) answerBooking(ctx context.Context, b *fleet.Booking) (*bookingAnswer, error) {
	out, err := s.toBooking(ctx, b)
	if err != nil {
		return nil, err
	}
	return &bookingAnswer{ETag: etag(b.Version), Location: "/v1/bookings/" + url.PathEscape(b.ID), Body: out}, nil
}

func (s *Server) toBooking(ctx context.Context, b *fleet.Booking) (apitypes.Booking, error) {
	held, err := s.Bookings.Held(ctx, *b)
	if err != nil {
		return apitypes.Booking{}, err
	}
	return apitypes.Booking{ID: b.ID, Owner: b.Owner, Title: b.Title, Type: b.LabType, Seats: b.Seats, Purpose: string(b.Purpose), Start: b.Start, End: b.End,
		WarmFrom: b.WarmFrom(), NoShow: b.NoShowAt(), Students: b.Students, State: string(b.State), Reason: b.Reason, Held: held, Labs: b.Labs,
		CreatedAt: b.MadeAt, Version: b.Version}, nil
}

func toSlot(s fleet.Slot) apitypes.Slot {
	return apitypes.Slot{Start: s.Start, End: s.End, Seats: s.Seats}
}

// fullProblem is a refusal for want of accounts as a client is told of it; nil
// if err is none.
func fullProblem(err error) *apitypes.Problem {
	var full *fleet.FullError
	if !errors.As(err, &full) {
		return nil
	}
	p := newProblem(http.StatusConflict, "full", full.Error(), "ask for fewer seats, or for another time")
	if len(full.Slots) > 0 {
		p.Remedy = "take one of the slots, or fewer seats"
		p.Slots = pageOf(full.Slots, "", toSlot).Items
	}
	return p
}
