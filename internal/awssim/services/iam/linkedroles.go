package iam

import (
	"regexp"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// deletionTask is the deletion of a service-linked role on its way.
type deletionTask struct {
	id, role, service string
	done              time.Time
	status            string // IN_PROGRESS, SUCCEEDED, FAILED
	usage             []string
}

type createLinkedIn struct{ AWSServiceName, Description, CustomSuffix string }

type taskIn struct{ DeletionTaskId string }

type roleUsage struct {
	Region    string
	Resources members[string]
}

type taskReason struct {
	Reason        string
	RoleUsageList members[roleUsage]
}

type taskOut struct {
	Status string
	Reason *taskReason `xml:",omitempty"`
}

// linkedNames are the names that services give their roles where these are not
// made of the service's own name.
var linkedNames = map[string]string{
	"autoscaling.amazonaws.com":                      "AutoScaling",
	"cloudtrail.amazonaws.com":                       "CloudTrail",
	"dynamodb.application-autoscaling.amazonaws.com": "ApplicationAutoScaling_DynamoDBTable",
	"ec2fleet.amazonaws.com":                         "EC2Fleet",
	"ecs.amazonaws.com":                              "ECS",
	"eks.amazonaws.com":                              "AmazonEKS",
	"eks-nodegroup.amazonaws.com":                    "AmazonEKSNodegroup",
	"elasticache.amazonaws.com":                      "ElastiCache",
	"elasticloadbalancing.amazonaws.com":             "ElasticLoadBalancing",
	"organizations.amazonaws.com":                    "Organizations",
	"rds.amazonaws.com":                              "RDS",
	"spot.amazonaws.com":                             "EC2Spot",
	"spotfleet.amazonaws.com":                        "EC2SpotFleet",
	"ssm.amazonaws.com":                              "AmazonSSM",
	"support.amazonaws.com":                          "Support",
	"trustedadvisor.amazonaws.com":                   "TrustedAdvisor",
}

var linkedService = regexp.MustCompile(`^[a-z0-9.-]+\.amazonaws\.com$`)

func linkedRoleName(service, suffix string) string {
	base := linkedNames[service]
	if base == "" {
		base = strings.TrimSuffix(service, ".amazonaws.com")
	}
	name := "AWSServiceRoleFor" + strings.ToUpper(base[:1]) + base[1:]
	if suffix != "" {
		name += "_" + suffix
	}
	return name
}

func (i *IAM) linkedRoleOps() []core.Op {
	return []core.Op{
		core.Handle("CreateServiceLinkedRole", func(c *core.Call, in *createLinkedIn) (*oneRoleOut, error) {
			r, err := i.createLinked(c.Now, i.of(c), in)
			if err != nil {
				return nil, err
			}
			return &oneRoleOut{r.out()}, nil
		}, core.Needs(func(c *core.Call, in *createLinkedIn) []core.Permission {
			return []core.Permission{{
				Resource: entityARN(c.Account.ID, "role", linkedPath+in.AWSServiceName+"/", linkedRoleNameOf(in)),
				Context:  map[string][]string{"iam:AWSServiceName": {in.AWSServiceName}}}}
		})),
		core.Handle("DeleteServiceLinkedRole", i.deleteLinked, on(i, kindRole, (*roleIn).name)),
		core.Handle("GetServiceLinkedRoleDeletionStatus", i.linkedStatus, core.ReadOnly),
	}
}

func linkedRoleNameOf(in *createLinkedIn) string {
	if in.AWSServiceName == "" {
		return ""
	}
	return linkedRoleName(in.AWSServiceName, in.CustomSuffix)
}

func (i *IAM) createLinked(now time.Time, a *account, in *createLinkedIn) (*Role, error) {
	if !linkedService.MatchString(in.AWSServiceName) {
		return nil, invalidInput("Service role name %s is not a valid service name.", in.AWSServiceName)
	}
	name := linkedRoleName(in.AWSServiceName, in.CustomSuffix)
	if a.roles.get(name) != nil {
		return nil, invalidInput("Service role name %s has been taken in this account, please try a different suffix.", name)
	}
	trust, err := parseDocument(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"`+in.AWSServiceName+
		`"},"Action":"sts:AssumeRole"}]}`, iameval.Trust)
	if err != nil {
		return nil, err
	}
	r := &Role{Holder: Holder{Kind: kindRole, Account: a.id, ID: i.id("AROA"), Name: name, Created: now,
		Path: linkedPath + in.AWSServiceName + "/", Inline: map[string]*inlineDoc{}},
		Description: in.Description, Trust: trust, MaxSession: time.Hour, LinkedTo: in.AWSServiceName}
	a.roles.put(name, r)
	i.publishRole(now, r)
	return r, nil
}

// EnsureLinkedRole gives the service-linked role that a service makes by itself
// when it is first used, such as autoscaling.amazonaws.com.
func (i *IAM) EnsureLinkedRole(accountID, service string, now time.Time) *Role {
	a := i.account(accountID)
	if r := a.roles.get(linkedRoleName(service, "")); r != nil {
		return r
	}
	r, err := i.createLinked(now, a, &createLinkedIn{AWSServiceName: service})
	if err != nil {
		panic("awssim/iam: " + err.Error()) // the name of a service is a constant of the caller's
	}
	return r
}

// deleteLinked starts a deletion, which takes a state delay.
func (i *IAM) deleteLinked(c *core.Call, in *roleIn) (*struct{ DeletionTaskId string }, error) {
	a := i.of(c)
	r, err := a.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	if r.LinkedTo == "" {
		return nil, notFound("The service-linked role with name %s cannot be found.", in.RoleName)
	}
	if r.deletion == nil || r.deletion.status == "FAILED" {
		t := &deletionTask{role: r.Name, service: r.LinkedTo, done: c.After(2), status: "IN_PROGRESS"}
		t.id = "task" + strings.TrimSuffix(r.Path, "/") + "/" + r.Name + "/" + i.w.UUID()
		r.deletion = t
		if a.tasks == nil {
			a.tasks = map[string]*deletionTask{}
		}
		a.tasks[t.id] = t
	}
	return &struct{ DeletionTaskId string }{r.deletion.id}, nil
}

func (i *IAM) settleLinkedRoles(a *account, now time.Time) {
	for _, t := range a.tasks {
		if t.status != "IN_PROGRESS" || now.Before(t.done) {
			continue
		}
		r := a.roles.get(t.role)
		if i.LinkedRoleInUse != nil {
			t.usage = i.LinkedRoleInUse(a.id, t.service)
		}
		if len(t.usage) > 0 {
			t.status = "FAILED"
			continue
		}
		t.status = "SUCCEEDED"
		if r != nil {
			i.dropRole(now, a, r)
		}
	}
}

func (i *IAM) linkedStatus(c *core.Call, in *taskIn) (*taskOut, error) {
	t := i.of(c).tasks[in.DeletionTaskId]
	if t == nil {
		return nil, notFound("Deletion task not found.")
	}
	out := &taskOut{Status: t.status}
	if t.status == "FAILED" {
		out.Reason = &taskReason{Reason: "A service-linked role cannot be deleted while resources of its service use it.",
			RoleUsageList: members[roleUsage]{{Region: "us-east-1", Resources: t.usage}}}
	}
	return out, nil
}
