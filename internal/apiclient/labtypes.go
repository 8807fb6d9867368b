package apiclient

import (
	"context"

	"github.com/kodekloud/kml/internal/apitypes"
)

// LabTypes lists the lab types by name.
func (c *Client) LabTypes(ctx context.Context) ([]apitypes.LabType, error) {
	return whole[apitypes.LabType](ctx, c, get("/v1/labtypes"))
}

// LabType gives a lab type.
func (c *Client) LabType(ctx context.Context, name string) (apitypes.LabType, error) {
	return do[apitypes.LabType](ctx, c, get("/v1/labtypes/{name}", name))
}

// MakeLabType makes a lab type of a new name.
func (c *Client) MakeLabType(ctx context.Context, spec apitypes.LabTypeSpec) (apitypes.LabType, error) {
	return do[apitypes.LabType](ctx, c, putNew(spec, "/v1/labtypes/{name}", spec.Name))
}

// ApplyLabType replaces the given revision of a lab type; see [AnyVersion].
func (c *Client) ApplyLabType(ctx context.Context, revision int64, spec apitypes.LabTypeSpec) (apitypes.LabType, error) {
	return do[apitypes.LabType](ctx, c, put(revision, spec, "/v1/labtypes/{name}", spec.Name))
}

// CheckLabType says whether a lab type could be applied, and what it would be.
func (c *Client) CheckLabType(ctx context.Context, spec apitypes.LabTypeSpec) (apitypes.LabTypeCheck, error) {
	return do[apitypes.LabTypeCheck](ctx, c, post(spec, "/v1/labtypes/validate"))
}

// ActivateLabType lets labs of the type be requested.
func (c *Client) ActivateLabType(ctx context.Context, name, reason string) (apitypes.LabType, error) {
	return do[apitypes.LabType](ctx, c, post(apitypes.Reason{Reason: reason}, "/v1/labtypes/{name}/activate", name))
}

// DeactivateLabType refuses new labs of the type.
func (c *Client) DeactivateLabType(ctx context.Context, name, reason string) (apitypes.LabType, error) {
	return do[apitypes.LabType](ctx, c, post(apitypes.Reason{Reason: reason}, "/v1/labtypes/{name}/deactivate", name))
}

// TestLabType asks whether the lab type allows a call, and by which statement.
func (c *Client) TestLabType(ctx context.Context, name string, q apitypes.AccessQuestion) (apitypes.AccessAnswer, error) {
	return do[apitypes.AccessAnswer](ctx, c, post(q, "/v1/labtypes/{name}/test", name))
}
