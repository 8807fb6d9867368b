package dynamodb

import (
	"encoding/json"
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/dynamodb/expr"
)

// Legacy are parameters of before 2014; they are refused by name.
type Legacy struct {
	Expected            json.RawMessage
	AttributeUpdates    json.RawMessage
	AttributesToGet     json.RawMessage
	ConditionalOperator json.RawMessage
	KeyConditions       json.RawMessage
	QueryFilter         json.RawMessage
	ScanFilter          json.RawMessage
}

func (l *Legacy) refuse() error {
	for name, raw := range map[string]json.RawMessage{
		"Expected": l.Expected, "AttributeUpdates": l.AttributeUpdates, "AttributesToGet": l.AttributesToGet,
		"ConditionalOperator": l.ConditionalOperator, "KeyConditions": l.KeyConditions, "QueryFilter": l.QueryFilter, "ScanFilter": l.ScanFilter,
	} {
		if len(raw) > 0 && string(raw) != "null" {
			return validation("The simulator does not know the legacy parameter %s: use expressions", name)
		}
	}
	return nil
}

// Placeholders of expressions.
type Placeholders struct {
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]expr.Value
}

func (p *Placeholders) names() *expr.Names {
	return expr.NewNames(p.ExpressionAttributeNames, p.ExpressionAttributeValues)
}

// Write is one write: Item for a put, Key for the others.
type Write struct {
	TableName                           string
	Item                                expr.Item
	Key                                 expr.Item
	ConditionExpression                 string
	UpdateExpression                    string
	ReturnValuesOnConditionCheckFailure string
	Placeholders
}

// WriteInput is PutItem, UpdateItem or DeleteItem.
type WriteInput struct {
	Write
	ReturnValues           string
	ReturnConsumedCapacity string
	Legacy
}

func (in *WriteInput) name() string { return in.TableName }

// WriteOutput has what ReturnValues asked for.
type WriteOutput struct {
	Attributes       expr.Item `json:",omitempty"`
	ConsumedCapacity *Consumed `json:",omitempty"`
}

// Consumed is a rough measure of capacity units.
type Consumed struct {
	TableName     string
	CapacityUnits float64
}

// GetInput reads one item.
type GetInput struct {
	TableName              string
	Key                    expr.Item
	ConsistentRead         bool
	ProjectionExpression   string
	ReturnConsumedCapacity string
	Placeholders
	Legacy
}

// GetOutput has no Item if there is none.
type GetOutput struct {
	Item             expr.Item `json:",omitempty"`
	ConsumedCapacity *Consumed `json:",omitempty"`
}

func (s *Service) itemOps() []core.Op {
	one := on(s, (*WriteInput).name)
	return []core.Op{
		core.Handle("PutItem", s.putItem, core.Data, one),
		core.Handle("UpdateItem", s.updateItem, core.Data, one),
		core.Handle("DeleteItem", s.deleteItem, core.Data, one),
		core.Handle("GetItem", s.getItem, core.Data, core.ReadOnly, on(s, func(in *GetInput) string { return in.TableName })),
	}
}

// verb is what a write does.
type verb byte

const (
	put verb = iota
	update
	remove
	check
)

// planned is a write that has been checked and only needs to be carried out.
type planned struct {
	t             *table
	key           string
	before, after expr.Item // nil: no item
	updated       []expr.Path
}

func (p *planned) commit() {
	if p.after == nil {
		delete(p.t.items, p.key)
		return
	}
	p.t.items[p.key] = p.after
}

// plan checks a write against the state without changing it.
func (s *Service) plan(c *core.Call, v verb, w *Write) (*planned, error) {
	t, err := s.live(c, w.TableName)
	if err != nil {
		return nil, err
	}
	names := w.names()
	cond, err := expr.ParseCondition("ConditionExpression", w.ConditionExpression, names)
	if err != nil {
		return nil, validation("%v", err)
	}
	var upd *expr.Update
	if v == update && w.UpdateExpression != "" {
		if upd, err = expr.ParseUpdate(w.UpdateExpression, names); err != nil {
			return nil, validation("%v", err)
		}
	}
	if err := names.Unused(); err != nil {
		return nil, validation("%v", err)
	}
	p := &planned{t: t}
	if v == put {
		p.key, err = t.checkItem(w.Item)
	} else {
		p.key, err = t.checkKey(w.Key)
	}
	if err != nil {
		return nil, err
	}
	p.before = t.items[p.key]
	if !cond.Holds(p.before) {
		e := core.Errorf(400, "ConditionalCheckFailedException", "The conditional request failed")
		if w.ReturnValuesOnConditionCheckFailure == "ALL_OLD" && p.before != nil {
			e.Extra = map[string]any{"Item": p.before}
		}
		return nil, e
	}
	switch v {
	case put:
		p.after = w.Item
	case check:
		p.after = p.before
	case update:
		if err := p.update(w, upd); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *planned) update(w *Write, u *expr.Update) error {
	from := p.before
	if from == nil {
		from = w.Key
	}
	p.after = from.Clone()
	if u == nil {
		return nil
	}
	for _, path := range u.Paths() {
		if path.Root() == p.t.keys.hash || path.Root() == p.t.keys.rng {
			return validation("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", path.Root())
		}
	}
	after, err := u.Apply(from)
	if err != nil {
		return validation("%v", err)
	}
	p.after, p.updated = after, u.Paths()
	_, err = p.t.checkItem(p.after)
	return err
}

func (s *Service) write(c *core.Call, v verb, in *WriteInput, allowed ...string) (*WriteOutput, error) {
	if err := in.refuse(); err != nil {
		return nil, err
	}
	if in.ReturnValues != "" && !slices.Contains(allowed, in.ReturnValues) {
		return nil, validation("ReturnValues can only be one of %v, not %s", allowed, in.ReturnValues)
	}
	p, err := s.plan(c, v, &in.Write)
	if err != nil {
		return nil, err
	}
	p.commit()
	out := &WriteOutput{ConsumedCapacity: consumed(in.ReturnConsumedCapacity, p.t, max(p.before.Size(), p.after.Size()), 1024, 1)}
	switch in.ReturnValues {
	case "ALL_OLD":
		out.Attributes = p.before
	case "ALL_NEW":
		out.Attributes = p.after
	case "UPDATED_OLD":
		out.Attributes = expr.Project(p.before, p.updated)
	case "UPDATED_NEW":
		out.Attributes = expr.Project(p.after, p.updated)
	}
	return out, nil
}

// consumed rounds bytes up to units of size bytes at cost each; nil if nobody asked.
func consumed(asked string, t *table, bytes, size int, cost float64) *Consumed {
	if asked != "TOTAL" && asked != "INDEXES" {
		return nil
	}
	return &Consumed{t.name, float64(max(1, (bytes+size-1)/size)) * cost}
}

func (s *Service) putItem(c *core.Call, in *WriteInput) (*WriteOutput, error) {
	return s.write(c, put, in, "NONE", "ALL_OLD")
}

func (s *Service) deleteItem(c *core.Call, in *WriteInput) (*WriteOutput, error) {
	return s.write(c, remove, in, "NONE", "ALL_OLD")
}

func (s *Service) updateItem(c *core.Call, in *WriteInput) (*WriteOutput, error) {
	return s.write(c, update, in, "NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
}

func (s *Service) getItem(c *core.Call, in *GetInput) (*GetOutput, error) {
	if err := in.refuse(); err != nil {
		return nil, err
	}
	t, err := s.live(c, in.TableName)
	if err != nil {
		return nil, err
	}
	key, err := t.checkKey(in.Key)
	if err != nil {
		return nil, err
	}
	it, err := project(t.items[key], in.ProjectionExpression, in.names())
	if err != nil {
		return nil, err
	}
	return &GetOutput{it, consumed(in.ReturnConsumedCapacity, t, t.items[key].Size(), 4096, readCost(in.ConsistentRead))}, nil
}

func readCost(consistent bool) float64 {
	if consistent {
		return 1
	}
	return 0.5
}

// project applies a ProjectionExpression ("" for all) and ends the use of names.
func project(it expr.Item, text string, names *expr.Names) (expr.Item, error) {
	if text == "" {
		if err := names.Unused(); err != nil {
			return nil, validation("%v", err)
		}
		return it, nil
	}
	paths, err := expr.ParseProjection(text, names)
	if err == nil {
		err = names.Unused()
	}
	if err != nil {
		return nil, validation("%v", err)
	}
	return expr.Project(it, paths), nil
}
