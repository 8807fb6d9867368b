package lambda

import (
	"encoding/json"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// policy is a function's or a layer version's resource policy.
type policy struct {
	statements []statement
	revision   string
	parsed     *iameval.Policy
}

type statement struct {
	Sid       string
	Effect    string
	Principal any
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// AddPermissionInput lets a principal use a function.
type AddPermissionInput struct {
	Function              string `json:"-" path:"FunctionName"`
	Qualifier             string `json:"-" q:"Qualifier"`
	StatementId           string
	Action                string
	Principal             string // "*", an account, an ARN, or a service
	SourceArn             string
	SourceAccount         string
	EventSourceToken      string
	PrincipalOrgID        string
	FunctionUrlAuthType   string
	InvokedViaFunctionUrl bool
	RevisionId            string
}

func (in *AddPermissionInput) named() Named { return Named{in.Function, in.Qualifier} }

// AddPermissionOutput is the statement as JSON.
type AddPermissionOutput struct{ Statement string }

// RemovePermissionInput names a statement.
type RemovePermissionInput struct {
	Function    string `json:"-" path:"FunctionName"`
	StatementId string `json:"-" path:"StatementId"`
	Qualifier   string `json:"-" q:"Qualifier"`
	RevisionId  string `json:"-" q:"RevisionId"`
}

func (in *RemovePermissionInput) named() Named { return Named{in.Function, in.Qualifier} }

// PolicyOutput is a policy document.
type PolicyOutput struct {
	Policy     string
	RevisionId string
}

func (s *Service) policyOps() []core.Op {
	const path = "/2015-03-31/functions/{FunctionName}/policy"
	return []core.Op{
		core.Handle("AddPermission", s.addPermission, core.REST("POST", path), core.Status(201), core.TrailName("AddPermission20150331v2"),
			core.Needs(func(c *core.Call, in *AddPermissionInput) []core.Permission {
				p := s.permission(c, in.named())
				p.Context = withKeys(p.Context, map[string]string{"lambda:Principal": in.Principal, "lambda:FunctionUrlAuthType": in.FunctionUrlAuthType})
				return []core.Permission{p}
			})),
		core.Handle("GetPolicy", s.getPolicy, core.REST("GET", path), core.ReadOnly, core.TrailName("GetPolicy20150331v2"), on(s, itself)),
		core.Handle("RemovePermission", s.removePermission, core.REST("DELETE", path+"/{StatementId}"), core.Status(204),
			core.TrailName("RemovePermission20150331v2"), on(s, (*RemovePermissionInput).named)),
	}
}

func withKeys(to map[string][]string, keys map[string]string) map[string][]string {
	out := map[string][]string{}
	for k, v := range to {
		out[k] = v
	}
	for k, v := range keys {
		if v != "" {
			out[k] = []string{v}
		}
	}
	return out
}

// principal gives the Principal element for what AddPermission calls one.
func principal(p string) any {
	switch {
	case p == "*":
		return "*"
	case strings.HasPrefix(p, "arn:"):
		return map[string]string{"AWS": p}
	case len(p) == 12 && allDigits.MatchString(p):
		return map[string]string{"AWS": "arn:aws:iam::" + p + ":root"}
	default:
		return map[string]string{"Service": p}
	}
}

func (in *AddPermissionInput) statement(resource string) statement {
	cond := map[string]map[string]string{}
	add := func(op, key, value string) {
		if value == "" {
			return
		}
		if cond[op] == nil {
			cond[op] = map[string]string{}
		}
		cond[op][key] = value
	}
	add("ArnLike", "AWS:SourceArn", in.SourceArn)
	add("StringEquals", "AWS:SourceAccount", in.SourceAccount)
	add("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	add("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	add("StringEquals", "lambda:FunctionUrlAuthType", in.FunctionUrlAuthType)
	if in.InvokedViaFunctionUrl {
		add("Bool", "lambda:InvokedViaFunctionUrl", "true")
	}
	return statement{Sid: in.StatementId, Effect: "Allow", Principal: principal(in.Principal), Action: in.Action, Resource: resource, Condition: cond}
}

// document is the policy as JSON.
func (p *policy) document() (string, error) {
	b, err := json.Marshal(struct {
		Version, Id string
		Statement   []statement
	}{"2012-10-17", "default", p.statements})
	return string(b), err
}

// add puts a statement in, after checking that the whole parses.
func (p *policy) add(c *core.Call, st statement) (string, error) {
	for _, have := range p.statements {
		if have.Sid == st.Sid {
			return "", conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", st.Sid)
		}
	}
	next := policy{statements: append(p.statements[:len(p.statements):len(p.statements)], st), revision: c.World.UUID()}
	doc, err := next.document()
	if err != nil {
		return "", err
	}
	if next.parsed, err = iameval.Parse(doc, iameval.Resource); err != nil {
		return "", invalid("The provided principal was invalid. Please check the principal and try again.")
	}
	text, err := json.Marshal(st)
	if err != nil {
		return "", err
	}
	*p = next
	return string(text), nil
}

// remove takes a statement out; false means it was not there.
func (p *policy) remove(c *core.Call, sid string) (bool, error) {
	for i, st := range p.statements {
		if st.Sid != sid {
			continue
		}
		next := policy{statements: append(p.statements[:i:i], p.statements[i+1:]...), revision: c.World.UUID()}
		if len(next.statements) > 0 {
			doc, err := next.document()
			if err != nil {
				return false, err
			}
			if next.parsed, err = iameval.Parse(doc, iameval.Resource); err != nil {
				return false, err
			}
		}
		*p = next
		return true, nil
	}
	return false, nil
}

func (s *Service) addPermission(c *core.Call, in *AddPermissionInput) (*AddPermissionOutput, error) {
	f, r, err := s.find(c, in.named())
	if err != nil {
		return nil, err
	}
	if _, err := f.at(r); err != nil {
		return nil, err
	}
	if in.StatementId == "" || in.Principal == "" || !strings.HasPrefix(in.Action, "lambda:") {
		return nil, invalid("A permission needs StatementId, Principal, and an Action of lambda: %q", in.Action)
	}
	p := f.policies[r.qualifier]
	if p == nil {
		p = &policy{}
	}
	text, err := p.add(c, in.statement(r.qualified()))
	if err != nil {
		return nil, err
	}
	f.policies[r.qualifier] = p
	return &AddPermissionOutput{text}, nil
}

func (s *Service) getPolicy(c *core.Call, in *Named) (*PolicyOutput, error) {
	f, r, err := s.find(c, *in)
	if err != nil {
		return nil, err
	}
	p := f.policies[r.qualifier]
	if p == nil {
		return nil, notFound("The resource you requested does not exist.")
	}
	doc, err := p.document()
	return &PolicyOutput{doc, p.revision}, err
}

func (s *Service) removePermission(c *core.Call, in *RemovePermissionInput) (core.None, error) {
	f, r, err := s.find(c, in.named())
	if err != nil {
		return core.None{}, err
	}
	p, found := f.policies[r.qualifier], false
	if p != nil {
		if found, err = p.remove(c, in.StatementId); err != nil {
			return core.None{}, err
		}
	}
	if !found {
		return core.None{}, notFound("Statement %s is not found in resource policy.", in.StatementId)
	}
	if len(p.statements) == 0 {
		delete(f.policies, r.qualifier)
	}
	return core.None{}, nil
}

// resourcePolicy is what the pipeline asks: the policy on a function's ARN.
func (s *Service) resourcePolicy(arn string) (*core.ResourcePolicy, string) {
	parts := strings.Split(arn, ":")
	if len(parts) < 7 || parts[5] != "function" {
		return nil, ""
	}
	r := ref{account: parts[4], region: parts[3], name: parts[6]}
	if len(parts) > 7 {
		r.qualifier = parts[7]
	}
	f := s.at(r)
	if f == nil || f.policies[r.qualifier] == nil {
		return nil, r.account
	}
	return &core.ResourcePolicy{ARN: arn, Policy: f.policies[r.qualifier].parsed}, r.account
}
