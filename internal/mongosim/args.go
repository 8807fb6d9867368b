package mongosim

import (
	"go.mongodb.org/mongo-driver/v2/bson"
)

// args reads typed fields of a command or statement. The first mistake stays
// in err; what was read after it means nothing.
type args struct {
	d    bson.D
	name string // of the command, for messages
	err  error
}

func (r *request) args() *args { return &args{d: r.body, name: r.command} }

func (a *args) wrong(key, want string, v any) {
	if a.err == nil {
		a.err = errf(codeTypeMismatch, "BSON field '%s.%s' is the wrong type '%s', expected type '%s'", a.name, key, typeName(v), want)
	}
}

// doc is nil if the field is missing or null.
func (a *args) doc(key string) bson.D {
	v, ok := lookup(a.d, key)
	d, isDoc := v.(bson.D)
	if ok && !isDoc && v != nil {
		a.wrong(key, "object", v)
	}
	return d
}

func (a *args) array(key string) bson.A {
	v, ok := lookup(a.d, key)
	l, isArray := v.(bson.A)
	if !isArray {
		if !ok && a.err == nil {
			a.err = errf(codeFailedToParse, "BSON field '%s.%s' is missing but a required field", a.name, key)
		}
		a.wrong(key, "array", v)
	}
	return l
}

// docs is an array of documents, which must be there.
func (a *args) docs(key string) []bson.D {
	list := a.array(key)
	out := make([]bson.D, 0, len(list))
	for _, item := range list {
		d, ok := item.(bson.D)
		if !ok {
			a.wrong(key, "object", item)
		}
		out = append(out, d)
	}
	return out
}

func (a *args) str(key string) string {
	v, _ := lookup(a.d, key)
	s, ok := v.(string)
	if !ok {
		a.wrong(key, "string", v)
	}
	return s
}

// int is a whole number of at least 0; 0 if the field is missing.
func (a *args) int(key string) int64 {
	v, ok := lookup(a.d, key)
	if !ok || v == nil {
		return 0
	}
	n, whole := toInt64(v)
	if !whole {
		a.wrong(key, "long", v)
	} else if n < 0 && a.err == nil {
		a.err = errf(51024, "BSON field '%s' value must be >= 0, actual value '%d'", key, n)
	}
	return n
}

func (a *args) bool(key string, missingValue bool) bool {
	v, ok := lookup(a.d, key)
	if !ok || v == nil {
		return missingValue
	}
	if _, isBool := v.(bool); !isBool && !isNumber(v) {
		a.wrong(key, "bool", v)
	}
	return truthy(v)
}

func (a *args) value(key string) any {
	v, _ := lookup(a.d, key)
	if v == any(missing) {
		return nil
	}
	return v
}

// only refuses fields outside the list.
func (a *args) only(fields string) {
	for _, e := range a.d {
		if !hasWord(fields, e.Key) && !harmless(e) && a.err == nil {
			a.err = errf(codeUnknownField, "BSON field '%s.%s' is an unknown field (mongosim).", a.name, e.Key)
		}
	}
}

// namespace is the database and collection that the command's first field
// names.
func (r *request) namespace() (string, error) {
	name, ok := r.body[0].Value.(string)
	if !ok {
		return "", errf(codeInvalidNamespace, "collection name has invalid type %s", typeName(r.body[0].Value))
	}
	ns := r.db + "." + name
	return ns, checkNamespace(ns)
}
