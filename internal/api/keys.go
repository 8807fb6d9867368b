package api

import (
	"context"
	"net/http"
	"time"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
)

type keyID struct {
	ID string `path:"id" minLength:"1" maxLength:"64" doc:"of the key: what stands after kml_"`
}

func (s *Server) keyRoutes() {
	register(s, op{id: "create-key", method: http.MethodPost, path: "/v1/keys", tag: "Keys", summary: "Make an API key; it is shown this once",
		needs: access.KeysWrite, status: http.StatusCreated, hidden: true}, s.createKey)
	register(s, op{id: "list-keys", method: http.MethodGet, path: "/v1/keys", tag: "Keys", summary: "List keys by id, without their secrets",
		needs: access.KeysRead}, s.listKeys)
	register(s, op{id: "get-key", method: http.MethodGet, path: "/v1/keys/{id}", tag: "Keys", summary: "Look at a key, without its secret",
		needs: access.KeysRead}, s.getKey)
	register(s, op{id: "revoke-key", method: http.MethodDelete, path: "/v1/keys/{id}", tag: "Keys", summary: "Revoke a key for good",
		detail: "It stops working within seconds. The record of it stays.", needs: access.KeysWrite, status: http.StatusNoContent}, s.revokeKey)
}

func (s *Server) createKey(ctx context.Context, in *struct{ Body apitypes.KeyRequest }) (*body[apitypes.NewKey], error) {
	r := access.KeyRequest{Name: in.Body.Name, Role: access.Role(in.Body.Role), Owner: in.Body.Owner, Expires: in.Body.ExpiresAt}
	plain, made, err := s.Keys.New(ctx, r, access.From(ctx).Who())
	if err != nil {
		return nil, err
	}
	return ok(apitypes.NewKey{Key: toKey(made), Secret: plain}), nil
}

func (s *Server) listKeys(ctx context.Context, in *struct {
	Paged
	Prefix string `query:"prefix" maxLength:"100" doc:"beginning of the id, or of the key itself"`
}) (*body[apitypes.Page[apitypes.Key]], error) {
	after, err := in.cursor()
	if err != nil {
		return nil, err
	}
	keys, err := s.Keys.List(ctx, in.Prefix, after.ID, in.Limit+1)
	if err != nil {
		return nil, err
	}
	keys, next := page(keys, in.Limit, func(k *fleet.APIKey) (time.Time, string) { return k.CreatedAt, k.ID })
	return ok(pageOf(keys, next, toKey)), nil
}

func (s *Server) getKey(ctx context.Context, in *keyID) (*body[apitypes.Key], error) {
	k, err := s.Keys.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(toKey(k)), nil
}

func (s *Server) revokeKey(ctx context.Context, in *keyID) (*struct{}, error) {
	_, err := s.Keys.Revoke(ctx, in.ID)
	return nil, err
}

// toKey is a key as JSON, without its secret.
func toKey(k *fleet.APIKey) apitypes.Key {
	return apitypes.Key{ID: k.ID, Name: k.Name, Role: k.Role, Owner: k.Owner, CreatedAt: k.CreatedAt, CreatedBy: k.CreatedBy, ExpiresAt: k.ExpiresAt,
		RevokedAt: k.RevokedAt, LastUsed: k.LastUsed, LastFrom: k.LastFrom}
}
