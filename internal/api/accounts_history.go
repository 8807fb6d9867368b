package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
)

func (s *Server) accountHistory(ctx context.Context, in *struct {
	AccountPath
	Paged
}) (*body[apitypes.Page[apitypes.Transition]], error) {
	cursor, err := in.cursor()
	if err != nil {
		return nil, err
	}
	a, err := s.account(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	logged, err := s.Activity.Find(ctx, fleet.ActivityQuery{Account: a.ID, Kind: "transition", Cursor: cursor, Limit: in.Limit + 1})
	if err != nil {
		return nil, fmt.Errorf("history of account %s: %w", a.ID, err)
	}
	all := mergeHistory(logged, a, cursor)
	all, next := page(all, in.Limit, activityPlace)
	return ok(pageOf(all, next, toTransition)), nil
}

// mergeHistory puts to the log's lines what the account's document knows: its
// last transition is logged by the next one, or by a sweeper. The newest first.
func mergeHistory(logged []fleet.Activity, a *fleet.Account, after fleet.Cursor) []fleet.Activity {
	for _, t := range a.History {
		line := fleet.Activity{ID: fmt.Sprintf("%s/%08d", a.ID, t.Version), At: t.At, Session: t.Session, From: string(t.From), To: string(t.To), Reason: t.Reason}
		known := slices.ContainsFunc(logged, func(l fleet.Activity) bool { return l.ID == line.ID })
		if !known && (after == fleet.Cursor{} || older(line, after)) {
			logged = append(logged, line)
		}
	}
	slices.SortFunc(logged, func(x, y fleet.Activity) int {
		return cmp.Or(y.At.Compare(x.At), strings.Compare(y.ID, x.ID))
	})
	return logged
}

// older says whether a line comes behind a cursor, the newest first.
func older(l fleet.Activity, c fleet.Cursor) bool {
	return cmp.Or(l.At.Compare(c.At), strings.Compare(l.ID, c.ID)) < 0
}

// toTransition is a line of the log as a transition.
func toTransition(l fleet.Activity) apitypes.Transition {
	return apitypes.Transition{At: l.At, From: l.From, To: l.To, Reason: l.Reason, Lab: l.Session}
}
