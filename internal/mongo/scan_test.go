package mongo_test

import (
	"context"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/mongosim"
	"github.com/kodekloud/kml/internal/storetest"
)

// TestNothingScans sends every query shape to a server that counts the
// documents it looks at.
func TestNothingScans(t *testing.T) {
	t.Parallel()
	sim := simulator(t, mongosim.Config{})
	db := openAt(t, sim.URI())
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	at, state := time.Now(), fleet.States[:1]
	waiting := []fleet.SessionState{fleet.SessionWaiting}
	ended := []fleet.SessionState{fleet.SessionEnded}
	cursor := func(n int) fleet.Cursor {
		s := storetest.Session(n)
		return fleet.Cursor{At: s.RequestedAt.Truncate(time.Millisecond), ID: s.ID}
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := range 50 { // of which each query below wants at most one
		a := storetest.Account(n)
		a.Booking, a.LabType = "b", "lab"
		if n > 0 {
			a.Booking, a.LabType = "c", "l"
			a.State, a.Org, a.OU, a.Purpose = fleet.UserCreated, "o", "u", fleet.Testing
			a.Since, a.NextTry = at.Add(time.Hour), at.Add(time.Hour)
		}
		check(db.Accounts().Insert(ctx, a))
		s := storetest.Session(n)
		s.Owner, s.Booking, s.Org, s.NotBefore, s.Unpublished = "ada", "b", "org-a", at, true
		if n > 0 {
			s.Owner, s.Booking, s.Org, s.NotBefore, s.Unpublished = "bob", "c", "o", time.Time{}, false
			s.State, s.LabType, s.Purpose = fleet.SessionEnded, "l", fleet.Testing
			s.WaitUntil = at.Add(time.Hour)
		}
		s.EndsAt, s.AssignedAt = s.WaitUntil, s.WaitUntil
		check(db.Sessions().Insert(ctx, s))
	}
	before, queries := sim.Stats(), 4
	for _, q := range []fleet.AccountQuery{
		{States: state}, {Purpose: fleet.Production}, {Org: "org-a"}, {OU: "ou-1"}, {Before: at}, {Due: at}, {After: storetest.Account(48).ID},
		{States: state, Purpose: fleet.Production}, {States: state, Before: at}, {States: state, Due: at}, {Org: "org-a", OU: "ou-1"},
		{Booking: "b"}, {LabType: "lab"}, {States: state, Booking: "b"}, {Limit: 1},
	} {
		queries++
		got, err := db.Accounts().Find(ctx, q)
		check(err)
		if len(got) != 1 {
			t.Errorf("%+v finds %d", q, len(got))
		}
	}
	for _, q := range []fleet.SessionQuery{
		{States: waiting}, {LabType: "ec2-basics"}, {Student: "student-0"}, {EndsBefore: at}, {WaitBefore: at}, {AssignedBefore: at},
		{After: "s048"}, {States: waiting, EndsBefore: at}, {States: waiting, WaitBefore: at}, {States: waiting, AssignedBefore: at},
		{Owner: "ada"}, {Owner: "ada", Newest: true}, {Owner: "ada", States: waiting, Newest: true}, {Booking: "b", Newest: true}, {Org: "org-a"},
		{To: storetest.Session(1).RequestedAt}, {From: storetest.Session(49).RequestedAt}, {Cursor: cursor(48)}, {Cursor: cursor(1), Newest: true},
		{Owner: "bob", Cursor: cursor(48)}, {Owner: "bob", Newest: true, Cursor: cursor(2)}, {Owner: "bob", States: ended, Newest: true, Cursor: cursor(2)},
		{Unpublished: at.Add(time.Hour)}, {Limit: 1},
	} {
		queries++
		got, err := db.Sessions().Find(ctx, q)
		check(err)
		if len(got) != 1 {
			t.Errorf("%+v finds %d", q, len(got))
		}
	}
	_, err := db.Sessions().Waiting(ctx, fleet.Production.Pool(), 1)
	check(err)
	_, err = db.Sessions().ByRequest(ctx, storetest.Session(7).RequestID)
	check(err)
	_, err = db.Accounts().Get(ctx, storetest.Account(7).ID)
	check(err)
	after := sim.Stats()
	// The counts go over an index of their own, whole; everything else is found.
	if n := after.Examined["find"] - before.Examined["find"]; int(n) > queries*3/2 {
		t.Errorf("%d queries for one document each looked at %d documents", queries, n)
	}
	_, err = db.Sessions().Find(ctx, fleet.SessionQuery{NotBefore: at})
	check(err)
	_, err = db.Accounts().Count(ctx)
	check(err)
	_, err = db.Sessions().Count(ctx)
	check(err)
	_, err = db.Cleanings().Open(ctx, at, 1)
	check(err)
	_, err = db.Cleanings().Runs(ctx, "1", 1)
	check(err)
	_, err = db.Cleanings().Evidence(ctx, "1")
	check(err)
	for _, q := range [][2]string{{"", ""}, {"1", ""}, {"", "1"}, {"1", "1"}} {
		_, err = db.Activity().Find(ctx, fleet.ActivityQuery{Account: q[0], Session: q[1], Limit: 1})
		check(err)
	}
	if scans := sim.Stats().Scans; len(scans) > 0 {
		t.Errorf("whole collections were gone through: %v", scans)
	}
}
