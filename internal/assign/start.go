package assign

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Start puts a scheduled session on the waiting list once its time has come, and
// gives it as it stands; before that it asks to be called again then. One that
// is not scheduled any more stays as it is.
func (s *Service) Start(ctx context.Context, sessionID string) (*fleet.Session, error) {
	for range writeTries {
		session, err := s.Sessions.Get(ctx, sessionID)
		if err != nil {
			return nil, fmt.Errorf("start session %s: %w", sessionID, err)
		}
		if session.State != fleet.SessionScheduled {
			return session, nil
		}
		if left := session.NotBefore.Sub(s.Clock.Now()); left > 0 {
			return nil, fleet.Snooze(left, "the lab is for "+session.NotBefore.Format(time.RFC3339))
		}
		n := session.Clone()
		n.State, n.QueuedAt = fleet.SessionWaiting, session.NotBefore
		n.Version++
		err = s.Sessions.Swap(ctx, session, n)
		if err == nil {
			return n, nil
		}
		if !errors.Is(err, fleet.ErrConflict) {
			return nil, fmt.Errorf("start session %s: %w", sessionID, err)
		}
	}
	return nil, fmt.Errorf("start session %s: %w", sessionID, fleet.ErrConflict)
}
