package fleet

import "time"

// APIKey is a key to the API. The key itself is shown once and never stored:
// kml_<id>_<secret>, of which the id is searchable and the secret is hashed.
type APIKey struct {
	ID        string    `bson:"_id"`  // the public prefix of the key
	Hash      []byte    `bson:"hash"` // SHA-256 of the whole key: 256 random bits need no slow hash
	Name      string    `bson:"name"`
	Role      string    `bson:"role"`  // see package access
	Owner     string    `bson:"owner"` // whose labs it sees, when the role sees its own alone
	CreatedAt time.Time `bson:"created_at"`
	CreatedBy string    `bson:"created_by"`
	ExpiresAt time.Time `bson:"expires_at,omitempty"` // zero: never
	RevokedAt time.Time `bson:"revoked_at,omitempty"`
	LastUsed  time.Time `bson:"last_used,omitempty"` // to the minute
	LastFrom  string    `bson:"last_from,omitempty"` // address
	Version   int64     `bson:"version"`
	Writes    []string  `bson:"writes"`
}

// Clone gives a copy that shares nothing that is written.
func (k *APIKey) Clone() *APIKey {
	c := *k
	c.Writes = append([]string(nil), k.Writes...)
	return &c
}

// IdempotentCall is the record of a POST under an idempotency key.
type IdempotentCall struct {
	ID     string    `bson:"_id"`    // who, operation, key
	Digest []byte    `bson:"digest"` // of path and body
	Claim  string    `bson:"claim"`  // of the try that works on it
	At     time.Time `bson:"at"`     // of that try; one that died is taken over a while later
	Done   bool      `bson:"done"`
	Status int       `bson:"status,omitempty"`
	// Answer is the sealed answer (headers and body): it may hold a secret.
	Answer  *Sealed   `bson:"answer,omitempty"`
	Expires time.Time `bson:"expires"`
}
