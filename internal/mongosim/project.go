package mongosim

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// projection is a compiled projection of find, or a $project stage.
type projection struct {
	root      *projNode
	inclusive bool
	env       *env
}

// projNode is one field of a projection; with children it stands for the
// fields below.
type projNode struct {
	children map[string]*projNode
	order    []string
	include  bool // in an inclusive projection: keep; in an exclusive one: drop
	compute  func(old any, sc *scope) (any, error)
}

// compileProjection parses find's projection; it is nil if there is none.
func compileProjection(d bson.D, ev *env) (*projection, error) { return newProjection(d, ev, false) }

func newProjection(d bson.D, ev *env, stage bool) (*projection, error) {
	if len(d) == 0 {
		return nil, nil
	}
	p := &projection{root: &projNode{}, env: ev}
	c := projCompiler{p: p, ev: ev, stage: stage, id: true}
	if err := c.fields("", d); err != nil {
		return nil, err
	}
	if c.excluded != "" && c.included != "" {
		return nil, errf(31254, "Cannot do exclusion on field %s in inclusion projection", c.excluded)
	}
	p.inclusive = c.included != "" || c.excluded == "" && c.idOnlyIncluded
	switch {
	case p.inclusive && c.id:
		if _, ok := p.root.children["_id"]; !ok {
			p.root.child("_id").include = true
		}
	case !p.inclusive && !c.id:
		p.root.child("_id").include = true
	}
	return p, nil
}

type projCompiler struct {
	p                  *projection
	ev                 *env
	stage              bool // a $project stage, where every operator is an expression
	included, excluded string
	id                 bool // keep _id
	idOnlyIncluded     bool
}

func (n *projNode) child(name string) *projNode {
	if n.children == nil {
		n.children = map[string]*projNode{}
	}
	c := n.children[name]
	if c == nil {
		c = &projNode{}
		n.children[name] = c
		n.order = append(n.order, name)
	}
	return c
}

func (c *projCompiler) fields(prefix string, d bson.D) error {
	for _, e := range d {
		path := strings.TrimPrefix(prefix+"."+e.Key, ".")
		if nested, ok := e.Value.(bson.D); ok && len(nested) > 0 && !isOperatorDoc(nested) {
			if err := c.fields(path, nested); err != nil {
				return err
			}
			continue
		}
		if err := c.field(path, e.Value); err != nil {
			return err
		}
	}
	return nil
}

func (c *projCompiler) field(path string, v any) error {
	parts, err := splitPath(path)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if strings.HasPrefix(p, "$") {
			return errf(codeNotImplemented, "mongosim does not support the projection %s", path)
		}
	}
	flag := isNumber(v)
	if _, isBool := v.(bool); isBool {
		flag = true
	}
	if path == "_id" && flag {
		c.id = truthy(v)
		c.idOnlyIncluded = c.id
		return nil
	}
	node := c.p.root
	for _, p := range parts {
		if node.include || node.compute != nil {
			return errf(31249, "Path collision at %s", path)
		}
		node = node.child(p)
	}
	if node.children != nil || node.include || node.compute != nil {
		return errf(31250, "Path collision at %s", path)
	}
	if flag {
		node.include = true
		if truthy(v) {
			c.included = path
		} else {
			c.excluded = path
		}
		return nil
	}
	if d, ok := v.(bson.D); ok && len(d) == 1 && !c.stage {
		switch d[0].Key {
		case "$slice":
			node.compute, err = sliceProjection(d[0].Value)
			return err // neither includes nor excludes the other fields
		case "$elemMatch":
			c.included = path
			node.compute, err = elemMatchProjection(path, d[0].Value, c.ev)
			return err
		}
	}
	ex, err := compileExpr(v)
	if err != nil {
		return err
	}
	c.included = path
	node.compute = func(_ any, sc *scope) (any, error) { return ex.eval(sc) }
	return nil
}

func sliceProjection(arg any) (func(any, *scope) (any, error), error) {
	skip, n, ok := int64(0), int64(0), false
	switch v := arg.(type) {
	case bson.A:
		if len(v) == 2 {
			var ok1, ok2 bool
			skip, ok1 = toInt64(v[0])
			n, ok2 = toInt64(v[1])
			ok = ok1 && ok2 && n > 0
		}
	default:
		if n, ok = toInt64(v); ok && n < 0 {
			skip, n = n, -n
		}
	}
	if !ok {
		return nil, errf(codeBadValue, "Invalid $slice projection: %s", shellValue(arg))
	}
	return func(old any, _ *scope) (any, error) {
		a, isArray := old.(bson.A)
		if !isArray {
			return old, nil
		}
		from := min(skip, int64(len(a)))
		if skip < 0 {
			from = max(int64(len(a))+skip, 0)
		}
		return a[from:min(from+n, int64(len(a)))], nil
	}, nil
}

func elemMatchProjection(path string, arg any, ev *env) (func(any, *scope) (any, error), error) {
	if strings.Contains(path, ".") {
		return nil, errf(31275, "Cannot use $elemMatch projection on a nested field: %s", path)
	}
	n, err := compileElemMatch(path, nil, arg, ev)
	if err != nil {
		return nil, err
	}
	return func(old any, _ *scope) (any, error) {
		a, _ := old.(bson.A)
		i := slices.IndexFunc(a, func(e any) bool { return n.match(bson.A{e}) })
		if i < 0 {
			return missing, nil
		}
		return bson.A{a[i]}, nil
	}, nil
}

// apply makes the projected document; doc stays as it is.
func (p *projection) apply(doc bson.D) (bson.D, error) {
	return p.project(p.root, doc, &scope{env: p.env, root: doc})
}

func (p *projection) project(n *projNode, doc bson.D, sc *scope) (bson.D, error) {
	out := make(bson.D, 0, len(doc))
	var later []string // computed fields that the document does not have
	for _, name := range n.order {
		if _, has := lookup(doc, name); !has && n.children[name].computes() {
			later = append(later, name)
		}
	}
	for _, e := range doc {
		c, named := n.children[e.Key]
		v := e.Value
		var err error
		switch {
		case !named:
			if p.inclusive {
				continue
			}
		case c.compute != nil:
			v, err = c.compute(e.Value, sc)
		case c.children != nil:
			v, err = p.value(c, e.Value, sc)
		case !p.inclusive:
			continue // excluded
		}
		if err != nil {
			return nil, err
		}
		if v != any(missing) {
			out = append(out, bson.E{Key: e.Key, Value: v})
		}
	}
	for _, name := range later {
		c := n.children[name]
		var v any
		var err error
		if c.compute != nil {
			v, err = c.compute(missing, sc)
		} else {
			v, err = p.project(c, bson.D{}, sc)
		}
		if err != nil {
			return nil, err
		}
		if v != any(missing) {
			out = append(out, bson.E{Key: name, Value: v})
		}
	}
	return out, nil
}

// computes reports whether the projection makes the field out of nothing.
func (n *projNode) computes() bool {
	if n.compute != nil {
		return true
	}
	for _, c := range n.children {
		if c.computes() {
			return true
		}
	}
	return false
}

// value projects into documents and through arrays. A scalar has no fields: it
// is dropped where fields are chosen, and stays where fields are removed.
func (p *projection) value(n *projNode, v any, sc *scope) (any, error) {
	switch v := v.(type) {
	case bson.D:
		return p.project(n, v, sc)
	case bson.A:
		out := bson.A{}
		for _, e := range v {
			x, err := p.value(n, e, sc)
			if err != nil {
				return nil, err
			}
			if x != any(missing) {
				out = append(out, x)
			}
		}
		return out, nil
	}
	switch {
	case n.computes():
		return p.project(n, bson.D{}, sc)
	case p.inclusive:
		return missing, nil
	}
	return v, nil
}
