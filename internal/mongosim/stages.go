package mongosim

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// group collects the accumulators of one key of a $group.
type group struct {
	id   any
	accs []accumulator
}

// groupStage returns groups in the order in which their keys first occur.
func groupStage(arg any, ev *env) (stage, error) {
	spec, ok := arg.(bson.D)
	if !ok {
		return stage{}, errf(15947, "a group's fields must be specified in an object")
	}
	type field struct {
		name, op string
		ex       expr
	}
	var id expr
	var fields []field
	for _, e := range spec {
		var err error
		if e.Key == "_id" {
			if id, err = compileExpr(e.Value); err != nil {
				return stage{}, err
			}
			continue
		}
		acc, _ := e.Value.(bson.D)
		if len(acc) != 1 {
			return stage{}, errf(40234, "The field '%s' must be an accumulator object", e.Key)
		}
		if strings.Contains(e.Key, ".") {
			return stage{}, errf(40235, "The field name '%s' cannot contain '.'", e.Key)
		}
		f := field{name: e.Key, op: acc[0].Key}
		if newAccumulator(f.op) == nil {
			return stage{}, errf(15952, "unknown group operator '%s' (mongosim)", f.op)
		}
		in := acc[0].Value
		if f.op == "$count" {
			if d, ok := in.(bson.D); !ok || len(d) > 0 {
				return stage{}, errf(codeTypeMismatch, "$count takes no arguments, i.e. $count:{}")
			}
			in = int32(1)
		}
		if f.ex, err = compileExpr(in); err != nil {
			return stage{}, err
		}
		fields = append(fields, f)
	}
	if id == nil {
		return stage{}, errf(15955, "a group specification must include an _id")
	}
	return stage{run: func(docs []bson.D) ([]bson.D, error) {
		groups := map[string]*group{}
		var order []*group
		for _, d := range docs {
			sc := &scope{env: ev, root: d}
			key, err := id.eval(sc)
			if err != nil {
				return nil, err
			}
			if key == any(missing) {
				key = nil
			}
			g := groups[keyOf(key)]
			if g == nil {
				g = &group{id: key}
				for _, f := range fields {
					g.accs = append(g.accs, newAccumulator(f.op))
				}
				groups[keyOf(key)] = g
				order = append(order, g)
			}
			for i, f := range fields {
				v, err := f.ex.eval(sc)
				if err != nil {
					return nil, err
				}
				g.accs[i].add(v)
			}
		}
		out := make([]bson.D, len(order))
		for i, g := range order {
			d := bson.D{{Key: "_id", Value: g.id}}
			for j, f := range fields {
				d = append(d, bson.E{Key: f.name, Value: g.accs[j].result()})
			}
			out[i] = d
		}
		return out, nil
	}}, nil
}

func countStage(arg any, _ *env) (stage, error) {
	name, _ := arg.(string)
	if name == "" || strings.ContainsAny(name, "$.") {
		return stage{}, errf(40156, "the count field must be a non-empty string without '$' and '.'")
	}
	return stage{run: func(docs []bson.D) ([]bson.D, error) {
		if len(docs) == 0 {
			return nil, nil
		}
		return []bson.D{{{Key: name, Value: int32(len(docs))}}}, nil
	}}, nil
}

// sortByCountStage is a $group by the expression and a $sort by its size.
func sortByCountStage(arg any, ev *env) (stage, error) {
	grouping, err := groupStage(bson.D{{Key: "_id", Value: arg}, {Key: "count", Value: bson.D{{Key: "$sum", Value: int32(1)}}}}, ev)
	if err != nil {
		return stage{}, err
	}
	sorting, err := sortStage(bson.D{{Key: "count", Value: int32(-1)}}, ev)
	return stage{run: func(docs []bson.D) ([]bson.D, error) {
		return runStages([]stage{grouping, sorting}, docs, ev)
	}}, err
}

func unwindStage(arg any, _ *env) (stage, error) {
	spec, ok := arg.(bson.D)
	if !ok {
		spec = bson.D{{Key: "path", Value: arg}}
	}
	a := &args{d: spec, name: "$unwind"}
	a.only("path includeArrayIndex preserveNullAndEmptyArrays")
	path, keepEmpty := a.str("path"), a.bool("preserveNullAndEmptyArrays", false)
	indexName := ""
	if _, ok := lookup(spec, "includeArrayIndex"); ok {
		indexName = a.str("includeArrayIndex")
	}
	if a.err != nil {
		return stage{}, a.err
	}
	if !strings.HasPrefix(path, "$") || strings.HasPrefix(path, "$$") {
		return stage{}, errf(28818, "path option to $unwind stage should be prefixed with a '$': %s", path)
	}
	parts, err := splitPath(path[1:])
	if err != nil {
		return stage{}, err
	}
	indexed := func(d bson.D, i any) bson.D {
		if indexName == "" {
			return d
		}
		return withField(d, strings.Split(indexName, "."), i).(bson.D)
	}
	return stage{run: func(docs []bson.D) ([]bson.D, error) {
		out := []bson.D{}
		for _, d := range docs {
			switch v := descendDocs(d, parts).(type) {
			case bson.A:
				for i, e := range v {
					out = append(out, indexed(withField(d, parts, e).(bson.D), int64(i)))
				}
				if len(v) == 0 && keepEmpty {
					out = append(out, indexed(withField(d, parts, missing).(bson.D), nil))
				}
			case nil, missingType:
				if keepEmpty {
					out = append(out, indexed(d, nil))
				}
			default:
				out = append(out, indexed(d, nil))
			}
		}
		return out, nil
	}}, nil
}

func replaceRootStage(arg any, ev *env) (stage, error) {
	d, _ := arg.(bson.D)
	if len(d) != 1 || d[0].Key != "newRoot" {
		return stage{}, errf(40229, "$replaceRoot takes an object with the one field newRoot")
	}
	return replaceWithStage(d[0].Value, ev)
}

func replaceWithStage(arg any, ev *env) (stage, error) {
	ex, err := compileExpr(arg)
	return mapStage(func(doc bson.D) (bson.D, error) {
		v, err := ex.eval(&scope{env: ev, root: doc})
		if err != nil {
			return nil, err
		}
		d, ok := v.(bson.D)
		if !ok {
			return nil, errf(40228, "'newRoot' expression must evaluate to an object, but resulting value was: %s", shellValue(v))
		}
		return d, nil
	}), err
}

func facetStage(arg any, ev *env) (stage, error) {
	spec, _ := arg.(bson.D)
	if len(spec) == 0 {
		return stage{}, errf(40169, "the $facet specification must be a non-empty object")
	}
	pipelines := make([][]stage, len(spec))
	for i, e := range spec {
		list, ok := e.Value.(bson.A)
		if !ok {
			return stage{}, errf(40170, "arguments to $facet must be arrays, %s is type %s", e.Key, typeName(e.Value))
		}
		var err error
		if pipelines[i], err = compilePipeline(list, ev); err != nil {
			return stage{}, err
		}
	}
	return stage{run: func(docs []bson.D) ([]bson.D, error) {
		out := bson.D{}
		for i, e := range spec {
			res, err := runStages(pipelines[i], append([]bson.D(nil), docs...), ev)
			if err != nil {
				return nil, err
			}
			list := make(bson.A, len(res))
			for j, d := range res {
				list[j] = d
			}
			out = append(out, bson.E{Key: e.Key, Value: list})
		}
		return []bson.D{out}, nil
	}}, nil
}
