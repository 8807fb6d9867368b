package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

const (
	hauntEvery = 400 * time.Millisecond
	hauntFor   = 12 * time.Second // after the end; by then the cleaning is under way
)

// haunt goes on calling with everything that the student ever had. After a
// natural end AWS itself must refuse from that second on. After an early end,
// and through doors that need no credential (a public URL), it counts from the
// freeze and the time that AWS takes to tell everybody.
func (c *class) haunt(ctx context.Context, p part, s *student, session *fleet.Session) error {
	if !p.early {
		if err := sleepUntil(ctx, session.EndsAt); err != nil {
			return err
		}
	}
	over := time.Now().Add(hauntFor)
	var frozen time.Time
	for time.Now().Before(over) {
		if frozen.IsZero() {
			var err error
			if frozen, err = c.frozenAt(ctx, session); err != nil {
				return err
			}
			if frozen.IsZero() {
				over = time.Now().Add(hauntFor) // the freeze is waited for
			}
		}
		for _, g := range s.ghosts {
			c.call(ctx, g, p.early || g.anonymous, session.EndsAt, frozen)
		}
		if err := sleepUntil(ctx, time.Now().Add(hauntEvery)); err != nil {
			return err
		}
	}
	return nil
}

// call makes one call after the end and notes whether it worked.
func (c *class) call(ctx context.Context, g ghost, fromFreeze bool, end, frozen time.Time) {
	began := time.Now()
	dead := !began.Before(end)
	if fromFreeze {
		dead = !frozen.IsZero() && began.After(frozen.Add(c.IAMDelay))
	}
	err := g.try(ctx)
	if !dead || ctx.Err() != nil {
		return
	}
	c.note(func(r *Report) {
		r.CallsAfterEnd++
		if err == nil {
			r.WorkedAfterEnd++
			r.problem("%s still works %.1f s after the end", g.name, began.Sub(end).Seconds())
		}
	})
}

// frozenAt is when the account of a session was frozen; zero if it is not yet.
func (c *class) frozenAt(ctx context.Context, session *fleet.Session) (time.Time, error) {
	runs, err := c.fleet.Runs.Runs(ctx, session.AccountID, 5)
	if err != nil {
		return time.Time{}, fmt.Errorf("cleaning runs of %s: %w", session.AccountID, err)
	}
	for _, run := range runs {
		if run.SessionID == session.ID {
			return run.FrozenAt, nil
		}
	}
	return time.Time{}, nil
}

func sleepUntil(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return errors.Join(errors.New("the class took too long"), ctx.Err())
	case <-timer.C:
		return nil
	}
}
