package lifecycle

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

const (
	keepHistory = 12  // transitions in the document
	maxReason   = 500 // bytes
)

// successor builds the account that a move writes.
func (m *Machine) successor(old *fleet.Account, to fleet.State, reason string, mutate func(*fleet.Account)) (*fleet.Account, error) {
	next := old.Clone()
	now := m.now()
	next.State, next.Since, next.Reason = to, now, reason
	next.Version++
	if to.Claims() {
		next.Epoch++
	}
	next.Attempts, next.NextTry = 0, time.Time{}
	if to.Fenced() {
		next.Leases = nil
	}
	switch to {
	case fleet.Loaded:
		next.RestedSince = now
	case fleet.UserCreated:
		letGo(next)
	case fleet.UserDeleted:
		letGo(next)
		next.User, next.Booking = nil, "" // what is held for a booking is ready
	case fleet.Draining:
		next.Booking = ""
	}
	if to == fleet.AssigningFailed {
		next.SessionID, next.AttemptID = "", "" // nothing was handed out: another account serves the session
	}
	before := next.Clone()
	if mutate != nil {
		mutate(next)
	}
	if err := checkMutation(before, next, to == fleet.Assigning); err != nil {
		return nil, err
	}
	if err := checkEntry(next); err != nil {
		return nil, err
	}
	step := fleet.Transition{Version: next.Version, From: old.State, To: to, At: now, Reason: reason, Session: next.SessionID, Epoch: next.Epoch}
	if step.Session == "" {
		step.Session = old.SessionID // whose hold ends with this step
	}
	next.History = append(next.History, step)
	if extra := len(next.History) - keepHistory; extra > 0 {
		next.History = slices.Delete(next.History, 0, extra)
	}
	return next, nil
}

// letGo ends the hold of the session.
func letGo(a *fleet.Account) {
	a.SessionID, a.AttemptID, a.LabType, a.LabTypeRevision, a.EndsAt = "", "", "", 0, time.Time{}
}

// checkMove says whether the account may leave its state for another.
func checkMove(a *fleet.Account, to fleet.State) error {
	if !fleet.CanMove(a.State, to) {
		return fleet.ErrBadMove
	}
	if a.State == fleet.Draining && to == fleet.Loaded && !drainedAtRest(a) {
		return fmt.Errorf("it was not at rest when it left, so it goes through %s: %w", fleet.Cleanup, fleet.ErrBadMove)
	}
	return nil
}

// drainedAtRest says whether a draining account was clean and unused when it
// left; anything else must not come back by way of Loaded.
func drainedAtRest(a *fleet.Account) bool {
	return len(a.History) > 0 && a.History[len(a.History)-1].From == fleet.Loaded
}

// checkEntry checks what a state demands of the account's document.
func checkEntry(a *fleet.Account) error {
	switch {
	case a.State == fleet.Assigning && a.SessionID == "":
		return &fleet.FieldError{Field: "session id", Remedy: "set it in the move: a claim is made for a session"}
	case a.State.Fenced() && a.SweptAt.IsZero():
		return fmt.Errorf("no full sweep has ever proved it empty (SweptAt): %w", fleet.ErrBadMove)
	case a.State == fleet.Loaded && (a.SessionID != "" || a.User != nil):
		return fmt.Errorf("it still has a session or a user: %w", fleet.ErrBadMove)
	}
	return nil
}

// checkMutation compares what only the Machine and the stores may write.
func checkMutation(before, after *fleet.Account, claim bool) error {
	field := ""
	switch {
	case after.ID != before.ID:
		field = "ID"
	case after.State != before.State:
		field = "State"
	case after.Version != before.Version:
		field = "Version"
	case after.Epoch != before.Epoch:
		field = "Epoch"
	case !after.Since.Equal(before.Since):
		field = "Since"
	case after.Reason != before.Reason:
		field = "Reason"
	case !slices.Equal(after.History, before.History):
		field = "History"
	case !slices.Equal(after.Writes, before.Writes):
		field = "Writes"
	case !maps.Equal(after.Leases, before.Leases) || after.LeaseSeq != before.LeaseSeq:
		field = "Leases"
	case after.SessionID != before.SessionID && !claim:
		field = "SessionID"
	}
	if field == "" {
		return nil
	}
	return &fleet.FieldError{Field: field, Value: before.ID, Remedy: "leave it alone: it is written by package lifecycle only"}
}

// clipReason shortens a reason to what a document should hold; a move must not
// fail because the failure that it tells of is wordy.
func clipReason(reason string) (string, error) {
	if reason == "" {
		return "", &fleet.FieldError{Field: "reason", Remedy: "say why the account changes its state"}
	}
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "") + "…"
	}
	return reason, nil
}
