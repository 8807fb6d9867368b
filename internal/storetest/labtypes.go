package storetest

import (
	"context"
	"testing"

	"github.com/kodekloud/kml/internal/fleet"
)

// LabTypes tests a store of lab type statuses. open gives an empty one to each
// test.
func LabTypes(t *testing.T, open func(t *testing.T) fleet.LabTypeStore) {
	for name, test := range map[string]func(*testing.T, context.Context, fleet.LabTypeStore){
		"Unknown": unknownLabType, "FailAndSucceed": failAndSucceed, "SetOff": setOff, "FailRace": failRace,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, ctxFor(t), open(t))
		})
	}
}

func unknownLabType(t *testing.T, ctx context.Context, s fleet.LabTypeStore) {
	st, err := s.Status(ctx, "x")
	must(t, err)
	equal(t, "unknown type", st, fleet.LabTypeStatus{Name: "x"})
	must(t, s.Succeeded(ctx, "x"))
	all, err := s.All(ctx)
	must(t, err)
	equal(t, "all", len(all), 0)
}

func failAndSucceed(t *testing.T, ctx context.Context, s fleet.LabTypeStore) {
	fail := func(minute, limit int) fleet.LabTypeStatus {
		t.Helper()
		st, err := s.Failed(ctx, "x", "probe denied", limit, at(minute))
		must(t, err)
		stored, err := s.Status(ctx, "x")
		must(t, err)
		equal(t, "status as given", st, stored)
		return st
	}
	for minute := range 2 {
		if st := fail(minute, 3); st.Off || st.Failures != minute+1 {
			t.Fatalf("after failure %d: %+v", minute+1, st)
		}
	}
	must(t, s.Succeeded(ctx, "x"))
	for minute := range 2 {
		if st := fail(minute, 3); st.Off || st.Failures != minute+1 {
			t.Fatalf("after a success and failure %d: %+v", minute+1, st)
		}
	}
	st := fail(5, 3)
	if !st.Off || st.Failures != 3 || st.Reason != "probe denied" || !st.Since.Equal(stored(at(5))) {
		t.Fatalf("at the limit: %+v", st)
	}
	if st = fail(6, 3); !st.Off || !st.Since.Equal(stored(at(5))) {
		t.Fatalf("a type that is off was switched again: %+v", st)
	}
	must(t, s.Succeeded(ctx, "x"))
	if st, err := s.Status(ctx, "x"); err != nil || !st.Off || st.Failures != 0 {
		t.Fatalf("a success switched it on: %+v, %v", st, err)
	}
	if st, err := s.Failed(ctx, "y", "r", 0, at(1)); err != nil || st.Off {
		t.Fatalf("no limit: %+v, %v", st, err)
	}
}

func setOff(t *testing.T, ctx context.Context, s fleet.LabTypeStore) {
	must(t, s.SetOff(ctx, "b", true, "operator", at(1)))
	_, err := s.Failed(ctx, "a", "r", 9, at(1))
	must(t, err)
	all, err := s.All(ctx)
	must(t, err)
	equal(t, "by name", ids(all, func(s fleet.LabTypeStatus) string { return s.Name }), []string{"a", "b"})
	if b := all[1]; !b.Off || b.Reason != "operator" || !b.Since.Equal(stored(at(1))) {
		t.Fatalf("switched off: %+v", b)
	}
	must(t, s.SetOff(ctx, "a", false, "mended", at(2)))
	a, err := s.Status(ctx, "a")
	must(t, err)
	if a.Off || a.Failures != 0 || a.Reason != "mended" || !a.Since.Equal(stored(at(2))) || a.Version <= all[0].Version {
		t.Fatalf("switched on: %+v", a)
	}
}

func failRace(t *testing.T, ctx context.Context, s fleet.LabTypeStore) {
	for _, err := range race(32, func(int) error {
		_, err := s.Failed(ctx, "x", "r", 20, at(1))
		return err
	}) {
		must(t, err)
	}
	st, err := s.Status(ctx, "x")
	must(t, err)
	if st.Failures != 32 || !st.Off {
		t.Fatalf("after 32 failures at once: %+v", st)
	}
}
