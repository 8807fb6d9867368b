package identity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/policy"
)

// Question asks whether the student of a lab may make a call.
type Question struct {
	Action   string // s3:GetObject
	Resource string // ARN; "" is *. The account of samples is 123456789012
	// Context holds condition keys with their values. Those that every call of
	// the student has (time, Region, who calls) are there unless given.
	Context map[string][]string
}

// Answer is what IAM's simulator says.
type Answer struct {
	Decision   string // allowed, explicitDeny, implicitDeny
	Statements []MatchedBy
	Missing    []string // condition keys that the policies ask for and the question has not
	// Boundary says whether the permissions boundary lets the call through,
	// whatever the policies say; nil if IAM does not tell.
	Boundary *bool
}

// MatchedBy is a statement that decided.
type MatchedBy struct {
	Policy, Sid, Effect string
	Text                string // of the statement, as JSON
}

// Preview asks IAM itself what a lab type allows: SimulateCustomPolicy with the
// policies and the boundary as a lab would have them, by the management role of
// the first organization. Nothing is made for it. Errors: fleet.ErrInvalid for a
// lab type or a question that IAM does not take.
func (s *Service) Preview(ctx context.Context, lt fleet.LabType, q Question) (Answer, error) {
	if len(s.Orgs) == 0 {
		return Answer{}, &fleet.FieldError{Field: "organizations", Remedy: "configure one: its management role asks IAM"}
	}
	in := policy.Sample(lt, s.Clock.Now().UTC())
	docs, err := rendered(in)
	if err != nil {
		return Answer{}, err
	}
	cfg, err := s.AWS.Management(ctx, slices.Min(slices.Collect(maps.Keys(s.Orgs))))
	if err != nil {
		return Answer{}, fmt.Errorf("preview of lab type %s: %w", lt.Name, err)
	}
	call := simulation(in, q, docs)
	pages := iam.NewSimulateCustomPolicyPaginator(iam.NewFromConfig(cfg), call)
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		var invalid *types.InvalidInputException
		if errors.As(err, &invalid) {
			return Answer{}, &fleet.FieldError{Field: "action", Value: q.Action + " on " + call.ResourceArns[0], Remedy: "IAM says: " + invalid.ErrorMessage()}
		}
		if err != nil {
			return Answer{}, fmt.Errorf("preview of lab type %s: %w", lt.Name, err)
		}
		for _, r := range out.EvaluationResults { // one action, one resource: one result
			return answer(r, docs), nil
		}
	}
	return Answer{}, fmt.Errorf("preview of lab type %s: IAM gave no result", lt.Name)
}

// rendered gives the documents of a lab by the names that IAM's simulator has for
// them; the boundary's is the last.
func rendered(in policy.Input) ([]document, error) {
	set, err := policy.LabPolicies(in)
	if err != nil {
		return nil, err
	}
	boundary, err := policy.Boundary(in)
	if err != nil {
		return nil, err
	}
	var docs []document
	for i, d := range set.Documents {
		docs = append(docs, document{id: "PolicyInputList." + strconv.Itoa(i+1), name: d.Name, text: d.JSON})
	}
	docs = append(docs, document{id: "PermissionsBoundaryPolicyInputList.1", name: "permissions boundary", text: boundary})
	for i := range docs {
		if err := docs[i].read(); err != nil {
			return nil, err
		}
	}
	return docs, nil
}

func simulation(in policy.Input, q Question, docs []document) *iam.SimulateCustomPolicyInput {
	if q.Resource == "" {
		q.Resource = "*"
	}
	out := &iam.SimulateCustomPolicyInput{ActionNames: []string{q.Action}, ResourceArns: []string{q.Resource}}
	last := len(docs) - 1
	for _, d := range docs[:last] {
		out.PolicyInputList = append(out.PolicyInputList, d.text)
	}
	out.PermissionsBoundaryPolicyInputList = []string{docs[last].text}
	values := map[string][]string{
		"aws:CurrentTime": {in.Start.Format(time.RFC3339)}, "aws:RequestedRegion": in.LabType.Regions[:1],
		"aws:PrincipalArn": {in.UserARN}, "aws:PrincipalAccount": {in.Account}, "aws:username": {in.UserName},
	}
	for key, given := range q.Context {
		for usual := range values {
			if strings.EqualFold(usual, key) {
				delete(values, usual)
			}
		}
		values[key] = given
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		out.ContextEntries = append(out.ContextEntries, types.ContextEntry{
			ContextKeyName: aws.String(key), ContextKeyType: contextType(docs, key, len(values[key])), ContextKeyValues: values[key]})
	}
	return out
}

// contextType is the type that the policies take a condition key to have.
func contextType(docs []document, key string, n int) types.ContextKeyTypeEnum {
	kind := types.ContextKeyTypeEnumString
	if strings.EqualFold(key, "aws:CurrentTime") {
		kind = types.ContextKeyTypeEnumDate
	}
	for _, d := range docs {
		for _, s := range d.statements {
			for operator, keys := range s.Condition {
				for k := range keys {
					if strings.EqualFold(k, key) {
						kind = typeOf(operator)
					}
				}
			}
		}
	}
	if n != 1 {
		kind += "List"
	}
	return kind
}

func typeOf(operator string) types.ContextKeyTypeEnum {
	if _, bare, ok := strings.Cut(operator, ":"); ok { // ForAllValues:…
		operator = bare
	}
	for prefix, kind := range map[string]types.ContextKeyTypeEnum{
		"Numeric": types.ContextKeyTypeEnumNumeric, "Date": types.ContextKeyTypeEnumDate, "Bool": types.ContextKeyTypeEnumBoolean,
		"Binary": types.ContextKeyTypeEnumBinary, "IpAddress": types.ContextKeyTypeEnumIp, "NotIpAddress": types.ContextKeyTypeEnumIp,
	} {
		if strings.HasPrefix(operator, prefix) {
			return kind
		}
	}
	return types.ContextKeyTypeEnumString
}

func answer(r types.EvaluationResult, docs []document) Answer {
	out := Answer{Decision: string(r.EvalDecision), Missing: r.MissingContextValues}
	if d := r.PermissionsBoundaryDecisionDetail; d != nil {
		out.Boundary = &d.AllowedByPermissionsBoundary
	}
	matched := r.MatchedStatements
	for _, named := range r.ResourceSpecificResults { // of a resource that was named the rest is here
		out.Missing = append(out.Missing, named.MissingContextValues...)
		if len(matched) == 0 {
			matched = named.MatchedStatements
		}
		if d := named.PermissionsBoundaryDecisionDetail; d != nil && out.Boundary == nil {
			out.Boundary = &d.AllowedByPermissionsBoundary
		}
	}
	slices.Sort(out.Missing)
	out.Missing = slices.Compact(out.Missing)
	for _, m := range matched {
		if by := find(docs, m); !slices.Contains(out.Statements, by) {
			out.Statements = append(out.Statements, by)
		}
	}
	return out
}
