package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/fleet"
)

// resting are the states of an account that is back: at rest, or warm again.
var resting = []fleet.State{fleet.Loaded, fleet.UserCreating, fleet.UserCreated}

// awaitPool waits until the fleet has its accounts and a part of them is warm.
func (c *class) awaitPool(ctx context.Context) error {
	return c.await(ctx, "the pool to warm up", func(n map[fleet.State]int, total int) bool {
		return total >= c.Accounts && n[fleet.UserCreated] >= c.Warm && n[fleet.Cleanup]+n[fleet.UserDeleted]+n[fleet.UserCreating] == 0
	})
}

// awaitRest waits until every account is back.
func (c *class) awaitRest(ctx context.Context) error {
	return c.await(ctx, "every account to come back", func(n map[fleet.State]int, _ int) bool {
		back := 0
		for _, s := range resting {
			back += n[s]
		}
		return back >= c.Accounts
	})
}

func (c *class) await(ctx context.Context, what string, done func(map[fleet.State]int, int) bool) error {
	for {
		counts, err := c.fleet.Accounts.Count(ctx)
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
		n, total := map[fleet.State]int{}, 0
		for _, x := range counts {
			n[x.State] += x.N
			total += x.N
		}
		if done(n, total) {
			return nil
		}
		if err := sleepUntil(ctx, time.Now().Add(200*time.Millisecond)); err != nil {
			return fmt.Errorf("waiting for %s (accounts by state: %v): %w", what, n, err)
		}
	}
}

// audit holds the fleet to its promises when all is over.
func (c *class) audit(ctx context.Context) error {
	accounts, err := c.accounts(ctx)
	if err != nil {
		return err
	}
	r := c.report
	r.CredentialsP50, r.CredentialsP99 = percentile(c.all, 50), percentile(c.all, 99)
	r.WarmP50, r.WarmP99 = percentile(c.warm, 50), percentile(c.warm, 99)
	var cleanings, freezes []time.Duration
	for _, a := range accounts {
		if slices.Contains(resting, a.State) {
			r.AccountsBack++
		} else {
			r.problem("account %s is %s: %s", a.ID, a.State, a.Reason)
		}
		took, froze, err := c.auditAccount(ctx, a)
		if err != nil {
			return err
		}
		cleanings, freezes = append(cleanings, took...), append(freezes, froze...)
	}
	r.FreezeP50, r.FreezeP99 = percentile(freezes, 50), percentile(freezes, 99)
	r.CleaningP50, r.CleaningP99 = percentile(cleanings, 50), percentile(cleanings, 99)
	if err := c.auditRequests(ctx); err != nil {
		return err
	}
	if err := c.auditCalls(ctx, accounts, len(cleanings)); err != nil {
		return err
	}
	return c.auditLeft(ctx, accounts)
}

func (c *class) accounts(ctx context.Context) ([]*fleet.Account, error) {
	var out []*fleet.Account
	for after := "0"; ; {
		page, err := c.fleet.Accounts.Find(ctx, fleet.AccountQuery{After: after, Limit: 500})
		if err != nil {
			return nil, fmt.Errorf("audit accounts: %w", err)
		}
		if len(page) == 0 {
			return out, nil
		}
		out, after = append(out, page...), page[len(page)-1].ID
	}
}

// auditAccount counts hand-outs of an account that was not cleaned in between,
// and gives how long its cleanings after labs, and the freezes in them, took.
func (c *class) auditAccount(ctx context.Context, a *fleet.Account) (took, froze []time.Duration, err error) {
	log, err := c.fleet.Activity.Find(ctx, fleet.ActivityQuery{Account: a.ID})
	if err != nil {
		return nil, nil, fmt.Errorf("audit account %s: %w", a.ID, err)
	}
	slices.Reverse(log) // oldest first
	used := ""
	for _, t := range log {
		switch fleet.State(t.To) {
		case fleet.InUse:
			if used != "" {
				c.report.HandedOutTwice++
				c.report.problem("account %s went to session %s uncleaned after %s", a.ID, t.Session, used)
			}
			used = t.Session
		case fleet.Loaded:
			used = ""
		}
	}
	runs, err := c.fleet.Runs.Runs(ctx, a.ID, 100)
	if err != nil {
		return nil, nil, fmt.Errorf("audit account %s: %w", a.ID, err)
	}
	for _, run := range runs {
		if run.SessionID != "" && !run.DoneAt.IsZero() {
			took = append(took, run.DoneAt.Sub(run.StartedAt))
			session, err := c.fleet.Sessions.Get(ctx, run.SessionID)
			if err != nil {
				return nil, nil, fmt.Errorf("audit account %s: %w", a.ID, err)
			}
			froze = append(froze, run.FrozenAt.Sub(session.EndedAt))
		}
	}
	return took, froze, nil
}

// auditRequests checks that every request made exactly one session, and that no
// two sessions held an account at the same time.
func (c *class) auditRequests(ctx context.Context) error {
	byAccount := map[string][]*fleet.Session{}
	var late []time.Duration
	for _, p := range c.parts() {
		found, err := c.fleet.Sessions.Find(ctx, fleet.SessionQuery{Student: fmt.Sprintf("student-%03d@example.org", p.n)})
		if err != nil {
			return fmt.Errorf("audit requests: %w", err)
		}
		if len(found) != 1 {
			c.report.problem("the request of student %d made %d sessions", p.n, len(found))
		}
		for _, s := range found {
			if !s.EndedAt.Before(s.EndsAt) && !s.EndsAt.IsZero() {
				late = append(late, s.EndedAt.Sub(s.EndsAt))
			}
			if !s.StartedAt.IsZero() {
				byAccount[s.AccountID] = append(byAccount[s.AccountID], s)
			}
		}
	}
	c.report.EndLateP99 = percentile(late, 99)
	for account, ss := range byAccount {
		slices.SortFunc(ss, func(x, y *fleet.Session) int { return x.StartedAt.Compare(y.StartedAt) })
		for i := 1; i < len(ss); i++ {
			if ss[i-1].EndedAt.IsZero() || ss[i].StartedAt.Before(ss[i-1].EndedAt) {
				c.report.HandedOutTwice++
				c.report.problem("account %s served sessions %s and %s at one time", account, ss[i-1].ID, ss[i].ID)
			}
		}
	}
	return nil
}

// auditCalls divides the fleet's own calls in the accounts by the cleanings.
func (c *class) auditCalls(ctx context.Context, accounts []*fleet.Account, cleanings int) error {
	counters, err := c.fleet.Sim.Counters(ctx)
	if err != nil {
		return err
	}
	ours := map[string]bool{}
	for _, a := range accounts {
		ours[a.ID] = true
	}
	var calls uint64
	for _, x := range counters {
		if ours[x.Account] && x.Role == "OrganizationAccountAccessRole" {
			calls += x.N
		}
	}
	if cleanings > 0 {
		// The first full sweeps are cleanings too.
		c.report.CallsPerCleaning = float64(calls) / float64(cleanings+len(accounts))
	}
	return nil
}

// auditLeft asks the oracle what is left in the accounts.
func (c *class) auditLeft(ctx context.Context, accounts []*fleet.Account) error {
	everything, err := c.fleet.Sim.Inventory(ctx, "")
	if err != nil {
		return err
	}
	for _, a := range accounts {
		for _, x := range everything[a.ID] {
			if belongs(x) {
				continue
			}
			c.report.ResourcesLeft++
			c.report.problem("left in %s: %s %s %s (%s)", a.ID, x.Service, x.Kind, x.ID, x.Region)
		}
	}
	return nil
}

// belongs says whether a thing is in every account (AWS's own, the fleet's warm
// user) and not of a lab.
func belongs(x core.Resource) bool {
	return x.Default || strings.HasPrefix(x.Path, "/kml/") || strings.HasPrefix(x.Path, "/aws-service-role/")
}
