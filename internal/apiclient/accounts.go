package apiclient

import (
	"context"
	"iter"

	"github.com/kodekloud/kml/internal/apitypes"
)

// AccountQuery narrows a list of accounts; empty fields do not. Limit is the
// most accounts in all, 0: every one.
type AccountQuery struct {
	State   []string `query:"state"`
	Org     string   `query:"organization"`
	OU      string   `query:"ou"`
	Purpose string   `query:"purpose"`
	Type    string   `query:"lab_type"` // of the lab that holds it
	Booking string   `query:"booking"`
	Limit   int
}

// Accounts lists accounts by id.
func (c *Client) Accounts(ctx context.Context, q AccountQuery) iter.Seq2[apitypes.Account, error] {
	return pages[apitypes.Account](ctx, c, q.Limit, get("/v1/accounts").with(q))
}

// Account gives an account.
func (c *Client) Account(ctx context.Context, id string) (apitypes.Account, error) {
	return do[apitypes.Account](ctx, c, get("/v1/accounts/{id}", id))
}

// AccountHistory lists the account's steps, newest first; limit is the most in
// all, 0: every one.
func (c *Client) AccountHistory(ctx context.Context, id string, limit int) iter.Seq2[apitypes.Transition, error] {
	return pages[apitypes.Transition](ctx, c, limit, get("/v1/accounts/{id}/history", id))
}

// Cleanings lists the account's cleanings, newest first; limit as above.
func (c *Client) Cleanings(ctx context.Context, id string, limit int) iter.Seq2[apitypes.Cleaning, error] {
	return pages[apitypes.Cleaning](ctx, c, limit, get("/v1/accounts/{id}/cleanings", id))
}

// AccountEvidence gives what one cleaning of the account did and found; an empty
// cleaning is the last one.
func (c *Client) AccountEvidence(ctx context.Context, id, cleaning string) (apitypes.CleaningEvidence, error) {
	q := struct {
		Cleaning string `query:"cleaning"`
	}{cleaning}
	return do[apitypes.CleaningEvidence](ctx, c, get("/v1/accounts/{id}/evidence", id).with(q))
}

// QuarantineAccount takes an account out of the pool, for people to look at.
func (c *Client) QuarantineAccount(ctx context.Context, id, reason string) (apitypes.Account, error) {
	return do[apitypes.Account](ctx, c, post(apitypes.Reason{Reason: reason}, "/v1/accounts/{id}/quarantine", id))
}

// ReleaseAccount lets a quarantined account go back, by way of a cleaning.
func (c *Client) ReleaseAccount(ctx context.Context, id, reason string) (apitypes.Account, error) {
	return do[apitypes.Account](ctx, c, post(apitypes.Reason{Reason: reason}, "/v1/accounts/{id}/release", id))
}

// DrainAccount takes an account out of the fleet once nobody is in it.
func (c *Client) DrainAccount(ctx context.Context, id, reason string) (apitypes.Account, error) {
	return do[apitypes.Account](ctx, c, post(apitypes.Reason{Reason: reason}, "/v1/accounts/{id}/drain", id))
}

// CleanAccount orders a cleaning.
func (c *Client) CleanAccount(ctx context.Context, id string, o apitypes.CleanOrder) (apitypes.Account, error) {
	return do[apitypes.Account](ctx, c, post(o, "/v1/accounts/{id}/clean", id))
}

// DryRun says what a cleaning would do, and does nothing.
func (c *Client) DryRun(ctx context.Context, id string) (apitypes.DryRun, error) {
	return do[apitypes.DryRun](ctx, c, post(nil, "/v1/accounts/{id}/dry-run", id))
}
