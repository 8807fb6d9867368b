package expr

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
)

// Value is one attribute value. Type is DynamoDB's: S N B BOOL NULL SS NS BS M L.
type Value struct {
	Type string
	S    string // S, and N in canonical form
	B    []byte
	Bool bool
	Set  []string // SS, NS, and BS as bytes in strings; sorted, without duplicates
	M    map[string]Value
	L    []Value
}

// Item maps attribute names to values.
type Item map[string]Value

// Int makes a number.
func Int(n int64) Value { return Value{Type: "N", S: strconv.FormatInt(n, 10)} }

// UnmarshalJSON reads {"S": "…"} and the like.
func (v *Value) UnmarshalJSON(data []byte) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	if len(m) != 1 {
		return fmt.Errorf("supplied AttributeValue has %d datatypes set, must contain exactly one of the supported datatypes", len(m))
	}
	for t, raw := range m {
		v.Type = t
		if err := v.read(raw); err != nil {
			return fmt.Errorf("attribute value of type %s: %w", t, err)
		}
	}
	return nil
}

func (v *Value) read(raw json.RawMessage) error {
	switch v.Type {
	case "S":
		return json.Unmarshal(raw, &v.S)
	case "N":
		if err := json.Unmarshal(raw, &v.S); err != nil {
			return err
		}
		n, err := canonical(v.S)
		v.S = n
		return err
	case "B":
		return json.Unmarshal(raw, &v.B)
	case "BOOL", "NULL":
		return json.Unmarshal(raw, &v.Bool)
	case "M":
		return json.Unmarshal(raw, &v.M)
	case "L":
		v.L = []Value{}
		return json.Unmarshal(raw, &v.L)
	case "SS", "NS":
		if err := json.Unmarshal(raw, &v.Set); err != nil {
			return err
		}
		return v.tidy(v.Type == "NS")
	case "BS":
		var bs [][]byte
		if err := json.Unmarshal(raw, &bs); err != nil {
			return err
		}
		for _, b := range bs {
			v.Set = append(v.Set, string(b))
		}
		return v.tidy(false)
	}
	return fmt.Errorf("unknown type")
}

// tidy brings a set into its form and refuses empty ones and duplicates.
func (v *Value) tidy(numbers bool) error {
	if len(v.Set) == 0 {
		return fmt.Errorf("An %s set  may not be empty", map[bool]string{true: "number", false: "string"}[numbers])
	}
	for i := range v.Set {
		if numbers {
			n, err := canonical(v.Set[i])
			if err != nil {
				return err
			}
			v.Set[i] = n
		}
	}
	sort.Strings(v.Set)
	for i := 1; i < len(v.Set); i++ {
		if v.Set[i] == v.Set[i-1] {
			return fmt.Errorf("Input collection contains duplicates")
		}
	}
	return nil
}

// MarshalJSON is the inverse.
func (v Value) MarshalJSON() ([]byte, error) {
	var x any
	switch v.Type {
	case "S", "N":
		x = v.S
	case "B":
		x = v.B
	case "BOOL", "NULL":
		x = v.Bool
	case "SS", "NS":
		x = v.Set
	case "BS":
		bs := make([][]byte, len(v.Set))
		for i, s := range v.Set {
			bs[i] = []byte(s)
		}
		x = bs
	case "M":
		if x = v.M; v.M == nil {
			x = struct{}{}
		}
	case "L":
		if x = v.L; v.L == nil {
			x = []Value{}
		}
	default:
		return nil, fmt.Errorf("attribute value of type %q", v.Type)
	}
	return json.Marshal(map[string]any{v.Type: x})
}

// Equal compares values of any type; sets and maps without regard to order.
func Equal(a, b Value) bool {
	if a.Type != b.Type {
		return false
	}
	switch a.Type {
	case "S", "N":
		return a.S == b.S
	case "B":
		return bytes.Equal(a.B, b.B)
	case "BOOL", "NULL":
		return a.Bool == b.Bool
	case "M":
		if len(a.M) != len(b.M) {
			return false
		}
		for k, x := range a.M {
			if y, ok := b.M[k]; !ok || !Equal(x, y) {
				return false
			}
		}
		return true
	case "L":
		if len(a.L) != len(b.L) {
			return false
		}
		for i := range a.L {
			if !Equal(a.L[i], b.L[i]) {
				return false
			}
		}
		return true
	}
	if len(a.Set) != len(b.Set) {
		return false
	}
	for i := range a.Set {
		if a.Set[i] != b.Set[i] {
			return false
		}
	}
	return true
}

// Compare orders two values of the same ordered type (S, N, B); ok is false for
// others.
func Compare(a, b Value) (order int, ok bool) {
	if a.Type != b.Type {
		return 0, false
	}
	switch a.Type {
	case "S":
		return bytes.Compare([]byte(a.S), []byte(b.S)), true
	case "N":
		return rat(a.S).Cmp(rat(b.S)), true
	case "B":
		return bytes.Compare(a.B, b.B), true
	}
	return 0, false
}

// Size is a value's size in bytes as DynamoDB counts it, near enough.
func (v Value) Size() int {
	switch v.Type {
	case "S":
		return len(v.S)
	case "N":
		return len(v.S)/2 + 2
	case "B":
		return len(v.B)
	case "BOOL", "NULL":
		return 1
	case "M":
		n := 3
		for k, x := range v.M {
			n += len(k) + x.Size() + 1
		}
		return n
	case "L":
		n := 3
		for _, x := range v.L {
			n += x.Size() + 1
		}
		return n
	}
	n := 0
	for _, s := range v.Set {
		n += len(s)
	}
	return n
}

// Size is an item's size in bytes.
func (it Item) Size() int {
	n := 0
	for k, v := range it {
		n += len(k) + v.Size()
	}
	return n
}

// Clone copies an item so that the copy's top level can be changed.
func (it Item) Clone() Item {
	out := make(Item, len(it))
	for k, v := range it {
		out[k] = v
	}
	return out
}
