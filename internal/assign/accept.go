package assign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Request is a lab that somebody asks for.
type Request struct {
	RequestID, LabType, Student string
	Duration                    time.Duration
	Purpose                     fleet.Purpose // default production
	Patience                    time.Duration // default Config.Patience; from NotBefore on
	Callback, Owner             string
	Priority                    int       // before waiting time; 0 (usual) to fleet.MaxPriority
	NotBefore                   time.Time // joins the waiting list then; zero: now
	Booking                     string    // whose seat the lab takes
	// Queued says that the request waited in a queue before: a NotBefore that has
	// passed meanwhile is as good as none.
	Queued bool
}

// Request accepts a request and has what it needs next begun: the match at once,
// or the start at its time. Errors as those of [Service.Accept].
func (s *Service) Request(ctx context.Context, r Request) (*fleet.Session, error) {
	session, err := s.Accept(ctx, r)
	if err != nil {
		return nil, err
	}
	if !session.State.Final() {
		s.Wake(ctx, session)
	}
	return session, nil
}

// Accept writes the session of a request, once per request id. Errors:
// fleet.ErrInvalid names the field, fleet.ErrLabTypeOff gives the reason; both
// are final. Anything else may be tried again.
func (s *Service) Accept(ctx context.Context, r Request) (*fleet.Session, error) {
	known, err := s.Sessions.ByRequest(ctx, r.RequestID)
	if err == nil {
		return s.same(known, r)
	}
	if !errors.Is(err, fleet.ErrNotFound) {
		return nil, fmt.Errorf("look for request %s: %w", r.RequestID, err)
	}
	lt, err := s.check(ctx, r)
	if err != nil {
		return nil, err
	}
	n := s.newSession(r)
	n.LabTypeRevision = lt.Revision
	if err := s.seat(ctx, r, n); err != nil {
		return nil, err
	}
	stands, err := s.insert(ctx, n)
	if err != nil {
		return nil, err
	}
	return s.same(stands, r)
}

// Refuse writes the session of a request that cannot be served, so that a
// backend that came by the queue finds the reason. A session that stands already
// under the request id stays as it is.
func (s *Service) Refuse(ctx context.Context, r Request, why error) (*fleet.Session, error) {
	n := s.newSession(r)
	n.State, n.Reason, n.EndedAt = fleet.SessionFailed, why.Error(), n.RequestedAt
	return s.insert(ctx, n)
}

func (s *Service) insert(ctx context.Context, n *fleet.Session) (*fleet.Session, error) {
	err := s.Sessions.Insert(ctx, n)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, fleet.ErrExists): // the other door, or a lost reply
		return s.Sessions.ByRequest(ctx, n.RequestID)
	default:
		return nil, fmt.Errorf("write session of request %s: %w", n.RequestID, err)
	}
}

func (s *Service) newSession(r Request) *fleet.Session {
	now := s.Clock.Now().UTC()
	from := now
	n := &fleet.Session{
		ID: s.NewID(), RequestID: r.RequestID, LabType: r.LabType, Student: r.Student, Duration: r.Duration,
		Purpose: cmp.Or(r.Purpose, fleet.Production), Owner: r.Owner, Callback: r.Callback, State: fleet.SessionWaiting, Version: 1,
		Priority: r.Priority, Booking: r.Booking, RequestedAt: now, QueuedAt: now,
	}
	if !r.NotBefore.IsZero() {
		n.NotBefore = r.NotBefore.UTC()
		n.QueuedAt = n.NotBefore
	}
	if r.NotBefore.After(now) {
		n.State, from = fleet.SessionScheduled, n.NotBefore
	}
	n.WaitUntil = from.Add(cmp.Or(r.Patience, s.Patience))
	return n
}

// seat asks whether a session may take a seat of its booking, whose accounts and,
// unless the request names one, whose owner become its own.
func (s *Service) seat(ctx context.Context, r Request, n *fleet.Session) error {
	if r.Booking == "" {
		return nil
	}
	if s.Seats == nil {
		return &fleet.FieldError{Field: "booking", Value: r.Booking, Remedy: "this fleet takes no bookings; leave it out"}
	}
	b, err := s.Seats.Seat(ctx, r.Booking, r.Owner, r.LabType)
	if err != nil {
		return fmt.Errorf("seat of booking %s: %w", r.Booking, err)
	}
	if r.Purpose != "" && r.Purpose != b.Purpose {
		return &fleet.FieldError{Field: "purpose", Value: string(r.Purpose), Remedy: "the booking is for " + string(b.Purpose) + "; leave it out"}
	}
	n.Purpose, n.Owner = b.Purpose, cmp.Or(r.Owner, b.Owner)
	return nil
}

// same answers a repeated request: the same session, unless it asks for
// something else under the same id. An owner is compared only if both doors
// know one: the queue does not. The purpose of a seat is its booking's.
func (s *Service) same(known *fleet.Session, r Request) (*fleet.Session, error) {
	purpose := r.Purpose
	if purpose == "" && r.Booking == "" {
		purpose = fleet.Production
	}
	if known.LabType != r.LabType || known.Student != r.Student || known.Duration != r.Duration ||
		known.Priority != r.Priority || !known.NotBefore.Equal(r.NotBefore.Truncate(time.Millisecond)) || known.Booking != r.Booking ||
		purpose != "" && known.Purpose != purpose || known.Owner != "" && r.Owner != "" && known.Owner != r.Owner {
		return nil, &fleet.FieldError{Field: "request_id", Value: r.RequestID,
			Remedy: "it was used for another request; choose a new one for each lab"}
	}
	return known, nil
}

// clocks is how far the clocks of the fleet and of those who ask may be apart.
const clocks = time.Minute

// checkStart refuses a time that has passed or is too far ahead.
func (s *Service) checkStart(r Request) error {
	if r.NotBefore.IsZero() {
		return nil
	}
	switch ahead := r.NotBefore.Sub(s.Clock.Now()); {
	case ahead > fleet.MaxAhead:
		return &fleet.FieldError{Field: "start_at", Value: r.NotBefore.Format(time.RFC3339), Remedy: "give a time in the next 90 days"}
	case ahead < -clocks && !r.Queued:
		return &fleet.FieldError{Field: "start_at", Value: r.NotBefore.Format(time.RFC3339), Remedy: "it has passed; give a later time, or leave it out for a lab now"}
	}
	return nil
}

// check gives the lab type in force if the request is good.
func (s *Service) check(ctx context.Context, r Request) (fleet.LabType, error) {
	form := fleet.RequestForm{RequestID: r.RequestID, LabType: r.LabType, Student: r.Student, Booking: r.Booking, Callback: r.Callback,
		Duration: r.Duration, Patience: r.Patience, Priority: r.Priority}
	if err := form.Check(); err != nil {
		return fleet.LabType{}, err
	}
	if err := s.checkStart(r); err != nil {
		return fleet.LabType{}, err
	}
	lt, err := s.LabTypes.Get(ctx, r.LabType)
	if errors.Is(err, fleet.ErrNotFound) {
		return lt, s.unknown(ctx, r.LabType)
	}
	if err != nil {
		return lt, fmt.Errorf("look for lab type %s: %w", r.LabType, err)
	}
	if r.Duration <= 0 || r.Duration > lt.MaxDuration {
		return lt, &fleet.FieldError{Field: "duration", Value: r.Duration.String(),
			Remedy: fmt.Sprintf("give more than 0 and at most %v for %s", lt.MaxDuration, lt.Name)}
	}
	if r.Purpose != "" && (!slices.Contains(fleet.Purposes, r.Purpose) || r.Purpose == fleet.Quarantine) {
		return lt, &fleet.FieldError{Field: "purpose", Value: string(r.Purpose), Remedy: "give production, development or testing"}
	}
	st, err := s.Statuses.Status(ctx, r.LabType)
	if err != nil {
		return lt, fmt.Errorf("status of lab type %s: %w", r.LabType, err)
	}
	if st.Off {
		return lt, fmt.Errorf("%w: %s: %s", fleet.ErrLabTypeOff, r.LabType, st.Reason)
	}
	return lt, nil
}

func (s *Service) unknown(ctx context.Context, name string) error {
	all, err := s.LabTypes.All(ctx)
	if err != nil {
		return fmt.Errorf("look for lab type %s: %w", name, err)
	}
	names := make([]string, len(all))
	for i, lt := range all {
		names[i] = lt.Name
	}
	return &fleet.FieldError{Field: "lab_type", Value: name, Remedy: "known lab types are " + strings.Join(names, ", ")}
}

func sealPurpose(kind, id string, epoch int64) string {
	return kind + "/" + id + "/" + strconv.FormatInt(epoch, 10)
}
