package mongosim

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// stage is one step of a pipeline: all documents in, all documents out. The
// documents that come in may be stored ones and must not be changed.
type stage struct {
	name string
	run  func(docs []bson.D) ([]bson.D, error)
	// What a leading stage can hand over to the query planner.
	filter node
	sort   []keyField
	limit  int64
}

type stageCompiler func(arg any, ev *env) (stage, error)

var stageCompilers map[string]stageCompiler

func init() { // $facet compiles pipelines, which look into the table
	stageCompilers = map[string]stageCompiler{
		"$match": matchStage, "$sort": sortStage, "$limit": limitStage, "$skip": skipStage,
		"$project": projectStage, "$addFields": addFieldsStage, "$set": addFieldsStage, "$unset": unsetStage,
		"$group": groupStage, "$count": countStage, "$sortByCount": sortByCountStage, "$unwind": unwindStage,
		"$replaceRoot": replaceRootStage, "$replaceWith": replaceWithStage, "$facet": facetStage,
	}
}

func compilePipeline(list bson.A, ev *env) ([]stage, error) {
	stages := make([]stage, 0, len(list))
	for _, item := range list {
		d, ok := item.(bson.D)
		if !ok || len(d) != 1 {
			return nil, errf(40323, "A pipeline stage specification object must contain exactly one field.")
		}
		compile, ok := stageCompilers[d[0].Key]
		if !ok {
			return nil, errf(40324, "Unrecognized pipeline stage name: '%s' (mongosim)", d[0].Key)
		}
		st, err := compile(d[0].Value, ev)
		if err != nil {
			return nil, err
		}
		st.name = d[0].Key
		stages = append(stages, st)
	}
	return stages, nil
}

func runStages(stages []stage, docs []bson.D, ev *env) ([]bson.D, error) {
	for _, st := range stages {
		var err error
		if docs, err = st.run(docs); err != nil {
			return nil, err
		}
		if ev.err != nil {
			return nil, ev.err
		}
	}
	return docs, nil
}

func (s *Server) aggregate(req *request) (bson.D, error) {
	ns, err := req.namespace()
	if err != nil {
		if _, isString := req.body[0].Value.(string); !isString {
			return nil, errf(codeNotImplemented, "mongosim does not aggregate over a whole database")
		}
		return nil, err
	}
	a := req.args()
	pipeline := a.array("pipeline")
	if a.err != nil {
		return nil, a.err
	}
	stages, err := compilePipeline(pipeline, req.env)
	if err != nil {
		return nil, err
	}
	batch, err := req.cursorBatch()
	if err != nil {
		return nil, err
	}
	// The leading $match, $sort and $limit are a query, which an index may
	// answer.
	q := query{filter: andNode{}, hint: a.value("hint"), req: req}
	next := func(name string) (st stage, ok bool) {
		if len(stages) > 0 && stages[0].name == name {
			st, stages, ok = stages[0], stages[1:], true
		}
		return st, ok
	}
	if st, ok := next("$match"); ok {
		q.filter = st.filter
	}
	if st, ok := next("$sort"); ok {
		q.sort = st.sort
	}
	if st, ok := next("$limit"); ok {
		q.limit = st.limit
	}
	recs, err := s.lookUp(ns, q)
	if err != nil {
		return nil, err
	}
	docs := make([]bson.D, len(recs))
	for i, r := range recs {
		docs[i] = r.doc
	}
	if docs, err = runStages(stages, docs, req.env); err != nil {
		return nil, err
	}
	if err := req.interrupted(); err != nil {
		return nil, err
	}
	raws := make([]bson.Raw, len(docs))
	for i, d := range docs {
		if raws[i] = encode(d); len(raws[i]) > maxDocumentSize {
			return nil, errf(codeObjectTooLarge, "BSONObj size: %d is invalid. Size must be between 0 and %d(16MB)", len(raws[i]), maxDocumentSize)
		}
	}
	return s.cursors.first(ns, raws, batch, false, false), nil
}

func matchStage(arg any, ev *env) (stage, error) {
	d, ok := arg.(bson.D)
	if !ok {
		return stage{}, errf(15959, "the match filter must be an expression in an object")
	}
	f, err := compileFilter(d, ev)
	return stage{filter: f, run: func(docs []bson.D) ([]bson.D, error) {
		out := []bson.D{}
		for _, d := range docs {
			if f.match(d) {
				out = append(out, d)
			}
		}
		return out, nil
	}}, err
}

func sortStage(arg any, _ *env) (stage, error) {
	d, _ := arg.(bson.D)
	if len(d) == 0 {
		return stage{}, errf(15976, "$sort stage must have at least one sort key")
	}
	fields, err := compileSort(d)
	return stage{sort: fields, run: func(docs []bson.D) ([]bson.D, error) {
		return docs, sortBy(docs, fields, func(d bson.D) bson.D { return d })
	}}, err
}

func limitStage(arg any, _ *env) (stage, error) {
	n, ok := toInt64(arg)
	if !ok || n <= 0 {
		return stage{}, errf(15958, "the limit must be positive")
	}
	return stage{limit: n, run: func(docs []bson.D) ([]bson.D, error) {
		return docs[:min(n, int64(len(docs)))], nil
	}}, nil
}

func skipStage(arg any, _ *env) (stage, error) {
	n, ok := toInt64(arg)
	if !ok || n < 0 {
		return stage{}, errf(5107200, "invalid argument to $skip stage: must be a non-negative number")
	}
	return stage{run: func(docs []bson.D) ([]bson.D, error) {
		return docs[min(n, int64(len(docs))):], nil
	}}, nil
}

// mapStage changes each document on its own.
func mapStage(fn func(bson.D) (bson.D, error)) stage {
	return stage{run: func(docs []bson.D) ([]bson.D, error) {
		out := make([]bson.D, len(docs))
		for i, d := range docs {
			var err error
			if out[i], err = fn(d); err != nil {
				return nil, err
			}
		}
		return out, nil
	}}
}

func projectStage(arg any, ev *env) (stage, error) {
	d, _ := arg.(bson.D)
	if len(d) == 0 {
		return stage{}, errf(51272, "Invalid $project :: caused by :: projection specification must have at least one field")
	}
	p, err := newProjection(d, ev, true)
	if err != nil {
		return stage{}, err
	}
	return mapStage(p.apply), nil
}

func unsetStage(arg any, ev *env) (stage, error) {
	list, ok := arg.(bson.A)
	if !ok {
		list = bson.A{arg}
	}
	d := bson.D{}
	for _, f := range list {
		name, ok := f.(string)
		if !ok {
			return stage{}, errf(31120, "$unset specification must be a string or an array containing only string values")
		}
		d = append(d, bson.E{Key: name, Value: int32(0)})
	}
	return projectStage(d, ev)
}

// addFieldsStage computes fields and puts each in its old place, or at the
// end.
func addFieldsStage(arg any, ev *env) (stage, error) {
	d, ok := arg.(bson.D)
	if !ok {
		return stage{}, errf(40272, "$addFields specification stage must be an object, got %s", typeName(arg))
	}
	type field struct {
		parts []string
		ex    expr
	}
	var fields []field
	// A nested document is not a value: it names fields to set below.
	var compile func(prefix string, d bson.D) error
	compile = func(prefix string, d bson.D) error {
		for _, e := range d {
			if strings.HasPrefix(e.Key, "$") {
				return errf(16410, "FieldPath field names may not start with '$'. Consider using $getField or $setField: %s", e.Key)
			}
			if nested, ok := e.Value.(bson.D); ok && len(nested) > 0 && !isOperatorDoc(nested) {
				if err := compile(prefix+e.Key+".", nested); err != nil {
					return err
				}
				continue
			}
			parts, err := splitPath(prefix + e.Key)
			if err != nil {
				return err
			}
			ex, err := compileExpr(e.Value)
			if err != nil {
				return err
			}
			fields = append(fields, field{parts, ex})
		}
		return nil
	}
	if err := compile("", d); err != nil {
		return stage{}, err
	}
	return mapStage(func(doc bson.D) (bson.D, error) {
		sc := &scope{env: ev, root: doc}
		out := any(doc)
		for _, f := range fields {
			v, err := f.ex.eval(sc)
			if err != nil {
				return nil, err
			}
			out = withField(out, f.parts, v)
		}
		return out.(bson.D), nil
	}), nil
}

// withField is v with the field set, sharing what is not changed. A path
// through an array goes to every element; through a scalar it replaces it.
func withField(v any, parts []string, val any) any {
	if len(parts) == 0 {
		return val
	}
	if a, ok := v.(bson.A); ok {
		out := make(bson.A, len(a))
		for i, e := range a {
			out[i] = withField(e, parts, val)
		}
		return out
	}
	d, _ := v.(bson.D)
	out := append(make(bson.D, 0, len(d)+1), d...)
	for i := range out {
		if out[i].Key == parts[0] {
			if x := withField(out[i].Value, parts[1:], val); x != any(missing) {
				out[i].Value = x
				return out
			}
			return append(out[:i], out[i+1:]...)
		}
	}
	if x := withField(missing, parts[1:], val); x != any(missing) {
		out = append(out, bson.E{Key: parts[0], Value: x})
	}
	return out
}
