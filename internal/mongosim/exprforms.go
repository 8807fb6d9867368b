package mongosim

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

type specialForm func(op string, arg any, vars []string) (expr, error)

// specialForms are the operators that name their arguments, bind variables or
// do not evaluate everything.
var specialForms map[string]specialForm

func init() { // the forms compile expressions, which look into the table
	specialForms = map[string]specialForm{
		"$literal": func(_ string, arg any, _ []string) (expr, error) { return literal{arg}, nil },
		"$cond":    condForm, "$switch": switchForm, "$and": logicForm, "$or": logicForm,
		"$let": letForm, "$map": mapForm, "$filter": filterForm, "$reduce": reduceForm,
		"$dateTrunc": dateTruncForm, "$dateToString": dateToStringForm,
		"$dateAdd": dateAddForm, "$dateSubtract": dateAddForm, "$dateDiff": dateDiffForm,
	}
}

func condForm(op string, arg any, vars []string) (expr, error) {
	if list, ok := arg.(bson.A); ok {
		if len(list) != 3 {
			return nil, errf(16020, "Expression $cond takes exactly 3 arguments. %d were passed in.", len(list))
		}
		arg = bson.D{{Key: "if", Value: list[0]}, {Key: "then", Value: list[1]}, {Key: "else", Value: list[2]}}
	}
	a, err := namedArgs(op, arg, vars, "if then else", "")
	if err != nil {
		return nil, err
	}
	return funcExpr(func(sc *scope) (any, error) {
		v, err := a["if"].eval(sc)
		if err != nil {
			return nil, err
		}
		if truthy(v) {
			return a["then"].eval(sc)
		}
		return a["else"].eval(sc)
	}), nil
}

func switchForm(op string, arg any, vars []string) (expr, error) {
	d, _ := arg.(bson.D)
	a := &args{d: d, name: op}
	a.only("branches default")
	branches := a.docs("branches")
	if a.err != nil {
		return nil, a.err
	}
	var whens []map[string]expr
	for _, b := range branches {
		w, err := namedArgs(op, b, vars, "case then", "")
		if err != nil {
			return nil, err
		}
		whens = append(whens, w)
	}
	var otherwise expr
	if v, ok := lookup(d, "default"); ok {
		var err error
		if otherwise, err = compileExprVars(v, vars); err != nil {
			return nil, err
		}
	}
	return funcExpr(func(sc *scope) (any, error) {
		for _, w := range whens {
			v, err := w["case"].eval(sc)
			if err != nil {
				return nil, err
			}
			if truthy(v) {
				return w["then"].eval(sc)
			}
		}
		if otherwise == nil {
			return nil, errf(40066, "$switch could not find a matching branch for an input, and no default was specified.")
		}
		return otherwise.eval(sc)
	}), nil
}

func logicForm(op string, arg any, vars []string) (expr, error) {
	list, ok := arg.(bson.A)
	if !ok {
		list = bson.A{arg}
	}
	ex, err := compileExprVars(list, vars)
	if err != nil {
		return nil, err
	}
	return funcExpr(func(sc *scope) (any, error) {
		for _, c := range ex.(arrayExpr) {
			v, err := c.eval(sc)
			if err != nil {
				return nil, err
			}
			if truthy(v) == (op == "$or") {
				return op == "$or", nil
			}
		}
		return op == "$and", nil
	}), nil
}

func letForm(op string, arg any, vars []string) (expr, error) {
	d, _ := arg.(bson.D)
	a := &args{d: d, name: op}
	a.only("vars in")
	defs := a.doc("vars")
	if a.err != nil {
		return nil, a.err
	}
	inner := slices.Clone(vars)
	ex := map[string]expr{}
	for _, e := range defs {
		v, err := compileExprVars(e.Value, vars)
		if err != nil {
			return nil, err
		}
		ex[e.Key] = v
		inner = append(inner, e.Key)
	}
	body, ok := lookup(d, "in")
	if !ok {
		return nil, errf(16877, "Missing 'in' parameter to $let")
	}
	in, err := compileExprVars(body, inner)
	if err != nil {
		return nil, err
	}
	return funcExpr(func(sc *scope) (any, error) {
		next := sc
		for name, e := range ex {
			v, err := e.eval(sc)
			if err != nil {
				return nil, err
			}
			next = next.with(name, v)
		}
		return in.eval(next)
	}), nil
}

// overArray compiles $map, $filter and $reduce, which evaluate an expression
// for each element of an input array.
func overArray(op string, arg any, vars []string, body, extra string, names ...string) (input, each, other expr, err error) {
	d, ok := arg.(bson.D)
	if !ok {
		return nil, nil, nil, errf(codeFailedToParse, "%s only supports an object as its argument", op)
	}
	for _, e := range d {
		var ex expr
		switch e.Key {
		case "input":
			input, err = compileExprVars(e.Value, vars)
		case body:
			each, err = compileExprVars(e.Value, append(slices.Clone(vars), names...))
		case extra:
			ex, err = compileExprVars(e.Value, vars)
			other = ex
		case "as":
		default:
			err = errf(codeFailedToParse, "mongosim does not support the argument %s of %s", e.Key, op)
		}
		if err != nil {
			return nil, nil, nil, err
		}
	}
	if input == nil || each == nil {
		return nil, nil, nil, errf(codeFailedToParse, "%s requires 'input' and '%s'", op, body)
	}
	return input, each, other, nil
}

func elementName(arg any) string {
	d, _ := arg.(bson.D)
	if as, ok := lookup(d, "as"); ok {
		s, _ := as.(string)
		return s
	}
	return "this"
}

// arrayInput evaluates an input that must be an array or null.
func arrayInput(op string, input expr, sc *scope) (list bson.A, null bool, err error) {
	v, err := input.eval(sc)
	if err != nil || isNullish(v) {
		return nil, true, err
	}
	list, ok := v.(bson.A)
	if !ok {
		return nil, false, errf(16883, "input to %s must be an array not %s", op, typeName(v))
	}
	return list, false, nil
}

func mapForm(op string, arg any, vars []string) (expr, error) {
	as := elementName(arg)
	input, each, _, err := overArray(op, arg, vars, "in", "-", as)
	if err != nil {
		return nil, err
	}
	return funcExpr(func(sc *scope) (any, error) {
		list, null, err := arrayInput(op, input, sc)
		if err != nil || null {
			return nil, err
		}
		out := make(bson.A, len(list))
		for i, e := range list {
			if out[i], err = each.eval(sc.with(as, e)); err != nil {
				return nil, err
			}
			if out[i] == any(missing) {
				out[i] = nil
			}
		}
		return out, nil
	}), nil
}

func filterForm(op string, arg any, vars []string) (expr, error) {
	as := elementName(arg)
	input, each, limit, err := overArray(op, arg, vars, "cond", "limit", as)
	if err != nil {
		return nil, err
	}
	return funcExpr(func(sc *scope) (any, error) {
		list, null, err := arrayInput(op, input, sc)
		if err != nil || null {
			return nil, err
		}
		most := int64(len(list))
		if limit != nil {
			v, err := limit.eval(sc)
			if err != nil {
				return nil, err
			}
			if n, ok := toInt64(v); ok && n > 0 {
				most = n
			} else if !isNullish(v) {
				return nil, errf(327392, "$filter: limit must be a positive integer")
			}
		}
		out := bson.A{}
		for _, e := range list {
			if int64(len(out)) == most {
				break
			}
			v, err := each.eval(sc.with(as, e))
			if err != nil {
				return nil, err
			}
			if truthy(v) {
				out = append(out, e)
			}
		}
		return out, nil
	}), nil
}

func reduceForm(op string, arg any, vars []string) (expr, error) {
	input, each, initial, err := overArray(op, arg, vars, "in", "initialValue", "this", "value")
	if err != nil {
		return nil, err
	}
	if initial == nil {
		return nil, errf(40079, "$reduce requires 'initialValue' to be specified")
	}
	return funcExpr(func(sc *scope) (any, error) {
		list, null, err := arrayInput(op, input, sc)
		if err != nil || null {
			return nil, err
		}
		acc, err := initial.eval(sc)
		for _, e := range list {
			if err != nil {
				return nil, err
			}
			acc, err = each.eval(sc.with("this", e).with("value", acc))
		}
		return acc, err
	}), nil
}
