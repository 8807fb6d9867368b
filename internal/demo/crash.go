package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Crash kills processes in the middle of a class, as nobody would choose to:
// a worker in the middle of assignments and the API with it, while students ask
// and wait; the other worker in the middle of cleanings; and the scheduler that
// leads. Each is started again after a while.
type Crash struct {
	Workers [2]string
	API     string
	Kill    func(name string) error // kill -9
	Restart func(name string) error
	// Leading names the scheduler that enqueues the ticks at present.
	Leading func() (string, error)
	Out     io.Writer
}

const (
	restartAfter = 5 * time.Second
	apiDown      = time.Second
	servedWithin = 30 * time.Second
	crashLook    = 10 * time.Millisecond
)

// Run is for Options.Beside.
func (c *Crash) Run(ctx context.Context, f Fleet, note func(func(*Report))) error {
	interrupted, killed, err := c.duringAssignments(ctx, f, note)
	if err != nil {
		return err
	}
	if err := c.kill(c.API, "while students ask and wait", note); err != nil {
		return err
	}
	if err := errors.Join(sleepUntil(ctx, time.Now().Add(apiDown)), c.Restart(c.API)); err != nil {
		return err
	}
	if err := c.awaitServed(ctx, f, interrupted, killed, note); err != nil {
		return err
	}
	if err := c.later(ctx, c.Workers[0]); err != nil {
		return err
	}
	leading, err := c.Leading()
	if err != nil {
		return err
	}
	if err := c.kill(leading, "the leading scheduler", note); err != nil {
		return err
	}
	if err := c.duringCleaning(ctx, f, note); err != nil {
		return err
	}
	return errors.Join(c.later(ctx, c.Workers[1]), c.Restart(leading))
}

func (c *Crash) kill(name, when string, note func(func(*Report))) error {
	if err := c.Kill(name); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(c.Out, "kill -9 %s: %s\n", name, when)
	note(func(r *Report) { r.Killed = append(r.Killed, name+" ("+when+")") })
	return nil
}

func (c *Crash) later(ctx context.Context, name string) error {
	if err := sleepUntil(ctx, time.Now().Add(restartAfter)); err != nil {
		return err
	}
	return c.Restart(name)
}

// duringAssignments kills the first worker while several accounts are being
// handed out, and gives the sessions that were on the way.
func (c *Crash) duringAssignments(ctx context.Context, f Fleet, note func(func(*Report))) (map[string]bool, time.Time, error) {
	for {
		found, err := f.Sessions.Find(ctx, fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionAssigning}})
		if err != nil {
			return nil, time.Time{}, fmt.Errorf("sessions in assignment: %w", err)
		}
		if len(found) >= 6 {
			ids := map[string]bool{}
			for _, s := range found {
				ids[s.ID] = true
			}
			return ids, time.Now(), c.kill(c.Workers[0], fmt.Sprintf("in the middle of %d assignments", len(ids)), note)
		}
		if err := sleepUntil(ctx, time.Now().Add(crashLook)); err != nil {
			return nil, time.Time{}, err
		}
	}
}

// awaitServed waits until all sessions that were on the way are served, and
// notes how long the slowest took: it was interrupted, and rescued.
func (c *Crash) awaitServed(ctx context.Context, f Fleet, ids map[string]bool, killed time.Time, note func(func(*Report))) error {
	late := 0
	for left := len(ids); left > 0; {
		for id := range ids {
			s, err := f.Sessions.Get(ctx, id)
			if err != nil {
				return fmt.Errorf("session %s: %w", id, err)
			}
			if s.State == fleet.SessionAssigning || s.State == fleet.SessionWaiting {
				continue
			}
			delete(ids, id)
			left--
			if took := time.Since(killed); took > restartAfter {
				late++
				note(func(r *Report) { r.Interrupted, r.InterruptedServed = late, took.Seconds() })
			}
		}
		if left == 0 {
			break
		}
		if err := sleepUntil(ctx, time.Now().Add(100*time.Millisecond)); err != nil {
			return err
		}
	}
	took := time.Since(killed)
	_, _ = fmt.Fprintf(c.Out, "the assignments that the kill interrupted: %d, all served within %.1f s of it\n", late, took.Seconds())
	note(func(r *Report) {
		switch {
		case late == 0:
			r.problem("the kill interrupted no assignment: nothing was shown")
		case took > servedWithin:
			r.problem("an interrupted assignment was served after %.1f s, later than %v", took.Seconds(), servedWithin)
		}
	})
	return nil
}

// duringCleaning kills the second worker while cleanings after labs are sweeping.
func (c *Crash) duringCleaning(ctx context.Context, f Fleet, note func(func(*Report))) error {
	for {
		open, err := f.Runs.Open(ctx, time.Now(), 200)
		if err != nil {
			return fmt.Errorf("open cleaning runs: %w", err)
		}
		sweeping := 0
		for _, r := range open {
			if r.SessionID != "" && r.Phase == fleet.PhaseSweep {
				sweeping++
			}
		}
		if sweeping >= 3 {
			return c.kill(c.Workers[1], fmt.Sprintf("in the middle of %d cleanings", sweeping), note)
		}
		if err := sleepUntil(ctx, time.Now().Add(crashLook)); err != nil {
			return err
		}
	}
}
