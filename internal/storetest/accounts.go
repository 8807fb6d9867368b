package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Accounts tests an account store and the leases in its documents. open gives
// an empty store of its own to each test.
func Accounts(t *testing.T, open func(t *testing.T) (fleet.Accounts, fleet.Leases)) {
	for name, test := range map[string]func(*testing.T, context.Context, fleet.Accounts, fleet.Leases){
		"InsertAndGet": insertAndGet, "InsertKnownID": insertKnownID, "FullDocument": fullDocument,
		"SwapRemovesFields": swapRemovesFields, "SwapErrors": swapErrors, "SwapRace": swapRace,
		"WritesAreBounded": writesAreBounded, "OneSessionOneAccount": oneSessionOneAccount,
		"SessionRace": sessionRace, "Find": findAccounts, "Paging": pageAccounts, "Count": countAccounts,
		"LeaseEpoch": leaseEpoch, "LeasesOutliveSwap": leasesOutliveSwap, "LeaseNeverShorter": leaseNeverShorter,
		"Fence": fence, "FenceRace": fenceRace,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			accounts, leases := open(t)
			test(t, ctxFor(t), accounts, leases)
		})
	}
}

func insertAndGet(t *testing.T, ctx context.Context, s fleet.Accounts, _ fleet.Leases) {
	_, err := s.Get(ctx, "000000000001")
	wantErr(t, err, fleet.ErrNotFound)
	a := Account(1)
	must(t, s.Insert(ctx, a))
	got, err := s.Get(ctx, a.ID)
	must(t, err)
	equal(t, "read after insert", got, a)
	if got.Since.Location() != time.UTC || !got.Since.Equal(t0.Truncate(time.Millisecond)) {
		t.Fatalf("time %v stored as %v", t0, got.Since)
	}
}

func insertKnownID(t *testing.T, ctx context.Context, s fleet.Accounts, _ fleet.Leases) {
	must(t, s.Insert(ctx, Account(1)))
	wantErr(t, s.Insert(ctx, Account(1)), fleet.ErrExists)
}

// fullDocument writes every field, with map keys that MongoDB would misread.
func fullDocument(t *testing.T, ctx context.Context, s fleet.Accounts, _ fleet.Leases) {
	a := Account(1)
	must(t, s.Insert(ctx, a))
	secret := fleet.Sealed{KeyID: "k", Nonce: []byte{1, 2}, Data: []byte{3}}
	n := next(a, func(n *fleet.Account) {
		n.State, n.SessionID, n.AttemptID, n.LabType, n.EndsAt = fleet.Assigning, "s1", "t1", "ec2.basics", at(60)
		n.User = &fleet.User{Name: "kml-1", ARN: "arn:1", BoundaryARN: "arn:2", AccessKeyID: "AKIA1", SecretKey: secret,
			Password: secret, Epoch: 3, MadeAt: at(1), Policies: map[string]fleet.MadePolicies{"s3.v2": {Digest: "d", ARNs: []string{"arn:3"}}}}
		n.CleaningID, n.Attempts, n.NextTry, n.Failures, n.LastFailure = n.ID+"/4", 2, at(5), 1, "boom"
		n.Quotas = map[string]float64{"ec2/L-1.x": 5, "$all": 1, "100%": 2.5}
		n.ReadyAt, n.Leaving = at(3), true
		n.History = append(n.History, fleet.Transition{Version: 2, From: fleet.UserCreated, To: fleet.Assigning, At: at(4), Reason: "r", Session: "s1", Epoch: 4})
	})
	must(t, s.Swap(ctx, a, n))
	got, err := s.Get(ctx, a.ID)
	must(t, err)
	equal(t, "read after swap", got, n)
	by, err := s.BySession(ctx, "s1")
	must(t, err)
	equal(t, "by session", by, n)
}

func swapRemovesFields(t *testing.T, ctx context.Context, s fleet.Accounts, _ fleet.Leases) {
	a := Account(1)
	a.SessionID, a.User, a.EndsAt, a.NextTry = "s1", &fleet.User{Name: "u"}, at(9), at(9)
	must(t, s.Insert(ctx, a))
	n := next(a, func(n *fleet.Account) { n.SessionID, n.User, n.EndsAt, n.NextTry = "", nil, time.Time{}, time.Time{} })
	must(t, s.Swap(ctx, a, n))
	got, err := s.Get(ctx, a.ID)
	must(t, err)
	equal(t, "read after swap", got, n)
	if got.User != nil || got.SessionID != "" || !got.EndsAt.IsZero() || !got.NextTry.IsZero() {
		t.Fatalf("emptied fields are still there: %+v", got)
	}
	_, err = s.BySession(ctx, "s1")
	wantErr(t, err, fleet.ErrNotFound)
}

func swapErrors(t *testing.T, ctx context.Context, s fleet.Accounts, _ fleet.Leases) {
	a := Account(1)
	wantErr(t, s.Swap(ctx, a, next(a, nil)), fleet.ErrNotFound)
	must(t, s.Insert(ctx, a))
	n := next(a, func(n *fleet.Account) { n.Reason = "first" })
	must(t, s.Swap(ctx, a, n))
	wantErr(t, s.Swap(ctx, a, next(a, nil)), fleet.ErrConflict) // old version
	wrong := n.Clone()
	wrong.State = fleet.InUse
	wantErr(t, s.Swap(ctx, wrong, next(n, nil)), fleet.ErrConflict) // right version, wrong state
	got, err := s.Get(ctx, a.ID)
	must(t, err)
	equal(t, "after lost swaps", got, n)
}

func swapRace(t *testing.T, ctx context.Context, s fleet.Accounts, _ fleet.Leases) {
	a := Account(1)
	must(t, s.Insert(ctx, a))
	for round := range 5 {
		nexts := make([]*fleet.Account, 64)
		errs := race(len(nexts), func(i int) error {
			nexts[i] = next(a, func(n *fleet.Account) { n.Reason = fmt.Sprint(round, "/", i) })
			return s.Swap(ctx, a, nexts[i])
		})
		winner := nexts[oneWinner(t, errs, fleet.ErrConflict)]
		got, err := s.Get(ctx, a.ID)
		must(t, err)
		equal(t, "after the race", got, winner)
		a = got
	}
}

func writesAreBounded(t *testing.T, ctx context.Context, s fleet.Accounts, _ fleet.Leases) {
	a := Account(1)
	must(t, s.Insert(ctx, a))
	for range 15 {
		n := next(a, nil)
		must(t, s.Swap(ctx, a, n))
		a = n
	}
	if len(a.Writes) != 10 || len(slices.Compact(slices.Sorted(slices.Values(a.Writes)))) != 10 {
		t.Fatalf("write ids after 16 writes: %v", a.Writes)
	}
}

func oneSessionOneAccount(t *testing.T, ctx context.Context, s fleet.Accounts, _ fleet.Leases) {
	a, b := Account(1), Account(2)
	must(t, s.Insert(ctx, a))
	must(t, s.Insert(ctx, b))
	hold := func(n *fleet.Account) { n.SessionID = "s1" }
	held := next(a, hold)
	must(t, s.Swap(ctx, a, held))
	wantErr(t, s.Swap(ctx, b, next(b, hold)), fleet.ErrExists)
	must(t, s.Swap(ctx, held, next(held, func(n *fleet.Account) { n.SessionID = "" })))
	must(t, s.Swap(ctx, b, next(b, hold)))
}

func sessionRace(t *testing.T, ctx context.Context, s fleet.Accounts, _ fleet.Leases) {
	list := make([]*fleet.Account, 32)
	for i := range list {
		list[i] = Account(i)
		must(t, s.Insert(ctx, list[i]))
	}
	errs := race(len(list), func(i int) error {
		return s.Swap(ctx, list[i], next(list[i], func(n *fleet.Account) { n.SessionID = "s1" }))
	})
	winner := oneWinner(t, errs, fleet.ErrExists)
	got, err := s.BySession(ctx, "s1")
	must(t, err)
	equal(t, "holder", got.ID, list[winner].ID)
}

func accountIDs(list []*fleet.Account) []string {
	return ids(list, func(a *fleet.Account) string { return a.ID[11:] })
}

func findAccounts(t *testing.T, ctx context.Context, s fleet.Accounts, _ fleet.Leases) {
	// Number n has rested since minute 9-n, entered its state at minute n, and
	// is due at minute n (0: always).
	for n := range 8 {
		a := Account(n)
		a.RestedSince, a.Since = at(9-n), at(n)
		a.State = []fleet.State{fleet.Loaded, fleet.UserCreated, fleet.Cleanup, fleet.Failed}[n%4]
		a.Purpose = []fleet.Purpose{fleet.Production, fleet.Development}[n/4]
		a.Org, a.OU = fmt.Sprint("org-", n%2), fmt.Sprint("ou-", n%3)
		if n > 0 {
			a.NextTry = at(n)
		}
		if n > 5 {
			a.Booking, a.LabType = "b1", fmt.Sprint("lab-", n)
		}
		must(t, s.Insert(ctx, a))
	}
	for name, c := range map[string]struct {
		q    fleet.AccountQuery
		want []string
	}{
		"all":         {fleet.AccountQuery{}, []string{"7", "6", "5", "4", "3", "2", "1", "0"}},
		"limit":       {fleet.AccountQuery{Limit: 2}, []string{"7", "6"}},
		"state":       {fleet.AccountQuery{States: []fleet.State{fleet.UserCreated}}, []string{"5", "1"}},
		"states":      {fleet.AccountQuery{States: []fleet.State{fleet.UserCreated, fleet.Failed}}, []string{"7", "5", "3", "1"}},
		"purpose":     {fleet.AccountQuery{Purpose: fleet.Development}, []string{"7", "6", "5", "4"}},
		"pool":        {fleet.AccountQuery{States: []fleet.State{fleet.UserCreated}, Purpose: fleet.Production}, []string{"1"}},
		"org":         {fleet.AccountQuery{Org: "org-1"}, []string{"7", "5", "3", "1"}},
		"ou":          {fleet.AccountQuery{OU: "ou-0"}, []string{"6", "3", "0"}},
		"org and ou":  {fleet.AccountQuery{Org: "org-0", OU: "ou-0"}, []string{"6", "0"}},
		"before":      {fleet.AccountQuery{Before: at(2)}, []string{"1", "0"}},
		"stuck":       {fleet.AccountQuery{States: []fleet.State{fleet.Cleanup}, Before: at(6)}, []string{"2"}},
		"due":         {fleet.AccountQuery{Due: at(2)}, []string{"2", "1", "0"}},
		"due cleanup": {fleet.AccountQuery{States: []fleet.State{fleet.Cleanup}, Due: at(2)}, []string{"2"}},
		"after":       {fleet.AccountQuery{After: Account(5).ID}, []string{"6", "7"}},
		"everything": {fleet.AccountQuery{States: fleet.States, Purpose: fleet.Production, Org: "org-0", OU: "ou-2",
			Before: at(9), Due: at(9), After: "0", Limit: 5}, []string{"2"}},
		"booking":         {fleet.AccountQuery{Booking: "b1"}, []string{"7", "6"}},
		"lab type":        {fleet.AccountQuery{LabType: "lab-6"}, []string{"6"}},
		"held and failed": {fleet.AccountQuery{Booking: "b1", LabType: "lab-7", States: []fleet.State{fleet.Failed}}, []string{"7"}},
		"nothing":         {fleet.AccountQuery{Org: "org-9"}, []string{}},
	} {
		got, err := s.Find(ctx, c.q)
		must(t, err)
		equal(t, name, accountIDs(got), c.want)
	}
}

func pageAccounts(t *testing.T, ctx context.Context, s fleet.Accounts, _ fleet.Leases) {
	for n := range 10 {
		a := Account(n)
		a.RestedSince = at(-n)
		must(t, s.Insert(ctx, a))
	}
	var all []string
	for after := "0"; ; {
		page, err := s.Find(ctx, fleet.AccountQuery{After: after, Limit: 3})
		must(t, err)
		if len(page) == 0 {
			break
		}
		all = append(all, accountIDs(page)...)
		after = page[len(page)-1].ID
	}
	equal(t, "pages", all, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"})
}

func countAccounts(t *testing.T, ctx context.Context, s fleet.Accounts, _ fleet.Leases) {
	got, err := s.Count(ctx)
	must(t, err)
	equal(t, "count of nothing", len(got), 0)
	for n := range 6 {
		a := Account(n)
		if n%2 == 1 {
			a.State, a.Purpose = fleet.UserCreated, fleet.Testing
		}
		if n == 5 {
			a.OU = "ou-9"
		}
		must(t, s.Insert(ctx, a))
	}
	got, err = s.Count(ctx)
	must(t, err)
	slices.SortFunc(got, func(x, y fleet.AccountCount) int { return y.N - x.N })
	equal(t, "counts", got, []fleet.AccountCount{
		{Org: "org-a", OU: "ou-1", Purpose: fleet.Production, State: fleet.Loaded, N: 3},
		{Org: "org-a", OU: "ou-1", Purpose: fleet.Testing, State: fleet.UserCreated, N: 2},
		{Org: "org-a", OU: "ou-9", Purpose: fleet.Testing, State: fleet.UserCreated, N: 1},
	})
}
