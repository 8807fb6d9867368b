package mongosim

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// expr is a compiled aggregation expression.
type expr interface {
	eval(*scope) (any, error)
}

// scope is what an expression sees: the document and the variables.
type scope struct {
	env  *env
	root bson.D
	vars map[string]any
}

func (s *scope) with(name string, v any) *scope {
	vars := make(map[string]any, len(s.vars)+1)
	for k, x := range s.vars {
		vars[k] = x
	}
	vars[name] = v
	return &scope{env: s.env, root: s.root, vars: vars}
}

type (
	literal   struct{ v any }
	fieldPath struct {
		variable string // "" is the document
		parts    []string
	}
	objectExpr []struct {
		key string
		ex  expr
	}
	arrayExpr []expr
	funcExpr  func(*scope) (any, error)
)

func (l literal) eval(*scope) (any, error)      { return l.v, nil }
func (f funcExpr) eval(sc *scope) (any, error)  { return f(sc) }
func (f fieldPath) eval(sc *scope) (any, error) { return f.get(sc), nil }

func (f fieldPath) get(sc *scope) any {
	switch f.variable {
	case "", "ROOT", "CURRENT":
		return pathValue(sc.root, f.parts)
	case "NOW":
		return pathValue(sc.env.now, f.parts)
	case "REMOVE":
		return missing
	}
	return pathValue(sc.vars[f.variable], f.parts)
}

// pathValue follows a field path as expressions do: an array on the way gives
// the array of what its elements have.
func pathValue(v any, parts []string) any {
	if len(parts) == 0 {
		return v
	}
	switch c := v.(type) {
	case bson.D:
		x, _ := lookup(c, parts[0])
		return pathValue(x, parts[1:])
	case bson.A:
		out := bson.A{}
		for _, e := range c {
			if x := pathValue(e, parts); x != any(missing) {
				out = append(out, x)
			}
		}
		return out
	}
	return missing
}

func (o objectExpr) eval(sc *scope) (any, error) {
	d := make(bson.D, 0, len(o))
	for _, f := range o {
		v, err := f.ex.eval(sc)
		if err != nil {
			return nil, err
		}
		if v != any(missing) {
			d = append(d, bson.E{Key: f.key, Value: v})
		}
	}
	return d, nil
}

func (a arrayExpr) eval(sc *scope) (any, error) {
	out := make(bson.A, len(a))
	for i, ex := range a {
		v, err := ex.eval(sc)
		if err != nil {
			return nil, err
		}
		if v == any(missing) {
			v = nil
		}
		out[i] = v
	}
	return out, nil
}

// compileExpr parses an expression in a place where no user variables exist.
func compileExpr(v any) (expr, error) { return compileExprVars(v, nil) }

// compileExprVars parses an expression; vars are the user variables in reach.
func compileExprVars(v any, vars []string) (expr, error) {
	switch v := v.(type) {
	case string:
		if strings.HasPrefix(v, "$") {
			return compileFieldPath(v, vars)
		}
	case bson.A:
		out := make(arrayExpr, len(v))
		for i, e := range v {
			var err error
			if out[i], err = compileExprVars(e, vars); err != nil {
				return nil, err
			}
		}
		return out, nil
	case bson.D:
		if isOperatorDoc(v) {
			if len(v) != 1 {
				return nil, errf(15983, "An object representing an expression must have exactly one field: %s", shellValue(v))
			}
			return compileOperatorExpr(v[0].Key, v[0].Value, vars)
		}
		out := make(objectExpr, 0, len(v))
		for _, e := range v {
			if strings.ContainsAny(e.Key, ".$") {
				return nil, errf(16412, "FieldPath field names may not contain '.' or '$' in an expression: %s", e.Key)
			}
			ex, err := compileExprVars(e.Value, vars)
			if err != nil {
				return nil, err
			}
			out = append(out, struct {
				key string
				ex  expr
			}{e.Key, ex})
		}
		return out, nil
	}
	return literal{v}, nil
}

func compileFieldPath(s string, vars []string) (expr, error) {
	if name, ok := strings.CutPrefix(s, "$$"); ok {
		parts, err := splitPath(name)
		if err != nil {
			return nil, err
		}
		switch parts[0] {
		case "ROOT", "CURRENT", "NOW", "REMOVE":
			return fieldPath{parts[0], parts[1:]}, nil
		}
		for _, v := range vars {
			if v == parts[0] {
				return fieldPath{v, parts[1:]}, nil
			}
		}
		return nil, errf(17276, "Use of undefined variable: %s (mongosim)", parts[0])
	}
	parts, err := splitPath(s[1:])
	return fieldPath{"", parts}, err
}

// compileOperatorExpr parses one operator: the special forms first, then the
// functions that take a list of evaluated arguments.
func compileOperatorExpr(op string, arg any, vars []string) (expr, error) {
	if form, ok := specialForms[op]; ok {
		return form(op, arg, vars)
	}
	fn, ok := functions[op]
	if !ok {
		return nil, errf(168, "Unrecognized expression '%s' (mongosim)", op)
	}
	list, isList := arg.(bson.A)
	if !isList {
		list = bson.A{arg}
	}
	if len(list) < fn.min || fn.max >= 0 && len(list) > fn.max {
		return nil, errf(16020, "Expression %s takes %d to %d arguments. %d were passed in.", op, fn.min, fn.max, len(list))
	}
	args := make([]expr, len(list))
	for i, a := range list {
		var err error
		if args[i], err = compileExprVars(a, vars); err != nil {
			return nil, err
		}
	}
	return funcExpr(func(sc *scope) (any, error) {
		vals := make([]any, len(args))
		for i, a := range args {
			v, err := a.eval(sc)
			if err != nil {
				return nil, err
			}
			vals[i] = v
		}
		return fn.call(op, vals)
	}), nil
}

// namedArgs compiles an operator's document of arguments and refuses names
// outside the list; optional ones are absent from the result.
func namedArgs(op string, arg any, vars []string, required, optional string) (map[string]expr, error) {
	d, ok := arg.(bson.D)
	if !ok {
		return nil, errf(codeFailedToParse, "%s only supports an object as its argument", op)
	}
	out := map[string]expr{}
	for _, e := range d {
		if !hasWord(required, e.Key) && !hasWord(optional, e.Key) {
			return nil, errf(codeFailedToParse, "mongosim does not support the argument %s of %s", e.Key, op)
		}
		ex, err := compileExprVars(e.Value, vars)
		if err != nil {
			return nil, err
		}
		out[e.Key] = ex
	}
	for _, name := range strings.Fields(required) {
		if out[name] == nil {
			return nil, errf(codeFailedToParse, "%s requires '%s' to be specified", op, name)
		}
	}
	return out, nil
}

func isNullish(v any) bool { return v == nil || v == any(missing) }
