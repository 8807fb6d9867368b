package dynamodb

import (
	"fmt"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// PutPolicyInput attaches a policy to a table.
type PutPolicyInput struct {
	ResourceArn, Policy, ExpectedRevisionId string
}

// PolicyInput names a table by ARN.
type PolicyInput struct {
	ResourceArn, ExpectedRevisionId string
}

// PolicyOutput is the policy and its revision.
type PolicyOutput struct {
	Policy     string `json:",omitempty"`
	RevisionId string `json:",omitempty"`
}

func (s *Service) policyOps() []core.Op {
	return []core.Op{
		core.Handle("PutResourcePolicy", s.putPolicy, on(s, func(in *PutPolicyInput) string { return in.ResourceArn })),
		core.Handle("GetResourcePolicy", s.getPolicy, core.ReadOnly, on(s, func(in *PolicyInput) string { return in.ResourceArn })),
		core.Handle("DeleteResourcePolicy", s.deletePolicy, on(s, func(in *PolicyInput) string { return in.ResourceArn })),
	}
}

func noPolicy(arn string) error {
	return core.Errorf(400, "PolicyNotFoundException", "Resource-based policy not found for the provided ResourceArn: %s", arn)
}

func (s *Service) putPolicy(c *core.Call, in *PutPolicyInput) (*PolicyOutput, error) {
	t, err := s.tagged(c, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	p, perr := iameval.Parse(in.Policy, iameval.Resource)
	if perr != nil {
		return nil, validation("Invalid policy document: %v", perr)
	}
	t.policy = &tablePolicy{in.Policy, fmt.Sprint(c.Now.UnixMilli()), p}
	return &PolicyOutput{RevisionId: t.policy.revision}, nil
}

func (s *Service) getPolicy(c *core.Call, in *PolicyInput) (*PolicyOutput, error) {
	t, err := s.tagged(c, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if t.policy == nil {
		return nil, noPolicy(in.ResourceArn)
	}
	return &PolicyOutput{t.policy.doc, t.policy.revision}, nil
}

func (s *Service) deletePolicy(c *core.Call, in *PolicyInput) (*PolicyOutput, error) {
	t, err := s.tagged(c, in.ResourceArn)
	if err != nil || t.policy == nil {
		return &PolicyOutput{}, err // without one it succeeds and says nothing
	}
	out := &PolicyOutput{RevisionId: t.policy.revision}
	t.policy = nil
	return out, nil
}
