package policy

import (
	"cmp"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/awssim/iameval"
	"github.com/kodekloud/kml/internal/fleet"
)

func iamARN(resource string) string { return "arn:aws:iam::" + account + ":" + resource }

func key(k, v string) map[string][]string { return map[string][]string{k: {v}} }

var withBoundary = key("iam:PermissionsBoundary", boundaryARN)

// instance is what RunInstances is checked on.
const instance = "arn:aws:ec2:eu-west-1:" + account + ":instance/*"

func TestVerdicts(t *testing.T) {
	t.Parallel()
	const yes, no = true, false
	type verdict struct {
		name string
		lab  fleet.LabType
		role bool // a student-made role with Allow *, not the student
		call call
		want bool
	}
	for _, v := range []verdict{
		{name: "the lab's own service", lab: ec2Lab, call: call{action: "ec2:CreateVpc"}, want: yes},
		{name: "its second Region", lab: ec2Lab, call: call{action: "ec2:CreateVpc", region: "us-east-1"}, want: yes},
		{name: "a Region outside", lab: ec2Lab, call: call{action: "ec2:CreateVpc", region: "us-west-2"}, want: no},
		{name: "a Region outside, by a role", lab: openLab, role: true, call: call{action: "ec2:CreateVpc", region: "us-east-1"}, want: no},
		{name: "another service", lab: ec2Lab, call: call{action: "s3:CreateBucket"}, want: no},
		{name: "another service, by a role", lab: openLab, role: true, call: call{action: "sqs:CreateQueue"}, want: no},
		{name: "a role may do what the lab may", lab: openLab, role: true, call: call{action: "s3:CreateBucket"}, want: yes},
		{name: "list all buckets in us-east-1", lab: s3Lab, call: call{action: "s3:ListAllMyBuckets", region: "us-east-1"}, want: yes},
		{name: "bucket elsewhere", lab: s3Lab, call: call{action: "s3:CreateBucket", region: "us-east-1"}, want: no},

		{name: "the last second", lab: ec2Lab, call: call{action: "ec2:CreateVpc", at: end.Add(-time.Second)}, want: yes},
		{name: "the very end", lab: ec2Lab, call: call{action: "ec2:CreateVpc", at: end}, want: no},
		{name: "after the end, by a role", lab: openLab, role: true, call: call{action: "s3:CreateBucket", at: end.Add(time.Hour)}, want: no},
		{name: "a token after the end", lab: openLab, call: call{action: "sts:GetSessionToken", at: end}, want: no},

		{name: "IAM answers in us-east-1", lab: openLab, call: call{action: "iam:ListRoles", region: "us-east-1"}, want: yes},
		{name: "make a role in the lab's path", lab: openLab, call: call{action: "iam:CreateRole", resource: iamARN("role/lab/r"), region: "us-east-1", ctx: withBoundary}, want: yes},
		{name: "make a role without the boundary", lab: openLab, call: call{action: "iam:CreateRole", resource: iamARN("role/lab/r")}, want: no},
		{name: "make a role with another boundary", lab: openLab, call: call{action: "iam:CreateRole", resource: iamARN("role/lab/r"),
			ctx: key("iam:PermissionsBoundary", iamARN("policy/mine"))}, want: no},
		{name: "make a role at the root path", lab: openLab, call: call{action: "iam:CreateRole", resource: iamARN("role/r"), ctx: withBoundary}, want: no},
		{name: "make a role under /kml/", lab: openLab, call: call{action: "iam:CreateRole", resource: iamARN("role/kml/r"), ctx: withBoundary}, want: no},
		{name: "make a user with the boundary", lab: openLab, call: call{action: "iam:CreateUser", resource: iamARN("user/lab/u"), ctx: withBoundary}, want: yes},
		{name: "make a user without it", lab: openLab, call: call{action: "iam:CreateUser", resource: iamARN("user/lab/u")}, want: no},
		{name: "make a user without it, by a role", lab: openLab, role: true, call: call{action: "iam:CreateUser", resource: iamARN("user/lab/u")}, want: no},
		{name: "make a user in a lab without IAM", lab: ec2Lab, call: call{action: "iam:CreateUser", resource: iamARN("user/lab/u"), ctx: withBoundary}, want: no},
		{name: "delete a user's boundary", lab: openLab, call: call{action: "iam:DeleteUserPermissionsBoundary", resource: iamARN("user/lab/u")}, want: no},
		{name: "delete a role's boundary", lab: openLab, role: true, call: call{action: "iam:DeleteRolePermissionsBoundary", resource: iamARN("role/lab/mine")}, want: no},
		{name: "put another boundary", lab: openLab, call: call{action: "iam:PutRolePermissionsBoundary", resource: iamARN("role/lab/r"),
			ctx: key("iam:PermissionsBoundary", "arn:aws:iam::aws:policy/AdministratorAccess")}, want: no},
		{name: "put the boundary", lab: openLab, call: call{action: "iam:PutRolePermissionsBoundary", resource: iamARN("role/lab/r"), ctx: withBoundary}, want: yes},

		{name: "new version of the boundary", lab: openLab, call: call{action: "iam:CreatePolicyVersion", resource: boundaryARN}, want: no},
		{name: "default version of the boundary", lab: openLab, role: true, call: call{action: "iam:SetDefaultPolicyVersion", resource: boundaryARN}, want: no},
		{name: "delete a version of the boundary", lab: openLab, call: call{action: "iam:DeletePolicyVersion", resource: boundaryARN}, want: no},
		{name: "read the boundary", lab: openLab, call: call{action: "iam:GetPolicyVersion", resource: boundaryARN}, want: yes},
		{name: "new version of an own policy", lab: openLab, call: call{action: "iam:CreatePolicyVersion", resource: iamARN("policy/mine")}, want: yes},
		{name: "attach to the own user", lab: openLab, call: call{action: "iam:AttachUserPolicy", resource: userARN}, want: no},
		{name: "key for the own user", lab: openLab, call: call{action: "iam:CreateAccessKey", resource: userARN}, want: no},
		{name: "password of the own user", lab: openLab, call: call{action: "iam:ChangePassword", resource: userARN}, want: no},
		{name: "key for a user in the lab's path", lab: openLab, call: call{action: "iam:CreateAccessKey", resource: iamARN("user/lab/u")}, want: yes},
		{name: "group under /kml/", lab: openLab, call: call{action: "iam:CreateGroup", resource: iamARN("group/kml/g")}, want: no},
		{name: "instance profile under /kml/", lab: openLab, call: call{action: "iam:CreateInstanceProfile", resource: iamARN("instance-profile/kml/p")}, want: no},

		{name: "trust of the fleet's role", lab: openLab, call: call{action: "iam:UpdateAssumeRolePolicy", resource: iamARN("role/" + memberRole)}, want: no},
		{name: "delete the fleet's role", lab: openLab, role: true, call: call{action: "iam:DeleteRole", resource: iamARN("role/" + memberRole)}, want: no},
		{name: "assume the fleet's role", lab: openLab, call: call{action: "sts:AssumeRole", resource: iamARN("role/" + memberRole)}, want: no},
		{name: "assume a role of another account", lab: openLab, call: call{action: "sts:AssumeRole", resource: "arn:aws:iam::444455556666:role/lab/r"}, want: no},
		{name: "assume a role of the lab", lab: openLab, call: call{action: "sts:AssumeRole", resource: iamARN("role/lab/r"), region: "us-east-1"}, want: yes},
		{name: "pass the fleet's role", lab: openLab, call: call{action: "iam:PassRole", resource: iamARN("role/" + memberRole)}, want: no},
		{name: "pass a role of somebody else", lab: ec2Lab, call: call{action: "iam:PassRole", resource: iamARN("role/service-role/x")}, want: no},
		{name: "pass a role of the lab", lab: ec2Lab, call: call{action: "iam:PassRole", resource: iamARN("role/lab/r"), region: "us-east-1"}, want: yes},
		{name: "pass a service-linked role", lab: ec2Lab, call: call{action: "iam:PassRole",
			resource: iamARN("role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling")}, want: yes},
		{name: "service-linked role of the lab", lab: ec2Lab, call: call{action: "iam:CreateServiceLinkedRole",
			resource: iamARN("role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"),
			ctx:      key("iam:AWSServiceName", "autoscaling.amazonaws.com")}, want: yes},
		{name: "service-linked role of another service", lab: openLab, role: true, call: call{action: "iam:CreateServiceLinkedRole",
			resource: iamARN("role/aws-service-role/support.amazonaws.com/AWSServiceRoleForSupport"),
			ctx:      key("iam:AWSServiceName", "support.amazonaws.com")}, want: no},
		{name: "delete a service-linked role", lab: openLab, call: call{action: "iam:DeleteServiceLinkedRole",
			resource: iamARN("role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling")}, want: no},

		{name: "alias", lab: openLab, call: call{action: "iam:CreateAccountAlias"}, want: no},
		{name: "password policy", lab: openLab, role: true, call: call{action: "iam:UpdateAccountPasswordPolicy"}, want: no},
		{name: "identity provider", lab: openLab, call: call{action: "iam:CreateSAMLProvider", resource: iamARN("saml-provider/x")}, want: no},
		{name: "identity provider that the lab lists", lab: idpLab, call: call{action: "iam:CreateSAMLProvider", resource: iamARN("saml-provider/x")}, want: yes},
		{name: "web identity federation of the account", lab: openLab, call: call{action: "iam:EnableOutboundWebIdentityFederation"}, want: no},
		{name: "organization", lab: openLab, role: true, call: call{action: "organizations:LeaveOrganization"}, want: no},
		{name: "account", lab: openLab, role: true, call: call{action: "account:CloseAccount"}, want: no},
		{name: "CloudShell", lab: openLab, role: true, call: call{action: "cloudshell:CreateEnvironment"}, want: no},
		{name: "reserved instances", lab: ec2Lab, call: call{action: "ec2:PurchaseReservedInstancesOffering"}, want: no},
		{name: "EBS encryption of the account", lab: ec2Lab, call: call{action: "ec2:DisableEbsEncryptionByDefault"}, want: no},
		{name: "IMDS of the account", lab: openLab, role: true, call: call{action: "ec2:ModifyInstanceMetadataDefaults"}, want: no},
		{name: "snapshot sharing of the account", lab: ec2Lab, call: call{action: "ec2:DisableSnapshotBlockPublicAccess"}, want: no},
		{name: "public access block of the account", lab: s3Lab, call: call{action: "s3:PutAccountPublicAccessBlock"}, want: no},
		{name: "public access block of a bucket", lab: s3Lab, call: call{action: "s3:PutBucketPublicAccessBlock", resource: "arn:aws:s3:::b"}, want: yes},
		{name: "object lock", lab: s3Lab, call: call{action: "s3:PutObjectRetention", resource: "arn:aws:s3:::b/o"}, want: no},
		{name: "key that locks everybody out", lab: openLab, call: call{action: "kms:CreateKey", ctx: key("kms:BypassPolicyLockoutSafetyCheck", "true")}, want: no},
		{name: "ordinary key", lab: openLab, call: call{action: "kms:CreateKey", ctx: key("kms:BypassPolicyLockoutSafetyCheck", "false")}, want: yes},

		{name: "instance type of the lab", lab: ec2Lab, call: call{action: "ec2:RunInstances", resource: instance, ctx: key("ec2:InstanceType", "t3.micro")}, want: yes},
		{name: "instance type outside", lab: ec2Lab, call: call{action: "ec2:RunInstances", resource: instance, ctx: key("ec2:InstanceType", "p4d.24xlarge")}, want: no},
		{name: "instance type outside, by a role", lab: openLab, role: true, call: call{action: "ec2:RunInstances", resource: instance, ctx: key("ec2:InstanceType", "m5.large")}, want: no},
		{name: "the other resources of a launch", lab: ec2Lab, call: call{action: "ec2:RunInstances", resource: "arn:aws:ec2:eu-west-1::image/ami-1"}, want: yes},
		{name: "resize within", lab: ec2Lab, call: call{action: "ec2:ModifyInstanceAttribute", ctx: key("ec2:Attribute/InstanceType", "t2.micro")}, want: yes},
		{name: "resize beyond", lab: ec2Lab, call: call{action: "ec2:ModifyInstanceAttribute", ctx: key("ec2:Attribute/InstanceType", "m5.large")}, want: no},
		{name: "change another attribute", lab: ec2Lab, call: call{action: "ec2:ModifyInstanceAttribute"}, want: yes},
		{name: "spot fleet", lab: ec2Lab, call: call{action: "ec2:RequestSpotFleet"}, want: no},
		{name: "group with a pinned template", lab: ec2Lab, call: call{action: "autoscaling:CreateAutoScalingGroup", ctx: key("autoscaling:LaunchTemplateVersionSpecified", "true")}, want: yes},
		{name: "group with the latest template", lab: ec2Lab, call: call{action: "autoscaling:CreateAutoScalingGroup", ctx: key("autoscaling:LaunchTemplateVersionSpecified", "false")}, want: no},
		{name: "group with other types", lab: ec2Lab, call: call{action: "autoscaling:UpdateAutoScalingGroup",
			ctx: map[string][]string{"autoscaling:InstanceTypes": {"t3.micro", "m5.large"}}}, want: no},
		{name: "resize a group", lab: ec2Lab, call: call{action: "autoscaling:UpdateAutoScalingGroup"}, want: yes},
		{name: "launch configuration of another type", lab: ec2Lab, call: call{action: "autoscaling:CreateLaunchConfiguration", ctx: key("autoscaling:InstanceType", "m5.large")}, want: no},
		{name: "no instance type, no instance", lab: bareLab, role: true, call: call{action: "ec2:RunInstances", resource: instance, ctx: key("ec2:InstanceType", "t3.micro")}, want: no},

		{name: "a function writes its log", lab: openLab, role: true, call: call{action: "logs:PutLogEvents"}, want: yes},
		{name: "an instance speaks to Session Manager", lab: openLab, role: true, call: call{action: "ssmmessages:CreateDataChannel"}, want: yes},
		{name: "a function in a VPC", lab: openLab, role: true, call: call{action: "ec2:CreateNetworkInterface"}, want: yes},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			j := student(t, v.lab)
			if v.role {
				j = role(t, v.lab)
			}
			v.call.region = cmp.Or(v.call.region, "eu-west-1")
			if v.call.at.IsZero() {
				v.call.at = start
			}
			if d := j.decide(v.call); d.Allowed != v.want {
				t.Errorf("%s on %s: allowed %v, want %v; decided by %s, statement %s", v.call.action, v.call.resource, d.Allowed, v.want, d.By, d.Statement)
			}
		})
	}
}

// A resource policy that names a session or a user passes a boundary that merely
// does not allow. What ends a lab must not be passed.
func TestResourcePolicyDoesNotOutliveTheLab(t *testing.T) {
	t.Parallel()
	for _, who := range []judge{student(t, s3Lab), role(t, openLab)} {
		grant, err := iameval.Parse(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+who.who.ARN+`"},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"}}`, iameval.Resource)
		if err != nil {
			t.Fatal(err)
		}
		for at, want := range map[time.Time]bool{end.Add(-time.Second): true, end: false} {
			d := iameval.Evaluate(iameval.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/o", Principal: who.who, Context: map[string][]string{
				"aws:RequestedRegion": {"eu-west-1"}, "aws:CurrentTime": {at.Format(time.RFC3339)}}},
				iameval.Policies{Boundary: &who.boundary, Resource: &iameval.Attached{Policy: grant}})
			if d.Allowed != want {
				t.Errorf("%s at %v: allowed %v", who.who.ARN, at, d.Allowed)
			}
		}
	}
}

func TestFrozenBoundaryDeniesEverything(t *testing.T) {
	t.Parallel()
	for _, j := range []judge{student(t, openLab), role(t, openLab)} {
		j.boundary.Policy = parse(t, FrozenBoundary())
		for _, action := range []string{"s3:ListAllMyBuckets", "iam:CreateRole", "sts:GetSessionToken", "sts:GetCallerIdentity"} {
			if d := j.decide(call{action: action, region: "eu-west-1", at: start}); d.Allowed || !d.Explicit {
				t.Errorf("%s: %+v", action, d)
			}
		}
	}
}
