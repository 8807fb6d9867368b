package expr

import (
	"fmt"
	"strings"
)

// segment is a name, or an index of a list if name is "".
type segment struct {
	name  string
	index int
}

// Path is a document path: a.b[3].c.
type Path []segment

// Root is the top-level attribute.
func (p Path) Root() string { return p[0].name }

func (p Path) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.name == "":
			fmt.Fprintf(&b, "[%d]", s.index)
		case i > 0:
			b.WriteString("." + s.name)
		default:
			b.WriteString(s.name)
		}
	}
	return b.String()
}

// Get follows the path.
func (p Path) Get(it Item) (Value, bool) {
	v, ok := it[p[0].name]
	for _, s := range p[1:] {
		if !ok {
			return Value{}, false
		}
		if s.name != "" {
			if v.Type != "M" {
				return Value{}, false
			}
			v, ok = v.M[s.name]
			continue
		}
		if v.Type != "L" || s.index >= len(v.L) {
			return Value{}, false
		}
		v = v.L[s.index]
	}
	return v, ok
}

// overlaps tells whether one path is a part of the other.
func (p Path) overlaps(o Path) bool {
	for i := range min(len(p), len(o)) {
		if p[i] != o[i] {
			return false
		}
	}
	return true
}

// errPath is for writes below something that is not there.
var errPath = fmt.Errorf("The document path provided in the update expression is invalid for update")

// set writes a value below v, copying what it changes.
func (p Path) set(v Value, to Value) (Value, error) {
	if len(p) == 0 {
		return to, nil
	}
	s := p[0]
	switch {
	case s.name != "" && v.Type == "M":
		child, there := v.M[s.name]
		if !there && len(p) > 1 {
			return v, errPath
		}
		next, err := p[1:].set(child, to)
		if err != nil {
			return v, err
		}
		m := map[string]Value(Item(v.M).Clone())
		m[s.name] = next
		return Value{Type: "M", M: m}, nil
	case s.name == "" && v.Type == "L":
		l := append([]Value{}, v.L...)
		if s.index >= len(l) {
			if len(p) > 1 {
				return v, errPath
			}
			return Value{Type: "L", L: append(l, to)}, nil // past the end means: append
		}
		next, err := p[1:].set(l[s.index], to)
		if err != nil {
			return v, err
		}
		l[s.index] = next
		return Value{Type: "L", L: l}, nil
	}
	return v, errPath
}

// drop removes what the path names below v; what is not there stays away.
func (p Path) drop(v Value) (Value, error) {
	s := p[0]
	switch {
	case s.name != "" && v.Type == "M":
		child, there := v.M[s.name]
		if !there {
			if len(p) > 1 {
				return v, errPath
			}
			return v, nil
		}
		m := map[string]Value(Item(v.M).Clone())
		if len(p) == 1 {
			delete(m, s.name)
			return Value{Type: "M", M: m}, nil
		}
		next, err := p[1:].drop(child)
		m[s.name] = next
		return Value{Type: "M", M: m}, err
	case s.name == "" && v.Type == "L":
		if s.index >= len(v.L) {
			return v, nil
		}
		l := append([]Value{}, v.L...)
		if len(p) == 1 {
			return Value{Type: "L", L: append(l[:s.index], l[s.index+1:]...)}, nil
		}
		next, err := p[1:].drop(l[s.index])
		l[s.index] = next
		return Value{Type: "L", L: l}, err
	}
	return v, errPath
}

// Project keeps only what the paths name; elements of lists close up.
func Project(it Item, paths []Path) Item {
	out := Item{}
	tree := &node{}
	for _, p := range paths {
		tree.insert(p)
	}
	for name, sub := range tree.names {
		if v, ok := it[name]; ok {
			if kept, ok := sub.keep(v); ok {
				out[name] = kept
			}
		}
	}
	return out
}

// node is a set of paths with a common beginning.
type node struct {
	all     bool
	names   map[string]*node
	indexes map[int]*node
}

func (n *node) insert(p Path) {
	if len(p) == 0 {
		n.all = true
		return
	}
	var next *node
	if s := p[0]; s.name != "" {
		if n.names == nil {
			n.names = map[string]*node{}
		}
		if next = n.names[s.name]; next == nil {
			next = &node{}
			n.names[s.name] = next
		}
	} else {
		if n.indexes == nil {
			n.indexes = map[int]*node{}
		}
		if next = n.indexes[s.index]; next == nil {
			next = &node{}
			n.indexes[s.index] = next
		}
	}
	next.insert(p[1:])
}

func (n *node) keep(v Value) (Value, bool) {
	switch {
	case n.all:
		return v, true
	case v.Type == "M":
		m := map[string]Value{}
		for name, sub := range n.names {
			if child, ok := v.M[name]; ok {
				if kept, ok := sub.keep(child); ok {
					m[name] = kept
				}
			}
		}
		return Value{Type: "M", M: m}, len(m) > 0
	case v.Type == "L":
		var l []Value
		for i, child := range v.L {
			if sub := n.indexes[i]; sub != nil {
				if kept, ok := sub.keep(child); ok {
					l = append(l, kept)
				}
			}
		}
		return Value{Type: "L", L: l}, len(l) > 0
	}
	return Value{}, false
}
