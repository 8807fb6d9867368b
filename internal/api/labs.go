package api

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/assign"
	"github.com/kodekloud/kml/internal/fleet"
)

// Labs serves labs: package assign.
type Labs interface {
	// Request accepts a request and wakes the match.
	Request(ctx context.Context, r assign.Request) (*fleet.Session, error)
	End(ctx context.Context, id, reason string) error
	Extend(ctx context.Context, id string, by time.Duration) (*fleet.Session, error)
	Reveal(ctx context.Context, id string) (fleet.Credentials, error)
}

// Sessions reads labs.
type Sessions interface {
	Get(ctx context.Context, id string) (*fleet.Session, error)
	Find(ctx context.Context, q fleet.SessionQuery) ([]*fleet.Session, error)
}

// Settler waits for labs: package events.
type Settler interface {
	// WaitSettled gives a lab once it is active or final, or as it stands when so
	// much time has passed.
	WaitSettled(ctx context.Context, id string, most time.Duration) (*fleet.Session, error)
}

// Forecast estimates: package booking.
type Forecast interface {
	// ETA is when a waiting or scheduled session gets an account, if that is known.
	ETA(ctx context.Context, l *fleet.Session) (at time.Time, known bool, err error)
}

// Targets judges where callbacks go: package webhook.
type Targets interface {
	// CheckURL gives a *fleet.FieldError for the field if nothing may be sent there.
	CheckURL(field, raw string) error
}

const (
	longestWait = 30 * time.Second
	waitLimit   = longestWait + defaultLimit
	maxWaits    = 1000             // of one key, in this process; one more is answered at once
	applyLimit  = 40 * time.Second // an extension is told to AWS
)

func (s *Server) labRoutes() {
	register(s, op{id: "request-lab", method: http.MethodPost, path: "/v1/labs", tag: "Labs", summary: "Request a lab", status: http.StatusCreated, limit: waitLimit, repeatable: true, needs: access.LabsWrite,
		also: map[int]string{http.StatusAccepted: "The lab, which is not ready yet."}, detail: "With wait the answer is the lab with its assignment finished; 202 and the lab as it stands if that takes longer. The same request id gives the same lab."}, s.requestLab)
	register(s, op{id: "list-labs", method: http.MethodGet, path: "/v1/labs", tag: "Labs", summary: "List labs", needs: access.LabsRead}, s.listLabs)
	register(s, op{id: "get-lab", method: http.MethodGet, path: "/v1/labs/{id}", tag: "Labs", summary: "Get a lab", limit: waitLimit, needs: access.LabsRead,
		also: map[int]string{http.StatusNotModified: "The lab is as If-None-Match knows it."}}, s.getLab)
	register(s, op{id: "extend-lab", method: http.MethodPost, path: "/v1/labs/{id}/extend", tag: "Labs", summary: "Move a lab's end", limit: applyLimit, needs: access.LabsWrite}, s.extendLab)
	register(s, op{id: "end-lab", method: http.MethodPost, path: "/v1/labs/{id}/end", tag: "Labs", summary: "End a lab now", repeatable: true, needs: access.LabsWrite,
		detail: "Ending a lab that has ended is no error."}, s.endLab)
	register(s, op{id: "get-lab-evidence", method: http.MethodGet, path: "/v1/labs/{id}/evidence", tag: "Labs", summary: "See how a lab's account was cleaned", needs: access.LabsRead}, s.labEvidence)
	s.labSecretRoutes()
}

// LabPath is embedded by the input of whatever is about one lab.
type LabPath struct {
	ID string `path:"id" minLength:"1" maxLength:"128" doc:"id of the lab"`
}

// Waits is embedded by the input of what may wait for a lab.
type Waits struct {
	Wait string `query:"wait" maxLength:"16" doc:"how long to wait for the assignment: 0s to 30s" example:"30s"`
}

func (w Waits) duration() (time.Duration, error) {
	if w.Wait == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(w.Wait)
	if err != nil || d < 0 || d > longestWait {
		return 0, &fleet.FieldError{Field: "query.wait", Value: w.Wait, Remedy: fmt.Sprintf("give a duration from 0s to %v", longestWait)}
	}
	return d, nil
}

// labAnswer is one lab.
type labAnswer struct {
	Status   int
	ETag     string `header:"ETag" doc:"version of the lab"`
	Location string `header:"Location" doc:"where the lab is"`
	Body     apitypes.Lab
}

func answerLab(session *fleet.Session) *labAnswer {
	return &labAnswer{Status: http.StatusOK, ETag: etag(session.Version), Body: toLab(session)}
}

// readyBy is when a lab may expect an account, zero if that is not known. It is
// told to those who look at one lab: it costs a look at the waiting list.
func (s *Server) readyBy(ctx context.Context, session *fleet.Session) time.Time {
	if s.Forecast == nil || session.State.Settled() {
		return time.Time{}
	}
	at, known, err := s.Forecast.ETA(ctx, session)
	if err != nil {
		s.logger(ctx).Warn().Err(err).Str("session", session.ID).Msg("no forecast for a lab")
	}
	if err != nil || !known {
		return time.Time{}
	}
	return at
}

// lab reads a lab that the caller may know of. Another's and none are the same.
func (s *Server) lab(ctx context.Context, id string) (*fleet.Session, error) {
	session, err := s.Sessions.Get(ctx, id)
	if errors.Is(err, fleet.ErrNotFound) || err == nil && !access.From(ctx).Sees(session.Owner) {
		return nil, fmt.Errorf("lab %s: %w", shorten(id), fleet.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("lab %s: %w", id, err)
	}
	return session, nil
}

func (s *Server) requestLab(ctx context.Context, in *struct {
	Waits
	Key  string `header:"Idempotency-Key" maxLength:"128" doc:"the same key and body get the same answer"`
	Body apitypes.LabRequest
}) (*labAnswer, error) {
	wait, err := in.duration()
	if err != nil {
		return nil, err
	}
	if in.Body.Callback != "" && s.Targets != nil {
		if err := s.Targets.CheckURL("body.callback", in.Body.Callback); err != nil {
			return nil, err
		}
	}
	r := labRequest(access.From(ctx), in.Body, in.Key)
	session, err := s.Labs.Request(ctx, r)
	if err != nil {
		return nil, inBody(withoutPrefix(err, r.RequestID))
	}
	if session, err = s.settle(ctx, session, wait); err != nil {
		return nil, err
	}
	out := answerLab(session)
	out.Status, out.Location = http.StatusCreated, "/v1/labs/"+url.PathEscape(session.ID)
	if wait > 0 && !session.State.Settled() {
		out.Status = http.StatusAccepted
		out.Body.ReadyBy = s.readyBy(ctx, session)
	}
	return out, nil
}

// labRequest is a request as it is handed on. Request ids are the owner's own:
// two owners may use the same one and never see each other's lab.
func labRequest(p access.Principal, b apitypes.LabRequest, key string) assign.Request {
	owner := cmp.Or(p.Owner, p.ID)
	r := assign.Request{RequestID: ownPrefix(owner) + cmp.Or(b.RequestID, key, rand.Text()), LabType: b.Type, Student: b.Student, Duration: time.Duration(b.Duration),
		Purpose: fleet.Purpose(b.Purpose), Patience: time.Duration(b.Patience), Callback: b.Callback, Owner: owner,
		Priority: b.Priority, NotBefore: b.StartAt, Booking: b.Booking}
	if b.Booking != "" && !p.OwnOnly() {
		r.Owner = "" // an operator's lab in a class is of those whose class it is
	}
	return r
}

// ownPrefix begins the request ids of an owner; it has one slash, its last letter.
func ownPrefix(owner string) string { return url.PathEscape(owner) + "/" }

// withoutPrefix tells a request id that is complained of as it was given.
func withoutPrefix(err error, requestID string) error {
	f, ok := errors.AsType[*fleet.FieldError](err)
	if !ok || f.Value != requestID {
		return err
	}
	_, given, _ := strings.Cut(requestID, "/")
	return &fleet.FieldError{Field: f.Field, Value: given, Remedy: f.Remedy}
}

// settle waits until a lab's assignment is over, but not longer than wait, nor
// than this process serves.
func (s *Server) settle(ctx context.Context, session *fleet.Session, wait time.Duration) (*fleet.Session, error) {
	if wait <= 0 || session.State.Settled() {
		return session, nil
	}
	release, ok := s.waits.take(access.From(ctx).ID, maxWaits)
	if !ok {
		return session, nil // as it stands: whoever asked looks again
	}
	defer release()
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.drain, cancel)()
	now, err := s.Settled.WaitSettled(waiting, session.ID, wait)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		now, err = s.Sessions.Get(ctx, session.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("wait for lab %s: %w", session.ID, err)
	}
	return now, nil
}

func (s *Server) getLab(ctx context.Context, in *struct {
	LabPath
	Waits
	IfNoneMatch string `header:"If-None-Match" maxLength:"200" doc:"ETag that is known already: 304 if it still holds"`
}) (*labAnswer, error) {
	wait, err := in.duration()
	if err != nil {
		return nil, err
	}
	session, err := s.lab(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if session, err = s.settle(ctx, session, wait); err != nil {
		return nil, err
	}
	out := answerLab(session)
	if strings.Contains(in.IfNoneMatch, out.ETag) {
		out.Status = http.StatusNotModified
		return out, nil
	}
	out.Body.ReadyBy = s.readyBy(ctx, session)
	return out, nil
}

type labFilter struct {
	Paged
	Type    string    `query:"lab_type" maxLength:"64" doc:"lab type"`
	Student string    `query:"student" maxLength:"256"`
	State   []string  `query:"state" enum:"scheduled,waiting,assigning,active,ended,expired,cancelled,failed" maxItems:"8" doc:"one or several, with commas"`
	Account string    `query:"account" maxLength:"12" doc:"AWS account id"`
	Booking string    `query:"booking" maxLength:"64"`
	Owner   string    `query:"owner" maxLength:"100" doc:"for those who see more than their own"`
	Since   time.Time `query:"since" doc:"requested then or later"`
	Until   time.Time `query:"until" doc:"requested before then"`
	Sort    string    `query:"sort" enum:"-requested_at,requested_at" default:"-requested_at" doc:"with - the newest come first"`
}

func (s *Server) listLabs(ctx context.Context, in *labFilter) (*body[apitypes.Page[apitypes.Lab]], error) {
	owner, err := access.From(ctx).Scope(in.Owner)
	if err != nil {
		return nil, fmt.Errorf("labs of %s: %w", shorten(in.Owner), err)
	}
	cursor, err := in.cursor()
	if err != nil {
		return nil, err
	}
	if err := checkRange(in.Since, in.Until); err != nil {
		return nil, err
	}
	q := fleet.SessionQuery{LabType: in.Type, Student: in.Student, AccountID: in.Account, Booking: in.Booking, Owner: owner,
		From: in.Since, To: in.Until, Newest: in.Sort != "requested_at", Cursor: cursor, Limit: in.Limit + 1}
	for _, state := range in.State {
		q.States = append(q.States, fleet.SessionState(state))
	}
	found, err := s.Sessions.Find(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("list labs: %w", err)
	}
	found, next := page(found, in.Limit, func(l *fleet.Session) (time.Time, string) { return l.RequestedAt, l.ID })
	return ok(pageOf(found, next, toLab)), nil
}

// checkRange refuses a time that ends before it begins.
func checkRange(since, until time.Time) error {
	if !since.IsZero() && !until.IsZero() && !since.Before(until) {
		return &fleet.FieldError{Field: "query.until", Value: until.Format(time.RFC3339), Remedy: "give a time after since"}
	}
	return nil
}

// pageOf is a page of what is converted one by one.
func pageOf[F, T any](items []F, next string, convert func(F) T) apitypes.Page[T] {
	out := apitypes.Page[T]{Items: make([]T, len(items)), Next: next}
	for i, item := range items {
		out.Items[i] = convert(item)
	}
	return out
}

func (s *Server) extendLab(ctx context.Context, in *struct {
	LabPath
	Body apitypes.Extension
}) (*labAnswer, error) {
	session, err := s.active(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if session, err = s.Labs.Extend(ctx, session.ID, time.Duration(in.Body.By)); err != nil {
		return nil, inBody(err)
	}
	return answerLab(session), nil
}

// active reads a lab that must be active: ErrNotYet or ErrEnded if it is not.
func (s *Server) active(ctx context.Context, id string) (*fleet.Session, error) {
	session, err := s.lab(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case session.State.Final():
		return nil, fmt.Errorf("lab %s is %s: %w", id, session.State, fleet.ErrEnded)
	case session.State != fleet.SessionActive:
		return nil, fmt.Errorf("lab %s is %s: %w", id, session.State, fleet.ErrNotYet)
	}
	return session, nil
}

func (s *Server) endLab(ctx context.Context, in *struct {
	LabPath
	Body *apitypes.LabEnd `required:"false"`
}) (*labAnswer, error) {
	session, err := s.lab(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	reason := "ended by " + access.From(ctx).Who()
	if in.Body != nil && in.Body.Reason != "" {
		reason = in.Body.Reason
	}
	if !session.State.Final() {
		if err := s.Labs.End(ctx, session.ID, reason); err != nil {
			return nil, err
		}
		if session, err = s.lab(ctx, in.ID); err != nil {
			return nil, err
		}
	}
	return answerLab(session), nil
}

// toLab is a lab in JSON.
func toLab(l *fleet.Session) apitypes.Lab {
	return apitypes.Lab{
		ID: l.ID, RequestID: strings.TrimPrefix(l.RequestID, ownPrefix(l.Owner)), Type: l.LabType, Student: l.Student, Owner: l.Owner, State: string(l.State), Reason: l.Reason,
		Duration: apitypes.Duration(l.Duration), Priority: l.Priority, Purpose: string(l.Purpose), Booking: l.Booking, Account: l.AccountID, Callback: l.Callback,
		RequestedAt: l.RequestedAt, StartAt: l.NotBefore, WaitUntil: l.WaitUntil, StartedAt: l.StartedAt, EndsAt: l.EndsAt, EndedAt: l.EndedAt, Version: l.Version,
	}
}
