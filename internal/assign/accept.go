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
	Patience                    time.Duration // default Config.Patience
	Callback, Owner             string
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
	return &fleet.Session{
		ID: s.NewID(), RequestID: r.RequestID, LabType: r.LabType, Student: r.Student, Duration: r.Duration,
		Purpose: cmp.Or(r.Purpose, fleet.Production), Owner: r.Owner, Callback: r.Callback, State: fleet.SessionWaiting, Version: 1,
		RequestedAt: now, WaitUntil: now.Add(cmp.Or(r.Patience, s.Patience)),
	}
}

// same answers a repeated request: the same session, unless it asks for
// something else under the same id. An owner is compared only if both doors
// know one: the queue does not.
func (s *Service) same(known *fleet.Session, r Request) (*fleet.Session, error) {
	if known.LabType != r.LabType || known.Student != r.Student || known.Duration != r.Duration ||
		known.Purpose != cmp.Or(r.Purpose, fleet.Production) || known.Owner != "" && r.Owner != "" && known.Owner != r.Owner {
		return nil, &fleet.FieldError{Field: "request_id", Value: r.RequestID,
			Remedy: "it was used for another request; choose a new one for each lab"}
	}
	return known, nil
}

// check gives the lab type in force if the request is good.
func (s *Service) check(ctx context.Context, r Request) (fleet.LabType, error) {
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
