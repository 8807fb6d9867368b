package cleanup_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/cleaner/kinds"
	"github.com/kodekloud/kml/internal/cleaner/settings"
	"github.com/kodekloud/kml/internal/cleanup"
	"github.com/kodekloud/kml/internal/failsafe"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity/labtest"
)

// bench is a small fleet with a cleaning service, driven by hand: what is due is
// read from the run's document, as the reconcilers do.
type bench struct {
	*labtest.Lab
	*cleanup.Service
	id string

	mu       sync.Mutex
	followed int
}

type options struct {
	labtest.Options
	rounds int
	change func(*labtest.Lab, *cleanup.Config)
}

func open(t testing.TB, o options) *bench {
	t.Helper()
	o.IAMDelay = time.Second
	o.LabTypes = append(o.LabTypes, labtest.Principals(), labtest.Everything(), labtest.Queues())
	l := labtest.Open(t, o.Options)
	b := &bench{Lab: l, id: l.IDs[0]}
	registry, err := kinds.Registry()
	b.check(err)
	failures := failsafe.New(failsafe.Config{Accounts: l.DB.Accounts(), Machine: l.Machine, LabTypes: l.DB.LabTypes(), Log: l.DB.Activity(), Clock: l.Clock})
	c := cleanup.Config{
		Accounts: l.DB.Accounts(), Runs: l.DB.Cleanings(), Machine: l.Machine, AWS: l.AWS, Users: l.Users, Settings: settings.New(),
		Failures: failures, Registry: registry, LabTypes: l.LabTypes, Orgs: l.Orgs, Clock: l.Clock,
		Follow: func(context.Context, *fleet.CleaningRun) { b.mu.Lock(); b.followed++; b.mu.Unlock() },
		Rounds: o.rounds, SettleMax: 5 * time.Minute, Settle: time.Minute,
		// The clocks of AWS's clients are not the world's: what shifts them by
		// fifteen minutes has every call signed twice.
	}
	if o.change != nil {
		o.change(l, &c)
	}
	b.Service = cleanup.New(c)
	return b
}

func (b *bench) check(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// ended brings the account to the end of a lab, whose student is given the time
// to make things.
func (b *bench) ended(labType string, during func(a *fleet.Account)) *fleet.Account {
	b.Helper()
	a := b.InUse(b.id, labType, time.Hour)
	b.Sim.World.Clock.Advance(2 * time.Second)
	if during != nil {
		during(a)
	}
	return b.Move(a, fleet.Cleanup, nil)
}

func (b *bench) run() *fleet.CleaningRun {
	b.Helper()
	run, err := b.DB.Cleanings().Get(b.Context(), cleanup.RunID(b.id, b.Account(b.id).Epoch))
	b.check(err)
	return run
}

// step is something that is due: a name, and how to do it.
type step struct {
	name string
	do   func(ctx context.Context) error
}

// due reads from the documents what is to be done next.
func (b *bench) due() []step {
	b.Helper()
	a := b.Account(b.id)
	begin := step{"begin", func(ctx context.Context) error { return b.Begin(ctx, a.ID, a.Epoch) }}
	switch a.State {
	case fleet.AssigningFailed:
		return []step{begin}
	case fleet.UserDeleted:
		return []step{{"reset", func(ctx context.Context) error { return b.Reset(ctx, a.ID, a.Epoch) }}}
	case fleet.Cleanup:
	default:
		return nil
	}
	run, err := b.DB.Cleanings().Get(b.Context(), cleanup.RunID(a.ID, a.Epoch))
	if errors.Is(err, fleet.ErrNotFound) {
		return []step{begin}
	}
	b.check(err)
	switch run.Phase {
	case fleet.PhaseFreeze, fleet.PhasePlan:
		return []step{begin}
	case fleet.PhaseSettle:
		return []step{{"settle", func(ctx context.Context) error { return b.Settle(ctx, run.ID) }}}
	case fleet.PhaseUser:
		return []step{{"user", func(ctx context.Context) error { return b.DeleteUser(ctx, run.ID) }}}
	}
	if wait := b.Clock.Until(run.NextTry); wait > 0 && !run.NextTry.IsZero() {
		b.Sim.World.Clock.Advance(wait)
	}
	var out []step
	for i, u := range fleet.Units(run) {
		if _, done := run.Units[u.Key()]; done && i < len(fleet.Units(run))-1 {
			continue
		}
		do := b.Sweep
		if u.Phase == fleet.PhaseVerify {
			do = b.Verify
		}
		out = append(out, step{u.Key(), func(ctx context.Context) error { return do(ctx, u) }})
	}
	return out
}

// limit of turns of drive: a cleaning that does not converge fails.
const limit = 400

// drive does what is due until nothing is, or stop says so. Failures of a step
// are given to failed, if it is set.
func (b *bench) drive(stop func() bool, failed func(step, error)) {
	b.Helper()
	for range limit {
		steps := b.due()
		if len(steps) == 0 || stop != nil && stop() {
			return
		}
		for _, s := range steps {
			err := s.do(b.Context())
			var snooze *fleet.SnoozeError
			switch {
			case err == nil:
			case errors.As(err, &snooze):
				b.Sim.World.Clock.Advance(snooze.For)
			case failed != nil:
				failed(s, err)
			default:
				b.Fatalf("%s: %v", s.name, err)
			}
			if stop != nil && stop() {
				return
			}
		}
	}
	b.Fatalf("no end after %d turns: %+v", limit, b.due())
}

// clean drives the cleaning to its end and checks that it is one.
func (b *bench) clean() {
	b.Helper()
	b.drive(nil, nil)
	b.atRest()
}

// atRest checks an account that came back: at rest, empty, its run closed.
func (b *bench) atRest() {
	b.Helper()
	a := b.Account(b.id)
	if a.State != fleet.Loaded {
		b.Fatalf("the account is %s: %s", a.State, a.Reason)
	}
	b.empty()
	run := b.run()
	if run.Phase != fleet.PhaseDone || run.DoneAt.IsZero() || run.Error != "" {
		b.Errorf("the run is %s (%s)", run.Phase, run.Error)
	}
}

func (b *bench) empty() {
	b.Helper()
	var left []string
	for _, r := range b.Left(b.id) {
		left = append(left, fmt.Sprint(r.Service, " ", r.Kind, " ", r.Region, " ", r.ID, " ", r.State))
	}
	for _, r := range b.Sim.World.Inventory(b.id)[b.id] {
		if strings.HasPrefix(r.Path, "/kml/") {
			left = append(left, "the fleet's own "+r.Kind+" "+r.ID)
		}
	}
	if len(left) > 0 {
		b.Errorf("the oracle knows of:\n%s", strings.Join(left, "\n"))
	}
}

// evidence gives the lines of the account's run, "phase action kind resource".
func (b *bench) evidence() []fleet.Evidence {
	b.Helper()
	lines, err := b.DB.Cleanings().Evidence(b.Context(), b.run().ID)
	b.check(err)
	return lines
}

// has says whether a line of evidence is there.
func has(lines []fleet.Evidence, action, kind string) bool {
	return slices.ContainsFunc(lines, func(e fleet.Evidence) bool { return e.Action == action && e.Kind == kind })
}

// denied is a fault that denies one operation of the fleet's role.
func (b *bench) denied(op string) core.FaultRule {
	return core.FaultRule{ID: op, Op: op, Account: b.id, Role: b.Org.MemberRole, Kind: core.FaultError, Code: "AccessDenied", Status: 403}
}
