package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
)

// Cleanings reads cleaning runs and what they wrote down.
type Cleanings interface {
	Get(ctx context.Context, id string) (*fleet.CleaningRun, error)
	Evidence(ctx context.Context, runID string) ([]fleet.Evidence, error)
	Runs(ctx context.Context, accountID string, limit int) ([]*fleet.CleaningRun, error)
}

func (s *Server) labEvidence(ctx context.Context, in *struct{ LabPath }) (*body[apitypes.CleaningEvidence], error) {
	session, err := s.lab(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	run, err := s.cleaningOf(ctx, session)
	if err != nil {
		return nil, err
	}
	return s.withEvidence(ctx, run)
}

// cleaningOf finds the last cleaning after a lab. Every cleaning has an epoch of
// its own, behind that of the lab's claim.
func (s *Server) cleaningOf(ctx context.Context, session *fleet.Session) (*fleet.CleaningRun, error) {
	var last *fleet.CleaningRun
	for epoch := session.Epoch; session.AccountID != ""; epoch++ {
		run, err := s.Cleanings.Get(ctx, fleet.RunID(session.AccountID, epoch))
		if errors.Is(err, fleet.ErrNotFound) && epoch == session.Epoch {
			continue // only an account that failed before its freeze is frozen in the lab's own epoch
		}
		if errors.Is(err, fleet.ErrNotFound) || err == nil && run.SessionID != session.ID {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("cleaning after lab %s: %w", session.ID, err)
		}
		last = run
	}
	if last != nil {
		return last, nil
	}
	return nil, s.noCleaning(ctx, session)
}

// noCleaning says why there is no cleaning after a lab: not yet, or none at all.
func (s *Server) noCleaning(ctx context.Context, session *fleet.Session) error {
	held := !session.State.Final()
	if !held && session.AccountID != "" {
		a, err := s.Accounts.Get(ctx, session.AccountID)
		if err != nil {
			return fmt.Errorf("account of lab %s: %w", session.ID, err)
		}
		held = a.SessionID == session.ID
	}
	if held {
		return newProblem(http.StatusConflict, "cleaning_not_begun", "the cleaning after lab "+session.ID+" has not begun", "ask again when the lab has ended")
	}
	return fmt.Errorf("cleaning after lab %s, which never opened an account: %w", session.ID, fleet.ErrNotFound)
}

// withEvidence is a cleaning with all that it wrote down.
func (s *Server) withEvidence(ctx context.Context, run *fleet.CleaningRun) (*body[apitypes.CleaningEvidence], error) {
	lines, err := s.Cleanings.Evidence(ctx, run.ID)
	if err != nil {
		return nil, fmt.Errorf("evidence of cleaning %s: %w", run.ID, err)
	}
	return ok(apitypes.CleaningEvidence{Cleaning: toCleaning(run), Evidence: toEvidence(lines)}), nil
}

// toCleaning is a cleaning as JSON.
func toCleaning(r *fleet.CleaningRun) apitypes.Cleaning {
	return apitypes.Cleaning{ID: r.ID, Account: r.AccountID, Lab: r.SessionID, Type: r.LabType, Reason: r.Reason, Full: r.Full, Phase: string(r.Phase), Round: r.Round,
		StartedAt: r.StartedAt, FrozenAt: r.FrozenAt, DoneAt: r.DoneAt, Error: r.Error}
}

// toEvidence is lines of evidence as JSON.
func toEvidence(lines []fleet.Evidence) []apitypes.Evidence {
	out := make([]apitypes.Evidence, len(lines))
	for i, e := range lines {
		out[i] = apitypes.Evidence{At: e.At, Phase: e.Phase, Action: e.Action, Kind: e.Kind, Region: e.Region, Resource: e.Resource, Detail: e.Detail}
	}
	return out
}
