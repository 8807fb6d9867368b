package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/kodekloud/kml/internal/fleet"
)

// Activity tests an activity log. open gives an empty one to each test.
func Activity(t *testing.T, open func(t *testing.T) fleet.ActivityLog) {
	for name, test := range map[string]func(*testing.T, context.Context, fleet.ActivityLog){
		"AppendIsOnce": appendIsOnce, "Find": findActivity, "AppendRace": appendRace,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, ctxFor(t), open(t))
		})
	}
}

func entry(n int) fleet.Activity {
	return fleet.Activity{ID: fmt.Sprintf("1/%03d", n), At: at(n), Kind: "transition", Account: "1", Session: "s1",
		From: "a", To: "b", Reason: "r", LabType: "l", Who: "w"}
}

func activityIDs(list []fleet.Activity) []string {
	return ids(list, func(a fleet.Activity) string { return a.ID })
}

func appendIsOnce(t *testing.T, ctx context.Context, l fleet.ActivityLog) {
	must(t, l.Append(ctx))
	must(t, l.Append(ctx, entry(1)))
	other := entry(1)
	other.Reason = "second try"
	must(t, l.Append(ctx, entry(0), other, entry(2))) // the known one in the middle
	got, err := l.Find(ctx, fleet.ActivityQuery{Account: "1"})
	must(t, err)
	equal(t, "newest first", activityIDs(got), []string{"1/002", "1/001", "1/000"})
	want := entry(1)
	want.At = stored(want.At)
	equal(t, "the first stays", got[1], want)
	must(t, l.Append(ctx, fleet.Activity{Kind: "sync", At: at(5)}, fleet.Activity{Kind: "sync", At: at(6)}))
	all, err := l.Find(ctx, fleet.ActivityQuery{})
	must(t, err)
	equal(t, "entries without an id", len(all), 5)
}

func findActivity(t *testing.T, ctx context.Context, l fleet.ActivityLog) {
	for n := range 6 {
		e := entry(n)
		e.At = at(n / 2) // two at a time: the id decides
		e.Account, e.Session, e.LabType = fmt.Sprint(n%2), fmt.Sprint("s", n%3), fmt.Sprint("l", n/3)
		e.Kind, e.Who = []string{"call", "transition"}[n%2], []string{"ada", "bob", "eve"}[n/2]
		must(t, l.Append(ctx, e))
	}
	after := func(n int) fleet.Cursor { return fleet.Cursor{At: stored(at(n / 2)), ID: entry(n).ID} }
	for name, c := range map[string]struct {
		q    fleet.ActivityQuery
		want []string
	}{
		"all":         {fleet.ActivityQuery{}, []string{"5", "4", "3", "2", "1", "0"}},
		"limit":       {fleet.ActivityQuery{Limit: 2}, []string{"5", "4"}},
		"account":     {fleet.ActivityQuery{Account: "1"}, []string{"5", "3", "1"}},
		"session":     {fleet.ActivityQuery{Session: "s0"}, []string{"3", "0"}},
		"both":        {fleet.ActivityQuery{Account: "0", Session: "s0"}, []string{"0"}},
		"lab type":    {fleet.ActivityQuery{LabType: "l1"}, []string{"5", "4", "3"}},
		"kind":        {fleet.ActivityQuery{Kind: "call"}, []string{"4", "2", "0"}},
		"who":         {fleet.ActivityQuery{Who: "bob"}, []string{"3", "2"}},
		"from":        {fleet.ActivityQuery{From: stored(at(1))}, []string{"5", "4", "3", "2"}},
		"to":          {fleet.ActivityQuery{To: stored(at(1))}, []string{"1", "0"}},
		"between":     {fleet.ActivityQuery{From: stored(at(1)), To: stored(at(2)), Who: "bob"}, []string{"3", "2"}},
		"page":        {fleet.ActivityQuery{Cursor: after(5), Limit: 2}, []string{"4", "3"}},
		"next page":   {fleet.ActivityQuery{Cursor: after(3)}, []string{"2", "1", "0"}},
		"a page from": {fleet.ActivityQuery{Cursor: after(4), From: stored(at(1)), To: stored(at(3)), Kind: "transition"}, []string{"3"}},
		"nothing":     {fleet.ActivityQuery{Account: "9"}, []string{}},
	} {
		got, err := l.Find(ctx, c.q)
		must(t, err)
		equal(t, name, ids(got, func(a fleet.Activity) string { return a.ID[4:] }), c.want)
	}
}

func appendRace(t *testing.T, ctx context.Context, l fleet.ActivityLog) {
	for _, err := range race(16, func(int) error { return l.Append(ctx, entry(1), entry(2)) }) {
		must(t, err)
	}
	got, err := l.Find(ctx, fleet.ActivityQuery{Account: "1"})
	must(t, err)
	equal(t, "entries", activityIDs(got), []string{"1/002", "1/001"})
}
