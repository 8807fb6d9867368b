package apiclient

import (
	"context"
	"iter"
	"strings"

	"github.com/kodekloud/kml/internal/apitypes"
)

// MakeKey makes an API key. It is shown this once.
func (c *Client) MakeKey(ctx context.Context, r apitypes.KeyRequest) (apitypes.NewKey, error) {
	return do[apitypes.NewKey](ctx, c, post(r, "/v1/keys"))
}

// KeyID is the id of a key that may be given whole. Only ids go into addresses:
// those stand in the logs of whatever is on the way.
func KeyID(key string) string {
	rest, whole := strings.CutPrefix(key, "kml_")
	if !whole {
		return key
	}
	id, _, _ := strings.Cut(rest, "_")
	return id
}

// Keys lists the keys whose id begins so.
func (c *Client) Keys(ctx context.Context, prefix string) iter.Seq2[apitypes.Key, error] {
	q := struct {
		Prefix string `query:"prefix"`
	}{KeyID(prefix)}
	return pages[apitypes.Key](ctx, c, 0, get("/v1/keys").with(q))
}

// Key gives a key, without its secret.
func (c *Client) Key(ctx context.Context, id string) (apitypes.Key, error) {
	return do[apitypes.Key](ctx, c, get("/v1/keys/{id}", KeyID(id)))
}

// RevokeKey ends a key for good.
func (c *Client) RevokeKey(ctx context.Context, id string) error {
	return c.none(ctx, del("/v1/keys/{id}", KeyID(id)))
}

// Me says who calls.
func (c *Client) Me(ctx context.Context) (apitypes.Me, error) {
	return do[apitypes.Me](ctx, c, get("/v1/me"))
}
