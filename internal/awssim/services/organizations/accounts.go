package organizations

import (
	"cmp"
	"slices"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

type accountOut struct {
	Id, Arn, Email, Name, Status, State, JoinedMethod string

	Paths           []string
	JoinedTimestamp core.Time
}

func (g *organization) accountOut(m *member) accountOut {
	return accountOut{Id: m.id, Arn: g.arn("account", m.id), Email: m.account.Email, Name: m.account.Name,
		Status: m.state, State: m.state, JoinedMethod: m.method,
		Paths: []string{g.path(m.parent) + m.id + "/"}, JoinedTimestamp: core.At(m.joined)}
}

type accountIn struct{ AccountId string }

type oneAccountOut struct{ Account accountOut }

type moveIn struct{ AccountId, SourceParentId, DestinationParentId string }

func (o *Organizations) accountOps() []core.Op {
	onAccount := core.On(func(c *core.Call, in *accountIn) string { return o.arnOf(c, in.AccountId) })
	return []core.Op{
		managing(o, "DescribeAccount", func(_ *core.Call, g *organization, in *accountIn) (*oneAccountOut, error) {
			m, err := g.member(in.AccountId)
			if err != nil {
				return nil, err
			}
			return &oneAccountOut{g.accountOut(m)}, nil
		}, core.ReadOnly, onAccount),
		managing(o, "MoveAccount", o.moveAccount, core.Needs(func(c *core.Call, in *moveIn) []core.Permission {
			return []core.Permission{{Resource: o.arnOf(c, in.AccountId)}, {Resource: o.arnOf(c, in.SourceParentId)}, {Resource: o.arnOf(c, in.DestinationParentId)}}
		})),
		managing(o, "CloseAccount", o.closeAccount, onAccount),
		managing(o, "RemoveAccountFromOrganization", o.removeAccount, onAccount),
	}
}

// arnOf names a target for authorization, also when there is none.
func (o *Organizations) arnOf(c *core.Call, id string) string {
	g := o.in[c.Account.ID]
	if g == nil {
		return "*"
	}
	_, arn := g.kindOf(id)
	return arn
}

func (g *organization) member(id string) (*member, error) {
	if m := g.accounts[id]; m != nil {
		return m, nil
	}
	return nil, missing("AccountNotFoundException", "an account")
}

func (o *Organizations) moveAccount(c *core.Call, g *organization, in *moveIn) (core.None, error) {
	m, err := g.member(in.AccountId)
	if err != nil {
		return core.None{}, err
	}
	from, to := g.node(in.SourceParentId), g.node(in.DestinationParentId)
	switch {
	case from == nil || m.parent != from:
		return core.None{}, missing("SourceParentNotFoundException", "a source root or OU")
	case to == nil:
		return core.None{}, missing("DestinationParentNotFoundException", "a destination root or OU")
	case from == to:
		return core.None{}, core.Errorf(400, "DuplicateAccountException", "The account is already under the destination.")
	}
	o.setPlace(m, c.Now, to)
	return core.None{}, nil
}

// Closing: at most three at once, and per 30 days the higher of 250 accounts
// or 20 percent of them, at most 1,000.
const (
	maxClosing   = 3
	closingDays  = 30
	closingQuota = 250
	closingMost  = 1000
)

func (o *Organizations) closeAccount(c *core.Call, g *organization, in *accountIn) (core.None, error) {
	m, err := g.member(in.AccountId)
	if err != nil {
		return core.None{}, err
	}
	g.closed = slices.DeleteFunc(g.closed, func(t time.Time) bool { return c.Now.Sub(t) > closingDays*24*time.Hour })
	switch {
	case m.id == g.management:
		return core.None{}, violation("CANNOT_CLOSE_MANAGEMENT_ACCOUNT", "You attempted to close the management account.")
	case m.state == "SUSPENDED":
		return core.None{}, core.Errorf(400, "AccountAlreadyClosedException", "The account is already closed.")
	case m.state == "PENDING_CLOSURE":
		return core.None{}, core.Errorf(400, "ConflictException", "The account is being closed.")
	case len(g.closures) >= maxClosing:
		return core.None{}, violation("CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED", "You can only close %d accounts at a time.", maxClosing)
	case len(g.closed) >= min(closingMost, max(closingQuota, len(g.accounts)/5)):
		return core.None{}, violation("CLOSE_ACCOUNT_QUOTA_EXCEEDED", "You have exceeded close account quota for the past %d days.", closingDays)
	}
	m.state, m.until = "PENDING_CLOSURE", c.After(2)
	g.closures, g.closed = append(g.closures, m), append(g.closed, c.Now)
	return core.None{}, nil
}

// settleClosures suspends accounts: from then on they refuse every call.
func (o *Organizations) settleClosures(g *organization, now time.Time) {
	g.closures = slices.DeleteFunc(g.closures, func(m *member) bool {
		if now.Before(m.until) {
			return false
		}
		m.state, m.account.Closed = "SUSPENDED", true
		return true
	})
}

// removeAccount lets go only of invited accounts: one that the organization
// created lacks what a standalone account needs.
func (o *Organizations) removeAccount(_ *core.Call, g *organization, in *accountIn) (core.None, error) {
	m, err := g.member(in.AccountId)
	switch {
	case err != nil:
		return core.None{}, err
	case m.id == g.management:
		return core.None{}, core.Errorf(400, "MasterCannotLeaveOrganizationException", "You can't remove a management account from an organization.")
	case m.method == "CREATED":
		return core.None{}, violation("MEMBER_ACCOUNT_PAYMENT_INSTRUMENT_REQUIRED", "The account lacks the information that is required for it to operate as a standalone account.")
	}
	delete(g.accounts, m.id)
	delete(o.in, m.id)
	return core.None{}, nil
}

// creation is a CreateAccount on its way.
type creation struct {
	id, name, email, role, state, account, failure string

	tags                       []tag
	requested, done, completed time.Time
}

type createAccountIn struct {
	Email, AccountName, RoleName string

	Tags []tag
}

type creationOut struct {
	Id, AccountName, State string
	RequestedTimestamp     core.Time
	CompletedTimestamp     *core.Time `json:",omitempty"`
	AccountId              string     `json:",omitempty"`
	FailureReason          string     `json:",omitempty"`
}

type oneCreationOut struct{ CreateAccountStatus creationOut }

type creationIn struct{ CreateAccountRequestId string }

type creationsIn struct {
	States []string
	Paging
}

type creationsOut struct {
	CreateAccountStatuses []creationOut
	NextToken             *string `json:",omitempty"`
}

func (r *creation) out() creationOut {
	return creationOut{r.id, r.name, r.state, core.At(r.requested), core.Ptr(r.completed), r.account, r.failure}
}

const maxCreating = 5

func (o *Organizations) createOps() []core.Op {
	return []core.Op{
		managing(o, "CreateAccount", o.createAccount),
		managing(o, "DescribeCreateAccountStatus", func(_ *core.Call, g *organization, in *creationIn) (*oneCreationOut, error) {
			r := g.requests[in.CreateAccountRequestId]
			if r == nil {
				return nil, missing("CreateAccountStatusNotFoundException", "a create account request")
			}
			return &oneCreationOut{r.out()}, nil
		}, core.ReadOnly),
		managing(o, "ListCreateAccountStatus", func(_ *core.Call, g *organization, in *creationsIn) (*creationsOut, error) {
			var all []*creation
			for _, r := range g.requests {
				if len(in.States) == 0 || slices.Contains(in.States, r.state) {
					all = append(all, r)
				}
			}
			slices.SortFunc(all, func(a, b *creation) int { return cmp.Compare(a.id, b.id) })
			page, next, err := cut(all, func(r *creation) string { return r.id }, in.Paging)
			return &creationsOut{each(page, (*creation).out), next}, err
		}, core.ReadOnly),
	}
}

func (o *Organizations) createAccount(c *core.Call, g *organization, in *createAccountIn) (*oneCreationOut, error) {
	if in.Email == "" || in.AccountName == "" || len(in.AccountName) > 50 {
		return nil, invalid("INPUT_REQUIRED", "Email and AccountName are required; AccountName has at most 50 characters")
	}
	if len(g.creating) >= maxCreating {
		return nil, core.Errorf(429, "TooManyRequestsException", "You can only create %d accounts at a time.", maxCreating)
	}
	r := &creation{id: "car-" + o.w.Hex(32), name: in.AccountName, email: in.Email, role: in.RoleName, state: "IN_PROGRESS",
		tags: in.Tags, requested: c.Now, done: c.After(3)}
	g.requests[r.id] = r
	g.creating = append(g.creating, r)
	return &oneCreationOut{r.out()}, nil
}

func (o *Organizations) settleCreations(g *organization, now time.Time) {
	g.creating = slices.DeleteFunc(g.creating, func(r *creation) bool {
		if now.Before(r.done) {
			return false
		}
		o.finish(g, r)
		return true
	})
}

func (o *Organizations) finish(g *organization, r *creation) {
	r.completed, r.state = r.done, "FAILED"
	if o.emailTaken(r.email) {
		r.failure = "EMAIL_ALREADY_EXISTS"
		return
	}
	m, err := o.addMember(g, o.accountID(), r.name, r.email, g.root, r.role, true)
	if err != nil {
		r.failure = "INTERNAL_FAILURE"
		return
	}
	m.tags = r.tags
	r.state, r.account = "SUCCEEDED", m.id
}

func (o *Organizations) emailTaken(email string) bool {
	return slices.ContainsFunc(o.w.Accounts(), func(a *core.Account) bool { return a.Email == email })
}
