package apiclient

import (
	"context"

	"github.com/kodekloud/kml/internal/apitypes"
)

// Organizations lists the AWS organizations of the fleet.
func (c *Client) Organizations(ctx context.Context) ([]apitypes.Organization, error) {
	return whole[apitypes.Organization](ctx, c, get("/v1/organizations"))
}

// Organization gives an organization.
func (c *Client) Organization(ctx context.Context, name string) (apitypes.Organization, error) {
	return do[apitypes.Organization](ctx, c, get("/v1/organizations/{name}", name))
}

// SyncOrganization has the organization's accounts read again soon.
func (c *Client) SyncOrganization(ctx context.Context, name string) (apitypes.Accepted, error) {
	return do[apitypes.Accepted](ctx, c, post(nil, "/v1/organizations/{name}/sync", name))
}

// Pool gives the pools, who waits for them, and what is expected.
func (c *Client) Pool(ctx context.Context) (apitypes.Pool, error) {
	return do[apitypes.Pool](ctx, c, get("/v1/pool"))
}

// SetTarget sets how many accounts of an OU are kept ready; version is that of
// its [apitypes.PoolStatus], or [AnyVersion].
func (c *Client) SetTarget(ctx context.Context, org, ou string, version int64, t apitypes.Target) (apitypes.Target, error) {
	return do[apitypes.Target](ctx, c, put(version, t, "/v1/pool/{org}/{ou}/target", org, ou))
}
