package expr

// KeyCondition is a parsed KeyConditionExpression: the partition key's value,
// and a condition on the sort key.
type KeyCondition struct {
	Hash  Value
	Range *Condition
}

// ParseKeyCondition reads a KeyConditionExpression for a table or index with
// these keys; rangeKey may be "".
func ParseKeyCondition(text, hashKey, rangeKey string, n *Names) (*KeyCondition, error) {
	const what = "KeyConditionExpression"
	c, err := ParseCondition(what, text, n)
	if err != nil {
		return nil, err
	}
	p := &parser{what: what}
	if c == nil {
		return nil, p.fail("The expression can not be empty;")
	}
	parts := flatten(c.root)
	k := &KeyCondition{}
	found := false
	for _, part := range parts {
		name, v, op, ok := keyTest(part)
		switch {
		case !ok:
			return nil, p.fail("Invalid operator used in KeyConditionExpression: only AND, comparisons, BETWEEN and begins_with")
		case name == hashKey && op == "=" && !found:
			k.Hash, found = v, true
		case name == rangeKey && rangeKey != "" && k.Range == nil && op != "<>":
			k.Range = &Condition{part}
		case name == hashKey || name == rangeKey:
			return nil, errKey
		default:
			return nil, errKey
		}
	}
	if !found {
		return nil, errMissing(hashKey)
	}
	return k, nil
}

func flatten(c cond) []cond {
	all, ok := c.(andCond)
	if !ok {
		return []cond{c}
	}
	var out []cond
	for _, x := range all {
		out = append(out, flatten(x)...)
	}
	return out
}

// keyTest takes a test on one attribute apart.
func keyTest(c cond) (name string, v Value, op string, ok bool) {
	switch t := c.(type) {
	case compared:
		a, isAttr := t.a.(attr)
		b, isConst := t.b.(constant)
		if isAttr && isConst && len(a.p) == 1 {
			return a.p.Root(), b.v, t.op, true
		}
	case between:
		a, isAttr := t.x.(attr)
		if isAttr && len(a.p) == 1 {
			return a.p.Root(), Value{}, "BETWEEN", true
		}
	case called:
		a, isAttr := t.a.(attr)
		if isAttr && len(a.p) == 1 && t.name == "begins_with" {
			return a.p.Root(), Value{}, "begins_with", true
		}
	}
	return "", Value{}, "", false
}
