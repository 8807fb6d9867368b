package iam

import (
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// tag is one tag, on the wire and in the state.
type tag struct{ Key, Value string }

// tagSet holds tags in the order they were made. Keys are unique without regard
// to case.
type tagSet []tag

const maxTags = 50

func (t tagSet) asMap() map[string]string {
	if len(t) == 0 {
		return nil
	}
	m := make(map[string]string, len(t))
	for _, x := range t {
		m[x.Key] = x.Value
	}
	return m
}

func sameKey(key string) func(tag) bool {
	return func(x tag) bool { return strings.EqualFold(x.Key, key) }
}

// with gives the set with more tags in it; the old set stays as it was.
func (t tagSet) with(more []tag) (tagSet, error) {
	out := slices.Clone(t)
	seen := map[string]bool{}
	for _, x := range more {
		if err := x.check(); err != nil {
			return nil, err
		}
		if k := strings.ToLower(x.Key); seen[k] {
			return nil, invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		} else {
			seen[k] = true
		}
		if n := slices.IndexFunc(out, sameKey(x.Key)); n >= 0 {
			out[n] = x
		} else {
			out = append(out, x)
		}
	}
	if len(out) > maxTags {
		return nil, core.Errorf(409, "LimitExceeded", "The number of tags has reached the maximum limit.")
	}
	return out, nil
}

func (t tagSet) without(keys []string) tagSet {
	return slices.DeleteFunc(slices.Clone(t), func(x tag) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, x.Key) })
	})
}

func (x tag) check() error {
	v := &check{}
	v.required("tags.key", x.Key)
	switch {
	case len(x.Key) > 128:
		v.failed("tags.key", x.Key, "Member must have length less than or equal to 128")
	case len(x.Value) > 256:
		v.failed("tags.value", x.Value, "Member must have length less than or equal to 256")
	case strings.HasPrefix(strings.ToLower(x.Key), "aws:"):
		return invalidInput("System tags cannot be added/updated")
	}
	return v.err
}

// taggable is a kind of thing with tag operations.
type taggable struct {
	suffix string // TagUser
	list   string // ListUserTags
	key    func(*tagIn) string
	find   func(a *account, key string) (*tagSet, error)
	arn    func(c *core.Call, key string) string
	after  func(c *core.Call, key string) // publishes the change
}

type tagIn struct {
	UserName, RoleName, PolicyArn, InstanceProfileName, SerialNumber string
	OpenIDConnectProviderArn, SAMLProviderArn, ServerCertificateName string
	Tags                                                             []tag
	TagKeys                                                          []string
	Paging
}

type listTagsOut struct {
	Tags members[tag]
	Truncation
}

func (i *IAM) tagOps() []core.Op {
	var ops []core.Op
	for _, t := range i.taggables() {
		ops = append(ops,
			core.Handle("Tag"+t.suffix, func(c *core.Call, in *tagIn) (core.None, error) {
				return core.None{}, i.retag(c, t, in, func(s tagSet) (tagSet, error) { return s.with(in.Tags) })
			}, i.tagNeeds(t)),
			core.Handle("Untag"+t.suffix, func(c *core.Call, in *tagIn) (core.None, error) {
				return core.None{}, i.retag(c, t, in, func(s tagSet) (tagSet, error) { return s.without(in.TagKeys), nil })
			}, i.tagNeeds(t)),
			core.Handle(t.list, func(c *core.Call, in *tagIn) (*listTagsOut, error) {
				s, err := t.find(i.of(c), t.key(in))
				if err != nil {
					return nil, err
				}
				sorted := slices.SortedFunc(slices.Values(*s), func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
				page, more, err := cut(sorted, func(x tag) string { return x.Key }, in.Paging)
				return &listTagsOut{members[tag](page), more}, err
			}, core.ReadOnly, i.tagNeeds(t)))
	}
	return ops
}

func (i *IAM) retag(c *core.Call, t taggable, in *tagIn, f func(tagSet) (tagSet, error)) error {
	s, err := t.find(i.of(c), t.key(in))
	if err != nil {
		return err
	}
	n, err := f(*s)
	if err != nil {
		return err
	}
	*s = n
	if t.after != nil {
		t.after(c, t.key(in))
	}
	return nil
}

func (i *IAM) tagNeeds(t taggable) core.Option {
	return core.Needs(func(c *core.Call, in *tagIn) []core.Permission {
		ctx := requestTags(in.Tags)
		ctx["aws:TagKeys"] = append(ctx["aws:TagKeys"], in.TagKeys...)
		if s, err := t.find(i.of(c), t.key(in)); err == nil {
			addResourceTags(ctx, *s)
		}
		return []core.Permission{{Resource: t.arn(c, t.key(in)), Context: ctx}}
	})
}

// requestTags gives the condition keys of tags in a request.
func requestTags(tags []tag) map[string][]string {
	ctx := map[string][]string{}
	for _, x := range tags {
		ctx["aws:RequestTag/"+x.Key] = []string{x.Value}
		ctx["aws:TagKeys"] = append(ctx["aws:TagKeys"], x.Key)
	}
	return ctx
}

// addResourceTags adds the condition keys of the tags that a resource has.
func addResourceTags(ctx map[string][]string, tags tagSet) {
	for _, x := range tags {
		ctx["aws:ResourceTag/"+x.Key] = []string{x.Value}
		ctx["iam:ResourceTag/"+x.Key] = []string{x.Value}
	}
}
