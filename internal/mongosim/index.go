package mongosim

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// indexSpec is the definition of an index as createIndexes takes it.
type indexSpec struct {
	name    string
	key     bson.D
	unique  bool
	sparse  bool
	partial bson.D // nil if none
	ttl     *int64 // seconds after the date, nil if none
}

// parseIndexSpec refuses every option it does not know.
func parseIndexSpec(d bson.D) (indexSpec, error) {
	var s indexSpec
	for _, e := range d {
		switch e.Key {
		case "name":
			s.name, _ = e.Value.(string)
		case "key":
			s.key, _ = e.Value.(bson.D)
		case "unique":
			s.unique = truthy(e.Value)
		case "sparse":
			s.sparse = truthy(e.Value)
		case "partialFilterExpression":
			p, ok := e.Value.(bson.D)
			if !ok {
				return s, errf(codeTypeMismatch, "partialFilterExpression must be an object")
			}
			s.partial = p
		case "expireAfterSeconds":
			n, ok := toInt64(e.Value)
			if !ok || n < 0 || n > 1<<31-1 {
				return s, errf(codeInvalidOptions, "TTL index 'expireAfterSeconds' option must be within 0 and 2147483647")
			}
			s.ttl = &n
		case "v", "background", "ns":
		default:
			return s, errf(codeNotImplemented, "mongosim does not support the index option %s", e.Key)
		}
	}
	if len(s.key) == 0 {
		return s, errf(codeCannotCreateIndex, "Index keys cannot be empty.")
	}
	if s.name == "" {
		return s, errf(codeFailedToParse, "The 'name' field is a required property of an index specification")
	}
	if s.sparse && s.partial != nil {
		return s, errf(codeCannotCreateIndex, "cannot mix \"partialFilterExpression\" and \"sparse\" options")
	}
	if s.ttl != nil && (len(s.key) > 1 || s.key[0].Key == "_id") {
		return s, errf(codeCannotCreateIndex, "TTL indexes are single-field indexes, and not on _id")
	}
	return s, nil
}

// doc is the definition as listIndexes returns it.
func (s indexSpec) doc() bson.D {
	d := bson.D{{Key: "v", Value: int32(2)}, {Key: "key", Value: s.key}, {Key: "name", Value: s.name}}
	if s.unique && s.name != idIndexName {
		d = append(d, bson.E{Key: "unique", Value: true})
	}
	if s.sparse {
		d = append(d, bson.E{Key: "sparse", Value: true})
	}
	if s.partial != nil {
		d = append(d, bson.E{Key: "partialFilterExpression", Value: s.partial})
	}
	if s.ttl != nil {
		d = append(d, bson.E{Key: "expireAfterSeconds", Value: *s.ttl})
	}
	return d
}

// sameOptions ignores the name.
func (s indexSpec) sameOptions(o indexSpec) bool {
	a, b := s.doc(), o.doc()
	return compareDocs(append(a[:2:2], a[3:]...), append(b[:2:2], b[3:]...)) == 0
}

const idIndexName = "_id_"

// index is a live index. Its entries are keyed by encoded key and record
// number, so equal keys stand side by side in natural order.
type index struct {
	spec   indexSpec
	gen    keyGen
	filter node // of a partial index
	keys   tree
	multi  []bool // fields that ever met an array
}

func newIndex(spec indexSpec) (*index, error) {
	ix := &index{spec: spec, multi: make([]bool, len(spec.key))}
	for _, e := range spec.key {
		dir, ok := toInt64(e.Value)
		if !ok || dir == 0 {
			return nil, errf(codeCannotCreateIndex, "mongosim does not support index type %v of field %s", e.Value, e.Key)
		}
		parts, err := splitPath(e.Key)
		if err != nil {
			return nil, err
		}
		if err := noPositions(e.Key, parts); err != nil {
			return nil, err
		}
		if strings.Contains(e.Key, "$") {
			return nil, errf(codeCannotCreateIndex, "mongosim does not support the index key %s", e.Key)
		}
		ix.gen.fields = append(ix.gen.fields, keyField{path: e.Key, parts: parts, desc: dir < 0})
	}
	if len(ix.gen.fields) > maxKeyFields {
		return nil, errf(13103, "too many compound keys")
	}
	if spec.partial == nil {
		return ix, nil
	}
	f, err := compileFilter(spec.partial, &env{})
	if err != nil {
		return nil, err
	}
	if err := checkPartial(f); err != nil {
		return nil, err
	}
	ix.filter = f
	return ix, nil
}

// checkPartial allows what MongoDB allows (manual: "Partial Indexes").
func checkPartial(n node) error {
	switch n := n.(type) {
	case andNode:
		for _, c := range n {
			if err := checkPartial(c); err != nil {
				return err
			}
		}
		return nil
	case orNode:
		return checkPartial(andNode(n))
	case *leaf:
		switch n.op {
		case "$eq", "$in", "$exists", "$gt", "$gte", "$lt", "$lte", "$type":
			return nil
		}
		return errf(codeCannotCreateIndex, "Expression not supported in partial index: %s", n.op)
	}
	return errf(codeCannotCreateIndex, "Expression not supported in partial index: negation or $expr")
}

// docKeys returns the keys under which doc stands in the index, none if a
// sparse or partial index leaves it out.
func (ix *index) docKeys(doc bson.D) ([]string, []bool, error) {
	if ix.filter != nil && !ix.filter.match(doc) {
		return nil, nil, nil
	}
	if ix.spec.sparse {
		there := false
		for _, f := range ix.gen.fields {
			there = there || exists(doc, f.parts)
		}
		if !there {
			return nil, nil, nil
		}
	}
	return ix.gen.keys(doc)
}

// conflict returns the first of the keys that a slot other than own holds.
func (ix *index) conflict(keys []string, own *slot) (string, bool) {
	for _, k := range keys {
		taken := false
		ix.keys.ascend(prefixRange(k), func(e entry) bool {
			taken = e.slot != own
			return !taken
		})
		if taken {
			return k, true
		}
	}
	return "", false
}

func (ix *index) note(multi []bool) {
	for i, m := range multi {
		ix.multi[i] = ix.multi[i] || m
	}
}

func (ix *index) add(keys []string, s *slot) {
	for _, k := range keys {
		ix.keys.insert(entry{entryKey(k, s.rid), s})
	}
}

func (ix *index) drop(keys []string, s *slot) {
	for _, k := range keys {
		ix.keys.remove(entryKey(k, s.rid))
	}
}

func entryKey(key string, rid uint64) string {
	return string(binary.BigEndian.AppendUint64(append(make([]byte, 0, len(key)+8), key...), rid))
}

// duplicateKey is E11000 in MongoDB's words; tools and people parse it.
func duplicateKey(ns string, ix *index, doc bson.D, key string) *cmdError {
	var text []string
	var value bson.D
	for i, v := range ix.gen.values(doc, key) {
		path := ix.gen.fields[i].path
		text = append(text, path+": "+shellValue(v))
		value = append(value, bson.E{Key: path, Value: v})
	}
	e := errf(codeDuplicateKey, "E11000 duplicate key error collection: %s index: %s dup key: { %s }",
		ns, ix.spec.name, strings.Join(text, ", "))
	e.extra = bson.D{{Key: "keyPattern", Value: ix.spec.key}, {Key: "keyValue", Value: value}}
	return e
}

// shellValue writes a value as MongoDB's messages do.
func shellValue(v any) string {
	switch v := v.(type) {
	case missingType:
		return "undefined"
	case nil:
		return "null"
	case string:
		return strconv.Quote(v)
	case float64:
		if i, ok := toInt64(v); ok {
			return fmt.Sprintf("%d.0", i)
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bson.ObjectID:
		return "ObjectId('" + v.Hex() + "')"
	case bson.DateTime:
		return fmt.Sprintf("new Date(%d)", int64(v))
	case bson.Timestamp:
		return fmt.Sprintf("Timestamp(%d, %d)", v.T, v.I)
	case bson.Binary:
		return fmt.Sprintf("BinData(%d, %X)", v.Subtype, v.Data)
	case bson.D:
		var fields []string
		for _, e := range v {
			fields = append(fields, e.Key+": "+shellValue(e.Value))
		}
		return "{ " + strings.Join(fields, ", ") + " }"
	case bson.A:
		var items []string
		for _, e := range v {
			items = append(items, shellValue(e))
		}
		return "[ " + strings.Join(items, ", ") + " ]"
	}
	return fmt.Sprint(v)
}

// expired reports whether a TTL index wants doc gone: the date, or the
// earliest date of an array, lies the given time back (manual: "TTL Indexes").
func (ix *index) expired(doc bson.D, now time.Time) bool {
	limit := bson.NewDateTimeFromTime(now.Add(-time.Duration(*ix.spec.ttl) * time.Second))
	return anyValue(doc, ix.gen.fields[0].parts, true, func(v any) bool {
		date, ok := v.(bson.DateTime)
		return ok && date <= limit
	})
}
