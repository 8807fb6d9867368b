package logs

import (
	"encoding/json"
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// ResourcePolicy lets other services write to the account's groups.
type ResourcePolicy struct {
	PolicyName      string `json:"policyName"`
	PolicyDocument  string `json:"policyDocument"`
	LastUpdatedTime int64  `json:"lastUpdatedTime"`
	PolicyScope     string `json:"policyScope"`
}

// PutResourcePolicyInput makes or replaces a policy.
type PutResourcePolicyInput struct {
	PolicyName     string `json:"policyName"`
	PolicyDocument string `json:"policyDocument"`
	ResourceArn    string `json:"resourceArn"`
}

// PutResourcePolicyOutput is the policy as it stands.
type PutResourcePolicyOutput struct {
	ResourcePolicy *ResourcePolicy `json:"resourcePolicy"`
}

// PageInput asks for one page.
type PageInput struct {
	NextToken string `json:"nextToken"`
	Limit     *int   `json:"limit"`
}

// DescribeResourcePoliciesOutput is one page.
type DescribeResourcePoliciesOutput struct {
	ResourcePolicies []*ResourcePolicy `json:"resourcePolicies"`
	NextToken        string            `json:"nextToken,omitempty"`
}

// PolicyInput names a policy; Type for account policies only.
type PolicyInput struct {
	PolicyName string `json:"policyName"`
	PolicyType string `json:"policyType"`
}

// AccountPolicy holds for all groups of the account in the Region.
type AccountPolicy struct {
	PolicyName        string `json:"policyName"`
	PolicyDocument    string `json:"policyDocument"`
	LastUpdatedTime   int64  `json:"lastUpdatedTime"`
	PolicyType        string `json:"policyType"`
	Scope             string `json:"scope"`
	SelectionCriteria string `json:"selectionCriteria,omitempty"`
	AccountID         string `json:"accountId"`
}

// PutAccountPolicyInput makes or replaces a policy.
type PutAccountPolicyInput struct {
	PolicyName        string `json:"policyName"`
	PolicyDocument    string `json:"policyDocument"`
	PolicyType        string `json:"policyType"`
	Scope             string `json:"scope"`
	SelectionCriteria string `json:"selectionCriteria"`
}

// PutAccountPolicyOutput is the policy as it stands.
type PutAccountPolicyOutput struct {
	AccountPolicy *AccountPolicy `json:"accountPolicy"`
}

// DescribeAccountPoliciesInput must name a type.
type DescribeAccountPoliciesInput struct {
	PolicyType string `json:"policyType"`
	PolicyName string `json:"policyName"`
	NextToken  string `json:"nextToken"`
}

// DescribeAccountPoliciesOutput holds all of them.
type DescribeAccountPoliciesOutput struct {
	AccountPolicies []*AccountPolicy `json:"accountPolicies"`
}

var accountPolicyTypes = []string{
	"DATA_PROTECTION_POLICY", "SUBSCRIPTION_FILTER_POLICY", "FIELD_INDEX_POLICY", "TRANSFORMER_POLICY", "METRIC_EXTRACTION_POLICY",
}

const policiesPerRegion = 10

func (s *Service) resourcePolicyOps() []core.Op {
	return []core.Op{
		core.Handle("PutResourcePolicy", s.putResourcePolicy),
		core.Handle("DescribeResourcePolicies", s.describeResourcePolicies, core.ReadOnly),
		core.Handle("DeleteResourcePolicy", s.deleteResourcePolicy),
	}
}

func (s *Service) accountPolicyOps() []core.Op {
	return []core.Op{
		core.Handle("PutAccountPolicy", s.putAccountPolicy),
		core.Handle("DescribeAccountPolicies", s.describeAccountPolicies, core.ReadOnly),
		core.Handle("DeleteAccountPolicy", s.deleteAccountPolicy),
	}
}

func (s *Service) putResourcePolicy(c *core.Call, in *PutResourcePolicyInput) (*PutResourcePolicyOutput, error) {
	st := s.at(c)
	if in.ResourceArn != "" {
		return nil, invalid("The simulator has no resource policies on single log groups: resourceArn %q.", in.ResourceArn)
	}
	if in.PolicyName == "" {
		return nil, invalid("PolicyName must not be null.")
	}
	if !json.Valid([]byte(in.PolicyDocument)) {
		return nil, invalid("Policy document is not valid JSON.")
	}
	if st.policies[in.PolicyName] == nil && len(st.policies) >= policiesPerRegion {
		return nil, core.Errorf(400, "LimitExceededException", "Resource limit exceeded.")
	}
	p := &ResourcePolicy{in.PolicyName, in.PolicyDocument, c.Now.UnixMilli(), "ACCOUNT"}
	st.policies[p.PolicyName] = p
	return &PutResourcePolicyOutput{p}, nil
}

func (s *Service) describeResourcePolicies(c *core.Call, in *PageInput) (*DescribeResourcePoliciesOutput, error) {
	out, next, err := page(sorted(s.at(c).policies), func(p *ResourcePolicy) string { return p.PolicyName }, in.NextToken, in.Limit, 50)
	if err != nil {
		return nil, err
	}
	return &DescribeResourcePoliciesOutput{out, next}, nil
}

func (s *Service) deleteResourcePolicy(c *core.Call, in *PolicyInput) (core.None, error) {
	st := s.at(c)
	if st.policies[in.PolicyName] == nil {
		return core.None{}, core.Errorf(400, "ResourceNotFoundException", "Policy with name [%s] does not exist.", in.PolicyName)
	}
	delete(st.policies, in.PolicyName)
	return core.None{}, nil
}

func checkPolicyType(t string) error {
	if !slices.Contains(accountPolicyTypes, t) {
		return constraint("policyType", t, "Member must satisfy enum value set")
	}
	return nil
}

func (s *Service) putAccountPolicy(c *core.Call, in *PutAccountPolicyInput) (*PutAccountPolicyOutput, error) {
	if err := checkPolicyType(in.PolicyType); err != nil {
		return nil, err
	}
	if !json.Valid([]byte(in.PolicyDocument)) {
		return nil, invalid("Policy document is not valid JSON.")
	}
	p := &AccountPolicy{
		PolicyName: in.PolicyName, PolicyDocument: in.PolicyDocument, LastUpdatedTime: c.Now.UnixMilli(),
		PolicyType: in.PolicyType, Scope: "ALL", SelectionCriteria: in.SelectionCriteria, AccountID: c.Account.ID,
	}
	s.at(c).accountPolicies[p.PolicyType+"/"+p.PolicyName] = p
	return &PutAccountPolicyOutput{p}, nil
}

func (s *Service) describeAccountPolicies(c *core.Call, in *DescribeAccountPoliciesInput) (*DescribeAccountPoliciesOutput, error) {
	if err := checkPolicyType(in.PolicyType); err != nil {
		return nil, err
	}
	out := &DescribeAccountPoliciesOutput{AccountPolicies: []*AccountPolicy{}}
	for _, p := range sorted(s.at(c).accountPolicies) {
		if p.PolicyType == in.PolicyType && (in.PolicyName == "" || in.PolicyName == p.PolicyName) {
			out.AccountPolicies = append(out.AccountPolicies, p)
		}
	}
	return out, nil
}

func (s *Service) deleteAccountPolicy(c *core.Call, in *PolicyInput) (core.None, error) {
	st, key := s.at(c), in.PolicyType+"/"+in.PolicyName
	if st.accountPolicies[key] == nil {
		return core.None{}, core.Errorf(400, "ResourceNotFoundException", "Account policy %s of type %s does not exist.", in.PolicyName, in.PolicyType)
	}
	delete(st.accountPolicies, key)
	return core.None{}, nil
}
