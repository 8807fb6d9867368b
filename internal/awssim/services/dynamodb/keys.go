package dynamodb

import (
	"encoding/hex"
	"sort"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/dynamodb/expr"
)

const (
	maxItem    = 400 << 10
	maxHashKey = 2048
	maxRange   = 1024
	pageBytes  = 1 << 20
)

// encode gives the key of an item under a schema; ok is false if an attribute
// of it is missing.
func (k keySchema) encode(it expr.Item) (key string, ok bool) {
	h, ok := it[k.hash]
	if !ok {
		return "", false
	}
	key = one(h)
	if k.rng != "" {
		r, ok := it[k.rng]
		if !ok {
			return "", false
		}
		key += "/" + one(r)
	}
	return key, true
}

func one(v expr.Value) string {
	if v.Type == "B" {
		return v.Type + hex.EncodeToString(v.B)
	}
	return v.Type + hex.EncodeToString([]byte(v.S))
}

// of takes an item's key out of it.
func (k keySchema) of(it expr.Item) expr.Item {
	out := expr.Item{k.hash: it[k.hash]}
	if k.rng != "" {
		out[k.rng] = it[k.rng]
	}
	return out
}

// checkKey refuses a Key that is not exactly the table's.
func (t *table) checkKey(key expr.Item) (string, error) {
	want := 1
	if t.keys.rng != "" {
		want = 2
	}
	enc, ok := t.keys.encode(key)
	if !ok || len(key) != want {
		return "", validation("The provided key element does not match the schema")
	}
	for name, v := range key {
		if v.Type != t.attributeType(name) {
			return "", validation("The provided key element does not match the schema")
		}
		if err := t.checkKeySize(name, v); err != nil {
			return "", err
		}
	}
	return enc, nil
}

func (t *table) checkKeySize(name string, v expr.Value) error {
	limit, kind := maxHashKey, "hashkey"
	if name == t.keys.rng {
		limit, kind = maxRange, "rangekey"
	}
	switch n := v.Size(); {
	case n == 0:
		return validation("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", map[string]string{"S": "string", "B": "binary"}[v.Type], name)
	case n > limit:
		return validation("One or more parameter values were invalid: Size of %s has exceeded the maximum size limit of%d bytes", kind, limit)
	}
	return nil
}

// checkItem refuses an item that cannot be stored.
func (t *table) checkItem(it expr.Item) (string, error) {
	for _, name := range []string{t.keys.hash, t.keys.rng} {
		if name == "" {
			continue
		}
		v, ok := it[name]
		if !ok {
			return "", validation("One or more parameter values were invalid: Missing the key %s in the item", name)
		}
		if v.Type != t.attributeType(name) {
			return "", validation("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s", name, t.attributeType(name), v.Type)
		}
		if err := t.checkKeySize(name, v); err != nil {
			return "", err
		}
	}
	for _, list := range [][]*index{t.local, t.global} {
		for _, x := range list {
			for _, name := range []string{x.keys.hash, x.keys.rng} {
				if v, ok := it[name]; ok && name != "" && v.Type != t.attributeType(name) {
					return "", validation("One or more parameter values were invalid: Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", name, t.attributeType(name), v.Type, x.IndexName)
				}
			}
		}
	}
	if it.Size() > maxItem {
		return "", validation("Item size has exceeded the maximum allowed size")
	}
	enc, _ := t.keys.encode(it)
	return enc, nil
}

// live finds a table whose items can be used.
func (s *Service) live(c *core.Call, name string) (*table, error) {
	t := s.at(c).tables[tableName(name)]
	if t == nil {
		return nil, notFound("Requested resource not found")
	}
	if st := t.status(c.Now); st != "ACTIVE" && st != "UPDATING" {
		return nil, notFound("Requested resource not found")
	}
	return t, nil
}

// entry is an item with the keys that order it in a table or index.
type entry struct {
	item   expr.Item
	hash   string     // encoded partition key
	rng    expr.Value // sort key, if any
	unique string     // encoded key in the table: index keys are not unique
}

func (k keySchema) entry(it expr.Item, unique string) entry {
	return entry{item: it, hash: one(it[k.hash]), rng: it[k.rng], unique: unique}
}

func (a entry) less(b entry) bool {
	if a.hash != b.hash {
		return a.hash < b.hash
	}
	if order, ok := expr.Compare(a.rng, b.rng); ok && order != 0 {
		return order < 0
	}
	return a.unique < b.unique
}

// entries gives the items that are in a table or index, in its order.
func (t *table) entries(k keySchema, keep func(expr.Item) bool) []entry {
	var out []entry
	for unique, it := range t.items {
		if _, ok := k.encode(it); ok && (keep == nil || keep(it)) {
			out = append(out, k.entry(it, unique))
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].less(out[j]) })
	return out
}
