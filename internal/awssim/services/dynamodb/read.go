package dynamodb

import (
	"hash/fnv"
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/dynamodb/expr"
)

// ReadInput is Query or Scan.
type ReadInput struct {
	TableName              string
	IndexName              string
	KeyConditionExpression string
	FilterExpression       string
	ProjectionExpression   string
	Select                 string
	Limit                  *int
	ScanIndexForward       *bool
	ExclusiveStartKey      expr.Item
	ConsistentRead         bool
	Segment                *int
	TotalSegments          *int
	ReturnConsumedCapacity string
	Placeholders
	Legacy
}

// ReadOutput is one page of at most 1 MB.
type ReadOutput struct {
	Items            []expr.Item `json:",omitempty"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey expr.Item `json:",omitempty"`
	ConsumedCapacity *Consumed `json:",omitempty"`
}

func (s *Service) readOps() []core.Op {
	needs := core.Needs(func(c *core.Call, in *ReadInput) []core.Permission {
		p := s.permission(c, "", in.TableName)
		if in.IndexName != "" {
			p.Resource += "/index/" + in.IndexName
		}
		return []core.Permission{p}
	})
	return []core.Op{
		core.Handle("Query", s.query, core.Data, core.ReadOnly, needs),
		core.Handle("Scan", s.scan, core.Data, core.ReadOnly, needs),
	}
}

// reading is a Query or Scan made ready.
type reading struct {
	t      *table
	x      *index // nil: the table itself
	keys   keySchema
	filter *expr.Condition
	paths  []expr.Path
	in     *ReadInput
}

// open checks what Query and Scan have in common; keyCondition parses what only
// Query has, between the other expressions: they share placeholders.
func (s *Service) open(c *core.Call, in *ReadInput, keyCondition func(*reading, *expr.Names) error) (*reading, error) {
	if err := in.refuse(); err != nil {
		return nil, err
	}
	t, err := s.live(c, in.TableName)
	if err != nil {
		return nil, err
	}
	r := &reading{t: t, keys: t.keys, in: in}
	if in.IndexName != "" {
		if r.x = t.index(in.IndexName); r.x == nil {
			return nil, validation("The table does not have the specified index: %s", in.IndexName)
		}
		r.keys = r.x.keys
		global := slices.Contains(t.global, r.x)
		if global && in.ConsistentRead {
			return nil, validation("Consistent reads are not supported on global secondary indexes")
		}
		if global && r.x.status(c.Now) == "CREATING" {
			return nil, validation("Cannot read from backfilling global secondary index: %s", in.IndexName)
		}
	}
	if in.Limit != nil && *in.Limit < 1 {
		return nil, validation("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", *in.Limit)
	}
	names := in.names()
	if err := keyCondition(r, names); err != nil {
		return nil, err
	}
	if r.filter, err = expr.ParseCondition("FilterExpression", in.FilterExpression, names); err != nil {
		return nil, validation("%v", err)
	}
	if in.ProjectionExpression != "" {
		if r.paths, err = expr.ParseProjection(in.ProjectionExpression, names); err != nil {
			return nil, validation("%v", err)
		}
	}
	if err := names.Unused(); err != nil {
		return nil, validation("%v", err)
	}
	return r, nil
}

func (s *Service) query(c *core.Call, in *ReadInput) (*ReadOutput, error) {
	var k *expr.KeyCondition
	r, err := s.open(c, in, func(r *reading, names *expr.Names) (err error) {
		if k, err = expr.ParseKeyCondition(in.KeyConditionExpression, r.keys.hash, r.keys.rng, names); err != nil {
			return validation("%v", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if k.Hash.Type != r.t.attributeType(r.keys.hash) {
		return nil, validation("One or more parameter values were invalid: Condition parameter type does not match schema type")
	}
	es := r.t.entries(r.keys, func(it expr.Item) bool {
		return expr.Equal(it[r.keys.hash], k.Hash) && k.Range.Holds(it)
	})
	backward := in.ScanIndexForward != nil && !*in.ScanIndexForward
	if backward {
		slices.Reverse(es)
	}
	return r.page(es, backward)
}

func (s *Service) scan(c *core.Call, in *ReadInput) (*ReadOutput, error) {
	r, err := s.open(c, in, func(*reading, *expr.Names) error { return nil })
	if err != nil {
		return nil, err
	}
	if (in.Segment == nil) != (in.TotalSegments == nil) {
		return nil, validation("Segment and TotalSegments belong together")
	}
	var keep func(expr.Item) bool
	if in.TotalSegments != nil {
		n, seg := *in.TotalSegments, *in.Segment
		if n < 1 || seg < 0 || seg >= n {
			return nil, validation("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", seg, n)
		}
		keep = func(it expr.Item) bool {
			h := fnv.New32a()
			_, _ = h.Write([]byte(one(it[r.keys.hash]))) // a hash's Write cannot fail
			return int(h.Sum32()%uint32(n)) == seg       // #nosec G115: n is a small positive count
		}
	}
	return r.page(r.t.entries(r.keys, keep), false)
}

// page cuts one page out of entries in order.
func (r *reading) page(es []entry, backward bool) (*ReadOutput, error) {
	if start := r.in.ExclusiveStartKey; start != nil {
		unique, ok := r.t.keys.encode(start)
		if !ok {
			return nil, validation("The provided starting key is invalid")
		}
		if _, ok := r.keys.encode(start); !ok {
			return nil, validation("The provided starting key is invalid")
		}
		after := r.keys.entry(start, unique)
		es = slices.DeleteFunc(es, func(e entry) bool {
			if backward {
				return !e.less(after)
			}
			return !after.less(e)
		})
	}
	out, bytes := &ReadOutput{Items: []expr.Item{}}, 0
	for i, e := range es {
		out.ScannedCount++
		bytes += e.item.Size()
		if r.filter.Holds(e.item) {
			out.Count++
			if r.in.Select != "COUNT" {
				out.Items = append(out.Items, r.shown(e.item))
			}
		}
		full := bytes >= pageBytes || r.in.Limit != nil && out.ScannedCount == *r.in.Limit
		// With a Limit the last key comes even if nothing follows it.
		if full && (i+1 < len(es) || r.in.Limit != nil) {
			out.LastEvaluatedKey = r.position(e.item)
			break
		}
	}
	out.ConsumedCapacity = consumed(r.in.ReturnConsumedCapacity, r.t, bytes, 4096, readCost(r.in.ConsistentRead))
	return out, nil
}

// position is what ExclusiveStartKey must hold: the keys of index and table.
func (r *reading) position(it expr.Item) expr.Item {
	key := r.t.keys.of(it)
	for k, v := range r.keys.of(it) {
		key[k] = v
	}
	return key
}

// shown is an item as the index projects it and the request wants it.
func (r *reading) shown(it expr.Item) expr.Item {
	if r.x != nil && r.x.Projection.ProjectionType != "ALL" {
		kept := r.position(it)
		for _, name := range r.x.Projection.NonKeyAttributes {
			if v, ok := it[name]; ok {
				kept[name] = v
			}
		}
		it = kept
	}
	if r.paths != nil {
		return expr.Project(it, r.paths)
	}
	return it
}
