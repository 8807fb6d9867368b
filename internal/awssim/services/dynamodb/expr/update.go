package expr

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Update is a parsed UpdateExpression.
type Update struct{ actions []action }

type action struct {
	verb string // SET REMOVE ADD DELETE
	path Path
	a, b operand // SET: a, or a+b, a-b; ADD and DELETE: a
	op   string  // "", "+", "-"
}

// Paths are the paths that the update writes.
func (u *Update) Paths() []Path {
	out := make([]Path, len(u.actions))
	for i, a := range u.actions {
		out[i] = a.path
	}
	return out
}

// ParseUpdate reads an UpdateExpression.
func ParseUpdate(text string, n *Names) (*Update, error) {
	p, err := newParser("UpdateExpression", text, n)
	if err != nil {
		return nil, err
	}
	u := &Update{}
	seen := map[string]bool{}
	for p.peek().kind != tokEnd {
		verb := strings.ToUpper(p.take().text)
		if !slices.Contains([]string{"SET", "REMOVE", "ADD", "DELETE"}, verb) {
			p.at--
			return nil, p.syntax()
		}
		if seen[verb] {
			return nil, p.fail("The %q section can only be used once in an update expression;", verb)
		}
		seen[verb] = true
		for {
			a, err := p.action(verb)
			if err != nil {
				return nil, err
			}
			u.actions = append(u.actions, a)
			if !p.accept(",") {
				break
			}
		}
	}
	return u, p.disjoint(u)
}

func (p *parser) disjoint(u *Update) error {
	for i, a := range u.actions {
		for _, b := range u.actions[:i] {
			if a.path.overlaps(b.path) {
				return p.fail("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [%s], path two: [%s]", b.path, a.path)
			}
		}
	}
	return nil
}

func (p *parser) action(verb string) (action, error) {
	path, err := p.path()
	a := action{verb: verb, path: path}
	if err != nil {
		return a, err
	}
	switch verb {
	case "REMOVE":
	case "SET":
		if err := p.expect("="); err != nil {
			return a, err
		}
		if a.a, err = p.setOperand(); err != nil {
			return a, err
		}
		for _, op := range []string{"+", "-"} {
			if a.op == "" && p.accept(op) {
				a.op = op
				if a.b, err = p.setOperand(); err != nil {
					return a, err
				}
			}
		}
	default:
		if p.peek().kind != tokValue {
			return a, p.syntax()
		}
		v, err := p.value()
		if err != nil {
			return a, err
		}
		a.a = constant{v}
	}
	return a, nil
}

// Apply gives the item after the update. Every operand is read from the item as
// it was before.
func (u *Update) Apply(before Item) (Item, error) {
	root := Value{Type: "M", M: before.Clone()}
	// Elements of lists go last and from the back, so that indexes stay true.
	actions := slices.Clone(u.actions)
	sort.SliceStable(actions, func(i, j int) bool {
		a, b := actions[i], actions[j]
		if ra, rb := a.verb == "REMOVE", b.verb == "REMOVE"; ra != rb {
			return rb
		} else if !ra {
			return false
		}
		return a.path[len(a.path)-1].index > b.path[len(b.path)-1].index
	})
	for _, a := range actions {
		next, err := a.apply(root, before)
		if err != nil {
			return nil, err
		}
		root = next
	}
	return root.M, nil
}

func (a action) apply(root Value, before Item) (Value, error) {
	switch a.verb {
	case "REMOVE":
		return a.path.drop(root)
	case "SET":
		v, err := a.value(before)
		if err != nil {
			return root, err
		}
		return a.path.set(root, v)
	}
	have, there := a.path.Get(before)
	arg, _ := a.a.get(before)
	v, keep, err := a.combine(have, there, arg)
	switch {
	case err != nil:
		return root, err
	case keep:
		return a.path.set(root, v)
	case there:
		return a.path.drop(root)
	}
	return root, nil
}

func (a action) value(before Item) (Value, error) {
	v, ok := a.a.get(before)
	if !ok {
		return v, fmt.Errorf("The provided expression refers to an attribute that does not exist in the item")
	}
	if a.op == "" {
		return v, nil
	}
	w, ok := a.b.get(before)
	if !ok {
		return v, fmt.Errorf("The provided expression refers to an attribute that does not exist in the item")
	}
	return add(v, w, a.op == "-")
}

// combine is ADD (numbers and sets) and DELETE (sets); keep is false when
// nothing is left.
func (a action) combine(have Value, there bool, arg Value) (v Value, keep bool, err error) {
	isSet := arg.Type == "SS" || arg.Type == "NS" || arg.Type == "BS"
	if a.verb == "ADD" && arg.Type == "N" {
		if !there {
			have = Value{Type: "N", S: "0"}
		}
		v, err = add(have, arg, false)
		return v, true, err
	}
	if !isSet {
		return v, false, fmt.Errorf("Invalid UpdateExpression: Incorrect operand type for operator or function; operator: %s, operand type: %s", a.verb, arg.Type)
	}
	if there && have.Type != arg.Type {
		return v, false, fmt.Errorf("An operand in the update expression has an incorrect data type")
	}
	var set []string
	for _, s := range have.Set {
		if a.verb == "ADD" || !slices.Contains(arg.Set, s) {
			set = append(set, s)
		}
	}
	if a.verb == "ADD" {
		for _, s := range arg.Set {
			if !slices.Contains(have.Set, s) {
				set = append(set, s)
			}
		}
	}
	sort.Strings(set)
	return Value{Type: arg.Type, Set: set}, len(set) > 0, nil
}
