package mongo

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// keyEscaper makes map keys safe as field names: MongoDB takes dots for paths
// and a leading dollar for an operator, and BSON ends a name at a zero byte.
var keyEscaper = strings.NewReplacer("%", "%25", ".", "%2E", "$", "%24", "\x00", "%00")

func escapeKey(k string) string { return keyEscaper.Replace(k) }

func escapeKeys[V any](m map[string]V) map[string]V {
	if m == nil {
		return nil
	}
	out := make(map[string]V, len(m))
	for k, v := range m {
		out[escapeKey(k)] = v
	}
	return out
}

func unescapeKeys[V any](m map[string]V) (map[string]V, error) { return renameKeys(m, unescapeKey) }

func unescapeKey(k string) (string, error) {
	plain, err := url.PathUnescape(k)
	if err != nil {
		return "", fmt.Errorf("stored field name: %w", err)
	}
	return plain, nil
}

func renameKeys[V any](m map[string]V, rename func(string) (string, error)) (map[string]V, error) {
	if m == nil {
		return nil, nil
	}
	out := make(map[string]V, len(m))
	for k, v := range m {
		name, err := rename(k)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, nil
}

// fields is a document as a list of fields, in the order of its struct.
func fields(doc any) (bson.D, error) {
	raw, err := bson.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	var d bson.D
	if err := bson.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	return d, nil
}

// replacement is the update that makes a stored document equal to doc, a
// struct, except for _id and the fields in keep, which stay as they are.
func replacement(doc any, keep ...string) (bson.D, error) {
	all, err := fields(doc)
	if err != nil {
		return nil, err
	}
	keep = append(keep, "_id")
	var set, unset bson.D
	present := map[string]bool{}
	for _, e := range all {
		present[e.Key] = true
		if !slices.Contains(keep, e.Key) {
			set = append(set, e)
		}
	}
	for _, name := range fieldNames(reflect.TypeOf(doc)) {
		if !present[name] && !slices.Contains(keep, name) {
			unset = append(unset, bson.E{Key: name, Value: ""})
		}
	}
	update := bson.D{{Key: "$set", Value: set}}
	if len(unset) > 0 {
		update = append(update, bson.E{Key: "$unset", Value: unset})
	}
	return update, nil
}

// fieldNames is the stored names of a struct's fields, inlined structs included.
func fieldNames(t reflect.Type) []string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var names []string
	for f := range t.Fields() {
		name, opts, _ := strings.Cut(f.Tag.Get("bson"), ",")
		switch {
		case strings.Contains(opts, "inline"):
			names = append(names, fieldNames(f.Type)...)
		case name == "":
			names = append(names, strings.ToLower(f.Name))
		case name != "-":
			names = append(names, name)
		}
	}
	return names
}

// asStored gives doc as it will be read back.
func asStored[T any](doc *T) (*T, error) {
	raw, err := bson.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	out := new(T)
	if err := bson.Unmarshal(raw, out); err != nil {
		return nil, fmt.Errorf("decode document: %w", err)
	}
	return out, nil
}
