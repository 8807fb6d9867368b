package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/fleet"
)

// scripts are what a student does in each lab type, in the order of the class.
var scripts = []struct {
	lab string
	run func(context.Context, *student)
}{
	{"ec2-basics", ec2Basics}, {"s3-website", s3Website}, {"serverless", serverless},
	{"messaging", messaging}, {"iam-fundamentals", iamFundamentals},
}

// part is what one student of the class will do: drawn from the seed.
type part struct {
	n       int
	script  int
	twice   bool          // the request is sent twice
	early   bool          // the lab is ended before its time
	arrives time.Duration // after the class began
	seed    uint64
}

func (o Options) parts() []part {
	rng := rand.New(rand.NewPCG(o.Seed, 0x636c617373)) // #nosec: a game
	out := make([]part, o.Students)
	for i := range out {
		out[i] = part{n: i, script: i % len(scripts), twice: rng.IntN(6) == 0, early: rng.IntN(4) == 0, seed: rng.Uint64()}
		if i >= o.Students*2/3 { // a burst at the beginning, stragglers after it
			out[i].arrives = time.Duration(rng.IntN(8000)) * time.Millisecond
		}
	}
	return out
}

// class is a class that is being played.
type class struct {
	Options
	fleet Fleet

	mu     sync.Mutex
	report *Report
	all    []time.Duration // time to credentials
	warm   []time.Duration // of those that did not wait
}

// Play plays a class and gives its report. An error means that the class could
// not be played; broken promises are in the report.
func Play(ctx context.Context, o Options, f Fleet, show func(Progress)) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	start := time.Now()
	c := &class{Options: o, fleet: f, report: &Report{Students: o.Students, Accounts: o.Accounts, Seed: o.Seed}}
	stop := c.watch(ctx, show)
	defer stop()
	if err := c.awaitPool(ctx); err != nil {
		return nil, err
	}
	if o.Faults {
		if err := f.Sim.SetFaults(ctx, faults); err != nil {
			return nil, err
		}
	}
	if err := c.teach(ctx); err != nil {
		return nil, err
	}
	if err := c.awaitRest(ctx); err != nil {
		c.report.problem("%v", err)
	}
	if err := c.audit(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	c.report.Seconds = time.Since(start).Seconds()
	return c.report, nil
}

// faults hit the fleet's own calls; what becomes of students' calls is their
// SDK's affair and would blur the report.
var faults = []core.FaultRule{
	{ID: "throttle", Role: "OrganizationAccountAccessRole", Kind: core.FaultThrottle, Rate: 0.02},
	{ID: "500", Role: "OrganizationAccountAccessRole", Kind: core.FaultError, Rate: 0.01},
	{ID: "reset-before", Role: "OrganizationAccountAccessRole", Kind: core.FaultResetBefore, Rate: 0.005},
	{ID: "reset-after", Role: "OrganizationAccountAccessRole", Kind: core.FaultResetAfter, Rate: 0.005},
}

// teach runs all students at once.
func (c *class) teach(ctx context.Context) error {
	seeded, err := c.fleet.Sim.Seeded(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	if c.Beside != nil {
		g.Go(func() error { return c.Beside(ctx, c.note) })
	}
	shared := newHTTPClient()
	defer shared.CloseIdleConnections()
	for _, p := range c.parts() {
		g.Go(func() error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(p.arrives):
			}
			s := &student{outsider: seeded.Outsider, name: fmt.Sprintf("student-%03d", p.n), lab: scripts[p.script].lab, endpoint: c.fleet.Endpoint, http: shared,
				rng: rand.New(rand.NewPCG(p.seed, uint64(p.n)))} // #nosec: a game
			return c.attend(ctx, p, s)
		})
	}
	return g.Wait()
}

// attend is one student's lab, from the request to the last call after the end.
func (c *class) attend(ctx context.Context, p part, s *student) error {
	d := c.fleet.door(p.n)
	if p.twice {
		c.note(func(r *Report) { r.RequestsTwice++ })
	}
	asked := time.Now()
	id, err := d.request(ctx, fmt.Sprintf("demo-%d-%03d", c.Seed, p.n), s, c.Lab, p.twice)
	if err != nil {
		return err
	}
	session, err := c.fleet.Sessions.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("session of %s: %w", s.name, err)
	}
	if session.State != fleet.SessionActive {
		c.note(func(r *Report) {
			r.NotServed++
			r.problem("%s was not served: %s: %s", s.name, session.State, session.Reason)
		})
		return nil
	}
	if s.creds, err = d.reveal(ctx, session.ID); err != nil {
		return fmt.Errorf("credentials of %s: %w", s.name, err)
	}
	s.session = session.ID
	c.served(session, session.StartedAt.Sub(asked))
	if err := c.work(ctx, p, s, session, d); err != nil {
		return err
	}
	return c.haunt(ctx, p, s, session)
}

func (c *class) served(session *fleet.Session, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Served++
	c.all = append(c.all, took)
	if session.AssignedAt.Sub(session.RequestedAt) > 500*time.Millisecond {
		c.report.Waited++
	} else {
		c.warm = append(c.warm, took)
	}
}

// work plays the lab's script, then ends the lab or lets it end.
func (c *class) work(ctx context.Context, p part, s *student, session *fleet.Session, d door) error {
	a, err := c.fleet.Accounts.Get(ctx, session.AccountID)
	if err != nil {
		return fmt.Errorf("account of %s: %w", s.name, err)
	}
	s.boundary = a.User.BoundaryARN
	scripts[p.script].run(ctx, s)
	c.note(func(r *Report) {
		r.StudentCalls += s.calls
		r.ResourcesMade += s.made
		r.BackDoors += len(s.ghosts)
		r.AllowedRefused += len(s.refused)
		r.ForbiddenWorked += len(s.worked)
		for _, x := range append(s.refused, s.worked...) {
			r.problem("%s", x)
		}
	})
	if !p.early {
		return nil
	}
	if err := d.end(ctx, session.ID, "the student is done"); err != nil {
		return fmt.Errorf("end the lab of %s: %w", s.name, err)
	}
	c.note(func(r *Report) { r.EndedEarly++ })
	return nil
}

func (c *class) note(f func(*Report)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.report)
}
