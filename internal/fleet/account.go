package fleet

import "time"

// Account is one AWS account of the fleet: the aggregate.
type Account struct {
	ID      string  `bson:"_id"` // 12 digits
	Name    string  `bson:"name"`
	Email   string  `bson:"email"`
	Org     string  `bson:"org"`     // Organization.Name
	OU      string  `bson:"ou"`      // id of the organizational unit, ou-…
	Purpose Purpose `bson:"purpose"` // of the OU; names the pool

	State State `bson:"state"`
	// Version grows by one with every write of the document.
	Version int64 `bson:"version"`
	// Epoch grows with every claim on the account (user creation, assignment,
	// cleaning). A task of an older epoch can do no harm: see Leases.
	Epoch int64     `bson:"epoch"`
	Since time.Time `bson:"since"` // when the state was entered
	// Reason is why the account is in its state.
	Reason string `bson:"reason"`
	// History holds the last transitions, newest last; older ones are in the
	// activity log.
	History []Transition `bson:"history"`
	// Writes holds the ids of the last writes, so that one whose reply was lost
	// can be recognised.
	Writes []string `bson:"writes"`

	// SessionID is set from the claim until the account is clean again; a
	// partial unique index makes one session hold one account.
	SessionID string `bson:"session_id,omitempty"`
	AttemptID string `bson:"attempt_id,omitempty"` // of the claim
	LabType   string `bson:"lab_type,omitempty"`   // of the session
	// LabTypeRevision is the revision of it that the session was accepted with.
	LabTypeRevision int64 `bson:"lab_type_revision,omitempty"`
	// EndsAt is the lab's end, as AWS enforces it.
	EndsAt time.Time `bson:"ends_at,omitempty"`

	User *User `bson:"user,omitempty"`
	// CleaningID names the cleaning run in progress, or the last one.
	CleaningID string `bson:"cleaning_id,omitempty"`
	// Attempts counts tries of the current step; it starts anew with each transition.
	Attempts int `bson:"attempts"`
	// NextTry is the earliest time of the next try of the current step. It is
	// stored when zero too, so that "due" is one range of an index.
	NextTry time.Time `bson:"next_try"`

	// Failures counts steps that were given up since the account last served a
	// lab: one that is cleaned and fails again is not a new one.
	Failures    int       `bson:"failures"`
	LastFailure string    `bson:"last_failure,omitempty"`
	RestedSince time.Time `bson:"rested_since"` // last return to account_loaded

	// SweptAt is when a full sweep last proved the account empty; zero means
	// never, and such an account does not join the pool.
	SweptAt time.Time `bson:"swept_at,omitempty"`
	// Quotas as read when the account joined: quota name to value.
	Quotas map[string]float64 `bson:"quotas,omitempty"`
	// ReadyAt is the stamp of the last readiness check that passed.
	ReadyAt time.Time `bson:"ready_at,omitempty"`
	// Booking is the booking that a ready account is held for; it is claimed by
	// sessions of that booking only. See [Account.Pool].
	Booking string `bson:"booking,omitempty"`
	// Drain says who wants the account out of the fleet, and why; empty if nobody
	// does. Unlike Leaving it is an operator's word and no sync takes it back.
	Drain string `bson:"drain,omitempty"`
	// Leaving is set when the account left the configured OUs while busy: it is
	// drained as soon as it is free.
	Leaving bool `bson:"leaving,omitempty"`

	// Leases are the mutating role sessions that may still act, by lease id.
	// They expire at AWS at the time given here. See [Leases].
	Leases map[string]time.Time `bson:"leases,omitempty"`
	// LeaseSeq grows by one with every lease taken, so that a move into a fenced
	// state can tell that none was taken since the account was read.
	LeaseSeq int64 `bson:"lease_seq"`
}

// Transition is one step of an account's history.
type Transition struct {
	Version int64     `bson:"version"` // the account's version that it made
	From    State     `bson:"from"`
	To      State     `bson:"to"`
	At      time.Time `bson:"at"`
	Reason  string    `bson:"reason"`
	Session string    `bson:"session,omitempty"`
	Epoch   int64     `bson:"epoch"`
}

// User is the temporary IAM user of an account, made ahead of need.
type User struct {
	Name        string    `bson:"name"` // carries the epoch it was made in; never used twice
	ARN         string    `bson:"arn"`
	BoundaryARN string    `bson:"boundary_arn"`
	AccessKeyID string    `bson:"access_key_id"`
	SecretKey   Sealed    `bson:"secret_key"` // sealed with purpose "account/<id>/<epoch>"
	Password    Sealed    `bson:"password"`   // likewise
	Epoch       int64     `bson:"epoch"`      // epoch of the making
	MadeAt      time.Time `bson:"made_at"`
	// Policies made ahead: lab type name to what was made for it.
	Policies map[string]MadePolicies `bson:"policies,omitempty"`
}

// MadePolicies are the customer managed policies of a lab type in an account.
type MadePolicies struct {
	Digest string   `bson:"digest"` // of the lab type's rendered policies
	ARNs   []string `bson:"arns"`
}

// Sealed is a secret under AES-256-GCM; see package seal.
type Sealed struct {
	KeyID string `bson:"key_id"`
	Nonce []byte `bson:"nonce"`
	Data  []byte `bson:"data"`
}

// Leaves says whether the account is to leave as soon as it is free: it gets no
// new user and is claimed for nobody.
func (a *Account) Leaves() bool { return a.Leaving || a.Drain != "" }

// Open says whether AWS may still let the account's lab act at now, unless
// somebody froze it.
func (a *Account) Open(now time.Time) bool { return a.User != nil && a.EndsAt.After(now) }

// Leased says whether a mutating session may still act at now.
func (a *Account) Leased(now time.Time) bool { return a.LeasedUntil().After(now) }

// LeasedUntil is when the last of the leases runs out; zero if there is none.
func (a *Account) LeasedUntil() time.Time {
	var last time.Time
	for _, until := range a.Leases {
		if until.After(last) {
			last = until
		}
	}
	return last
}

// Clone gives a copy that shares nothing with a.
func (a *Account) Clone() *Account {
	c := *a
	c.History = append([]Transition(nil), a.History...)
	c.Writes = append([]string(nil), a.Writes...)
	c.Leases = cloneMap(a.Leases)
	c.Quotas = cloneMap(a.Quotas)
	if a.User != nil {
		u := *a.User
		u.Policies = cloneMap(a.User.Policies)
		c.User = &u
	}
	return &c
}

func cloneMap[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return nil
	}
	c := make(map[K]V, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}
