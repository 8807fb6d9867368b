package ec2

import (
	"regexp"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Object is anything that EC2 keeps under an id.
type Object interface {
	meta() *Meta
	kind() *kind
}

// Meta is what every object has.
type Meta struct {
	Tags []Tag `xml:"tagSet>item" trail:"tagSet"`

	id        string
	seq       uint64 // order of creation, for stable paging
	created   time.Time
	byDefault bool // part of what a new account has
}

func (m *Meta) meta() *Meta { return m }

// kind is what the objects of one type have in common.
type kind struct {
	name      string // in ARNs and tags: "security-group"
	prefix    string // of ids, without the dash
	noun      string // in messages: "security group"
	notFound  string // error codes
	malformed string
	trail     string // CloudFormation-like type in CloudTrail's resources
	minPage   int    // least MaxResults; 0 means 5
	filters   filters
}

// List is a list with EC2's <item> elements; it is written also when empty, so
// that every client sees a list.
type List[T any] struct {
	Items []T `xml:"item"`
}

func listOf[T any](items []T) List[T] { return List[T]{Items: items} }

// every kind by its prefix, to know the ids in a request.
var kinds = map[string]Object{}

func init() {
	for _, o := range []Object{
		(*Vpc)(nil), (*Subnet)(nil), (*SecurityGroup)(nil), (*SecurityGroupRule)(nil), (*RouteTable)(nil),
		(*InternetGateway)(nil), (*NatGateway)(nil), (*NetworkAcl)(nil), (*NetworkInterface)(nil),
		(*VpcEndpoint)(nil), (*VpcPeeringConnection)(nil), (*DhcpOptions)(nil), (*FlowLog)(nil),
		(*Instance)(nil), (*Volume)(nil), (*Snapshot)(nil), (*Image)(nil), (*KeyPair)(nil), (*Address)(nil),
		(*LaunchTemplate)(nil), (*PlacementGroup)(nil), (*SpotRequest)(nil), (*ProfileAssociation)(nil),
	} {
		kinds[o.kind().prefix] = o
	}
}

var idForm = regexp.MustCompile(`^([a-z]+(?:-[a-z]+)*)-[0-9a-f]{8,17}$`)

// kindOf tells which kind an id belongs to, or nil.
func kindOf(id string) *kind {
	m := idForm.FindStringSubmatch(id)
	if m == nil || kinds[m[1]] == nil {
		return nil
	}
	return kinds[m[1]].kind()
}

func (k *kind) missing(id string) error {
	return core.Errorf(400, k.notFound, "The %s ID '%s' does not exist", k.noun, id)
}

// pointer lets generic functions make *T an Object.
type pointer[T any] interface {
	*T
	Object
}

// get finds an object by id: the kind's Malformed or NotFound when there is none.
func get[T any, P pointer[T]](st *state, id string) (P, error) {
	if o, ok := st.objects[id].(P); ok {
		return o, nil
	}
	k := P(nil).kind()
	if id == "" {
		return nil, missingParameter(k.name + "Id")
	}
	if kindOf(id) != k {
		return nil, core.Errorf(400, k.malformed, "Invalid id: %q (expecting %q)", id, k.prefix+"-...")
	}
	return nil, k.missing(id)
}

// all gives the objects of a kind in order of creation.
func all[T any, P pointer[T]](st *state) []P {
	list := st.lists[P(nil).kind()]
	out := make([]P, len(list))
	for i, o := range list {
		out[i] = o.(P)
	}
	return out
}

// some gives the objects of a kind that match.
func some[T any, P pointer[T]](st *state, match func(P) bool) []P {
	var out []P
	for _, o := range st.lists[P(nil).kind()] {
		if p := o.(P); match(p) {
			out = append(out, p)
		}
	}
	return out
}

// first gives the first object of a kind that matches, or nil.
func first[T any, P pointer[T]](st *state, match func(P) bool) P {
	for _, o := range st.lists[P(nil).kind()] {
		if p := o.(P); match(p) {
			return p
		}
	}
	return nil
}

// add stores a new object under id.
func (st *state) add(o Object, id string, tags []Tag) {
	m := o.meta()
	st.seq++
	m.id, m.seq, m.created, m.Tags = id, st.seq, st.now, tags
	st.objects[id] = o
	st.lists[o.kind()] = append(st.lists[o.kind()], o)
}

// remove forgets an object.
func (st *state) remove(o Object) {
	delete(st.objects, o.meta().id)
	list := st.lists[o.kind()]
	for i, x := range list {
		if x == o {
			st.lists[o.kind()] = append(list[:i:i], list[i+1:]...)
			return
		}
	}
}

// newID gives an unused id for a kind.
func (st *state) newID(o Object) string { return st.svc.w.ID(o.kind().prefix) }
