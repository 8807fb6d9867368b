package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
)

// Accounts reads accounts.
type Accounts interface {
	Get(ctx context.Context, id string) (*fleet.Account, error)
	Find(ctx context.Context, q fleet.AccountQuery) ([]*fleet.Account, error)
	Count(ctx context.Context) ([]fleet.AccountCount, error)
}

func (s *Server) accountRoutes() {
	register(s, op{id: "list-accounts", method: http.MethodGet, path: "/v1/accounts", tag: "Accounts", summary: "List accounts", needs: access.AccountsRead, detail: "In the order of their ids."}, s.listAccounts)
	register(s, op{id: "get-account", method: http.MethodGet, path: "/v1/accounts/{id}", tag: "Accounts", summary: "Get an account", needs: access.AccountsRead}, s.getAccount)
	register(s, op{id: "get-account-history", method: http.MethodGet, path: "/v1/accounts/{id}/history", tag: "Accounts", summary: "List an account's state transitions", needs: access.AccountsRead, detail: "The newest first."}, s.accountHistory)
	register(s, op{id: "list-account-cleanings", method: http.MethodGet, path: "/v1/accounts/{id}/cleanings", tag: "Accounts", summary: "List an account's last cleanings", needs: access.AccountsRead, detail: "The newest first."}, s.accountCleanings)
	register(s, op{id: "get-account-evidence", method: http.MethodGet, path: "/v1/accounts/{id}/evidence", tag: "Accounts", summary: "See what a cleaning of an account did", needs: access.AccountsRead}, s.accountEvidence)
	s.accountActions()
}

// AccountPath is embedded by the input of whatever is about one account.
type AccountPath struct {
	ID string `path:"id" pattern:"^[0-9]{12}$" doc:"AWS account id" example:"123456789012"`
}

func (s *Server) account(ctx context.Context, id string) (*fleet.Account, error) {
	a, err := s.Accounts.Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", id, err)
	}
	return a, nil
}

func answerAccount(a *fleet.Account) *tagged[apitypes.Account] {
	return &tagged[apitypes.Account]{ETag: etag(a.Version), Body: toAccount(a)}
}

func (s *Server) getAccount(ctx context.Context, in *struct{ AccountPath }) (*tagged[apitypes.Account], error) {
	a, err := s.account(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return answerAccount(a), nil
}

type accountFilter struct {
	Paged
	State   []string `query:"state" enum:"account_loaded,user_creating,user_created,account_assigning,in_use,account_cleanup,user_deleted,account_assigning_failed,failed,draining_org_unit" maxItems:"10" doc:"one or several, with commas"`
	Org     string   `query:"organization" maxLength:"100" doc:"name of the organization"`
	OU      string   `query:"ou" maxLength:"100" doc:"id of the organizational unit"`
	Purpose string   `query:"purpose" enum:"production,development,testing,quarantine"`
	Type    string   `query:"lab_type" maxLength:"64" doc:"lab type of the lab that holds it"`
	Booking string   `query:"booking" maxLength:"64" doc:"booking that it is held for"`
}

// beforeAll is a cursor in front of every account id.
const beforeAll = "0"

func (s *Server) listAccounts(ctx context.Context, in *accountFilter) (*body[apitypes.Page[apitypes.Account]], error) {
	cursor, err := in.cursor()
	if err != nil {
		return nil, err
	}
	q := fleet.AccountQuery{Org: in.Org, OU: in.OU, Purpose: fleet.Purpose(in.Purpose), LabType: in.Type, Booking: in.Booking, After: cmp.Or(cursor.ID, beforeAll), Limit: in.Limit + 1}
	for _, state := range in.State {
		q.States = append(q.States, fleet.State(state))
	}
	found, err := s.Accounts.Find(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	found, next := page(found, in.Limit, func(a *fleet.Account) (time.Time, string) { return time.UnixMilli(0), a.ID })
	return ok(pageOf(found, next, toAccount)), nil
}

func (s *Server) accountCleanings(ctx context.Context, in *struct {
	AccountPath
	Limit int `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"at most so many"`
}) (*body[apitypes.Page[apitypes.Cleaning]], error) {
	if _, err := s.account(ctx, in.ID); err != nil {
		return nil, err
	}
	runs, err := s.Cleanings.Runs(ctx, in.ID, in.Limit)
	if err != nil {
		return nil, fmt.Errorf("cleanings of account %s: %w", in.ID, err)
	}
	return ok(pageOf(runs, "", toCleaning)), nil
}

func (s *Server) accountEvidence(ctx context.Context, in *struct {
	AccountPath
	Cleaning string `query:"cleaning" maxLength:"64" doc:"id of the cleaning; default: the last one" example:"123456789012/17"`
}) (*body[apitypes.CleaningEvidence], error) {
	a, err := s.account(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	id := cmp.Or(in.Cleaning, a.CleaningID)
	if id == "" {
		return nil, fmt.Errorf("account %s was never cleaned: %w", a.ID, fleet.ErrNotFound)
	}
	run, err := s.Cleanings.Get(ctx, id)
	if err == nil && run.AccountID != a.ID {
		err = fleet.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("cleaning %s of account %s: %w", shorten(id), a.ID, err)
	}
	return s.withEvidence(ctx, run)
}

// toAccount is an account as JSON.
func toAccount(a *fleet.Account) apitypes.Account {
	return apitypes.Account{
		ID: a.ID, Name: a.Name, Org: a.Org, OU: a.OU, Purpose: string(a.Purpose), State: string(a.State), Since: a.Since, Reason: a.Reason, Epoch: a.Epoch, Version: a.Version,
		Lab: a.SessionID, Type: a.LabType, Booking: a.Booking, EndsAt: a.EndsAt, Attempts: a.Attempts, NextTry: a.NextTry, Failures: a.Failures, LastFailure: a.LastFailure,
		Cleaning: a.CleaningID, ReadyAt: a.ReadyAt, SweptAt: a.SweptAt, RestedSince: a.RestedSince, Drain: a.Drain, Leaving: a.Leaving, Quotas: a.Quotas,
	}
}
