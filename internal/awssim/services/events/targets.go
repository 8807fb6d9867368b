package events

import (
	"encoding/json"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Target is what a rule invokes. What the simulator does not look into it keeps
// as it came.
type Target struct {
	Id                          string
	Arn                         string
	RoleArn                     string            `json:",omitempty"`
	Input                       string            `json:",omitempty"`
	InputPath                   string            `json:",omitempty"`
	InputTransformer            json.RawMessage   `json:",omitempty"`
	KinesisParameters           json.RawMessage   `json:",omitempty"`
	RunCommandParameters        json.RawMessage   `json:",omitempty"`
	EcsParameters               json.RawMessage   `json:",omitempty"`
	BatchParameters             json.RawMessage   `json:",omitempty"`
	SqsParameters               json.RawMessage   `json:",omitempty"`
	HttpParameters              json.RawMessage   `json:",omitempty"`
	RedshiftDataParameters      json.RawMessage   `json:",omitempty"`
	SageMakerPipelineParameters json.RawMessage   `json:",omitempty"`
	DeadLetterConfig            *DeadLetterConfig `json:",omitempty"`
	RetryPolicy                 json.RawMessage   `json:",omitempty"`
	AppSyncParameters           json.RawMessage   `json:",omitempty"`
}

// TargetsInput sets, lists or removes targets of a rule.
type TargetsInput struct {
	Rule         string
	EventBusName string
	Targets      []*Target
	Ids          []string
	Force        bool
	NextToken    string
	Limit        *int
}

// FailedEntry is a target that could not be set.
type FailedEntry struct {
	TargetId, ErrorCode, ErrorMessage string
}

// FailedOutput counts them.
type FailedOutput struct {
	FailedEntryCount int
	FailedEntries    []FailedEntry
}

// ListTargetsOutput is one page.
type ListTargetsOutput struct {
	Targets   []*Target
	NextToken string `json:",omitempty"`
}

// RuleNamesInput asks which rules have a target.
type RuleNamesInput struct {
	TargetArn    string
	EventBusName string
	NextToken    string
	Limit        *int
}

// RuleNamesOutput is one page.
type RuleNamesOutput struct {
	RuleNames []string
	NextToken string `json:",omitempty"`
}

const targetsPerRule = 5

func (s *Service) targetOps() []core.Op {
	one := core.Needs(func(c *core.Call, in *TargetsInput) []core.Permission {
		need := []core.Permission{s.onRule(c, in.EventBusName, in.Rule)}
		for _, t := range in.Targets {
			if t.RoleArn != "" {
				need = append(need, passRole(t.RoleArn))
			}
		}
		return need
	})
	return []core.Op{
		core.Handle("PutTargets", s.putTargets, one),
		core.Handle("RemoveTargets", s.removeTargets, one),
		core.Handle("ListTargetsByRule", s.listTargets, core.ReadOnly, one),
		core.Handle("ListRuleNamesByTarget", s.ruleNames, core.ReadOnly),
	}
}

func (s *Service) putTargets(c *core.Call, in *TargetsInput) (*FailedOutput, error) {
	_, r, err := s.rule(c, in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	if len(in.Targets) == 0 {
		return nil, validation("1 validation error detected: Value '[]' at 'targets' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	fresh := map[string]bool{}
	for _, t := range in.Targets {
		switch {
		case t.Id == "":
			return nil, validation("1 validation error detected: Value '' at 'targets.member.id' failed to satisfy constraint: Member must have length greater than or equal to 1")
		case !strings.HasPrefix(t.Arn, "arn:"):
			return nil, validation("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", t.Arn)
		}
		if r.targets[t.Id] == nil {
			fresh[t.Id] = true
		}
	}
	if len(r.targets)+len(fresh) > targetsPerRule {
		return nil, core.Errorf(400, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
	}
	for _, t := range in.Targets {
		r.targets[t.Id] = t
	}
	return &FailedOutput{FailedEntries: []FailedEntry{}}, nil
}

func (s *Service) removeTargets(c *core.Call, in *TargetsInput) (*FailedOutput, error) {
	_, r, err := s.rule(c, in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	for _, id := range in.Ids {
		delete(r.targets, id)
	}
	return &FailedOutput{FailedEntries: []FailedEntry{}}, nil
}

func (s *Service) listTargets(c *core.Call, in *TargetsInput) (*ListTargetsOutput, error) {
	_, r, err := s.rule(c, in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	out, next, err := page(sorted(r.targets), func(t *Target) string { return t.Id }, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	return &ListTargetsOutput{out, next}, nil
}

func (s *Service) ruleNames(c *core.Call, in *RuleNamesInput) (*RuleNamesOutput, error) {
	b, err := s.bus(c, in.EventBusName)
	if err != nil {
		return nil, err
	}
	var match []string
	for _, r := range sorted(b.rules) {
		for _, t := range r.targets {
			if t.Arn == in.TargetArn {
				match = append(match, r.Name)
				break
			}
		}
	}
	out, next, err := page(match, func(n string) string { return n }, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	return &RuleNamesOutput{out, next}, nil
}
