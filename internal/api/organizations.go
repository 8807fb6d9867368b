package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

// Enqueuer is asynq's client.
type Enqueuer interface {
	EnqueueContext(ctx context.Context, task *asynq.Task, opts ...asynq.Option) (*asynq.TaskInfo, error)
}

func (s *Server) organizationRoutes() {
	register(s, op{id: "list-organizations", method: http.MethodGet, path: "/v1/organizations", tag: "Organizations", summary: "List the organizations", needs: access.OrgsRead}, s.listOrganizations)
	register(s, op{id: "get-organization", method: http.MethodGet, path: "/v1/organizations/{name}", tag: "Organizations", summary: "Get an organization with its OUs", needs: access.OrgsRead}, s.getOrganization)
	register(s, op{id: "sync-organization", method: http.MethodPost, path: "/v1/organizations/{name}/sync", tag: "Organizations", summary: "Sync an organization's accounts now", status: http.StatusAccepted, needs: access.OrgsWrite}, s.syncOrganization)
}

type OrgPath struct {
	Name string `path:"name" minLength:"1" maxLength:"100" doc:"the fleet's name of the organization"`
}

func (s *Server) organization(name string) (fleet.Organization, error) {
	for _, o := range s.Organizations {
		if o.Name == name {
			return o, nil
		}
	}
	return fleet.Organization{}, fmt.Errorf("organization %s: %w", shorten(name), fleet.ErrNotFound)
}

func (s *Server) listOrganizations(ctx context.Context, _ *struct{}) (*body[apitypes.Page[apitypes.Organization]], error) {
	counts, err := s.Accounts.Count(ctx)
	if err != nil {
		return nil, fmt.Errorf("count accounts: %w", err)
	}
	return ok(pageOf(s.Organizations, "", func(o fleet.Organization) apitypes.Organization { return toOrganization(o, counts) })), nil
}

func (s *Server) getOrganization(ctx context.Context, in *struct{ OrgPath }) (*body[apitypes.Organization], error) {
	o, err := s.organization(in.Name)
	if err != nil {
		return nil, err
	}
	counts, err := s.Accounts.Count(ctx)
	if err != nil {
		return nil, fmt.Errorf("count accounts: %w", err)
	}
	return ok(toOrganization(o, counts)), nil
}

func (s *Server) syncOrganization(ctx context.Context, in *struct{ OrgPath }) (*body[apitypes.Accepted], error) {
	o, err := s.organization(in.Name)
	if err != nil {
		return nil, err
	}
	_, err = s.Queue.EnqueueContext(ctx, tasks.NewSync(o.Name, s.Clock.Now()))
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) { // that one is in the queue already
		return nil, fmt.Errorf("enqueue the sync of %s: %w", o.Name, err)
	}
	return ok(apitypes.Accepted{Accepted: true, Detail: "the sync of " + o.Name + " is in the queue"}), nil
}

// toOrganization is an organization as JSON, with the number of its accounts.
func toOrganization(o fleet.Organization, counts []fleet.AccountCount) apitypes.Organization {
	out := apitypes.Organization{Name: o.Name, ManagementAccount: o.ManagementAccount, MemberRole: o.MemberRole, OUs: make([]apitypes.OU, len(o.OUs)), Denied: o.Deny, Accounts: map[string]int{}}
	for i, u := range o.OUs {
		out.OUs[i] = apitypes.OU{ID: u.ID, Purpose: string(u.Purpose), Warm: u.Warm, WarmFor: u.WarmFor, Accounts: map[string]int{}}
	}
	for _, c := range counts {
		if c.Org != o.Name {
			continue
		}
		out.Accounts[string(c.State)] += c.N
		for _, u := range out.OUs {
			if u.ID == c.OU {
				u.Accounts[string(c.State)] += c.N
			}
		}
	}
	return out
}
