package iam

import (
	"slices"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// views is the data plane's copy of the directory. Values are nil when the
// thing is gone.
type views struct {
	keys     map[string]*core.Lagged[*keyView]        // by access key id
	holders  map[string]*core.Lagged[*holderView]     // by unique id
	roles    map[string]*core.Lagged[*holderView]     // by ARN
	policies map[string]*core.Lagged[*iameval.Policy] // default version by ARN
	graves   []grave
}

// grave is where a deleted thing's view lies until nobody can see it any more.
type grave struct {
	at     time.Time
	remove func()
}

// keyView is an access key as authentication sees it.
type keyView struct {
	secret  string
	account string
	userID  string // "" for the root user
}

// holderView is a user, group or role as authorization sees it.
type holderView struct {
	id, arn, name, account string
	tags                   map[string]string
	boundary               string
	attached               []string
	inline                 []iameval.Attached
	groups                 []string // ids
	trust                  *iameval.Policy
	maxSession             time.Duration
}

func newViews() views {
	return views{
		keys: map[string]*core.Lagged[*keyView]{}, holders: map[string]*core.Lagged[*holderView]{},
		roles: map[string]*core.Lagged[*holderView]{}, policies: map[string]*core.Lagged[*iameval.Policy]{},
	}
}

func show[T any](m map[string]*core.Lagged[T], key string, now, from time.Time, v T) {
	l := m[key]
	if l == nil {
		l = &core.Lagged[T]{}
		m[key] = l
	}
	l.Set(now, from, v)
}

// hide publishes that a thing is gone, and buries it.
func hide[T comparable](vs *views, m map[string]*core.Lagged[T], key string, now, from time.Time) {
	var none T
	show(m, key, now, from, none)
	l := m[key]
	vs.graves = append(vs.graves, grave{from, func() {
		// A role or policy may have been made again under the same ARN since.
		if v, _ := l.Latest(); m[key] == l && v == none {
			delete(m, key)
		}
	}})
}

// tidy removes what has been gone for everybody.
func (vs *views) tidy(now time.Time) {
	for len(vs.graves) > 0 && vs.graves[0].at.Before(now) {
		vs.graves[0].remove()
		vs.graves = vs.graves[1:]
	}
}

func (i *IAM) effective(now time.Time) time.Time { return now.Add(i.w.Options.IAMDelay) }

func (i *IAM) publishKey(now time.Time, account string, k *Key) {
	if !k.Active {
		i.hideKey(now, k)
		return
	}
	v := &keyView{secret: k.Secret, account: account}
	if k.User != nil {
		v.userID = k.User.ID
	}
	show(i.views.keys, k.ID, now, i.effective(now), v)
}

func (i *IAM) hideKey(now time.Time, k *Key) {
	hide(&i.views, i.views.keys, k.ID, now, i.effective(now))
}

func (i *IAM) publish(now time.Time, h *Holder) {
	show(i.views.holders, h.ID, now, i.effective(now), h.view())
}

func (i *IAM) publishUser(now time.Time, u *User) {
	v := u.view()
	for _, g := range u.sortedGroups() {
		v.groups = append(v.groups, g.ID)
	}
	show(i.views.holders, u.ID, now, i.effective(now), v)
}

func (i *IAM) publishRole(now time.Time, r *Role) {
	v := r.view()
	v.trust, v.maxSession = r.Trust.Policy, r.MaxSession
	show(i.views.holders, r.ID, now, i.effective(now), v)
	show(i.views.roles, r.ARN(), now, i.effective(now), v)
}

func (i *IAM) hideHolder(now time.Time, h *Holder) {
	hide(&i.views, i.views.holders, h.ID, now, i.effective(now))
	if h.Kind == kindRole {
		hide(&i.views, i.views.roles, h.ARN(), now, i.effective(now))
	}
}

func (i *IAM) publishPolicy(now time.Time, p *Policy) {
	show(i.views.policies, p.ARN(), now, i.effective(now), p.version(p.Default).Policy)
}

// republish publishes whichever of the three a holder belongs to.
func (i *IAM) republish(now time.Time, h *Holder) {
	a := i.account(h.Account)
	switch h.Kind {
	case kindUser:
		i.publishUser(now, a.users.get(h.Name))
	case kindRole:
		i.publishRole(now, a.roles.get(h.Name))
	default:
		i.publish(now, h)
	}
}

func (h *Holder) view() *holderView {
	v := &holderView{
		id: h.ID, arn: h.ARN(), name: h.Name, account: h.Account,
		tags: h.Tags.asMap(), boundary: h.Boundary, attached: slices.Clone(h.Attached),
	}
	for _, name := range h.inlineNames() {
		v.inline = append(v.inline, iameval.Attached{Name: name, Policy: h.Inline[name].Policy})
	}
	return v
}
