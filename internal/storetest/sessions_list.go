package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

func findSessionsOf(t *testing.T, ctx context.Context, s fleet.Sessions) {
	for n := range 8 {
		x := Session(n)
		x.Owner, x.State = []string{"ada", "bob"}[n%2], served[n/2]
		if n >= 4 {
			x.Booking, x.Org = fmt.Sprint("b", n/6), fmt.Sprint("org-", n%3)
		}
		must(t, s.Insert(ctx, x))
	}
	for name, c := range map[string]struct {
		q    fleet.SessionQuery
		want []string
	}{
		"owner":        {fleet.SessionQuery{Owner: "ada"}, []string{"0", "2", "4", "6"}},
		"newest":       {fleet.SessionQuery{Owner: "ada", Newest: true, Limit: 3}, []string{"6", "4", "2"}},
		"active":       {fleet.SessionQuery{Owner: "bob", States: []fleet.SessionState{fleet.SessionActive, fleet.SessionWaiting}, Newest: true}, []string{"5", "1"}},
		"booking":      {fleet.SessionQuery{Booking: "b0"}, []string{"4", "5"}},
		"own booking":  {fleet.SessionQuery{Booking: "b1", Owner: "bob"}, []string{"7"}},
		"org":          {fleet.SessionQuery{Org: "org-1", Newest: true}, []string{"7", "4"}},
		"from":         {fleet.SessionQuery{From: stored(at(6))}, []string{"6", "7"}},
		"to":           {fleet.SessionQuery{To: stored(at(2))}, []string{"0", "1"}},
		"between":      {fleet.SessionQuery{Owner: "ada", From: stored(at(2)), To: stored(at(6)), Newest: true}, []string{"4", "2"}},
		"empty states": {fleet.SessionQuery{States: []fleet.SessionState{}, Owner: "bob"}, []string{"1", "3", "5", "7"}},
		"nobody":       {fleet.SessionQuery{Owner: "eve"}, []string{}},
	} {
		got, err := s.Find(ctx, c.q)
		must(t, err)
		equal(t, name, sessionIDs(got), c.want)
	}
}

// pageSessions goes through a list in both directions, by pages of two. Three
// requests were made at the same time each.
func pageSessions(t *testing.T, ctx context.Context, s fleet.Sessions) {
	for n := range 9 {
		x := Session(n)
		x.RequestedAt, x.Owner = at(n/3), []string{"ada", "bob", "ada"}[n%3]
		must(t, s.Insert(ctx, x))
	}
	all := []string{"0", "1", "2", "3", "4", "5", "6", "7", "8"}
	for name, c := range map[string]struct {
		q    fleet.SessionQuery
		want []string
	}{
		"all":     {fleet.SessionQuery{}, all},
		"owner":   {fleet.SessionQuery{Owner: "ada"}, []string{"0", "2", "3", "5", "6", "8"}},
		"between": {fleet.SessionQuery{From: stored(at(1)), To: stored(at(2))}, []string{"3", "4", "5"}},
		"waiting": {fleet.SessionQuery{States: fleet.SessionStates, Owner: "bob"}, []string{"1", "4", "7"}},
	} {
		for _, newest := range []bool{false, true} {
			want := slices.Clone(c.want)
			if newest {
				slices.Reverse(want)
			}
			got, q := []string{}, c.q
			q.Newest, q.Limit = newest, 2
			for {
				page, err := s.Find(ctx, q)
				must(t, err)
				if len(page) == 0 {
					break
				}
				got = append(got, sessionIDs(page)...)
				last := page[len(page)-1]
				q.Cursor = fleet.Cursor{At: last.RequestedAt, ID: last.ID}
			}
			equal(t, fmt.Sprint(name, ", newest first: ", newest), got, want)
		}
	}
}

func scheduledSessions(t *testing.T, ctx context.Context, s fleet.Sessions) {
	for n := range 4 {
		x := Session(n)
		x.State, x.NotBefore = fleet.SessionScheduled, at(60-n)
		if n == 3 {
			x.State = fleet.SessionWaiting // its time has come
		}
		must(t, s.Insert(ctx, x))
	}
	for name, c := range map[string]struct {
		q    fleet.SessionQuery
		want []string
	}{
		"come":     {fleet.SessionQuery{NotBefore: stored(at(59))}, []string{"1", "2"}},
		"not come": {fleet.SessionQuery{NotBefore: stored(at(57))}, []string{}},
		"states":   {fleet.SessionQuery{NotBefore: at(99), States: fleet.SessionStates}, []string{"0", "1", "2"}},
		"waiting":  {fleet.SessionQuery{NotBefore: at(99), States: []fleet.SessionState{fleet.SessionWaiting}}, []string{}},
	} {
		got, err := s.Find(ctx, c.q)
		must(t, err)
		equal(t, name, sessionIDs(got), c.want)
	}
}

func publishedSessions(t *testing.T, ctx context.Context, s fleet.Sessions) {
	untold := func(before time.Time) []string {
		t.Helper()
		got, err := s.Find(ctx, fleet.SessionQuery{Unpublished: before})
		must(t, err)
		return sessionIDs(got)
	}
	soon := time.Now().Add(time.Hour) // stores stamp what they write
	must(t, s.Insert(ctx, Session(0)))
	n := Session(1)
	n.Unpublished = true
	n.Log = []fleet.SessionChange{{Version: 1, At: stored(t0), Type: fleet.EventLabWaiting, State: fleet.SessionWaiting}}
	must(t, s.Insert(ctx, n))
	equal(t, "untold", untold(soon), []string{"1"})
	equal(t, "written long ago", untold(t0.AddDate(-9, 0, 0)), []string{})
	must(t, s.Published(ctx, n.ID, 1))
	must(t, s.Published(ctx, n.ID, 1))
	equal(t, "told", untold(soon), []string{})
	got, err := s.Get(ctx, n.ID)
	must(t, err)
	n.Unpublished = false
	equal(t, "nothing else has changed", got, n)
	changed := nextSession(n, func(n *fleet.Session) { n.Unpublished, n.Reason = true, "r" })
	must(t, s.Swap(ctx, n, changed))
	must(t, s.Published(ctx, n.ID, 1)) // of the version before
	equal(t, "the change", untold(soon), []string{"1"})
	must(t, s.Published(ctx, n.ID, 2))
	must(t, s.Published(ctx, "none", 1))
	equal(t, "told again", untold(soon), []string{})
}
