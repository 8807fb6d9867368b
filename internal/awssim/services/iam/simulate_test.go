package iam_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// ownBucket is laid out as the example of SimulateCustomPolicy in IAM's API
// reference, which tells the places of its statement.
const ownBucket = `{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "s3:ListBucket",
    "Resource": "arn:aws:s3:::teambucket"
  }
}`

const twice = `{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Action":["s3:*","sqs:*"],"Resource":"*"},
 {"Sid":"B","Effect":"Allow","Action":"s3:Get*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}},
 {"Sid":"C","Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}]}`

const bound = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":"*"},
 {"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}}]}`

// told is a result in one line: decision, statements with their places, keys
// that are missing, what the boundary says.
func told(r types.EvaluationResult) string {
	var b strings.Builder
	fmt.Fprint(&b, r.EvalDecision)
	for _, m := range r.MatchedStatements {
		fmt.Fprintf(&b, " %s@%d:%d-%d:%d", *m.SourcePolicyId, m.StartPosition.Line, m.StartPosition.Column, m.EndPosition.Line, m.EndPosition.Column)
	}
	missing := r.MissingContextValues
	for _, s := range r.ResourceSpecificResults {
		missing = append(missing, s.MissingContextValues...)
	}
	if len(missing) > 0 {
		fmt.Fprintf(&b, " missing %v", missing)
	}
	if d := r.PermissionsBoundaryDecisionDetail; d != nil {
		fmt.Fprintf(&b, " bounded %v", d.AllowedByPermissionsBoundary)
	}
	return b.String()
}

func TestSimulateCustomPolicy(t *testing.T) {
	t.Parallel()
	b := setup(t, core.Options{})
	region := types.ContextEntry{ContextKeyName: aws.String("aws:RequestedRegion"), ContextKeyType: types.ContextKeyTypeEnumString, ContextKeyValues: []string{"eu-west-1"}}
	late := types.ContextEntry{ContextKeyName: aws.String("aws:CurrentTime"), ContextKeyType: types.ContextKeyTypeEnumDate, ContextKeyValues: []string{"2031-01-01T00:00:00Z"}}
	name := types.ContextEntry{ContextKeyName: aws.String("aws:username"), ContextKeyType: types.ContextKeyTypeEnumString, ContextKeyValues: []string{"ada"}}
	const named = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*","Condition":{"StringEquals":{"aws:username":"ada"}}}}`
	for _, c := range []struct {
		policy, boundary, action, resource string
		context                            []types.ContextEntry
		want                               string
	}{
		{ownBucket, "", "s3:ListBucket", "arn:aws:s3:::teambucket", nil, "allowed PolicyInputList.1@3:16-7:4"},
		{ownBucket, "", "s3:ListBucket", "arn:aws:s3:::other", nil, "implicitDeny"},
		{twice, "", "s3:ListBucket", "", nil, "allowed PolicyInputList.1@1:38-1:107"},
		{twice, "", "s3:GetObject", "", nil, "allowed PolicyInputList.1@1:38-1:107 missing [aws:RequestedRegion]"},
		{twice, "", "s3:GetObject", "arn:aws:s3:::b/k", nil, "allowed PolicyInputList.1@1:38-1:107 missing [aws:RequestedRegion]"},
		{twice, "", "s3:GetObject", "", []types.ContextEntry{region}, "allowed PolicyInputList.1@1:38-1:107 PolicyInputList.1@2:2-2:129"},
		{twice, "", "s3:DeleteBucket", "", nil, "explicitDeny PolicyInputList.1@3:2-3:71"},
		{twice, bound, "s3:ListBucket", "", nil, "allowed PolicyInputList.1@1:38-1:107 bounded true"},
		{twice, bound, "sqs:SendMessage", "", nil, "implicitDeny bounded false"},
		{twice, bound, "ec2:RunInstances", "", nil, "implicitDeny bounded false"},
		{ownBucket, bound, "s3:GetObject", "", nil, "implicitDeny bounded true"},
		{twice, bound, "s3:ListBucket", "", []types.ContextEntry{late}, "explicitDeny PermissionsBoundaryPolicyInputList.1@2:2-2:122 bounded false"},
		{named, "", "sqs:SendMessage", "", nil, "implicitDeny missing [aws:username]"},
		{named, "", "sqs:SendMessage", "", []types.ContextEntry{name}, "allowed PolicyInputList.1@1:37-1:139"},
	} {
		in := &awsiam.SimulateCustomPolicyInput{PolicyInputList: []string{c.policy}, ActionNames: []string{c.action}, ContextEntries: c.context}
		if c.boundary != "" {
			in.PermissionsBoundaryPolicyInputList = []string{c.boundary}
		}
		if c.resource != "" {
			in.ResourceArns = []string{c.resource}
		}
		out := must(b.admin.SimulateCustomPolicy(t.Context(), in))(t)
		if got := told(out.EvaluationResults[0]); len(out.EvaluationResults) != 1 || got != c.want {
			t.Errorf("%s on %s: %s\nwant %s", c.action, c.resource, got, c.want)
		}
	}
}

func TestSimulateCustomPolicyPagesAndRefuses(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{}), t.Context()
	in := awsiam.SimulateCustomPolicyInput{PolicyInputList: []string{allowAll}, ActionNames: []string{"s3:A", "s3:B", "s3:C"}, ResourceArns: []string{"*", "arn:aws:s3:::b"}}
	var seen []string
	paged := in
	paged.MaxItems = aws.Int32(4)
	for p := awsiam.NewSimulateCustomPolicyPaginator(b.admin, &paged); p.HasMorePages(); {
		for _, r := range must(p.NextPage(ctx))(t).EvaluationResults {
			seen = append(seen, *r.EvalActionName+" "+*r.EvalResourceName)
		}
	}
	if len(seen) != 6 || seen[5] != "s3:C arn:aws:s3:::b" {
		t.Errorf("got %v", seen)
	}
	for what, change := range map[string]func(*awsiam.SimulateCustomPolicyInput){
		"two boundaries": func(i *awsiam.SimulateCustomPolicyInput) {
			i.PermissionsBoundaryPolicyInputList = []string{allowAll, allowAll}
		},
		"no document":     func(i *awsiam.SimulateCustomPolicyInput) { i.PolicyInputList = []string{"{"} },
		"a bad action":    func(i *awsiam.SimulateCustomPolicyInput) { i.ActionNames = []string{"ListBucket"} },
		"no policy":       func(i *awsiam.SimulateCustomPolicyInput) { i.PolicyInputList = []string{} },
		"no action named": func(i *awsiam.SimulateCustomPolicyInput) { i.ActionNames = []string{} },
	} {
		bad := in
		change(&bad)
		_, err := b.admin.SimulateCustomPolicy(ctx, &bad)
		want(t, what, err, "InvalidInput")
	}
	c, _ := b.user(t, "nobody", "")
	_, err := c.SimulateCustomPolicy(ctx, &in)
	want(t, "without the permission", err, "AccessDenied")
}
