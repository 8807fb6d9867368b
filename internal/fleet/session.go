package fleet

import "time"

// SessionState is where a request for a lab stands.
type SessionState string

// The states of a session. Scheduled if it is for later, Waiting, then served (Assigning, Active, Ended), or
// Expired (waiting list ran out), or Failed with a reason, or Cancelled.
const (
	SessionScheduled SessionState = "scheduled" // asked for at a later time; waits from then on
	SessionWaiting   SessionState = "waiting"
	SessionAssigning SessionState = "assigning"
	SessionActive    SessionState = "active"
	SessionEnded     SessionState = "ended"
	SessionExpired   SessionState = "expired" // its time on the waiting list ran out
	SessionCancelled SessionState = "cancelled"
	SessionFailed    SessionState = "failed"
)

// SessionStates lists all of them.
var SessionStates = []SessionState{SessionScheduled, SessionWaiting, SessionAssigning, SessionActive, SessionEnded, SessionExpired, SessionCancelled, SessionFailed}

// Final says whether nothing more will happen to the session.
func (s SessionState) Final() bool {
	switch s {
	case SessionEnded, SessionExpired, SessionCancelled, SessionFailed:
		return true
	}
	return false
}

// Settled says whether waiting for the session's assignment is over.
func (s SessionState) Settled() bool { return s == SessionActive || s.Final() }

// Session is one lab of one student, from the request to the end.
type Session struct {
	ID        string        `bson:"_id"`
	RequestID string        `bson:"request_id"` // unique: the idempotency key
	LabType   string        `bson:"lab_type"`
	Student   string        `bson:"student"`
	Duration  time.Duration `bson:"duration"`
	Purpose   Purpose       `bson:"purpose"` // names the pool
	Owner     string        `bson:"owner,omitempty"`
	Callback  string        `bson:"callback,omitempty"`
	// Priority goes before the time of the request on the waiting list: 0 (usual)
	// to MaxPriority.
	Priority int `bson:"priority"`
	// NotBefore is when a scheduled session joins the waiting list.
	NotBefore time.Time `bson:"not_before,omitempty"`
	// QueuedAt is since when the session waits: its place among equals.
	QueuedAt time.Time `bson:"queued_at"`
	// Booking is the booking whose seat the session takes.
	Booking string `bson:"booking,omitempty"`
	// Pool is the pool that the session waits for; see [Session.PoolName].
	Pool PoolName `bson:"pool"`
	Org  string   `bson:"org,omitempty"` // of the account, for usage
	// LabTypeRevision is the revision of the lab type that was accepted.
	LabTypeRevision int64 `bson:"lab_type_revision,omitempty"`

	State       SessionState `bson:"state"`
	Version     int64        `bson:"version"`
	Writes      []string     `bson:"writes"`
	Reason      string       `bson:"reason,omitempty"`
	RequestedAt time.Time    `bson:"requested_at"`
	WaitUntil   time.Time    `bson:"wait_until"` // end of patience on the waiting list
	AssignedAt  time.Time    `bson:"assigned_at,omitempty"`
	StartedAt   time.Time    `bson:"started_at,omitempty"` // credentials worked
	EndsAt      time.Time    `bson:"ends_at,omitempty"`
	EndedAt     time.Time    `bson:"ended_at,omitempty"` // frozen
	// Tries counts hand-outs that failed; each sends the session back to the
	// waiting list, up to a limit.
	Tries int `bson:"tries,omitempty"`
	// EndRequested asks a session in assignment to end as soon as it can.
	EndRequested bool `bson:"end_requested,omitempty"`

	AccountID string `bson:"account_id,omitempty"`
	AttemptID string `bson:"attempt_id,omitempty"`
	Epoch     int64  `bson:"epoch,omitempty"` // of the claim

	// Log holds the last changes, newest last, each written with the change itself.
	Log []SessionChange `bson:"log"`
	// Unpublished says that the last change may not have been told yet to those
	// who listen (event stream, webhooks, activity log). Written by every Swap and
	// Insert of package events, taken back by Sessions.Published.
	Unpublished bool `bson:"unpublished,omitempty"`

	// Told is the version up to which every change is known to have been told.
	Told int64 `bson:"told,omitempty"`

	// Access is what the student gets; the ending write removes it.
	Access *Access `bson:"access,omitempty"`
}

// MaxPriority is the highest priority of a session.
const MaxPriority = 9

// SessionChange is one change of a session. Its event's id is
// session/<id>/<version>.
type SessionChange struct {
	Version int64        `bson:"version"`
	At      time.Time    `bson:"at"`
	Type    string       `bson:"type"` // of the event, such as lab.active
	State   SessionState `bson:"state"`
	Account string       `bson:"account,omitempty"`
	EndsAt  time.Time    `bson:"ends_at,omitempty"`
	Reason  string       `bson:"reason,omitempty"`
}

// Access is a student's way in. Secrets are sealed with purpose
// "session/<id>/<epoch>".
type Access struct {
	AccountID   string   `bson:"account_id"`
	Regions     []string `bson:"regions"`
	AccessKeyID string   `bson:"access_key_id,omitempty"`
	SecretKey   *Sealed  `bson:"secret_key,omitempty"`
	ConsoleURL  string   `bson:"console_url,omitempty"`
	UserName    string   `bson:"user_name,omitempty"`
	Password    *Sealed  `bson:"password,omitempty"`
}

// Credentials is an opened [Access]. It never leaves a process but as the
// answer to the one who may have it; its String hides everything.
type Credentials struct {
	AccountID, AccessKeyID, SecretKey string
	ConsoleURL, UserName, Password    string
	Regions                           []string
}

// String names the account only.
func (c Credentials) String() string { return "credentials of account " + c.AccountID + " (hidden)" }

// GoString hides the secrets from %#v too.
func (c Credentials) GoString() string { return c.String() }

// Clone gives a copy that shares nothing that is written.
func (s *Session) Clone() *Session {
	c := *s
	c.Writes = append([]string(nil), s.Writes...)
	c.Log = append([]SessionChange(nil), s.Log...)
	if s.Access != nil {
		a := *s.Access
		c.Access = &a
	}
	return &c
}
