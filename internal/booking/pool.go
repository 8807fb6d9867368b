package booking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Pools tells how the pools of the configured OUs stand, and sets their targets.
type Pools struct {
	Orgs     []fleet.Organization
	Targets  fleet.PoolTargets
	Bookings *Service
}

// OUStatus is how the accounts of one OU stand.
type OUStatus struct {
	Org, OU string
	Purpose fleet.Purpose
	Target  fleet.PoolTarget // its Version is 0 if it is the configuration's
	States  map[fleet.State]int
	Held    int // ready, and held for a booking
}

// Status is how the pools stand.
type Status struct {
	OUs      []OUStatus
	Waiting  map[fleet.Purpose]int // labs that wait, for seats of bookings too
	Forecast []Forecast
}

// ahead of now the forecast looks so far.
var forecastAt = []time.Duration{0, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 24 * time.Hour}

// Status tells how the pools stand.
func (p *Pools) Status(ctx context.Context) (*Status, error) {
	s := p.Bookings
	counts, err := s.Accounts.Count(ctx)
	if err != nil {
		return nil, fmt.Errorf("count accounts: %w", err)
	}
	ready, err := s.accounts(ctx, fleet.AccountQuery{States: []fleet.State{fleet.UserCreated}})
	if err != nil {
		return nil, err
	}
	out := &Status{Waiting: map[fleet.Purpose]int{}}
	for _, purpose := range Purposes {
		out.Waiting[purpose] = 0
	}
	waiting, err := s.sessions(ctx, fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionWaiting}})
	if err != nil {
		return nil, err
	}
	for _, l := range waiting {
		out.Waiting[l.Purpose]++
	}
	now, times := s.now(), []time.Time(nil)
	for _, d := range forecastAt {
		times = append(times, now.Add(d))
	}
	if out.Forecast, err = s.Forecast(ctx, times...); err != nil {
		return nil, err
	}
	targets, err := p.targets(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		ou := OUStatus{Org: t.Org, OU: t.OU, Purpose: t.purpose, Target: t.PoolTarget, States: map[fleet.State]int{}}
		for _, c := range counts {
			if c.Org == t.Org && c.OU == t.OU {
				ou.States[c.State] += c.N
			}
		}
		for _, a := range ready {
			if a.Org == t.Org && a.OU == t.OU && a.Booking != "" {
				ou.Held++
			}
		}
		out.OUs = append(out.OUs, ou)
	}
	return out, nil
}

// Target gives the target in force of a configured OU. fleet.ErrNotFound.
func (p *Pools) Target(ctx context.Context, org, ou string) (fleet.PoolTarget, error) {
	targets, err := p.targets(ctx)
	if err != nil {
		return fleet.PoolTarget{}, err
	}
	for _, t := range targets {
		if t.Org == org && t.OU == ou {
			return t.PoolTarget, nil
		}
	}
	return fleet.PoolTarget{}, fmt.Errorf("OU %s of organization %s: %w", ou, org, fleet.ErrNotFound)
}

// SetTarget sets how many accounts of an OU are kept ready, if its target still
// has the given version. Errors: fleet.ErrNotFound, fleet.ErrInvalid,
// fleet.ErrConflict.
func (p *Pools) SetTarget(ctx context.Context, org, ou string, warm int, version int64, who string) (fleet.PoolTarget, error) {
	stands, err := p.Target(ctx, org, ou)
	if err != nil {
		return stands, err
	}
	if warm < 0 {
		return stands, &fleet.FieldError{Field: "warm", Value: fmt.Sprint(warm), Remedy: "give 0 or more"}
	}
	t := fleet.PoolTarget{Org: org, OU: ou, Warm: warm, Version: version + 1, SetBy: who, SetAt: p.Bookings.now()}
	set, err := p.Targets.Set(ctx, t, version)
	if errors.Is(err, fleet.ErrExists) { // the first target was set by somebody else
		err = fleet.ErrConflict
	}
	if err != nil {
		return stands, fmt.Errorf("target of OU %s of organization %s: %w", ou, org, err)
	}
	return set, nil
}

type target struct {
	fleet.PoolTarget
	purpose fleet.Purpose
}

// targets gives the targets in force, in the order of the configuration. OUs for
// quarantine have none.
func (p *Pools) targets(ctx context.Context) ([]target, error) {
	set, err := p.Targets.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("targets of the pools: %w", err)
	}
	var out []target
	for _, o := range p.Orgs {
		for _, ou := range o.OUs {
			if ou.Purpose == fleet.Quarantine {
				continue
			}
			t := fleet.PoolTarget{Org: o.Name, OU: ou.ID, Warm: ou.Warm}
			for _, s := range set {
				if s.Org == o.Name && s.OU == ou.ID {
					t = s
				}
			}
			out = append(out, target{t, ou.Purpose})
		}
	}
	return out, nil
}
