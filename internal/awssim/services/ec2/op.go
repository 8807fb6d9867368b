package ec2

import (
	"reflect"
	"slices"
	"sort"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// call is a request together with the state that it acts on.
type call struct {
	*core.Call
	*state
}

func (s *Service) call(c *core.Call) *call {
	st := s.shelf.At(c.Account.ID, c.Region)
	st.settle(c.Now)
	return &call{Call: c, state: st}
}

// returned is the answer of operations that only succeed.
type returned struct {
	Return bool `xml:"return"`
}

func done() (*returned, error) { return &returned{true}, nil }

// rule says what an operation must be allowed beyond what its input names.
type rule struct {
	read    bool
	creates []Object
	only    []string // input fields whose ids count; nil: all
}

type option func(*rule)

// read marks an operation that changes nothing; it is allowed on "*" only.
func read(r *rule) { r.read = true }

// creates says what the operation makes.
func creates(objects ...Object) option { return func(r *rule) { r.creates = objects } }

// only limits the permission to the things that these input fields name.
func only(fields ...string) option { return func(r *rule) { r.only = fields } }

// permitter is an input that knows its permissions itself.
type permitter interface {
	permissions(*call) []core.Permission
}

// op makes an operation. A changing one must be allowed on everything that its
// input names by id and on everything that it makes, as the "Actions, resources,
// and condition keys for Amazon EC2" page lists them.
func op[In, Out any](s *Service, name string, h func(*call, *In) (Out, error), opts ...option) core.Op {
	var r rule
	for _, o := range opts {
		o(&r)
	}
	handle := func(cc *core.Call, in *In) (Out, error) {
		var none Out
		if err := r.checkTagTypes(in); err != nil {
			return none, err
		}
		if d, ok := any(in).(interface{ dry() bool }); ok && d.dry() {
			return none, core.Errorf(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
		}
		c := s.call(cc)
		if !r.read {
			c.nameResources(in)
		}
		return h(c, in)
	}
	needs := core.Needs(func(cc *core.Call, in *In) []core.Permission {
		c := s.call(cc)
		if p, ok := any(in).(permitter); ok {
			return p.permissions(c)
		}
		return c.permissions(&r, in)
	})
	if r.read {
		return core.Handle(name, handle, needs, core.ReadOnly)
	}
	return core.Handle(name, handle, needs)
}

func (r *rule) checkTagTypes(in any) error {
	t, ok := in.(interface{ tagSpecs() []TagSpecification })
	if !ok || r.creates == nil {
		return nil
	}
	for _, s := range t.tagSpecs() {
		if !slices.ContainsFunc(r.creates, func(o Object) bool { return o.kind().name == s.ResourceType }) {
			return core.Errorf(400, "InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation.", s.ResourceType)
		}
		if err := checkTags(s.Tags); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) permissions(r *rule, in any) []core.Permission {
	if r.read {
		return []core.Permission{{Context: c.regionKey()}}
	}
	var out []core.Permission
	for _, id := range named(in, r.only) {
		out = append(out, c.on(id))
	}
	var specs []TagSpecification
	if t, ok := in.(interface{ tagSpecs() []TagSpecification }); ok {
		specs = t.tagSpecs()
	}
	for _, o := range r.creates {
		out = append(out, c.making(o, specs, nil)...)
	}
	if t, ok := in.(*tagsIn); ok { // CreateTags
		for i := range out {
			requestTags(out[i].Context, t.Tags)
		}
	}
	if len(out) == 0 {
		out = []core.Permission{{Context: c.regionKey()}}
	}
	return out
}

// on is the permission to act on one existing thing.
func (c *call) on(id string) core.Permission {
	p := core.Permission{Resource: c.arn(kindOf(id), id), Context: c.regionKey()}
	o, ok := c.state.objects[id]
	if !ok {
		return p
	}
	p.Resource = c.arn(o.kind(), c.arnName(o))
	for _, t := range o.meta().Tags {
		p.Context["aws:ResourceTag/"+t.Key] = []string{t.Value}
		p.Context["ec2:ResourceTag/"+t.Key] = []string{t.Value}
	}
	if f := reflect.ValueOf(o).Elem().FieldByName("VpcId"); f.IsValid() && f.String() != "" {
		p.Context["ec2:Vpc"] = []string{c.arn(vpcKind, f.String())}
	}
	if k, ok := o.(interface{ keys() map[string]string }); ok {
		for name, v := range k.keys() {
			p.Context[name] = []string{v}
		}
	}
	return p
}

// making is the permission to make a thing with the tags that the request gives
// it, and to tag it.
func (c *call) making(o Object, specs []TagSpecification, keys map[string]string) []core.Permission {
	p := core.Permission{Resource: c.arn(o.kind(), "*"), Context: c.regionKey()}
	for k, v := range keys {
		p.Context[k] = []string{v}
	}
	tags := tagsFor(specs, o.kind())
	if len(tags) == 0 {
		return []core.Permission{p}
	}
	requestTags(p.Context, tags)
	t := core.Permission{Action: "ec2:CreateTags", Resource: p.Resource, Context: c.regionKey()}
	requestTags(t.Context, tags)
	t.Context["ec2:CreateAction"] = []string{c.Op.Name}
	return []core.Permission{p, t}
}

func requestTags(ctx map[string][]string, tags []Tag) {
	var keys []string
	for _, t := range tags {
		ctx["aws:RequestTag/"+t.Key] = []string{t.Value}
		keys = append(keys, t.Key)
	}
	ctx["aws:TagKeys"] = keys
}

func (c *call) regionKey() map[string][]string { return map[string][]string{"ec2:Region": {c.Region}} }

// arn names a thing; images and snapshots have no account in their ARN.
func (st *state) arn(k *kind, name string) string {
	account := st.account
	if k == imageKind || k == snapshotKind {
		account = ""
	}
	return "arn:aws:ec2:" + st.region + ":" + account + ":" + k.name + "/" + name
}

// arnName is the last part of an ARN: the id, or the name where AWS uses that.
func (st *state) arnName(o Object) string {
	switch x := o.(type) {
	case *KeyPair:
		return x.KeyName
	case *PlacementGroup:
		return x.GroupName
	}
	return o.meta().id
}

// named gives the ids in an input, without repetition and in order.
func named(in any, fields []string) []string {
	found := map[string]bool{}
	collect(reflect.ValueOf(in), fields, found)
	out := make([]string, 0, len(found))
	for id := range found {
		out = append(out, id)
	}
	sort.Strings(out)
	return out
}

func collect(v reflect.Value, fields []string, found map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			collect(v.Elem(), fields, found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			collect(v.Index(i), nil, found)
		}
	case reflect.String:
		if s := v.String(); kindOf(s) != nil {
			found[s] = true
		}
	case reflect.Struct:
		switch v.Interface().(type) {
		case Tag, Filter, core.Time:
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.IsExported() && (fields == nil || f.Anonymous || slices.Contains(fields, f.Name)) {
				collect(v.Field(i), fields, found)
			}
		}
	}
}

// nameResources puts the things that a request names into its CloudTrail event.
func (c *call) nameResources(in any) {
	for _, id := range named(in, nil) {
		k := kindOf(id)
		c.TrailResources = append(c.TrailResources, core.TrailResource{
			ARN: c.arn(k, id), AccountID: c.account, Type: k.trail, Name: id,
		})
	}
}
