package expr

// operand is something in an expression that has a value.
type operand interface {
	get(Item) (Value, bool)
}

type (
	constant struct{ v Value }
	attr     struct{ p Path }
	sizeOf   struct{ x operand }
	ifNot    struct { // if_not_exists(path, otherwise)
		p         Path
		otherwise operand
	}
	appended struct{ a, b operand } // list_append
)

func (o constant) get(Item) (Value, bool) { return o.v, true }
func (o attr) get(it Item) (Value, bool)  { return o.p.Get(it) }

func (o sizeOf) get(it Item) (Value, bool) {
	v, ok := o.x.get(it)
	if !ok {
		return Value{}, false
	}
	n := 0
	switch v.Type {
	case "S":
		n = len(v.S)
	case "B":
		n = len(v.B)
	case "M":
		n = len(v.M)
	case "L":
		n = len(v.L)
	case "SS", "NS", "BS":
		n = len(v.Set)
	default:
		return Value{}, false
	}
	return Value{Type: "N", S: itoa(n)}, true
}

func (o ifNot) get(it Item) (Value, bool) {
	if v, ok := o.p.Get(it); ok {
		return v, true
	}
	return o.otherwise.get(it)
}

func (o appended) get(it Item) (Value, bool) {
	a, okA := o.a.get(it)
	b, okB := o.b.get(it)
	if !okA || !okB || a.Type != "L" || b.Type != "L" {
		return Value{}, false
	}
	return Value{Type: "L", L: append(append([]Value{}, a.L...), b.L...)}, true
}

// operand reads a path, a value, or size(path).
func (p *parser) operand() (operand, error) {
	t := p.peek()
	if t.kind == tokValue {
		v, err := p.value()
		return constant{v}, err
	}
	if t.kind == tokWord && t.text == "size" && p.at+1 < len(p.toks) && p.toks[p.at+1].is("(") {
		p.at += 2
		path, err := p.path()
		if err != nil {
			return nil, err
		}
		return sizeOf{attr{path}}, p.expect(")")
	}
	path, err := p.path()
	return attr{path}, err
}

// setOperand reads what may stand on the right of SET.
func (p *parser) setOperand() (operand, error) {
	t := p.peek()
	call := t.kind == tokWord && p.at+1 < len(p.toks) && p.toks[p.at+1].is("(")
	if !call {
		return p.operand()
	}
	p.at += 2
	switch t.text {
	case "if_not_exists":
		path, err := p.path()
		if err != nil {
			return nil, err
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
		x, err := p.setOperand()
		if err != nil {
			return nil, err
		}
		return ifNot{path, x}, p.expect(")")
	case "list_append":
		a, err := p.setOperand()
		if err != nil {
			return nil, err
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
		b, err := p.setOperand()
		if err != nil {
			return nil, err
		}
		return appended{a, b}, p.expect(")")
	}
	return nil, p.fail("Invalid function name; function: %s", t.text)
}
