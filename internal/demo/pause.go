package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/fleet"
)

// Pause stops a worker in the middle of a cleaning, leaves it until its account
// serves the next student, and wakes it: it must change nothing there.
type Pause struct {
	Fleet  Fleet
	Stop   func() error // SIGSTOP to the only worker
	Second func() error // starts another worker
	Wake   func() error // SIGCONT
	Out    io.Writer
}

// PauseReport is what came of it; its JSON form is the last line printed.
type PauseReport struct {
	Account      string  `json:"account"`
	StoppedFor   float64 `json:"stopped_for_s"`
	FirstEpoch   int64   `json:"epoch_of_the_stopped_cleaning"`
	SecondEpoch  int64   `json:"epoch_of_the_next_student"`
	Before       int     `json:"resources_of_the_next_student_before"`
	After        int     `json:"resources_of_the_next_student_after"`
	RefusedByAWS int     `json:"calls_of_the_woken_worker_refused_by_aws"`
	Worked       int     `json:"changes_by_the_woken_worker"`
}

// OK says whether the woken worker did no harm.
func (r PauseReport) OK() bool { return r.Worked == 0 && r.Before == r.After && r.Before > 0 }

// watchWoken is how long the woken worker is watched.
const watchWoken = 10 * time.Second

// Play plays the two students.
func (p *Pause) Play(ctx context.Context) (*PauseReport, error) {
	c := &class{Options: Options{Students: 2, Accounts: 1, Warm: 1, Lab: 30 * time.Minute}, fleet: p.Fleet, report: &Report{}}
	if err := c.awaitPool(ctx); err != nil {
		return nil, err
	}
	first, err := p.student(ctx, c, "first")
	if err != nil {
		return nil, err
	}
	r := &PauseReport{Account: first.AccountID}
	stopped, err := p.stopInSweep(ctx, first, r)
	if err != nil {
		return nil, err
	}
	second, err := p.student(ctx, c, "second")
	if err != nil {
		return nil, err
	}
	r.SecondEpoch = second.Epoch
	r.StoppedFor = time.Since(stopped).Seconds()
	if second.AccountID != first.AccountID {
		return nil, fmt.Errorf("the next student got another account: %s", second.AccountID)
	}
	if err := p.wake(ctx, r); err != nil {
		return nil, err
	}
	if err := p.Fleet.Assign.End(ctx, second.ID, "the demo is over"); err != nil {
		return nil, err
	}
	return r, c.awaitRest(ctx)
}

// student plays the website lab without ending it, and gives its session.
func (p *Pause) student(ctx context.Context, c *class, name string) (*fleet.Session, error) {
	s := &student{name: name, lab: "s3-website", endpoint: p.Fleet.Endpoint, http: newHTTPClient(), rng: rand.New(rand.NewPCG(7, uint64(len(name))))} // #nosec: a game
	id, err := queueDoor{p.Fleet}.request(ctx, "pause-"+name, s, c.Lab, false)
	if err != nil {
		return nil, err
	}
	session, err := p.Fleet.Sessions.Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("session of the %s student: %w", name, err)
	}
	if session.State != fleet.SessionActive {
		return nil, fmt.Errorf("the %s student was not served: %s", name, session.Reason)
	}
	if s.creds, err = p.Fleet.Assign.Reveal(ctx, session.ID); err != nil {
		return nil, fmt.Errorf("credentials of the %s student: %w", name, err)
	}
	s3Website(ctx, s)
	if len(s.refused)+len(s.worked) > 0 {
		return nil, fmt.Errorf("the %s student's lab: %v %v", name, s.refused, s.worked)
	}
	_, _ = fmt.Fprintf(p.Out, "the %s student works in account %s (epoch %d), %d things made\n", name, session.AccountID, session.Epoch, s.made)
	return session, nil
}

// stopInSweep ends the first lab and stops the worker while it sweeps.
func (p *Pause) stopInSweep(ctx context.Context, first *fleet.Session, r *PauseReport) (time.Time, error) {
	// S3 answers slowly now, so that the sweep takes long enough to be met.
	if err := p.Fleet.Sim.SetLatency(ctx, map[string][2]string{"s3": {"300ms", "400ms"}}); err != nil {
		return time.Time{}, err
	}
	if err := p.Fleet.Assign.End(ctx, first.ID, "the demo ends it"); err != nil {
		return time.Time{}, err
	}
	for {
		open, err := p.Fleet.Runs.Runs(ctx, first.AccountID, 1)
		if err != nil {
			return time.Time{}, fmt.Errorf("cleaning of %s: %w", first.AccountID, err)
		}
		if len(open) > 0 && open[0].SessionID == first.ID && open[0].Phase == fleet.PhaseSweep {
			r.FirstEpoch = open[0].Epoch
			break
		}
		if err := sleepUntil(ctx, time.Now().Add(crashLook)); err != nil {
			return time.Time{}, err
		}
	}
	if err := sleepUntil(ctx, time.Now().Add(time.Second)); err != nil { // into the middle of its calls
		return time.Time{}, err
	}
	if err := p.Stop(); err != nil {
		return time.Time{}, err
	}
	_, _ = fmt.Fprintf(p.Out, "SIGSTOP to the worker in the middle of the cleaning (epoch %d); another worker starts\n", r.FirstEpoch)
	if err := p.Fleet.Sim.SetLatency(ctx, map[string][2]string{"*": {"2ms", "8ms"}}); err != nil {
		return time.Time{}, err
	}
	return time.Now(), p.Second()
}

// wake wakes the worker and holds what it does against what the student has.
func (p *Pause) wake(ctx context.Context, r *PauseReport) error {
	before, err := p.things(ctx, r.Account)
	if err != nil {
		return err
	}
	from, err := p.Fleet.Sim.Trail(ctx, r.Account)
	if err != nil {
		return err
	}
	if err := p.Wake(); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.Out, "SIGCONT after %.0f s, while the next student works there\n", r.StoppedFor)
	if err := sleepUntil(ctx, time.Now().Add(watchWoken)); err != nil {
		return err
	}
	after, err := p.things(ctx, r.Account)
	if err != nil {
		return err
	}
	events, err := p.Fleet.Sim.Trail(ctx, r.Account)
	if err != nil {
		return err
	}
	r.Before, r.After = before, after
	mark := fmt.Sprintf("kml-%s-e%d-", r.Account, r.FirstEpoch)
	for _, e := range events[min(len(from), len(events)):] {
		if e.ReadOnly || !sessionOf(e, mark) {
			continue
		}
		if e.ErrorCode != "" {
			r.RefusedByAWS++
		} else {
			r.Worked++
		}
	}
	return nil
}

// sessionOf says whether the event was caused by a session of the stopped
// cleaning: its name carries account and epoch.
func sessionOf(e core.Event, mark string) bool {
	return strings.Contains(e.UserIdentity.ARN, mark)
}

// things counts what a lab has in an account, with what lies inside.
func (p *Pause) things(ctx context.Context, account string) (int, error) {
	all, err := p.Fleet.Sim.Inventory(ctx, account)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, x := range all[account] {
		if !belongs(x) {
			n += 1 + x.Children
		}
	}
	return n, nil
}

// Print writes the report for people, then the JSON line for machines.
func (r PauseReport) Print(w io.Writer) error {
	verdict := "the woken worker changed nothing"
	if !r.OK() {
		verdict = "THE WOKEN WORKER DID HARM"
	}
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = fmt.Fprintf(w, "\nthe next student had %d things before the wake and %d after; changes by the woken worker: %d, refused by AWS: %d\n  => %s\n%s\n",
		r.Before, r.After, r.Worked, r.RefusedByAWS, verdict, b)
	return err
}
