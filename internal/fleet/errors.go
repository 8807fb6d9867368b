package fleet

import (
	"errors"
	"fmt"
	"time"
)

// Errors of stores and services, matched with errors.Is.
var (
	ErrNotFound   = errors.New("not found")
	ErrExists     = errors.New("exists already")
	ErrConflict   = errors.New("changed by somebody else meanwhile")
	ErrBadMove    = errors.New("no such state transition")
	ErrStaleEpoch = errors.New("the account has moved on to a later epoch")
	ErrProtected  = errors.New("protected account")
	ErrLabTypeOff = errors.New("lab type is switched off")
	ErrInvalid    = errors.New("invalid")
	ErrPoolEmpty  = errors.New("no account is ready")
	ErrEnded      = errors.New("the session has ended")
	ErrNotYet     = errors.New("the session has not begun")
	ErrForbidden  = errors.New("not allowed")
	ErrTrimmed    = errors.New("the event stream does not reach back so far")
)

// FieldError says what is wrong with a field and how to mend it.
type FieldError struct{ Field, Value, Remedy string }

func (e *FieldError) Error() string {
	return fmt.Sprintf("%s %q: %s", e.Field, e.Value, e.Remedy)
}

// Is makes a FieldError match ErrInvalid.
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }

// PermanentError marks a failure that trying again cannot cure. Next says what
// a person should do.
type PermanentError struct {
	Err  error
	Next string
}

func (e *PermanentError) Error() string {
	if e.Next == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + " (next: " + e.Next + ")"
}
func (e *PermanentError) Unwrap() error { return e.Err }

// Permanent wraps err as permanent; next says what to do about it.
func Permanent(err error, next string) error { return &PermanentError{err, next} }

// SnoozeError asks to be tried again after a while; it is no failure.
type SnoozeError struct {
	For time.Duration
	Why string
}

func (e *SnoozeError) Error() string { return fmt.Sprintf("not yet (%s): again in %v", e.Why, e.For) }

// Snooze asks to be tried again after d.
func Snooze(d time.Duration, why string) error { return &SnoozeError{d, why} }
