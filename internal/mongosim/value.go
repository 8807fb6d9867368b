package mongosim

import (
	"bytes"
	"cmp"
	"math"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// missingType is the value of a field that is not there. It is also the
// BSON "undefined" that MongoDB puts into an index for an empty array: both
// sort before null and are never stored in a document.
type missingType struct{}

var missing = missingType{}

// Canonical types, in MongoDB's comparison order (manual: "Comparison/Sort
// Order"). The numbers are the first byte of an encoded key.
const (
	ctMinKey    byte = 1
	ctMissing   byte = 2
	ctNull      byte = 5
	ctNumber    byte = 10
	ctString    byte = 15
	ctObject    byte = 20
	ctArray     byte = 25
	ctBinary    byte = 30
	ctObjectID  byte = 35
	ctBool      byte = 40
	ctDate      byte = 45
	ctTimestamp byte = 47
	ctRegex     byte = 50
	ctMaxKey    byte = 200
)

func ctype(v any) byte {
	switch v.(type) {
	case missingType:
		return ctMissing
	case nil:
		return ctNull
	case int32, int64, float64:
		return ctNumber
	case string:
		return ctString
	case bson.D:
		return ctObject
	case bson.A:
		return ctArray
	case bson.Binary:
		return ctBinary
	case bson.ObjectID:
		return ctObjectID
	case bool:
		return ctBool
	case bson.DateTime:
		return ctDate
	case bson.Timestamp:
		return ctTimestamp
	case bson.Regex:
		return ctRegex
	case bson.MinKey:
		return ctMinKey
	}
	return ctMaxKey
}

// compare orders any two values as MongoDB does: by canonical type, then by
// value, numbers of all types together. It returns -1, 0 or 1.
func compare(a, b any) int {
	ta, tb := ctype(a), ctype(b)
	if ta != tb {
		return cmp.Compare(ta, tb)
	}
	switch x := a.(type) {
	case int32, int64, float64:
		return compareNumbers(a, b)
	case string:
		return strings.Compare(x, b.(string))
	case bson.D:
		return compareDocs(x, b.(bson.D))
	case bson.A:
		y := b.(bson.A)
		for i := 0; i < len(x) && i < len(y); i++ {
			if c := compare(x[i], y[i]); c != 0 {
				return c
			}
		}
		return cmp.Compare(len(x), len(y))
	case bson.Binary:
		y := b.(bson.Binary)
		return cmp.Or(cmp.Compare(len(x.Data), len(y.Data)), cmp.Compare(x.Subtype, y.Subtype), bytes.Compare(x.Data, y.Data))
	case bson.ObjectID:
		y := b.(bson.ObjectID)
		return bytes.Compare(x[:], y[:])
	case bool:
		y := b.(bool)
		switch {
		case x == y:
			return 0
		case y:
			return -1
		}
		return 1
	case bson.DateTime:
		return cmp.Compare(x, b.(bson.DateTime))
	case bson.Timestamp:
		y := b.(bson.Timestamp)
		return cmp.Or(cmp.Compare(x.T, y.T), cmp.Compare(x.I, y.I))
	case bson.Regex:
		y := b.(bson.Regex)
		return cmp.Or(strings.Compare(x.Pattern, y.Pattern), strings.Compare(x.Options, y.Options))
	}
	return 0 // null, missing, MinKey, MaxKey
}

// compareDocs goes field by field: type, then name, then value; the shorter
// document first.
func compareDocs(x, y bson.D) int {
	for i := 0; i < len(x) && i < len(y); i++ {
		c := cmp.Or(cmp.Compare(ctype(x[i].Value), ctype(y[i].Value)), strings.Compare(x[i].Key, y[i].Key))
		if c == 0 {
			c = compare(x[i].Value, y[i].Value)
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}

// numberParts splits a number into the nearest double and the whole rest, so
// that comparing the pairs compares the numbers exactly. NaN is first.
func numberParts(v any) (f float64, rest int64) {
	switch n := v.(type) {
	case int32:
		return float64(n), 0
	case int64:
		f = float64(n)
		if f == 1<<63 { // rounded up beyond int64
			return f, n - math.MaxInt64 - 1
		}
		return f, n - int64(f)
	case float64:
		return n + 0, 0 // turns -0 into 0
	}
	return math.NaN(), 0
}

func compareNumbers(a, b any) int {
	if x, ok := a.(int32); ok {
		if y, ok := b.(int32); ok {
			return cmp.Compare(x, y)
		}
	}
	fa, ra := numberParts(a)
	fb, rb := numberParts(b)
	return cmp.Or(cmp.Compare(fa, fb), cmp.Compare(ra, rb)) // cmp.Compare puts NaN first
}

func equal(a, b any) bool { return compare(a, b) == 0 }

func isNumber(v any) bool { return ctype(v) == ctNumber }

// toInt64 converts a whole number of any type.
func toInt64(v any) (int64, bool) {
	switch n := v.(type) {
	case int32:
		return int64(n), true
	case int64:
		return n, true
	case float64:
		if n == math.Trunc(n) && math.Abs(n) < 1<<63 {
			return int64(n), true
		}
	}
	return 0, false
}

// truthy is MongoDB's reading of a value as a condition: false, null, missing
// and zero are false, everything else is true.
func truthy(v any) bool {
	switch v := v.(type) {
	case missingType, nil:
		return false
	case bool:
		return v
	case int32:
		return v != 0
	case int64:
		return v != 0
	case float64:
		return v != 0
	}
	return true
}

// typeName is the alias that $type and error messages use.
func typeName(v any) string {
	switch v.(type) {
	case missingType:
		return "missing"
	case nil:
		return "null"
	case int32:
		return "int"
	case int64:
		return "long"
	case float64:
		return "double"
	case string:
		return "string"
	case bson.D:
		return "object"
	case bson.A:
		return "array"
	case bson.Binary:
		return "binData"
	case bson.ObjectID:
		return "objectId"
	case bool:
		return "bool"
	case bson.DateTime:
		return "date"
	case bson.Timestamp:
		return "timestamp"
	case bson.Regex:
		return "regex"
	case bson.MinKey:
		return "minKey"
	}
	return "maxKey"
}
