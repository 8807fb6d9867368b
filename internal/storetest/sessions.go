package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Sessions tests a session store. open gives an empty one to each test.
func Sessions(t *testing.T, open func(t *testing.T) fleet.Sessions) {
	for name, test := range map[string]func(*testing.T, context.Context, fleet.Sessions){
		"InsertAndGet": sessionInsert, "RequestRace": requestRace, "Swap": sessionSwap,
		"SwapRace": sessionSwapRace, "WaitingOrder": waitingOrder, "Find": findSessions, "Count": countSessions,
		"FindByOwner": findSessionsOf, "Pages": pageSessions, "Scheduled": scheduledSessions, "Published": publishedSessions,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, ctxFor(t), open(t))
		})
	}
}

// Session is a new session number n, waiting since minute n.
func Session(n int) *fleet.Session {
	return &fleet.Session{
		ID: fmt.Sprintf("s%03d", n), RequestID: fmt.Sprint("req.", n), LabType: "ec2-basics", Student: fmt.Sprint("student-", n),
		Duration: 90 * time.Minute, Purpose: fleet.Production, State: fleet.SessionWaiting, Version: 1,
		RequestedAt: at(n), WaitUntil: at(n + 10),
	}
}

func nextSession(s *fleet.Session, change func(*fleet.Session)) *fleet.Session {
	n := s.Clone()
	n.Version++
	change(n)
	return n
}

func sessionIDs(list []*fleet.Session) []string {
	return ids(list, func(s *fleet.Session) string { return s.ID[3:] })
}

func sessionInsert(t *testing.T, ctx context.Context, s fleet.Sessions) {
	_, err := s.Get(ctx, "s001")
	wantErr(t, err, fleet.ErrNotFound)
	_, err = s.ByRequest(ctx, "req.1")
	wantErr(t, err, fleet.ErrNotFound)
	n := Session(1)
	n.Owner, n.Callback = "backend", "https://example.com/hook"
	must(t, s.Insert(ctx, n))
	got, err := s.Get(ctx, n.ID)
	must(t, err)
	equal(t, "by id", got, n)
	got, err = s.ByRequest(ctx, n.RequestID)
	must(t, err)
	equal(t, "by request", got, n)
	wantErr(t, s.Insert(ctx, Session(1)), fleet.ErrExists)
	sameRequest := Session(2)
	sameRequest.RequestID = n.RequestID
	wantErr(t, s.Insert(ctx, sameRequest), fleet.ErrExists)
}

func requestRace(t *testing.T, ctx context.Context, s fleet.Sessions) {
	errs := race(32, func(i int) error {
		n := Session(i)
		n.RequestID = "the same"
		return s.Insert(ctx, n)
	})
	winner := oneWinner(t, errs, fleet.ErrExists)
	got, err := s.ByRequest(ctx, "the same")
	must(t, err)
	equal(t, "session of the request", got.ID, Session(winner).ID)
}

func sessionSwap(t *testing.T, ctx context.Context, s fleet.Sessions) {
	n := Session(1)
	wantErr(t, s.Swap(ctx, n, nextSession(n, func(*fleet.Session) {})), fleet.ErrNotFound)
	must(t, s.Insert(ctx, n))
	secret := &fleet.Sealed{KeyID: "k", Nonce: []byte{1}, Data: []byte{2}}
	active := nextSession(n, func(n *fleet.Session) {
		n.State, n.AssignedAt, n.StartedAt, n.EndsAt = fleet.SessionActive, at(2), at(3), at(93)
		n.AccountID, n.AttemptID, n.Epoch, n.EndRequested, n.Reason = "000000000001", "t1", 4, true, "r"
		n.Access = &fleet.Access{AccountID: "000000000001", Regions: []string{"us-east-1"}, AccessKeyID: "AKIA1",
			SecretKey: secret, ConsoleURL: "https://x", UserName: "u", Password: secret}
	})
	must(t, s.Swap(ctx, n, active))
	got, err := s.Get(ctx, n.ID)
	must(t, err)
	equal(t, "after the first swap", got, active)
	ended := nextSession(active, func(n *fleet.Session) {
		n.State, n.EndedAt, n.Access, n.EndRequested = fleet.SessionEnded, at(93), nil, false
	})
	wantErr(t, s.Swap(ctx, n, ended), fleet.ErrConflict)
	must(t, s.Swap(ctx, active, ended))
	got, err = s.Get(ctx, n.ID)
	must(t, err)
	equal(t, "after the ending swap", got, ended)
	if got.Access != nil {
		t.Fatal("the ending write left the access in place")
	}
}

func sessionSwapRace(t *testing.T, ctx context.Context, s fleet.Sessions) {
	n := Session(1)
	must(t, s.Insert(ctx, n))
	errs := race(64, func(i int) error {
		return s.Swap(ctx, n, nextSession(n, func(n *fleet.Session) { n.AttemptID = fmt.Sprint(i) }))
	})
	winner := oneWinner(t, errs, fleet.ErrConflict)
	got, err := s.Get(ctx, n.ID)
	must(t, err)
	equal(t, "attempt", got.AttemptID, fmt.Sprint(winner))
}

func waitingOrder(t *testing.T, ctx context.Context, s fleet.Sessions) {
	for _, n := range []int{5, 2, 8, 1, 7, 3} {
		w := Session(n)
		switch n {
		case 7:
			w.Purpose = fleet.Testing
		case 3:
			w.State = fleet.SessionCancelled
		case 8:
			w.RequestedAt = at(5) // as old as 5: the id decides
		}
		must(t, s.Insert(ctx, w))
	}
	got, err := s.Waiting(ctx, fleet.Production.Pool(), 0)
	must(t, err)
	equal(t, "waiting list", sessionIDs(got), []string{"1", "2", "5", "8"})
	got, err = s.Waiting(ctx, fleet.Production.Pool(), 2)
	must(t, err)
	equal(t, "its first two", sessionIDs(got), []string{"1", "2"})
	got, err = s.Waiting(ctx, fleet.Development.Pool(), 0)
	must(t, err)
	equal(t, "an empty list", len(got), 0)
}

// served is the states of a session that gets its lab, in order.
var served = []fleet.SessionState{fleet.SessionWaiting, fleet.SessionAssigning, fleet.SessionActive, fleet.SessionEnded}

func findSessions(t *testing.T, ctx context.Context, s fleet.Sessions) {
	for n := range 8 {
		x := Session(n)
		x.RequestedAt = at(8 - n)
		x.State = served[n%4]
		x.LabType, x.Student = fmt.Sprint("lab-", n%2), fmt.Sprint("student-", n%3)
		if n >= 4 {
			x.AccountID, x.AssignedAt, x.EndsAt = "000000000001", at(n), at(n+60)
		}
		must(t, s.Insert(ctx, x))
	}
	for name, c := range map[string]struct {
		q    fleet.SessionQuery
		want []string
	}{
		"all":        {fleet.SessionQuery{}, []string{"7", "6", "5", "4", "3", "2", "1", "0"}},
		"limit":      {fleet.SessionQuery{Limit: 3}, []string{"7", "6", "5"}},
		"state":      {fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionActive}}, []string{"6", "2"}},
		"lab type":   {fleet.SessionQuery{LabType: "lab-1"}, []string{"7", "5", "3", "1"}},
		"student":    {fleet.SessionQuery{Student: "student-0"}, []string{"6", "3", "0"}},
		"account":    {fleet.SessionQuery{AccountID: "000000000001"}, []string{"7", "6", "5", "4"}},
		"ends":       {fleet.SessionQuery{EndsBefore: at(65)}, []string{"5", "4"}},
		"overdue":    {fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionActive, fleet.SessionAssigning}, EndsBefore: at(66)}, []string{"6", "5"}},
		"patience":   {fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionWaiting}, WaitBefore: at(10)}, []string{"0"}},
		"assigned":   {fleet.SessionQuery{AssignedBefore: at(5)}, []string{"5", "4"}},
		"after":      {fleet.SessionQuery{After: "s005"}, []string{"6", "7"}},
		"everything": {fleet.SessionQuery{States: fleet.SessionStates, LabType: "lab-0", Student: "student-0", AccountID: "000000000001", EndsBefore: at(99), WaitBefore: at(99), AssignedBefore: at(99), After: "s", Limit: 9}, []string{"6"}},
		"nothing":    {fleet.SessionQuery{Student: "nobody"}, []string{}},
	} {
		got, err := s.Find(ctx, c.q)
		must(t, err)
		equal(t, name, sessionIDs(got), c.want)
	}
}

func countSessions(t *testing.T, ctx context.Context, s fleet.Sessions) {
	got, err := s.Count(ctx)
	must(t, err)
	equal(t, "count of nothing", len(got), 0)
	for n := range 5 {
		x := Session(n)
		x.State = served[n%2]
		must(t, s.Insert(ctx, x))
	}
	got, err = s.Count(ctx)
	must(t, err)
	equal(t, "counts", got, map[fleet.SessionState]int{fleet.SessionWaiting: 3, fleet.SessionAssigning: 2})
}
