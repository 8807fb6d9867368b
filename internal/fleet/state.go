package fleet

import "slices"

// State is an account's state. The names are those of the seed document.
type State string

// The ten states.
const (
	Loaded          State = "account_loaded"           // synced; no user; rests here between labs
	UserCreating    State = "user_creating"            // the temporary user is being made
	UserCreated     State = "user_created"             // ready: warm, in the pool
	Assigning       State = "account_assigning"        // claimed for a session, being handed out
	InUse           State = "in_use"                   // a student works in it
	Cleanup         State = "account_cleanup"          // frozen, being emptied and proven empty
	UserDeleted     State = "user_deleted"             // clean, user gone, being reset
	AssigningFailed State = "account_assigning_failed" // the hand-out failed; goes to cleanup
	Failed          State = "failed"                   // out of the pool, under investigation
	Draining        State = "draining_org_unit"        // leaves the fleet
)

// States lists all states in the order of an account's way.
var States = []State{Loaded, UserCreating, UserCreated, Assigning, InUse, Cleanup, UserDeleted, AssigningFailed, Failed, Draining}

// Transition table: the only moves that exist, each with why it happens.
// The diagram in docs/states.md is drawn from it.
var transitions = []Edge{
	{Loaded, UserCreating, "pool below its target"},
	{Loaded, Cleanup, "first full sweep of a new account, or ordered by an operator"},
	{UserCreating, UserCreated, "user, boundary and key stand"},
	{UserCreating, Cleanup, "user creation failed half-way"},
	{UserCreated, Assigning, "claimed for a session"},
	{UserCreated, Cleanup, "not ready any more, or ordered by an operator"},
	{Assigning, InUse, "credentials work"},
	{Assigning, UserCreated, "session cancelled before the account was touched"},
	{Assigning, AssigningFailed, "hand-out failed"},
	{Assigning, Cleanup, "session ended during the hand-out"},
	{AssigningFailed, Cleanup, "clean before anything else"},
	{InUse, Cleanup, "the lab ended"},
	{Cleanup, UserDeleted, "every planned check came back clean"},
	{UserDeleted, Loaded, "reset and verified"},
	{UserDeleted, Cleanup, "something was found during the reset"},
	{Failed, Cleanup, "released by an operator or a rule"},
	{Loaded, Draining, "left the configured OUs, or drained by an operator"},
	{UserCreated, Draining, "left the configured OUs, or drained by an operator"},
	{Failed, Draining, "left the configured OUs, or drained by an operator"},
	{Draining, Loaded, "released by an operator"},
	{Draining, Cleanup, "back in a configured OU, or released with things in it"},
	// Anything can fail for good, or be taken out by an operator.
	{Loaded, Failed, "unexpected failure"},
	{UserCreating, Failed, "repeated failure"},
	{UserCreated, Failed, "unexpected failure"},
	{Assigning, Failed, "unexpected failure"},
	{AssigningFailed, Failed, "repeated failure"},
	{InUse, Failed, "unexpected failure"},
	{Cleanup, Failed, "repeated failure"},
	{UserDeleted, Failed, "repeated failure"},
	{Draining, Failed, "quarantined by an operator"},
}

// Edge is one move of the transition table.
type Edge struct {
	From, To State
	Why      string
}

// Transitions gives the whole table.
func Transitions() []Edge { return slices.Clone(transitions) }

// CanMove says whether the table knows the move.
func CanMove(from, to State) bool {
	return slices.ContainsFunc(transitions, func(e Edge) bool { return e.From == from && e.To == to })
}

// Valid says whether s is one of the ten states.
func (s State) Valid() bool { return slices.Contains(States, s) }

// Claims says whether entering s is a claim: it raises the account's epoch, so
// that whoever worked on the account before can take no lease any more.
//
// UserCreated is one of them though nobody works there: without it, a second
// and forgotten try of the user creation could still take a lease in an account
// of the pool.
func (s State) Claims() bool {
	return s == UserCreating || s == UserCreated || s == Assigning || s == Cleanup
}

// Fenced says whether s is entered only when every lease was given back or ran
// out: before a new user is made, so that no leftover of a cleaning can touch
// it, and before the pool. Leases taken in the same instant make the move fail.
func (s State) Fenced() bool { return s == UserCreating || s == UserCreated }
