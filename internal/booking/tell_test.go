package booking_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/mongosim"
)

var errDeaf = errors.New("nobody listens")

func (b *bundle) setDeaf(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deaf = err
}

// What nobody could be told is told by the next tick, and no booking leaves the
// calendar before.
func TestChangesAreToldLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 2)
	b.setDeaf(errDeaf)
	c := b.book(t, class(1, time.Hour))
	wantErr(t, b.Tick(b.ctx, b.clock.Now()), errDeaf)
	b.setDeaf(nil)
	b.at(t, time.Minute)
	b.setDeaf(errDeaf)
	_, err := b.Cancel(b.ctx, c.ID, "", "no")
	must(t, err)
	wantErr(t, b.Tick(b.ctx, b.clock.Now()), errDeaf)
	if calendar, err := b.db.Calendars().Get(b.ctx, fleet.Production); err != nil || len(calendar.Bookings) != 1 {
		t.Fatalf("%+v (%v)", calendar, err)
	}
	b.setDeaf(nil)
	b.at(t, 2*time.Minute)
	if told := b.states(); !slices.Equal(told, []string{"booked", "cancelled"}) {
		t.Errorf("told %v", told)
	}
	if calendar, err := b.db.Calendars().Get(b.ctx, fleet.Production); err != nil || len(calendar.Bookings) != 0 {
		t.Errorf("%+v (%v)", calendar, err)
	}
	if got := b.get(t, c.ID); got.Version != 2 {
		t.Errorf("telling is an edit: %+v", got)
	}
}

// If that it was told is not noted, it is told again, under the same id.
func TestToldTwiceUnderOneID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fleetOf(t, 2)
	writes := 0
	hook := mongosim.Hook(func(command, collection string, after bool) mongosim.Fault {
		if collection != "calendars" || after || command == "find" {
			return mongosim.Fault{}
		}
		if writes++; writes == 1 {
			return mongosim.Fault{}
		}
		return mongosim.Fault{Code: 50} // it died between the calendar and the note
	})
	b.hook.Store(&hook)
	c := b.book(t, class(1, time.Hour))
	b.hook.Store(nil)
	b.at(t, time.Minute)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.told) != 2 || b.told[0].ID != b.told[1].ID || b.told[0].Booking != c.ID {
		t.Errorf("told %+v", b.told)
	}
}
