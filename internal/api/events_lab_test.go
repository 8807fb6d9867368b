package api

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// insert makes a session of the academy's that waits.
func (f *eventBench) insert(t *testing.T, id string) *fleet.Session {
	t.Helper()
	s := &fleet.Session{ID: id, RequestID: id, LabType: "ec2-basics", Student: "ada", Owner: "academy", Duration: time.Hour, Purpose: fleet.Production,
		State: fleet.SessionWaiting, Version: 1, RequestedAt: t0, QueuedAt: t0, WaitUntil: t0.Add(time.Hour)}
	must(t, f.sessions.Insert(f.ctx, s))
	return s
}

// move writes a session's next state.
func (f *eventBench) move(t *testing.T, s *fleet.Session, state fleet.SessionState) *fleet.Session {
	t.Helper()
	next := s.Clone()
	next.State, next.Version = state, s.Version+1
	must(t, f.sessions.Swap(f.ctx, s, next))
	return next
}

// A lab is followed from its request to its end, over a connection that breaks;
// then there is nothing more to ask for.
func TestStreamOfALab(t *testing.T) {
	t.Parallel()
	f := setupEvents(t)
	s := f.insert(t, "s1")
	f.insert(t, "s2") // another's events are not this lab's
	s = f.move(t, s, fleet.SessionAssigning)
	path := "/v1/labs/s1/events"
	refused(t, f.do(t, bootcamp, http.MethodGet, path, nil), http.StatusNotFound, "not_found")
	l := f.listen(t, academy, path)
	if ids, place := l.ids(t, 2); fmt.Sprint(ids) != numbered(1, 3) || place != "2" {
		t.Fatalf("%v, %s", ids, place)
	}
	s = f.move(t, s, fleet.SessionActive)
	if ids, _ := l.ids(t, 1); fmt.Sprint(ids) != numbered(3, 4) {
		t.Fatalf("%v", ids)
	}
	l.drop()
	s = f.move(t, s, fleet.SessionActive)
	l = f.listen(t, academy, path, "Last-Event-ID", "3")
	if ids, _ := l.ids(t, 1); fmt.Sprint(ids) != numbered(4, 5) {
		t.Fatalf("%v", ids)
	}
	f.move(t, s, fleet.SessionEnded)
	ids, place := l.ids(t, 1)
	if fmt.Sprint(ids) != numbered(5, 6) || place != "5" {
		t.Fatalf("%v", ids)
	}
	if bye := l.next(t); bye.comment == "" {
		t.Fatalf("%+v", bye)
	}
	l.over(t)
	if a := f.do(t, academy, http.MethodGet, path, nil, "Last-Event-ID", "5"); a.status != http.StatusNoContent || a.body != "" {
		t.Errorf("%d %q", a.status, a.body)
	}
	again := f.listen(t, academy, path+"?after=2")
	if ids, _ := again.ids(t, 3); fmt.Sprint(ids) != numbered(3, 6) {
		t.Errorf("%v", ids)
	}
}

// Changes whose events never came on the live stream are found all the same.
func TestStreamOfALabLooksItself(t *testing.T) {
	t.Parallel()
	f := setupEvents(t)
	f.sessions.Tell = func(*fleet.Session) {}
	s := f.insert(t, "s1")
	l := f.listen(t, academy, "/v1/labs/s1/events")
	l.ids(t, 1)
	f.move(t, s, fleet.SessionCancelled)
	must(t, f.clock.BlockUntilContext(f.ctx, 1))
	f.clock.Advance(beatEvery)
	if b := l.next(t); b.comment != "alive" {
		t.Fatalf("%+v", b)
	}
	if ids, _ := l.ids(t, 1); fmt.Sprint(ids) != numbered(2, 3) {
		t.Fatalf("%v", ids)
	}
}
