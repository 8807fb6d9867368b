package mongosim

import (
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// splitPath checks and splits a dotted path.
func splitPath(path string) ([]string, error) {
	parts := strings.Split(path, ".")
	if slices.Contains(parts, "") {
		return nil, errf(codeEmptyFieldName, "The path %q contains an empty field name, which is not allowed.", path)
	}
	return parts, nil
}

// arrayIndex reads a path component as a position in an array.
func arrayIndex(part string) (int, bool) {
	if part == "" || len(part) > 9 || (part[0] == '0' && part != "0") {
		return 0, false
	}
	n, err := strconv.ParseUint(part, 10, 31)
	return int(n), err == nil
}

// noPositions refuses numeric components, for which a field name and a place in
// an array cannot be told apart in a key.
func noPositions(path string, parts []string) error {
	for _, p := range parts {
		if _, ok := arrayIndex(p); ok {
			return errf(codeNotImplemented, "mongosim does not support array positions in keys: %s", path)
		}
	}
	return nil
}

// anyValue reports whether pred holds for a value that the path reaches in v,
// in the way that queries walk (manual: "Query an Array", "Query an Array of
// Embedded Documents"): an array on the way stands for each document in it and
// for the element at a numeric component; an array at the end stands, if
// expand is set, for each of its elements and for itself. A field that is not
// there is missing; an array on the way without a fitting element reaches
// nothing at all.
func anyValue(v any, path []string, expand bool, pred func(any) bool) bool {
	if len(path) == 0 {
		if a, ok := v.(bson.A); ok && expand && slices.ContainsFunc(a, pred) {
			return true
		}
		return pred(v)
	}
	switch v := v.(type) {
	case bson.D:
		x, ok := lookup(v, path[0])
		if !ok {
			return pred(missing)
		}
		return anyValue(x, path[1:], expand, pred)
	case bson.A:
		for _, e := range v {
			if d, ok := e.(bson.D); ok && anyValue(d, path, expand, pred) {
				return true
			}
		}
		if i, ok := arrayIndex(path[0]); ok && i < len(v) {
			return anyValue(v[i], path[1:], expand, pred)
		}
		return false
	}
	return pred(missing)
}

// exists reports whether the path reaches a field that is there.
func exists(v any, path []string) bool {
	return anyValue(v, path, false, func(x any) bool { return x != any(missing) })
}

// keyField is one field of an index key or of a sort.
type keyField struct {
	path  string
	parts []string
	desc  bool
}

// keyGen makes the keys of a document under a list of fields (manual:
// "Multikey Indexes"): one key, or one per element where the fields go through
// an array. Missing fields count as null, an empty array as missing.
type keyGen struct{ fields []keyField }

// pathCursor is how far a field's walk has come: the value, and what is left of
// the path.
type pathCursor struct {
	v    any
	rest []string
	done bool // v is final, even if it is an array
}

// keys returns the encoded keys, sorted and without duplicates, and per field
// whether an array was met.
func (g keyGen) keys(doc bson.D) (keys []string, multi []bool, err error) {
	multi = make([]bool, len(g.fields))
	err = g.each(doc, multi, func(cur []pathCursor) { keys = append(keys, g.encode(cur)) })
	if err != nil {
		return nil, nil, err
	}
	if len(keys) > 1 {
		slices.Sort(keys)
		keys = slices.Compact(keys)
	}
	return keys, multi, nil
}

// values returns the values behind one encoded key of a document.
func (g keyGen) values(doc bson.D, key string) (vals []any) {
	_ = g.each(doc, make([]bool, len(g.fields)), func(cur []pathCursor) {
		if vals == nil && g.encode(cur) == key {
			for _, c := range cur {
				vals = append(vals, c.v)
			}
		}
	})
	return vals
}

func (g keyGen) each(doc bson.D, multi []bool, emit func([]pathCursor)) error {
	cur := make([]pathCursor, len(g.fields))
	for i, f := range g.fields {
		cur[i] = pathCursor{v: doc, rest: f.parts}
	}
	return g.expand(cur, multi, emit)
}

func (g keyGen) expand(cur []pathCursor, multi []bool, emit func([]pathCursor)) error {
	at := -1 // a field that stands at an array
	var arr bson.A
	for i := range cur {
		c := &cur[i]
		for !c.done {
			if a, ok := c.v.(bson.A); ok {
				if at >= 0 && g.prefix(i, c) != g.prefix(at, &cur[at]) {
					return errf(codeCannotIndexParallel, "cannot index parallel arrays [%s] [%s]",
						last(g.prefix(i, c)), last(g.prefix(at, &cur[at])))
				}
				at, arr = i, a
				break
			}
			c.step()
		}
	}
	if at < 0 {
		emit(cur)
		return nil
	}
	prefix := g.prefix(at, &cur[at])
	descend := func(element any, empty bool) error {
		next := slices.Clone(cur)
		for i := range next {
			c := &next[i]
			if c.done || g.prefix(i, c) != prefix {
				continue
			}
			multi[i] = true
			switch _, nested := element.(bson.A); {
			case len(c.rest) == 0:
				*c = pathCursor{v: element, done: true}
			case empty, nested: // an array directly in an array is not walked into
				*c = pathCursor{done: true}
			default:
				c.v = element
			}
		}
		return g.expand(next, multi, emit)
	}
	if len(arr) == 0 {
		return descend(missing, true)
	}
	for _, e := range arr {
		if err := descend(e, false); err != nil {
			return err
		}
	}
	return nil
}

// step goes one component down; c.v is no array.
func (c *pathCursor) step() {
	if len(c.rest) == 0 {
		c.done = true
		return
	}
	d, _ := c.v.(bson.D)
	v, ok := lookup(d, c.rest[0])
	if !ok {
		*c = pathCursor{done: true} // null
		return
	}
	c.v, c.rest = v, c.rest[1:]
}

func (g keyGen) prefix(i int, c *pathCursor) string {
	parts := g.fields[i].parts
	return strings.Join(parts[:len(parts)-len(c.rest)], ".")
}

func (g keyGen) encode(cur []pathCursor) string {
	buf := make([]byte, 0, 64)
	for i, c := range cur {
		start := len(buf)
		buf = appendKey(buf, c.v)
		if g.fields[i].desc {
			invert(buf[start:])
		}
	}
	return string(buf)
}

func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
