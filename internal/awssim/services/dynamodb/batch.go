package dynamodb

import (
	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/dynamodb/expr"
)

// KeysAndProjection are the reads of one table.
type KeysAndProjection struct {
	Keys                 []expr.Item
	ProjectionExpression string `json:",omitempty"`
	Placeholders
	Legacy
}

// BatchGetInput reads up to 100 items.
type BatchGetInput struct {
	RequestItems map[string]*KeysAndProjection
}

// BatchGetOutput leaves nothing unprocessed.
type BatchGetOutput struct {
	Responses       map[string][]expr.Item
	UnprocessedKeys map[string]*KeysAndProjection
}

// BatchWriteInput writes up to 25 items, each for itself.
type BatchWriteInput struct {
	RequestItems map[string][]WriteRequest
}

// WriteRequest has one of its fields.
type WriteRequest struct {
	PutRequest    *struct{ Item expr.Item }
	DeleteRequest *struct{ Key expr.Item }
}

// BatchWriteOutput leaves nothing unprocessed.
type BatchWriteOutput struct {
	UnprocessedItems map[string][]WriteRequest
}

const (
	maxBatchGet   = 100
	maxBatchWrite = 25
)

func (s *Service) batchOps() []core.Op {
	return []core.Op{
		core.Handle("BatchGetItem", s.batchGet, core.Data, core.ReadOnly, core.Needs(func(c *core.Call, in *BatchGetInput) []core.Permission {
			var need []core.Permission
			for _, name := range sortedKeys(in.RequestItems) {
				need = append(need, s.permission(c, "", name))
			}
			return need
		})),
		core.Handle("BatchWriteItem", s.batchWrite, core.Data, core.Needs(func(c *core.Call, in *BatchWriteInput) []core.Permission {
			var need []core.Permission
			for _, name := range sortedKeys(in.RequestItems) {
				need = append(need, s.permission(c, "", name))
			}
			return need
		})),
	}
}

func sortedKeys[T any](m map[string]T) []string {
	keys := map[string]string{}
	for k := range m {
		keys[k] = k
	}
	return sorted(keys)
}

func (s *Service) batchGet(c *core.Call, in *BatchGetInput) (*BatchGetOutput, error) {
	out := &BatchGetOutput{Responses: map[string][]expr.Item{}, UnprocessedKeys: map[string]*KeysAndProjection{}}
	total := 0
	for _, name := range sortedKeys(in.RequestItems) {
		req := in.RequestItems[name]
		if err := req.refuse(); err != nil {
			return nil, err
		}
		t, err := s.live(c, name)
		if err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		out.Responses[name] = []expr.Item{}
		for _, k := range req.Keys {
			key, err := t.checkKey(k)
			if err != nil {
				return nil, err
			}
			if seen[key] {
				return nil, validation("Provided list of item keys contains duplicates")
			}
			seen[key] = true
			if total++; total > maxBatchGet {
				return nil, validation("Too many items requested for the BatchGetItem call")
			}
			it, err := project(t.items[key], req.ProjectionExpression, req.names())
			if err != nil {
				return nil, err
			}
			if t.items[key] != nil {
				out.Responses[name] = append(out.Responses[name], it)
			}
		}
	}
	if total == 0 {
		return nil, validation("1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	return out, nil
}

func (s *Service) batchWrite(c *core.Call, in *BatchWriteInput) (*BatchWriteOutput, error) {
	var plans []*planned
	seen := map[string]bool{}
	for _, name := range sortedKeys(in.RequestItems) {
		for _, req := range in.RequestItems[name] {
			var p *planned
			var err error
			switch {
			case req.PutRequest != nil:
				p, err = s.plan(c, put, &Write{TableName: name, Item: req.PutRequest.Item})
			case req.DeleteRequest != nil:
				p, err = s.plan(c, remove, &Write{TableName: name, Key: req.DeleteRequest.Key})
			default:
				err = validation("Supplied AttributeValue is empty: a write request needs PutRequest or DeleteRequest")
			}
			if err != nil {
				return nil, err
			}
			if seen[p.t.name+"/"+p.key] {
				return nil, validation("Provided list of item keys contains duplicates")
			}
			seen[p.t.name+"/"+p.key] = true
			plans = append(plans, p)
		}
	}
	if len(plans) == 0 || len(plans) > maxBatchWrite {
		return nil, validation("Too many items requested for the BatchWriteItem call: there must be 1 to %d", maxBatchWrite)
	}
	for _, p := range plans {
		p.commit()
	}
	return &BatchWriteOutput{map[string][]WriteRequest{}}, nil
}
