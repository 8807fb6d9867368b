package fleet

import (
	"context"
	"time"
)

// Accounts keeps account documents. Errors: ErrNotFound, ErrExists, ErrConflict.
// A write whose reply was lost is read back by its write id by the store itself
// before it says anything.
type Accounts interface {
	Get(ctx context.Context, id string) (*Account, error)
	// Insert adds a new account; ErrExists if there is one.
	Insert(ctx context.Context, a *Account) error
	// Swap replaces old by next if the stored document still has old's state and
	// version; next.Version must be old.Version+1. ErrConflict if it has moved
	// on; ErrExists if next.SessionID already holds another account. Leases are
	// not part of what Swap replaces: they are written by Leases only. But a
	// change of state into a fenced one (State.Fenced) also needs the stored
	// LeaseSeq to be old's, and drops the leases, which must all have run out.
	// On success next is what is stored: its Writes are kept by the store, times
	// are UTC in milliseconds. Used by package lifecycle only.
	Swap(ctx context.Context, old, next *Account) error
	Find(ctx context.Context, q AccountQuery) ([]*Account, error)
	BySession(ctx context.Context, sessionID string) (*Account, error)
	// Count counts accounts by state and purpose.
	Count(ctx context.Context) ([]AccountCount, error)
}

// AccountQuery selects accounts; empty fields select all. Results come longest
// rested first.
type AccountQuery struct {
	States  []State
	Purpose Purpose
	Org     string
	OU      string
	// Before selects accounts that entered their state before this time.
	Before time.Time
	// Due selects accounts whose NextTry is not after this time.
	Due time.Time
	// Booking selects accounts that are held for it.
	Booking string
	LabType string // of the session that holds it
	After   string // cursor: ids greater than this; results then come by id
	Limit   int    // 0: 1000
}

// AccountCount is how many accounts of an OU are in a state.
type AccountCount struct {
	Org     string
	OU      string
	Purpose Purpose
	State   State
	N       int
}

// Leases fences mutating role sessions by the account's epoch.
type Leases interface {
	// Acquire records that a role session may act in the account until the
	// given time, if the account is still in this epoch; else ErrStaleEpoch.
	Acquire(ctx context.Context, accountID string, epoch int64, lease string, until time.Time) error
	// Release gives a lease back: its session is not used any more.
	Release(ctx context.Context, accountID, lease string) error
}

// Sessions keeps session documents.
type Sessions interface {
	Get(ctx context.Context, id string) (*Session, error)
	ByRequest(ctx context.Context, requestID string) (*Session, error)
	// Insert adds a session; ErrExists if its id or request id is known.
	Insert(ctx context.Context, s *Session) error
	// Swap replaces old by next if the stored version is still old's.
	Swap(ctx context.Context, old, next *Session) error
	// Waiting gives the waiting sessions of a pool: the highest priority first,
	// then the longest queued.
	Waiting(ctx context.Context, pool PoolName, limit int) ([]*Session, error)
	Find(ctx context.Context, q SessionQuery) ([]*Session, error)
	// Published takes back Unpublished if the stored version is still this one.
	Published(ctx context.Context, id string, version int64) error
	Count(ctx context.Context) (map[SessionState]int, error)
}

// SessionQuery selects sessions; results come oldest request first.
type SessionQuery struct {
	States    []SessionState
	LabType   string
	Student   string
	AccountID string
	// EndsBefore selects sessions whose end is at or before this time.
	EndsBefore time.Time
	// WaitBefore selects sessions whose patience ended at or before this time.
	WaitBefore time.Time
	// Before selects sessions assigned at or before this time.
	AssignedBefore time.Time
	// NotBefore selects scheduled sessions whose time has come at this time.
	NotBefore time.Time
	Owner     string
	Booking   string
	Org       string
	// From and To select by the time of the request, To itself not.
	From, To time.Time
	// Unpublished selects sessions written before this time whose last change may
	// not have been told.
	Unpublished time.Time
	// Newest lists the newest request first.
	Newest bool
	// Cursor goes on after this request, in the order asked for.
	Cursor Cursor
	After  string // cursor by id; results then come by id
	Limit  int    // 0: 1000
}

// Cleanings keeps cleaning runs and their evidence.
type Cleanings interface {
	Get(ctx context.Context, id string) (*CleaningRun, error)
	Insert(ctx context.Context, r *CleaningRun) error
	// Swap replaces old by next if the stored version is still old's; Units are
	// not replaced (they are written by CompleteUnit).
	Swap(ctx context.Context, old, next *CleaningRun) error
	// CompleteUnit sets the result of a unit once and gives the document after
	// the write; a unit that is already set stays as it is.
	CompleteUnit(ctx context.Context, id, unit string, r UnitResult) (*CleaningRun, error)
	// Open lists runs that are not done and have not been written since before.
	Open(ctx context.Context, before time.Time, limit int) ([]*CleaningRun, error)
	AddEvidence(ctx context.Context, e []Evidence) error
	Evidence(ctx context.Context, runID string) ([]Evidence, error)
	// Runs lists an account's runs, newest first.
	Runs(ctx context.Context, accountID string, limit int) ([]*CleaningRun, error)
}

// LabTypeStore keeps what the fleet knows of lab types beside their files.
type LabTypeStore interface {
	Status(ctx context.Context, name string) (LabTypeStatus, error) // zero status if unknown
	// Failed counts a failure and switches the type off when limit is reached;
	// it gives the status after the write.
	Failed(ctx context.Context, name, reason string, limit int, now time.Time) (LabTypeStatus, error)
	Succeeded(ctx context.Context, name string) error
	SetOff(ctx context.Context, name string, off bool, reason string, now time.Time) error
	All(ctx context.Context) ([]LabTypeStatus, error)
}

// Activity is one line of the append-only log.
type Activity struct {
	ID      string    `bson:"_id"` // account/version for transitions: writing twice is writing once
	At      time.Time `bson:"at"`
	Kind    string    `bson:"kind"` // transition, session, labtype, call, sync
	Account string    `bson:"account,omitempty"`
	Session string    `bson:"session,omitempty"`
	LabType string    `bson:"lab_type,omitempty"`
	From    string    `bson:"from,omitempty"`
	To      string    `bson:"to,omitempty"`
	Reason  string    `bson:"reason,omitempty"`
	Who     string    `bson:"who,omitempty"`
	// Of a call to the API.
	Where   string `bson:"where,omitempty"`   // address of the caller
	What    string `bson:"what,omitempty"`    // operation and what it was done to
	Outcome string `bson:"outcome,omitempty"` // HTTP status and code
}

// ActivityQuery selects entries, newest first; empty fields select all.
type ActivityQuery struct {
	Account, Session, LabType, Kind, Who string
	From, To                             time.Time // To itself not
	Cursor                               Cursor
	Limit                                int // 0: 1000
}

// ActivityLog is append-only; Append of a known id does nothing.
type ActivityLog interface {
	Append(ctx context.Context, entries ...Activity) error
	Find(ctx context.Context, q ActivityQuery) ([]Activity, error)
}

// Pool is the sets of ready accounts by pool: a hint that may be wrong, may be
// lost, and is made anew from the accounts themselves.
type Pool interface {
	// Add puts an account in; score is since when it has rested.
	Add(ctx context.Context, p PoolName, accountID string, rested time.Time) error
	// Pop takes the longest rested account out; "" when there is none.
	Pop(ctx context.Context, p PoolName) (string, error)
	Remove(ctx context.Context, p PoolName, accountID string) error
	Size(ctx context.Context, p PoolName) (int, error)
}

// Budget shares a rate between all processes.
type Budget interface {
	// Take waits for a token of key, refilled at perSecond up to burst. It gives
	// up with the context.
	Take(ctx context.Context, key string, perSecond, burst float64) error
}
