package fleet

import (
	"errors"
	"fmt"
	"time"
)

// BookingState is where a booking stands.
type BookingState string

// The states of a booking.
const (
	BookingBooked    BookingState = "booked"    // stands in the calendar
	BookingOpen      BookingState = "open"      // accounts are held for it: from its lead time to its end
	BookingDone      BookingState = "done"      // over, or nobody came
	BookingCancelled BookingState = "cancelled" // by its owner or an operator
)

// Final says whether nothing more will happen to the booking.
func (s BookingState) Final() bool { return s == BookingDone || s == BookingCancelled }

// ErrBookingOver refuses what a booking that is over cannot do.
var ErrBookingOver = errors.New("the booking is over")

// Booking is a class: seats of a lab type for a time.
type Booking struct {
	ID       string        `bson:"id"`
	Owner    string        `bson:"owner"`
	Title    string        `bson:"title,omitempty"`
	LabType  string        `bson:"lab_type"`
	Seats    int           `bson:"seats"`
	Purpose  Purpose       `bson:"purpose"`
	Start    time.Time     `bson:"start"`
	End      time.Time     `bson:"end"`
	Lead     time.Duration `bson:"lead"`               // accounts are held from Start minus this
	Turn     time.Duration `bson:"turn"`               // accounts are not free before End plus this: cleaning
	NoShow   time.Duration `bson:"no_show"`            // seats nobody took are let go at Start plus this; 0: at End
	Students []string      `bson:"students,omitempty"` // labs asked for by the fleet itself when the class starts
	State    BookingState  `bson:"state"`
	Reason   string        `bson:"reason,omitempty"`
	MadeAt   time.Time     `bson:"made_at"`
	Version  int64         `bson:"version"`
	// Labs counts the labs that took a seat, as last seen. It is not part of what
	// is edited: the version stays as it is.
	Labs int `bson:"labs,omitempty"`
	// LetGo says that the seats nobody took were let go: from then on Labs are
	// its seats, and no more are given.
	LetGo bool `bson:"let_go,omitempty"`
	// Told is the version whose change is known to have been told to those who
	// listen. Like Labs it is no part of what is edited.
	Told int64 `bson:"told,omitempty"`
}

// WarmFrom is from when on accounts are held for the booking.
func (b *Booking) WarmFrom() time.Time { return b.Start.Add(-b.Lead) }

// FreeFrom is from when on its accounts are free again.
func (b *Booking) FreeFrom() time.Time { return b.End.Add(b.Turn) }

// NoShowAt is when the seats that nobody took are let go.
func (b *Booking) NoShowAt() time.Time {
	if at := b.Start.Add(b.NoShow); b.NoShow > 0 && at.Before(b.End) {
		return at
	}
	return b.End
}

// Takes is how many accounts the booking takes.
func (b *Booking) Takes() int {
	if b.LetGo {
		return b.Labs
	}
	return b.Seats
}

// RequestID is the request id of the lab of one of the students listed.
func (b *Booking) RequestID(student string) string { return "booking/" + b.ID + "/" + student }

// Calendar is all bookings of a purpose that are not over: one document, so that
// no two of them are accepted for the same accounts. Bookings that are over are
// kept as documents of their own.
type Calendar struct {
	Purpose  Purpose   `bson:"_id"`
	Bookings []Booking `bson:"bookings"`
	Version  int64     `bson:"version"`
	Writes   []string  `bson:"writes"`
}

// Clone gives a copy that shares nothing that is written.
func (c *Calendar) Clone() *Calendar {
	n := *c
	n.Bookings = append([]Booking(nil), c.Bookings...)
	n.Writes = append([]string(nil), c.Writes...)
	return &n
}

// Slot is a time at which so many seats are free.
type Slot struct {
	Start, End time.Time
	Seats      int
}

// FullError refuses a booking that the fleet cannot hold; Slots are the nearest
// times at which it could.
type FullError struct {
	Seats, Free int
	Slots       []Slot
}

func (e *FullError) Error() string {
	return fmt.Sprintf("%d seats asked for, %d free at that time", e.Seats, e.Free)
}
