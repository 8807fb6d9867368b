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
		e.Account, e.Session = fmt.Sprint(n%2), fmt.Sprint("s", n%3)
		must(t, l.Append(ctx, e))
	}
	for _, c := range []struct {
		account, session string
		limit            int
		want             []string
	}{
		{"", "", 0, []string{"1/005", "1/004", "1/003", "1/002", "1/001", "1/000"}},
		{"", "", 2, []string{"1/005", "1/004"}},
		{"1", "", 0, []string{"1/005", "1/003", "1/001"}},
		{"", "s0", 0, []string{"1/003", "1/000"}},
		{"0", "s0", 0, []string{"1/000"}},
		{"9", "", 0, []string{}},
	} {
		got, err := l.Find(ctx, fleet.ActivityQuery{Account: c.account, Session: c.session, Limit: c.limit})
		must(t, err)
		equal(t, fmt.Sprintf("%+v", c), activityIDs(got), c.want)
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
