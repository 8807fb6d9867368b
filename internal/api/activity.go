package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
)

func (s *Server) activityRoutes() {
	register(s, op{id: "list-activity", method: http.MethodGet, path: "/v1/activity", tag: "Activity", summary: "Read the activity log", needs: access.ActivityRead,
		detail: "The newest first. It holds state transitions, labs, lab types, syncs, and every call of the API that may change something."}, s.listActivity)
}

type activityFilter struct {
	Paged
	Account string    `query:"account" maxLength:"12" doc:"AWS account id"`
	Lab     string    `query:"lab" maxLength:"128" doc:"id of a lab"`
	Type    string    `query:"lab_type" maxLength:"64" doc:"lab type"`
	Kind    string    `query:"kind" maxLength:"32" doc:"transition, session, labtype, call, sync, ..."`
	Who     string    `query:"who" maxLength:"256" doc:"as the line says it"`
	Since   time.Time `query:"since" doc:"then or later"`
	Until   time.Time `query:"until" doc:"before then"`
}

func (s *Server) listActivity(ctx context.Context, in *activityFilter) (*body[apitypes.Page[apitypes.Activity]], error) {
	cursor, err := in.cursor()
	if err != nil {
		return nil, err
	}
	if err := checkRange(in.Since, in.Until); err != nil {
		return nil, err
	}
	found, err := s.Activity.Find(ctx, fleet.ActivityQuery{Account: in.Account, Session: in.Lab, LabType: in.Type, Kind: in.Kind, Who: in.Who,
		From: in.Since, To: in.Until, Cursor: cursor, Limit: in.Limit + 1})
	if err != nil {
		return nil, fmt.Errorf("read the activity log: %w", err)
	}
	found, next := page(found, in.Limit, activityPlace)
	return ok(pageOf(found, next, toActivity)), nil
}

func activityPlace(l fleet.Activity) (time.Time, string) { return l.At, l.ID }

// toActivity is a line of the log as JSON.
func toActivity(l fleet.Activity) apitypes.Activity {
	return apitypes.Activity{ID: l.ID, At: l.At, Kind: l.Kind, Account: l.Account, Lab: l.Session, Type: l.LabType, From: l.From, To: l.To, Reason: l.Reason,
		Who: l.Who, Where: l.Where, What: l.What, Outcome: l.Outcome}
}
