package dynamodb

import (
	"errors"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/dynamodb/expr"
)

// TransactWriteInput is up to 100 writes, all or none.
type TransactWriteInput struct {
	TransactItems []struct {
		ConditionCheck *Write
		Put            *Write
		Delete         *Write
		Update         *Write
	}
}

// TransactGetInput is up to 100 reads of one moment.
type TransactGetInput struct {
	TransactItems []struct{ Get GetInput }
}

// TransactGetOutput is in the order of the reads.
type TransactGetOutput struct{ Responses []GetOutput }

// reason is why one write of a transaction could not be.
type reason struct {
	Code    string
	Message string    `json:",omitempty"`
	Item    expr.Item `json:",omitempty"`
}

const maxTransact = 100

func (s *Service) transactOps() []core.Op {
	return []core.Op{
		// IAM knows no action of these names: each write needs its own.
		core.Handle("TransactWriteItems", s.transactWrite, core.Data, core.Needs(func(c *core.Call, in *TransactWriteInput) []core.Permission {
			var need []core.Permission
			for _, it := range in.TransactItems {
				for action, w := range map[string]*Write{"ConditionCheckItem": it.ConditionCheck, "PutItem": it.Put, "DeleteItem": it.Delete, "UpdateItem": it.Update} {
					if w != nil {
						need = append(need, s.permission(c, "dynamodb:"+action, w.TableName))
					}
				}
			}
			return need
		})),
		core.Handle("TransactGetItems", s.transactGet, core.Data, core.ReadOnly, core.Needs(func(c *core.Call, in *TransactGetInput) []core.Permission {
			var need []core.Permission
			for _, it := range in.TransactItems {
				need = append(need, s.permission(c, "dynamodb:GetItem", it.Get.TableName))
			}
			return need
		})),
	}
}

func (s *Service) transactWrite(c *core.Call, in *TransactWriteInput) (core.None, error) {
	if n := len(in.TransactItems); n < 1 || n > maxTransact {
		return core.None{}, validation("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length between 1 and %d", maxTransact)
	}
	var plans []*planned
	reasons, failed := make([]reason, len(in.TransactItems)), false
	seen := map[string]bool{}
	for i, it := range in.TransactItems {
		v, w := check, it.ConditionCheck
		switch {
		case it.Put != nil:
			v, w = put, it.Put
		case it.Delete != nil:
			v, w = remove, it.Delete
		case it.Update != nil:
			v, w = update, it.Update
		case w == nil:
			return core.None{}, validation("TransactItems can only contain one of Check, Put, Update or Delete")
		}
		reasons[i].Code = "None"
		p, err := s.plan(c, v, w)
		if err != nil {
			var e *core.Error
			if !errors.As(err, &e) || e.Code != "ConditionalCheckFailedException" {
				return core.None{}, err
			}
			failed = true
			reasons[i] = reason{Code: "ConditionalCheckFailed", Message: e.Message}
			if old, ok := e.Extra["Item"].(expr.Item); ok {
				reasons[i].Item = old
			}
			continue
		}
		if seen[p.t.name+"/"+p.key] {
			return core.None{}, validation("Transaction request cannot include multiple operations on one item")
		}
		seen[p.t.name+"/"+p.key] = true
		plans = append(plans, p)
	}
	if failed {
		codes := make([]string, len(reasons))
		for i, r := range reasons {
			codes[i] = r.Code
		}
		e := core.Errorf(400, "TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", "))
		e.Extra = map[string]any{"CancellationReasons": reasons}
		return core.None{}, e
	}
	for _, p := range plans {
		p.commit()
	}
	return core.None{}, nil
}

func (s *Service) transactGet(c *core.Call, in *TransactGetInput) (*TransactGetOutput, error) {
	if n := len(in.TransactItems); n < 1 || n > maxTransact {
		return nil, validation("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length between 1 and %d", maxTransact)
	}
	out := &TransactGetOutput{}
	for i := range in.TransactItems {
		got, err := s.getItem(c, &in.TransactItems[i].Get)
		if err != nil {
			return nil, err
		}
		out.Responses = append(out.Responses, *got)
	}
	return out, nil
}
