package mongosim

import (
	"encoding/binary"
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// appendKey appends an encoding of v whose byte order is compare's order. No
// encoding is a prefix of another, so encodings can be concatenated into
// compound keys, and inverted byte by byte for descending ones.
func appendKey(dst []byte, v any) []byte {
	return appendKeyPayload(append(dst, ctype(v)), v)
}

func appendKeyPayload(dst []byte, v any) []byte {
	switch v := v.(type) {
	case int32, int64, float64:
		f, rest := numberParts(v)
		dst = binary.BigEndian.AppendUint64(dst, orderedFloat(f))
		return binary.BigEndian.AppendUint64(dst, orderedInt(rest))
	case string:
		return appendKeyString(dst, v)
	case bson.D:
		for _, e := range v {
			dst = appendKeyString(append(dst, ctype(e.Value)), e.Key)
			dst = appendKeyPayload(dst, e.Value)
		}
		return append(dst, 0)
	case bson.A:
		for _, e := range v {
			dst = appendKey(dst, e)
		}
		return append(dst, 0)
	case bson.Binary:
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(v.Data)))
		return append(append(dst, v.Subtype), v.Data...)
	case bson.ObjectID:
		return append(dst, v[:]...)
	case bool:
		if v {
			return append(dst, 1)
		}
		return append(dst, 0)
	case bson.DateTime:
		return binary.BigEndian.AppendUint64(dst, orderedInt(int64(v)))
	case bson.Timestamp:
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(dst, v.T), v.I)
	case bson.Regex:
		return appendKeyString(appendKeyString(dst, v.Pattern), v.Options)
	}
	return dst
}

// appendKeyString ends a string with 0x00 0x00 and writes a zero byte inside
// it as 0x00 0xff, which keeps the order and the ends unambiguous.
func appendKeyString(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		dst = append(dst, s[i])
		if s[i] == 0 {
			dst = append(dst, 0xff)
		}
	}
	return append(dst, 0, 0)
}

func orderedInt(i int64) uint64 { return uint64(i) ^ 1<<63 }

func orderedFloat(f float64) uint64 {
	if math.IsNaN(f) {
		return 0
	}
	bits := math.Float64bits(f)
	if bits>>63 == 1 {
		return ^bits
	}
	return bits | 1<<63
}

func invert(b []byte) []byte {
	for i := range b {
		b[i] = ^b[i]
	}
	return b
}

// keyOf is the encoding of v as a map key: equal values, equal keys.
func keyOf(v any) string { return string(appendKey(nil, v)) }

// after is the smallest string greater than every string with prefix p; it is
// empty when there is none, which stands for the end of the index.
func after(p string) string {
	b := []byte(p)
	for len(b) > 0 {
		if b[len(b)-1] != 0xff {
			b[len(b)-1]++
			return string(b)
		}
		b = b[:len(b)-1]
	}
	return ""
}
