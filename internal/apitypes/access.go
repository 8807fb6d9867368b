package apitypes

import "time"

// KeyRequest makes an API key.
type KeyRequest struct {
	Name      string    `json:"name" minLength:"1" maxLength:"100" example:"academy backend"`
	Role      string    `json:"role" enum:"backend,teacher,viewer,operator,admin"`
	Owner     string    `json:"owner,omitempty" maxLength:"100" pattern:"^[A-Za-z0-9._@-]*$" doc:"whose labs a backend's or teacher's key sees; keys of one owner share them. Default: the key's own id"`
	ExpiresAt time.Time `json:"expires_at,omitzero" doc:"default: never"`
}

// Key is an API key without its secret.
type Key struct {
	ID        string    `json:"id" doc:"the key begins with kml_ and this"`
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	Owner     string    `json:"owner,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
	LastUsed  time.Time `json:"last_used,omitzero"`
	LastFrom  string    `json:"last_from,omitempty"`
}

// NewKey is a new API key, shown once.
type NewKey struct {
	Key
	Secret string `json:"key" doc:"the key itself, shown this once"`
}

// String hides the key.
func (k NewKey) String() string { return "API key " + k.ID + " (hidden)" }

// GoString hides the key.
func (k NewKey) GoString() string { return k.String() }

// Me is who calls.
type Me struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Role        string   `json:"role"`
	Owner       string   `json:"owner,omitempty"`
	Permissions []string `json:"permissions" nullable:"false"`
}
