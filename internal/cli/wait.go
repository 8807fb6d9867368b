package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

// progress is one line on a terminal that is written again each second, with the
// time that has gone by. Elsewhere nothing is written.
type progress struct {
	say  chan string
	done chan struct{}
}

// progress starts the line; stop ends it.
func (a *app) progress(text string) *progress {
	p := &progress{say: make(chan string), done: make(chan struct{})}
	if !a.Asks || a.flags.quiet {
		close(p.done)
		return p
	}
	go func() {
		defer close(p.done)
		began, tick := time.Now(), time.NewTicker(time.Second)
		defer tick.Stop()
		for more := true; more; {
			_, _ = fmt.Fprintf(a.Err, "\r\x1b[K%s (%s)", text, short(time.Since(began)))
			select {
			case text, more = <-p.say:
			case <-tick.C:
			}
		}
		_, _ = fmt.Fprint(a.Err, "\r\x1b[K")
	}()
	return p
}

// set changes the line's text.
func (p *progress) set(text string) {
	select {
	case p.say <- text:
	case <-p.done:
	}
}

// stop clears the line.
func (p *progress) stop() {
	close(p.say)
	<-p.done
}

// waitForLab waits until a lab can be used.
func (a *app) waitForLab(ctx context.Context, c *apiclient.Client, lab apitypes.Lab) (apitypes.Lab, error) {
	if !lab.Settled() {
		line := a.progress(a.standing(lab))
		last, err := c.WaitLab(ctx, lab.ID, func(l apitypes.Lab) { line.set(a.standing(l)) })
		line.stop()
		if last.ID != "" {
			lab = last
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return lab, remedied(fmt.Errorf("lab %s is still %s: %w", lab.ID, lab.State, err), "go on with: kmlctl labs wait %s --timeout 30m; give it up with: kmlctl labs end %s", quote(lab.ID), quote(lab.ID))
		}
		if err != nil {
			return lab, err
		}
	}
	if lab.State != "active" {
		return lab, remedied(fmt.Errorf("lab %s is %s: %s", lab.ID, lab.State, lab.Reason), "request a new lab; what became of this one says: kmlctl labs get %s", quote(lab.ID))
	}
	return lab, nil
}

// standing says where a lab stands.
func (a *app) standing(l apitypes.Lab) string {
	s := "lab " + clean(l.ID) + ": " + l.State
	if !l.ReadyBy.IsZero() && l.State == "waiting" {
		s += ", an account is expected " + view{now: a.Now()}.time(l.ReadyBy)
	}
	return s
}

func (a *app) labWait() *cobra.Command {
	wait := true
	return a.command(spec{use: "wait ID", short: "Wait until a lab can be used", args: cobra.ExactArgs(1), wait: &wait, formats: []string{"env"},
		complete: a.completeLabs("scheduled", "waiting", "assigning"),
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			lab, err := c.Lab(ctx, args[0], 0)
			if err == nil {
				lab, err = a.waitForLab(ctx, c, lab)
			}
			if err != nil {
				return err
			}
			if a.format.kind == "env" {
				return a.showCredentials(ctx, c, lab.ID)
			}
			return printOne(a, labColumns, lab)
		}})
}

// lookEvery is the period of looking at what cannot be waited for.
const lookEvery = time.Second

// until looks again and again, until done says so.
func until[T any](ctx context.Context, look func() (T, error), done func(T) bool) (T, error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		v, err := look()
		if err != nil || done(v) {
			return v, err
		}
		select {
		case <-ctx.Done():
			return v, ctx.Err()
		case <-tick.C:
		}
	}
}

// waitForEnd waits until nothing more happens to a lab.
func (a *app) waitForEnd(ctx context.Context, c *apiclient.Client, lab apitypes.Lab) (apitypes.Lab, error) {
	line := a.progress(a.standing(lab))
	defer line.stop()
	return until(ctx, func() (apitypes.Lab, error) {
		l, err := c.Lab(ctx, lab.ID, 0)
		line.set(a.standing(l))
		return l, err
	}, apitypes.Lab.Final)
}

// waitUntilEmpty waits until the account of a lab is proven empty. Before the
// cleaning has begun there is no evidence, which is a conflict and no failure.
func (a *app) waitUntilEmpty(ctx context.Context, c *apiclient.Client, lab string) (apitypes.CleaningEvidence, error) {
	line := a.progress("the account of lab " + clean(lab) + " is being emptied")
	defer line.stop()
	return until(ctx, func() (apitypes.CleaningEvidence, error) {
		e, err := c.LabEvidence(ctx, lab)
		if apiclient.IsConflict(err) {
			err = nil
		}
		return e, err
	}, func(e apitypes.CleaningEvidence) bool { return !e.DoneAt.IsZero() })
}
