package mongosim

import (
	"fmt"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

const (
	maxDocumentSize = 16 << 20
	maxNesting      = 200
)

// decode turns BSON bytes into the tree that the rest of the package works
// on: bson.D, bson.A and the driver's scalar types. Types that this server
// cannot compare (Decimal128, JavaScript and the deprecated ones) are refused
// by name.
func decode(raw []byte) (bson.D, error) { return decodeDoc(raw, 0) }

func decodeDoc(raw []byte, depth int) (bson.D, error) {
	d := bson.D{}
	err := eachElement(raw, depth, func(key string, v any) { d = append(d, bson.E{Key: key, Value: v}) })
	return d, err
}

func eachElement(raw []byte, depth int, fn func(key string, v any)) error {
	if depth > maxNesting {
		return errf(15, "BSON nested deeper than %d levels", maxNesting)
	}
	length, rem, ok := bsoncore.ReadLength(raw)
	if !ok || int(length) != len(raw) || length < 5 || raw[length-1] != 0 {
		return errf(22, "invalid BSON: bad document length")
	}
	rem = rem[:len(rem)-1]
	for len(rem) > 0 {
		t, key, rest, ok := bsoncore.ReadHeader(rem)
		if !ok {
			return errf(22, "invalid BSON: bad element header")
		}
		val, rest, ok := bsoncore.ReadValue(rest, t)
		if !ok {
			return errf(22, "invalid BSON: bad value of field %q", key)
		}
		v, err := decodeValue(val, key, depth)
		if err != nil {
			return err
		}
		fn(key, v)
		rem = rest
	}
	return nil
}

func decodeValue(v bsoncore.Value, key string, depth int) (any, error) {
	switch v.Type {
	case bsoncore.TypeDouble:
		return v.Double(), nil
	case bsoncore.TypeString:
		s, ok := v.StringValueOK()
		return s, malformed(ok, key)
	case bsoncore.TypeEmbeddedDocument:
		return decodeDoc(v.Data, depth+1)
	case bsoncore.TypeArray:
		a := bson.A{}
		err := eachElement(v.Data, depth+1, func(_ string, e any) { a = append(a, e) })
		return a, err
	case bsoncore.TypeBinary:
		subtype, data, ok := v.BinaryOK()
		return bson.Binary{Subtype: subtype, Data: append([]byte(nil), data...)}, malformed(ok, key)
	case bsoncore.TypeObjectID:
		return bson.ObjectID(v.ObjectID()), nil
	case bsoncore.TypeBoolean:
		return v.Boolean(), nil
	case bsoncore.TypeDateTime:
		return bson.DateTime(v.DateTime()), nil
	case bsoncore.TypeNull:
		return nil, nil
	case bsoncore.TypeRegex:
		pattern, options, ok := v.RegexOK()
		return bson.Regex{Pattern: pattern, Options: options}, malformed(ok, key)
	case bsoncore.TypeInt32:
		return v.Int32(), nil
	case bsoncore.TypeTimestamp:
		t, i := v.Timestamp()
		return bson.Timestamp{T: t, I: i}, nil
	case bsoncore.TypeInt64:
		return v.Int64(), nil
	case bsoncore.TypeMinKey:
		return bson.MinKey{}, nil
	case bsoncore.TypeMaxKey:
		return bson.MaxKey{}, nil
	}
	return nil, errf(codeNotImplemented, "mongosim does not support BSON type %s (field %q)", v.Type, key)
}

func malformed(ok bool, key string) error {
	if ok {
		return nil
	}
	return errf(22, "invalid BSON: bad value of field %q", key)
}

// encode is the inverse of decode.
func encode(d bson.D) bson.Raw { return appendDoc(make([]byte, 0, 256), d) }

func appendDoc(dst []byte, d bson.D) []byte {
	idx, dst := bsoncore.AppendDocumentStart(dst)
	for _, e := range d {
		dst = appendElement(dst, e.Key, e.Value)
	}
	dst, _ = bsoncore.AppendDocumentEnd(dst, idx)
	return dst
}

func appendElement(dst []byte, key string, v any) []byte {
	switch v := v.(type) {
	case float64:
		return bsoncore.AppendDoubleElement(dst, key, v)
	case string:
		return bsoncore.AppendStringElement(dst, key, v)
	case bson.D:
		return appendDoc(bsoncore.AppendHeader(dst, bsoncore.TypeEmbeddedDocument, key), v)
	case bson.Raw: // a document that is already encoded, in replies
		return bsoncore.AppendDocumentElement(dst, key, v)
	case bson.A:
		idx, dst := bsoncore.AppendArrayElementStart(dst, key)
		for i, e := range v {
			dst = appendElement(dst, strconv.Itoa(i), e)
		}
		dst, _ = bsoncore.AppendArrayEnd(dst, idx)
		return dst
	case bson.Binary:
		return bsoncore.AppendBinaryElement(dst, key, v.Subtype, v.Data)
	case bson.ObjectID:
		return bsoncore.AppendObjectIDElement(dst, key, v)
	case bool:
		return bsoncore.AppendBooleanElement(dst, key, v)
	case bson.DateTime:
		return bsoncore.AppendDateTimeElement(dst, key, int64(v))
	case nil, missingType:
		return bsoncore.AppendNullElement(dst, key)
	case bson.Regex:
		return bsoncore.AppendRegexElement(dst, key, v.Pattern, v.Options)
	case int32:
		return bsoncore.AppendInt32Element(dst, key, v)
	case bson.Timestamp:
		return bsoncore.AppendTimestampElement(dst, key, v.T, v.I)
	case int64:
		return bsoncore.AppendInt64Element(dst, key, v)
	case bson.MinKey:
		return bsoncore.AppendMinKeyElement(dst, key)
	case bson.MaxKey:
		return bsoncore.AppendMaxKeyElement(dst, key)
	}
	panic(fmt.Sprintf("mongosim: cannot encode %T (field %q)", v, key)) // decode lets no other type in
}

// clone copies the containers of v; scalars are values or never written to.
func clone(v any) any {
	switch v := v.(type) {
	case bson.D:
		return cloneDoc(v)
	case bson.A:
		a := make(bson.A, len(v))
		for i, e := range v {
			a[i] = clone(e)
		}
		return a
	}
	return v
}

func cloneDoc(d bson.D) bson.D {
	c := make(bson.D, len(d), len(d)+2)
	for i, e := range d {
		c[i] = bson.E{Key: e.Key, Value: clone(e.Value)}
	}
	return c
}

// lookup finds a field by name. The value is missing if there is none.
func lookup(d bson.D, key string) (any, bool) {
	for i := range d {
		if d[i].Key == key {
			return d[i].Value, true
		}
	}
	return missing, false
}
