package policy

import (
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/awssim/iameval"
	"github.com/kodekloud/kml/internal/fleet"
)

const (
	account     = "111122223333"
	boundaryARN = "arn:aws:iam::" + account + ":policy/kml/kml-boundary-7"
	userARN     = "arn:aws:iam::" + account + ":user/kml/kml-student-7"
	memberRole  = "OrganizationAccountAccessRole"
)

var (
	start = time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)
	end   = start.Add(time.Hour)
)

func inputFor(lt fleet.LabType) Input {
	return Input{Account: account, UserName: "kml-student-7", UserARN: userARN, BoundaryARN: boundaryARN,
		MemberRole: memberRole, LabType: lt, Start: start, End: end}
}

func allow(actions ...string) fleet.Statement {
	return fleet.Statement{Effect: "Allow", Actions: actions, Resources: []string{"*"}}
}

var (
	ec2Lab = fleet.LabType{Name: "ec2", Regions: []string{"us-east-1", "eu-west-1"}, Services: []string{"ec2", "autoscaling"},
		InstanceTypes: []string{"t2.micro", "t3.micro"}, Statements: []fleet.Statement{allow("ec2:*", "autoscaling:*", "iam:PassRole",
			"iam:CreateServiceLinkedRole")}}
	s3Lab = fleet.LabType{Name: "s3", Regions: []string{"eu-west-1"}, Services: []string{"s3"}, Statements: []fleet.Statement{allow("s3:*")}}
	// openLab grants whatever the boundary lets through: only the boundary stands
	// between the student and the account.
	openLab = fleet.LabType{Name: "open", Regions: []string{"eu-west-1"}, Services: []string{"iam", "sts", "ec2", "autoscaling", "lambda", "s3", "kms"},
		InstanceTypes: []string{"t3.micro"},
		Statements:    []fleet.Statement{allow("iam:*", "sts:*", "ec2:*", "autoscaling:*", "lambda:*", "s3:*", "kms:*")}}
	// bareLab has ec2 but may launch nothing.
	bareLab = fleet.LabType{Name: "bare", Regions: []string{"eu-west-1"}, Services: []string{"ec2", "iam", "sts"},
		Statements: []fleet.Statement{allow("ec2:CreateVpc", "iam:*", "sts:*")}}
	idpLab = fleet.LabType{Name: "idp", Regions: []string{"eu-west-1"}, Services: []string{"iam"},
		Statements: []fleet.Statement{allow("iam:CreateSAMLProvider", "iam:List*")}}
)

// judge decides with the simulator's evaluator what the documents allow.
type judge struct {
	identity []iameval.Attached
	boundary iameval.Attached
	who      iameval.Principal
}

func parse(t testing.TB, doc string) *iameval.Policy {
	t.Helper()
	p, err := iameval.Parse(doc, iameval.Identity)
	if err != nil {
		t.Fatalf("AWS would refuse the document: %v\n%s", err, doc)
	}
	return p
}

// student is the user that the fleet makes.
func student(t testing.TB, lt fleet.LabType) judge {
	t.Helper()
	in := inputFor(lt)
	set, err := LabPolicies(in)
	if err != nil {
		t.Fatal(err)
	}
	j := bounded(t, in)
	j.who = iameval.Principal{ARN: userARN, Account: account, Type: iameval.TypeUser, UserName: in.UserName}
	for _, d := range set.Documents {
		j.identity = append(j.identity, iameval.Attached{Name: d.Name, Policy: parse(t, d.JSON)})
	}
	return j
}

// role is one that a student made, with everything allowed to it.
func role(t testing.TB, lt fleet.LabType) judge {
	t.Helper()
	j := bounded(t, inputFor(lt))
	j.identity = []iameval.Attached{{Name: "admin", Policy: parse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)}}
	j.who = iameval.Principal{ARN: "arn:aws:sts::" + account + ":assumed-role/mine/s", RoleARN: "arn:aws:iam::" + account + ":role/lab/mine",
		Account: account, Type: iameval.TypeAssumedRole}
	return j
}

func bounded(t testing.TB, in Input) judge {
	t.Helper()
	doc, err := Boundary(in)
	if err != nil {
		t.Fatal(err)
	}
	return judge{boundary: iameval.Attached{ARN: boundaryARN, Policy: parse(t, doc)}}
}

// call is one request; Region and time have defaults inside the lab.
type call struct {
	action, resource, region string
	at                       time.Time
	ctx                      map[string][]string
}

func (j judge) decide(c call) iameval.Decision {
	ctx := map[string][]string{"aws:RequestedRegion": {c.region}, "aws:CurrentTime": {c.at.Format("2006-01-02T15:04:05Z")}}
	for k, v := range c.ctx {
		ctx[k] = v
	}
	if c.resource == "" {
		c.resource = "*"
	}
	return iameval.Evaluate(iameval.Request{Action: c.action, Resource: c.resource, Principal: j.who, Context: ctx},
		iameval.Policies{Identity: j.identity, Boundary: &j.boundary})
}
