package labtype

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/awssim/iameval"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/policy"
)

func TestBuiltin(t *testing.T) {
	t.Parallel()
	types, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ec2-basics", "iam-fundamentals", "messaging", "s3-website", "serverless"}
	if got := slices.Sorted(maps.Keys(types)); !slices.Equal(got, want) {
		t.Fatalf("got %v", got)
	}
	entries, err := builtin.ReadDir("builtin")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := types[strings.TrimSuffix(e.Name(), path.Ext(e.Name()))]; !ok {
			t.Errorf("%s does not hold the lab type of its name", e.Name())
		}
	}
}

const account = "111122223333"

var start = time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)

// lab decides calls of a student by the documents of a lab type, as AWS would.
type lab struct {
	t        testing.TB
	policies iameval.Policies
}

func open(t testing.TB, lt fleet.LabType) lab {
	t.Helper()
	in := policy.Input{Account: account, UserName: "kml-s-1", UserARN: iam("user/kml/kml-s-1"), BoundaryARN: iam("policy/kml/kml-b-1"),
		MemberRole: "OrganizationAccountAccessRole", LabType: lt, Start: start, End: start.Add(time.Hour)}
	set, err := policy.LabPolicies(in)
	if err != nil {
		t.Fatal(err)
	}
	boundary, err := policy.Boundary(in)
	if err != nil {
		t.Fatal(err)
	}
	l := lab{t: t}
	parse := func(doc string) *iameval.Policy {
		p, err := iameval.Parse(doc, iameval.Identity)
		if err != nil {
			t.Fatalf("%v\n%s", err, doc)
		}
		return p
	}
	for _, d := range set.Documents {
		l.policies.Identity = append(l.policies.Identity, iameval.Attached{Name: d.Name, Policy: parse(d.JSON)})
	}
	l.policies.Boundary = &iameval.Attached{Policy: parse(boundary)}
	t.Logf("%d documents, boundary of %d characters", len(set.Documents), policy.NonSpaceLen(boundary))
	return l
}

func (l lab) decide(action, resource, region string, ctx map[string]string) iameval.Decision {
	all := map[string][]string{"aws:CurrentTime": {start.Format(time.RFC3339)}, "aws:RequestedRegion": {region}}
	for k, v := range ctx {
		all[k] = []string{v}
	}
	who := iameval.Principal{ARN: iam("user/kml/kml-s-1"), Account: account, Type: iameval.TypeUser}
	return iameval.Evaluate(iameval.Request{Action: action, Resource: cmp.Or(resource, "*"), Principal: who, Context: all}, l.policies)
}

func iam(resource string) string { return "arn:aws:iam::" + account + ":" + resource }

// The fleet hands a lab out once its probe answers in every Region.
func TestProbesOfBuiltinsAreAllowed(t *testing.T) {
	t.Parallel()
	types, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for name, lt := range types {
		l := open(t, lt)
		regions := lt.Regions
		if strings.HasPrefix(lt.Probe, "iam:") {
			regions = []string{"us-east-1"} // where IAM answers
		}
		for _, region := range regions {
			if d := l.decide(lt.Probe, "", region, nil); !d.Allowed {
				t.Errorf("%s: %s in %s is refused by %s %s", name, lt.Probe, region, d.By, d.Statement)
			}
		}
	}
}

func TestWhatBuiltinsAllow(t *testing.T) {
	t.Parallel()
	types, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	type ctx = map[string]string
	boundary := ctx{"iam:PermissionsBoundary": iam("policy/kml/kml-b-1")}
	const yes, no = true, false
	for _, c := range []struct {
		lab, action, resource, region string
		ctx                           ctx
		want                          bool
	}{
		{"ec2-basics", "ec2:RunInstances", "arn:aws:ec2:eu-west-1:" + account + ":instance/*", "eu-west-1", ctx{"ec2:InstanceType": "t3.micro"}, yes},
		{"ec2-basics", "ec2:RunInstances", "arn:aws:ec2:eu-west-1:" + account + ":instance/*", "eu-west-1", ctx{"ec2:InstanceType": "c5.large"}, no},
		{"ec2-basics", "ec2:RunInstances", "arn:aws:ec2:eu-west-1:" + account + ":volume/*", "eu-west-1", ctx{"ec2:VolumeSize": "8"}, yes},
		{"ec2-basics", "ec2:CreateVolume", "arn:aws:ec2:eu-west-1:" + account + ":volume/*", "eu-west-1", ctx{"ec2:VolumeSize": "500"}, no},
		{"ec2-basics", "ec2:CreateVpc", "", "eu-west-1", nil, yes},
		{"ec2-basics", "ec2:AuthorizeSecurityGroupIngress", "", "us-east-1", nil, yes},
		{"ec2-basics", "ec2:AllocateAddress", "", "us-east-1", nil, yes},
		{"ec2-basics", "ec2:CreateVpc", "", "ap-south-1", nil, no},
		{"ec2-basics", "ec2:PurchaseHostReservation", "", "eu-west-1", nil, no},
		{"ec2-basics", "ec2:ModifySnapshotAttribute", "", "eu-west-1", nil, no},
		{"ec2-basics", "ec2:DescribeRegions", "", "us-west-2", nil, yes},
		{"ec2-basics", "autoscaling:CreateAutoScalingGroup", "", "us-east-1", ctx{"autoscaling:LaunchTemplateVersionSpecified": "true"}, yes},
		{"ec2-basics", "iam:CreateServiceLinkedRole", iam("role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"), "us-east-1",
			ctx{"iam:AWSServiceName": "autoscaling.amazonaws.com"}, yes},
		{"ec2-basics", "iam:CreateRole", iam("role/lab/r"), "us-east-1", boundary, no},

		{"s3-website", "s3:CreateBucket", "arn:aws:s3:::b", "us-east-1", nil, yes},
		{"s3-website", "s3:PutBucketWebsite", "arn:aws:s3:::b", "us-east-1", nil, yes},
		{"s3-website", "s3:PutBucketPolicy", "arn:aws:s3:::b", "us-east-1", nil, yes},
		{"s3-website", "s3:PutObject", "arn:aws:s3:::b/index.html", "us-east-1", nil, yes},
		{"s3-website", "s3:PutBucketObjectLockConfiguration", "arn:aws:s3:::b", "us-east-1", nil, no},
		{"s3-website", "s3:PutAccountPublicAccessBlock", "", "us-east-1", nil, no},

		{"serverless", "lambda:CreateFunctionUrlConfig", "", "us-east-1", nil, yes},
		{"serverless", "dynamodb:CreateTable", "", "us-east-1", nil, yes},
		{"serverless", "events:PutRule", "", "us-east-1", nil, yes},
		{"serverless", "iam:CreateRole", iam("role/lab/fn"), "us-east-1", boundary, yes},
		{"serverless", "iam:CreateRole", iam("role/lab/fn"), "us-east-1", nil, no},
		{"serverless", "iam:PutRolePolicy", iam("role/lab/fn"), "us-east-1", nil, yes},
		{"serverless", "iam:AttachRolePolicy", iam("role/OrganizationAccountAccessRole"), "us-east-1", nil, no},
		{"serverless", "iam:PassRole", iam("role/lab/fn"), "us-east-1", ctx{"iam:PassedToService": "lambda.amazonaws.com"}, yes},
		{"serverless", "iam:PassRole", iam("role/lab/fn"), "us-east-1", ctx{"iam:PassedToService": "ec2.amazonaws.com"}, no},
		{"serverless", "iam:CreateUser", iam("user/lab/u"), "us-east-1", boundary, no},
		{"serverless", "dynamodb:PurchaseReservedCapacityOfferings", "", "us-east-1", nil, no},

		{"messaging", "sqs:CreateQueue", "arn:aws:sqs:us-east-1:" + account + ":q", "us-east-1", nil, yes},
		{"messaging", "sqs:SendMessage", "arn:aws:sqs:us-east-1:444455556666:q", "us-east-1", nil, no},
		{"messaging", "sns:Publish", "arn:aws:sns:us-east-1:" + account + ":t", "us-east-1", nil, yes},
		{"messaging", "sns:Publish", "*", "us-east-1", nil, no}, // a text message
		{"messaging", "cloudwatch:PutMetricAlarm", "", "us-east-1", nil, yes},

		{"iam-fundamentals", "iam:CreateUser", iam("user/lab/u"), "us-east-1", boundary, yes},
		{"iam-fundamentals", "iam:CreateUser", iam("user/lab/u"), "us-east-1", nil, no},
		{"iam-fundamentals", "iam:CreateAccessKey", iam("user/lab/u"), "us-east-1", nil, yes},
		{"iam-fundamentals", "iam:PutUserPolicy", iam("user/lab/u"), "us-east-1", nil, yes},
		{"iam-fundamentals", "iam:CreateAccessKey", iam("user/kml/kml-s-1"), "us-east-1", nil, no},
		{"iam-fundamentals", "iam:CreatePolicyVersion", iam("policy/kml/kml-b-1"), "us-east-1", nil, no},
		{"iam-fundamentals", "iam:CreatePolicy", iam("policy/mine"), "us-east-1", nil, yes},
		{"iam-fundamentals", "iam:DeleteUserPermissionsBoundary", iam("user/lab/u"), "us-east-1", nil, no},
		{"iam-fundamentals", "sts:AssumeRole", iam("role/lab/r"), "eu-west-1", nil, yes},
		{"iam-fundamentals", "sts:AssumeRole", iam("role/OrganizationAccountAccessRole"), "eu-west-1", nil, no},
		{"iam-fundamentals", "sts:GetSessionToken", "", "us-east-1", nil, yes},
		{"iam-fundamentals", "iam:DeleteAccountPasswordPolicy", "", "us-east-1", nil, no},
		{"iam-fundamentals", "ec2:RunInstances", "", "eu-west-1", nil, no},
	} {
		t.Run(c.lab+" "+c.action+" "+c.resource, func(t *testing.T) {
			t.Parallel()
			lt := types[c.lab]
			if d := open(t, lt).decide(c.action, c.resource, c.region, c.ctx); d.Allowed != c.want {
				t.Errorf("in %s with %v: allowed %v, by %s, statement %s", c.region, c.ctx, d.Allowed, d.By, d.Statement)
			}
		})
	}
}
