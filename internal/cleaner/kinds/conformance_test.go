package kinds_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/cleaner/kinds"
	"github.com/kodekloud/kml/internal/fleet"
)

// seed says how a kind gets into an account.
type seed struct {
	n    int               // how many make more than one page of five; 0: twelve
	only string            // why AWS gives them all in one page
	make func(*bench, int) // makes exactly so many of the kind, and what they need
}

func (s seed) many() int {
	if s.n > 0 {
		return s.n
	}
	return 12
}

// TestConformance holds every kind of the build against the simulated AWS. A
// kind that cannot be seeded fails.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, k := range kinds.All() {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			s, ok := seeds[k.Name]
			if !ok {
				t.Fatalf("nobody knows how to seed %s: add it to seeds", k.Name)
			}
			t.Run("ListsEveryPage", func(t *testing.T) { listsEveryPage(open(t), k, s) })
			t.Run("SweepsClean", func(t *testing.T) { sweepsClean(open(t), k, s) })
			t.Run("DeletesTwice", func(t *testing.T) { deletesTwice(open(t), k, s) })
			t.Run("DeniedListIsUnknown", func(t *testing.T) { deniedListIsUnknown(open(t), k, s) })
		})
	}
}

func listsEveryPage(b *bench, k cleaner.Kind, s seed) {
	s.make(b, s.many())
	b.calls()
	got := b.list(k)
	ids := map[string]bool{}
	for _, r := range got {
		ids[r.State+r.ID] = true
	}
	if len(got) != s.many() || len(ids) != s.many() {
		b.Fatalf("%d listed, %d of them different, %d seeded", len(got), len(ids), s.many())
	}
	most := 0
	for _, n := range b.calls() {
		most = max(most, n)
	}
	if most < 2 && s.only == "" {
		b.Fatalf("%d things came in one call: no page was turned", s.many())
	}
}

func sweepsClean(b *bench, k cleaner.Kind, s seed) {
	n := min(3, s.many())
	s.make(b, n)
	if f := cleaner.Verify(b.Context(), b.of(k), k); f.Verdict != fleet.Remaining || f.LeftCount != n {
		b.Fatalf("before: %s, %d left, want %d: %v", f.Verdict, f.LeftCount, n, f.Err)
	}
	before := b.oracle()
	plan := cleaner.Plan(b.Context(), b.of(k), k, nil)
	if plan.Err != nil || plan.Listed-plan.Kept != n || !slices.Equal(before, b.oracle()) {
		b.Fatalf("a plan changes nothing: %+v", plan)
	}
	if left := b.clean(b.place(), b.placeIn(fleet.GlobalRegion)); len(left) > 0 {
		b.Fatalf("not clean:\n%s", told(left))
	}
	if left := b.oracle(); len(left) > 0 {
		b.Fatalf("every kind is clean, and the oracle knows of:\n%s", strings.Join(left, "\n"))
	}
}

func deletesTwice(b *bench, k cleaner.Kind, s seed) {
	s.make(b, 1)
	// What holds it goes first, so that its own deletion succeeds.
	for _, w := range waves(b) {
		for _, before := range w {
			if slices.Contains(k.After, before.Name) {
				cleaner.Sweep(b.Context(), b.of(before), before, nil)
			}
		}
	}
	rs := b.list(k)
	if len(rs) != 1 {
		b.Fatalf("%d listed, one seeded", len(rs))
	}
	if err := k.Delete(b.Context(), b.of(k), rs[0]); err != nil {
		b.Fatal(err)
	}
	for k.Delete(b.Context(), b.of(k), rs[0]) == nil && len(b.list(k)) > 0 {
		b.Log("it goes by and by")
	}
	err := k.Delete(b.Context(), b.of(k), rs[0])
	if c := cleaner.Classify(err); c != awsclient.None && c != awsclient.Gone {
		b.Fatalf("the second delete is %s: %v", c, err)
	}
}

func deniedListIsUnknown(b *bench, k cleaner.Kind, s seed) {
	s.make(b, 1)
	b.calls()
	b.list(k)
	ops := b.calls()
	if len(ops) == 0 {
		b.Fatal("the list asked nothing")
	}
	for op := range ops {
		_, name, _ := strings.Cut(op, ":")
		b.srv.World.SetFaults([]core.FaultRule{{ID: op, Op: name, Account: b.account, Kind: core.FaultError, Code: "AccessDenied", Status: 403}})
		f := cleaner.Verify(b.Context(), b.of(k), k)
		if f.Verdict != fleet.Unknown || cleaner.Classify(f.Err) != awsclient.Denied {
			b.Errorf("with %s denied: %s (%v), want unknown", op, f.Verdict, f.Err)
		}
		if r := cleaner.Sweep(b.Context(), b.of(k), k, nil); r.Err == nil {
			b.Errorf("with %s denied a sweep has no error", op)
		}
		b.srv.World.SetFaults(nil)
	}
}

func waves(b *bench) [][]cleaner.Kind {
	r, err := kinds.Registry()
	if err != nil {
		b.Fatal(err)
	}
	return r.Waves()
}

func told(fs []cleaner.Finding) string {
	var out []string
	for _, f := range fs {
		line := fmt.Sprintf("%s in %s is %s", f.Kind, f.Region, f.Verdict)
		for _, r := range f.Left {
			line += " " + r.ID + "(" + r.State + ")"
		}
		if f.Err != nil {
			line += ": " + f.Err.Error()
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// TestWholeAccount seeds everything at once, in two Regions, stops what runs by
// itself and cleans by waves and rounds.
func TestWholeAccount(t *testing.T) {
	t.Parallel()
	b := open(t)
	first := b.admin.Region
	for _, r := range []string{"us-east-1", first} {
		b.admin.Region = r
		for _, k := range kinds.All() {
			if !k.Global || r == first {
				seeds[k.Name].make(b, 1)
			}
		}
	}
	places := []cleaner.Place{b.place(), b.placeIn(fleet.GlobalRegion)}
	for _, w := range waves(b) {
		for _, k := range w {
			for _, p := range places {
				if r := cleaner.Stop(b.Context(), p, k, nil); r.Err != nil {
					t.Errorf("stop: %+v", r)
				}
			}
		}
	}
	if left := b.clean(places...); len(left) > 0 {
		t.Errorf("not clean:\n%s", told(left))
	}
	if left := b.oracle(); len(left) > 0 {
		t.Errorf("the oracle knows of:\n%s", strings.Join(left, "\n"))
	}
}
