package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// Cleanings tests a store of cleaning runs. open gives an empty one, whose
// writes are stamped by the clock, to each test.
func Cleanings(t *testing.T, open func(t *testing.T, c clock.Clock) fleet.Cleanings) {
	for name, test := range map[string]func(*testing.T, context.Context, fleet.Cleanings, *clock.Fake){
		"Swap": runSwap, "UnitOnce": unitOnce, "UnitRace": unitRace, "UnitsOutliveSwap": unitsOutliveSwap,
		"UnitKeys": unitKeys, "BigRun": bigRun, "Open": openRuns, "Runs": listRuns, "Evidence": evidence,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clock.NewFake(t0)
			test(t, ctxFor(t), open(t, c), c)
		})
	}
}

// Run is the cleaning run of account 1 in epoch n, begun in minute n.
func Run(n int) *fleet.CleaningRun {
	return &fleet.CleaningRun{
		ID: fmt.Sprint("000000000001/", n), AccountID: "000000000001", Org: "org-a", Epoch: int64(n), Reason: "lab ended",
		Version: 1, Phase: fleet.PhaseFreeze, Round: 1, StartedAt: at(n), PhaseSince: at(n), Regions: []string{"us-east-1"},
	}
}

func nextRun(r *fleet.CleaningRun, change func(*fleet.CleaningRun)) *fleet.CleaningRun {
	n := *r
	n.Version++
	change(&n)
	return &n
}

func runIDs(list []*fleet.CleaningRun) []string {
	return ids(list, func(r *fleet.CleaningRun) string { return strings.TrimPrefix(r.ID, "000000000001/") })
}

func runSwap(t *testing.T, ctx context.Context, s fleet.Cleanings, _ *clock.Fake) {
	_, err := s.Get(ctx, Run(1).ID)
	wantErr(t, err, fleet.ErrNotFound)
	r := Run(1)
	wantErr(t, s.Swap(ctx, r, nextRun(r, func(*fleet.CleaningRun) {})), fleet.ErrNotFound)
	must(t, s.Insert(ctx, r))
	wantErr(t, s.Insert(ctx, Run(1)), fleet.ErrExists)
	n := nextRun(r, func(n *fleet.CleaningRun) {
		n.Phase, n.Wave, n.FrozenAt, n.NextTry, n.Attempts = fleet.PhaseSweep, 2, at(2), at(3), 1
		n.Plan = []fleet.PlannedWave{{Services: []fleet.PlannedService{{Service: "ec2", Kinds: []string{"ec2.instance"}}}}}
		n.Because = map[string]string{"ec2.x": "trail"}
		n.Dirty, n.MarkedAt, n.Settled, n.Error = []string{"ec2"}, at(2), true, "e"
	})
	must(t, s.Swap(ctx, r, n))
	got, err := s.Get(ctx, r.ID)
	must(t, err)
	equal(t, "after a swap", got, n)
	wantErr(t, s.Swap(ctx, r, nextRun(r, func(*fleet.CleaningRun) {})), fleet.ErrConflict)
	errs := race(32, func(i int) error {
		return s.Swap(ctx, n, nextRun(n, func(n *fleet.CleaningRun) { n.Error = fmt.Sprint(i) }))
	})
	winner := oneWinner(t, errs, fleet.ErrConflict)
	got, err = s.Get(ctx, r.ID)
	must(t, err)
	equal(t, "winner", got.Error, fmt.Sprint(winner))
}

func unitOnce(t *testing.T, ctx context.Context, s fleet.Cleanings, _ *clock.Fake) {
	r := Run(1)
	_, err := s.CompleteUnit(ctx, r.ID, "u", fleet.UnitResult{})
	wantErr(t, err, fleet.ErrNotFound)
	must(t, s.Insert(ctx, r))
	_, err = s.CompleteUnit(ctx, r.ID, "", fleet.UnitResult{})
	wantErr(t, err, fleet.ErrInvalid)
	first := fleet.UnitResult{Verdict: fleet.Remaining, Listed: 3, Deleted: 2, Kept: 1, Left: 1, Calls: 5, Error: "e", At: stored(at(1))}
	got, err := s.CompleteUnit(ctx, r.ID, "u", first)
	must(t, err)
	equal(t, "set", got.Units, map[string]fleet.UnitResult{"u": first})
	got, err = s.CompleteUnit(ctx, r.ID, "u", fleet.UnitResult{Verdict: fleet.Clean})
	must(t, err)
	equal(t, "set again", got.Units, map[string]fleet.UnitResult{"u": first})
}

// unitRace checks that exactly the last of a wave's units sees the wave whole,
// however they race, or that all who see it see the same.
func unitRace(t *testing.T, ctx context.Context, s fleet.Cleanings, _ *clock.Fake) {
	const units = 16
	r := Run(1)
	must(t, s.Insert(ctx, r))
	seen := make([]int, units)
	errs := race(units, func(i int) error {
		got, err := s.CompleteUnit(ctx, r.ID, fmt.Sprint("u", i), fleet.UnitResult{Verdict: fleet.Clean, At: t0})
		if err == nil {
			seen[i] = len(got.Units)
		}
		return err
	})
	sum := 0
	for i, err := range errs {
		must(t, err)
		sum += seen[i]
	}
	equal(t, "each write saw one unit more", sum, units*(units+1)/2)
}

func unitsOutliveSwap(t *testing.T, ctx context.Context, s fleet.Cleanings, _ *clock.Fake) {
	r := Run(1)
	must(t, s.Insert(ctx, r))
	after, err := s.CompleteUnit(ctx, r.ID, "u", fleet.UnitResult{Verdict: fleet.Clean, At: stored(t0)})
	must(t, err)
	equal(t, "version after a unit", after.Version, r.Version)
	must(t, s.Swap(ctx, r, nextRun(r, func(n *fleet.CleaningRun) { n.Wave = 1 }))) // read before the unit
	got, err := s.Get(ctx, r.ID)
	must(t, err)
	equal(t, "units after a swap", got.Units, after.Units)
	equal(t, "wave after a swap", got.Wave, 1)
}

func unitKeys(t *testing.T, ctx context.Context, s fleet.Cleanings, _ *clock.Fake) {
	r := Run(1)
	must(t, s.Insert(ctx, r))
	want := map[string]fleet.UnitResult{}
	for i, key := range []string{"sweep/1/0/ec2/us-east-1", "a.b", "a", "$set", "%2E", "a.b.$c", ".", "$", "%", "0", "é x"} {
		want[key] = fleet.UnitResult{Verdict: fleet.Clean, Calls: i, At: stored(t0)}
		got, err := s.CompleteUnit(ctx, r.ID, key, want[key])
		must(t, err)
		equal(t, "units after "+key, got.Units, want)
	}
}

// bigRun checks that a run of many rounds with wordy errors stays writable.
func bigRun(t *testing.T, ctx context.Context, s fleet.Cleanings, _ *clock.Fake) {
	r := Run(1)
	long := strings.Repeat("ü", 5000)
	r.Units = map[string]fleet.UnitResult{}
	for i := range 5000 {
		r.Units[fmt.Sprintf("verify/10/%d/servicecatalog-appregistry/ap-southeast-4", i)] = fleet.UnitResult{Verdict: fleet.Unknown, Error: long[:200], At: t0}
	}
	must(t, s.Insert(ctx, r))
	got, err := s.CompleteUnit(ctx, r.ID, "u", fleet.UnitResult{Verdict: fleet.Unknown, Error: long, At: t0})
	must(t, err)
	if text := got.Units["u"].Error; len(text) > 300 || !strings.HasPrefix(text, "üü") || strings.Contains(text, "\uFFFD") {
		t.Fatalf("stored error is %d bytes: %q", len(text), text)
	}
	_, err = s.CompleteUnit(ctx, r.ID, strings.Repeat("k", 1000), fleet.UnitResult{})
	wantErr(t, err, fleet.ErrInvalid)
}

func openRuns(t *testing.T, ctx context.Context, s fleet.Cleanings, c *clock.Fake) {
	for n := 1; n <= 5; n++ { // written in minute n-1
		r := Run(n)
		if n == 3 {
			r.Phase = fleet.PhaseDone
		}
		must(t, s.Insert(ctx, r))
		c.Advance(time.Minute)
	}
	open := func(minute, limit int, want ...string) {
		t.Helper()
		got, err := s.Open(ctx, at(minute), limit)
		must(t, err)
		equal(t, "open runs", runIDs(got), append([]string{}, want...))
	}
	open(0, 0)
	open(4, 0, "1", "2", "4")
	open(9, 2, "1", "2")
	_, err := s.CompleteUnit(ctx, Run(1).ID, "u", fleet.UnitResult{Verdict: fleet.Clean, At: t0}) // in minute 5
	must(t, err)
	open(5, 0, "2", "4", "5")
	two, err := s.Get(ctx, Run(2).ID)
	must(t, err)
	c.Advance(time.Minute)
	must(t, s.Swap(ctx, two, nextRun(two, func(n *fleet.CleaningRun) { n.Phase = fleet.PhaseReset })))
	open(9, 0, "4", "5", "1", "2")
}

func listRuns(t *testing.T, ctx context.Context, s fleet.Cleanings, _ *clock.Fake) {
	for _, n := range []int{2, 1, 3} {
		must(t, s.Insert(ctx, Run(n)))
	}
	other := Run(9)
	other.ID, other.AccountID = "000000000002/9", "000000000002"
	must(t, s.Insert(ctx, other))
	got, err := s.Runs(ctx, "000000000001", 0)
	must(t, err)
	equal(t, "newest first", runIDs(got), []string{"3", "2", "1"})
	got, err = s.Runs(ctx, "000000000001", 1)
	must(t, err)
	equal(t, "the newest", runIDs(got), []string{"3"})
}

func evidence(t *testing.T, ctx context.Context, s fleet.Cleanings, _ *clock.Fake) {
	line := func(n int, detail string) fleet.Evidence {
		return fleet.Evidence{ID: fmt.Sprint("r1/", n), RunID: "r1", Account: "000000000001", At: stored(at(n)), Phase: "sweep",
			Action: "deleted", Kind: "ec2.instance", Region: "us-east-1", Resource: fmt.Sprint("i-", n), Detail: detail}
	}
	must(t, s.AddEvidence(ctx, nil))
	must(t, s.AddEvidence(ctx, []fleet.Evidence{line(2, "first"), line(1, "first")}))
	must(t, s.AddEvidence(ctx, []fleet.Evidence{line(0, "second"), line(1, "second"), line(3, "second")}))
	must(t, s.AddEvidence(ctx, []fleet.Evidence{{ID: "r2/1", RunID: "r2", At: t0}}))
	got, err := s.Evidence(ctx, "r1")
	must(t, err)
	equal(t, "evidence", got, []fleet.Evidence{line(0, "second"), line(1, "first"), line(2, "first"), line(3, "second")})
	many := make([]fleet.Evidence, 2500) // more than one page
	for i := range many {
		many[i] = fleet.Evidence{ID: fmt.Sprint("r3/", i), RunID: "r3", At: t0}
	}
	must(t, s.AddEvidence(ctx, many))
	got, err = s.Evidence(ctx, "r3")
	must(t, err)
	equal(t, "all of it", len(got), len(many))
}
