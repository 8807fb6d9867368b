// Package orgsync keeps the fleet's accounts in step with AWS Organizations: it
// adds what is new in the configured OUs, follows moves, and lets go of what
// left.
//
// Invariants:
//   - Nothing is concluded from a listing that failed: an account counts as gone
//     only when every page of every configured OU was read.
//   - Management accounts, the deny list, and whatever is outside the configured
//     OUs are never added.
//   - A busy account is never taken away: it is marked and leaves when free.
package orgsync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/kodekloud/kml/internal/fleet"
)

// AWS is what this package needs of awsclient.
type AWS interface {
	Management(ctx context.Context, org string) (aws.Config, error)
}

// Machine is what this package needs of lifecycle.
type Machine interface {
	Add(ctx context.Context, a *fleet.Account, reason string) (*fleet.Account, error)
	Move(ctx context.Context, a *fleet.Account, to fleet.State, reason string, mutate func(*fleet.Account)) (*fleet.Account, error)
	Edit(ctx context.Context, a *fleet.Account, mutate func(*fleet.Account)) (*fleet.Account, error)
}

// Service syncs organizations.
type Service struct {
	accounts fleet.Accounts
	machine  Machine
	aws      AWS
	orgs     map[string]fleet.Organization
}

// New makes a Service.
func New(accounts fleet.Accounts, machine Machine, aws AWS, orgs map[string]fleet.Organization) *Service {
	return &Service{accounts, machine, aws, orgs}
}

// found is an account as Organizations tells it, in a configured OU.
type found struct {
	account types.Account
	ou      fleet.OU
}

// Sync brings one organization up to date.
func (s *Service) Sync(ctx context.Context, org string) error {
	o, ok := s.orgs[org]
	if !ok {
		return &fleet.FieldError{Field: "org", Value: org, Remedy: "name one of the configured organizations"}
	}
	seen, err := s.list(ctx, o)
	if err != nil {
		return fmt.Errorf("sync %s: %w", org, err)
	}
	known, err := s.known(ctx, org)
	if err != nil {
		return fmt.Errorf("sync %s: %w", org, err)
	}
	var errs []error
	for id, f := range seen {
		if a, ok := known[id]; ok {
			errs = append(errs, s.present(ctx, a, f))
			continue
		}
		errs = append(errs, s.add(ctx, o, f))
	}
	for id, a := range known {
		if _, ok := seen[id]; !ok {
			errs = append(errs, s.left(ctx, a))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("sync %s: %w", org, err)
	}
	return nil
}

// list reads every page of every configured OU; pages may be empty in between.
func (s *Service) list(ctx context.Context, o fleet.Organization) (map[string]found, error) {
	cfg, err := s.aws.Management(ctx, o.Name)
	if err != nil {
		return nil, err
	}
	c := organizations.NewFromConfig(cfg)
	out := map[string]found{}
	for _, ou := range o.OUs {
		pages := organizations.NewListAccountsForParentPaginator(c, &organizations.ListAccountsForParentInput{ParentId: aws.String(ou.ID)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("accounts of %s: %w", ou.ID, err)
			}
			for _, a := range page.Accounts {
				id := aws.ToString(a.Id)
				if a.State == types.AccountStateActive && o.Protected(id, ou.ID) == "" {
					out[id] = found{a, ou}
				}
			}
		}
	}
	return out, nil
}

func (s *Service) known(ctx context.Context, org string) (map[string]*fleet.Account, error) {
	out := map[string]*fleet.Account{}
	for after := "0"; ; {
		page, err := s.accounts.Find(ctx, fleet.AccountQuery{Org: org, After: after, Limit: 500})
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			return out, nil
		}
		for _, a := range page {
			out[a.ID] = a
		}
		after = page[len(page)-1].ID
	}
}

func (s *Service) add(ctx context.Context, o fleet.Organization, f found) error {
	_, err := s.machine.Add(ctx, &fleet.Account{ID: aws.ToString(f.account.Id), Name: aws.ToString(f.account.Name),
		Email: aws.ToString(f.account.Email), Org: o.Name, OU: f.ou.ID, Purpose: f.ou.Purpose}, "found in "+o.Name)
	if errors.Is(err, fleet.ErrExists) {
		return s.adopt(ctx, o, f)
	}
	return err
}

// adopt takes an account over that came from another organization, once that
// one's sync has let go of it. One that another sync of ours has added is in step.
func (s *Service) adopt(ctx context.Context, o fleet.Organization, f found) error {
	a, err := s.accounts.Get(ctx, aws.ToString(f.account.Id))
	if err != nil {
		return err
	}
	if a.Org == o.Name || a.State != fleet.Draining || a.Drain != "" {
		return nil
	}
	_, err = s.machine.Move(ctx, a, fleet.Cleanup, "came from organization "+a.Org, func(n *fleet.Account) {
		n.Org, n.OU, n.Purpose, n.Leaving = o.Name, f.ou.ID, f.ou.Purpose, false
		n.SweptAt, n.Quotas = time.Time{}, nil // other policies and quotas held there
	})
	return lost(err)
}

// present follows an account that is where it should be: moved to another OU,
// or back after it had left. One that an operator drained stays out.
func (s *Service) present(ctx context.Context, a *fleet.Account, f found) error {
	if a.State == fleet.Draining && a.Drain == "" {
		_, err := s.machine.Move(ctx, a, fleet.Cleanup, "back in a configured OU", func(n *fleet.Account) {
			n.OU, n.Purpose, n.Leaving = f.ou.ID, f.ou.Purpose, false
		})
		return lost(err)
	}
	if a.OU == f.ou.ID && a.Purpose == f.ou.Purpose && !a.Leaving {
		return nil
	}
	_, err := s.machine.Edit(ctx, a, func(n *fleet.Account) {
		n.OU, n.Purpose, n.Leaving = f.ou.ID, f.ou.Purpose, false
	})
	return lost(err)
}

// left lets go of an account: at once when it is free, later when it is busy.
func (s *Service) left(ctx context.Context, a *fleet.Account) error {
	switch {
	case a.State == fleet.Draining && a.Drain == "":
		return nil
	case a.State == fleet.Loaded, a.State == fleet.UserCreated, a.State == fleet.Failed:
		_, err := s.machine.Move(ctx, a, fleet.Draining, "left the configured OUs", nil)
		return lost(err)
	}
	if a.Leaving {
		return nil
	}
	_, err := s.machine.Edit(ctx, a, func(n *fleet.Account) { n.Leaving = true })
	return lost(err)
}

// lost drops the error of a write that somebody else overtook: the next sync
// looks again.
func lost(err error) error {
	if errors.Is(err, fleet.ErrConflict) {
		return nil
	}
	return err
}
