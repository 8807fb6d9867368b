package cleaner_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/fleet"
)

// store is a service with one kind of thing.
type store struct {
	mu      sync.Mutex
	things  []string
	listErr error            // after the things
	deny    map[string]error // what Delete says of a thing
	needs   map[string]string
	deletes int
	most    int // resources held by the sweep: listed and not yet tried
	listed  int
}

func (s *store) list(context.Context, *store) iter.Seq2[cleaner.Resource, error] {
	return func(yield func(cleaner.Resource, error) bool) {
		s.mu.Lock()
		things := append([]string(nil), s.things...)
		s.mu.Unlock()
		for _, id := range things {
			s.mu.Lock()
			s.listed++
			s.most = max(s.most, s.listed-s.deletes)
			s.mu.Unlock()
			if !yield(cleaner.Resource{ID: id}, nil) {
				return
			}
		}
		if s.listErr != nil {
			yield(cleaner.Resource{}, s.listErr)
		}
	}
}

func (s *store) delete(_ context.Context, _ *store, r cleaner.Resource) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deletes++
	if err := s.deny[r.ID]; err != nil {
		return err
	}
	for _, id := range s.things {
		if s.needs[r.ID] == id {
			return cleaner.Blocked("it is used by " + id)
		}
	}
	for i, id := range s.things {
		if id == r.ID {
			s.things = append(s.things[:i:i], s.things[i+1:]...)
			return nil
		}
	}
	return cleaner.ErrGone
}

func (s *store) kind() cleaner.Kind {
	return cleaner.Define(func(aws.Config, ...func(*struct{})) *store { return s }, cleaner.Spec[store]{
		Kind: "test.thing", Source: "test.amazonaws.com", List: s.list, Delete: s.delete, Stop: s.delete,
		Keep: func(_ cleaner.Place, r cleaner.Resource) string {
			if r.ID == "default" {
				return "it belongs to the account"
			}
			return ""
		},
	})
}

var place = cleaner.Place{AccountID: "222222222222", MemberRole: "fleet", Region: "eu-west-1"}

func api(code string) error { return &smithy.GenericAPIError{Code: code} }

func TestSweepThenVerify(t *testing.T) {
	t.Parallel()
	s := &store{things: []string{"default", "a", "b", "c"}, needs: map[string]string{"a": "b", "b": "c"}}
	actions := map[string]int{}
	rec := func(e cleaner.Event) { actions[e.Action]++ }
	if f := cleaner.Verify(t.Context(), place, s.kind()); f.Verdict != fleet.Remaining || f.LeftCount != 3 || f.Kept != 1 || f.Left[0].Region != "eu-west-1" {
		t.Fatalf("before: %+v", f)
	}
	if r := cleaner.Plan(t.Context(), place, s.kind(), rec); r.Err != nil || len(s.things) != 4 || actions["planned"] != 3 || actions["kept"] != 1 || r.Deleted != 0 {
		t.Fatalf("plan: %+v, %v, things %v", r, actions, s.things)
	}
	r := cleaner.Sweep(t.Context(), place, s.kind(), rec)
	if r.Err != nil || r.Deleted != 3 || r.Kept != 1 || r.Blocked != 0 || actions["deleted"] != 3 {
		t.Fatalf("a chain of blocked things goes in one sweep: %+v, %v", r, actions)
	}
	if f := cleaner.Verify(t.Context(), place, s.kind()); f.Verdict != fleet.Clean || f.Listed != 1 {
		t.Fatalf("after: %+v", f)
	}
}

func TestEveryOutcomeIsCounted(t *testing.T) {
	t.Parallel()
	s := &store{things: []string{"a", "gone", "blocked", "slow", "denied", "odd"}, deny: map[string]error{
		"gone": api("NoSuchEntity"), "blocked": api("DependencyViolation"), "slow": api("Throttling"), "denied": api("AccessDenied"), "odd": api("Whatever"),
	}}
	r := cleaner.Sweep(t.Context(), place, s.kind(), nil)
	if r.Deleted != 2 || r.Blocked != 1 || r.Throttled != 1 || r.Failed != 2 || r.Err == nil {
		t.Fatalf("%+v", r)
	}
	if f := cleaner.Verify(t.Context(), place, s.kind()); f.Verdict != fleet.Remaining || f.LeftCount != 5 {
		t.Fatalf("the delete's word was believed: %+v", f)
	}
}

func TestAFailedListIsUnknown(t *testing.T) {
	t.Parallel()
	for _, things := range [][]string{nil, {"default"}, {"a"}} {
		s := &store{things: things, listErr: api("AccessDenied")}
		if f := cleaner.Verify(t.Context(), place, s.kind()); f.Verdict != fleet.Unknown || f.Err == nil {
			t.Errorf("%v, then an error: %+v", things, f)
		}
		if r := cleaner.Sweep(t.Context(), place, s.kind(), nil); r.Err == nil {
			t.Errorf("sweep swallowed the list's error: %+v", r)
		}
	}
	if f := cleaner.Verify(t.Context(), cleaner.Place{Region: "x"}, (&store{}).kind()); f.Verdict != fleet.Unknown {
		t.Errorf("a place without account: %+v", f)
	}
}

func TestASweepEndsWhenTheAccountIsNotOurs(t *testing.T) {
	t.Parallel()
	for _, end := range []error{fleet.ErrStaleEpoch, fleet.ErrProtected} {
		s := &store{deny: map[string]error{}}
		for i := range 500 {
			id := fmt.Sprint(i)
			s.things = append(s.things, id)
			s.deny[id] = fmt.Errorf("send: %w", end)
		}
		if r := cleaner.Sweep(t.Context(), place, s.kind(), nil); !errors.Is(r.Err, end) || s.deletes > 20 {
			t.Errorf("%v after %d deletes, want %v after a few", r.Err, s.deletes, end)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &store{things: []string{"a"}}
	if r := cleaner.Sweep(ctx, place, s.kind(), nil); !errors.Is(r.Err, context.Canceled) || s.deletes != 0 {
		t.Errorf("cancelled: %+v, %d deletes", r, s.deletes)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	s := &store{}
	for i := range 6500 {
		s.things = append(s.things, fmt.Sprint(i))
	}
	if r := cleaner.Sweep(t.Context(), place, s.kind(), nil); r.Deleted != 6500 || s.most > 2001 {
		t.Fatalf("%+v; %d resources were held at once", r, s.most)
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	s := &store{things: []string{"a", "default"}}
	stopped := 0
	r := cleaner.Stop(t.Context(), place, s.kind(), func(e cleaner.Event) {
		if e.Action == "stopped" {
			stopped++
		}
	})
	if r.Err != nil || stopped != 1 || len(s.things) != 1 {
		t.Fatalf("%+v, stopped %d, left %v", r, stopped, s.things)
	}
}
