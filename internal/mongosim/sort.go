package mongosim

import (
	"errors"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

const maxKeyFields = 32

// compileSort parses a sort specification. An empty one yields no fields.
func compileSort(d bson.D) ([]keyField, error) {
	fields := make([]keyField, 0, len(d))
	for _, e := range d {
		if m, ok := e.Value.(bson.D); ok {
			return nil, errf(codeNotImplemented, "mongosim does not support sorting by %s", firstKey(m))
		}
		dir, ok := toInt64(e.Value)
		if !ok || (dir != 1 && dir != -1) {
			return nil, errf(codeBadValue, "$sort key ordering must be 1 (for ascending) or -1 (for descending)")
		}
		parts, err := splitPath(e.Key)
		if err != nil {
			return nil, err
		}
		if err := noPositions(e.Key, parts); err != nil {
			return nil, err
		}
		if strings.HasPrefix(e.Key, "$") {
			return nil, errf(16410, "FieldPath field names may not start with '$': %s", e.Key)
		}
		fields = append(fields, keyField{path: e.Key, parts: parts, desc: dir == -1})
	}
	if len(fields) > maxKeyFields {
		return nil, errf(13103, "too many sort keys: %d", len(fields))
	}
	return fields, nil
}

func firstKey(d bson.D) string {
	if len(d) == 0 {
		return "{}"
	}
	return d[0].Key
}

// sortBy orders items by the sort keys of their documents, stably. Where a
// document has several keys, because of an array, its least one counts: the
// smallest element ascending, the largest descending (manual: "sort() /
// Ascending/Descending Sort", arrays).
func sortBy[T any](items []T, fields []keyField, doc func(T) bson.D) error {
	if len(fields) == 0 || len(items) < 2 {
		return nil
	}
	type keyed struct {
		key  string
		item T
	}
	gen := keyGen{fields}
	ks := make([]keyed, len(items))
	for i, it := range items {
		keys, _, err := gen.keys(doc(it))
		if ce := (*cmdError)(nil); errors.As(err, &ce) && ce.code == codeCannotIndexParallel {
			return errf(codeBadValue, "cannot sort with keys that are parallel arrays")
		}
		if err != nil {
			return err
		}
		ks[i] = keyed{keys[0], it}
	}
	slices.SortStableFunc(ks, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	for i := range ks {
		items[i] = ks[i].item
	}
	return nil
}
