package iameval

const (
	pageSCP      = "Organizations UG: orgs_manage_policies_scps_evaluation"
	pageSCPs     = "Organizations UG: orgs_manage_policies_scps"
	pageSCPRoot  = "Organizations UG: orgs_manage_policies_scps_examples_general"
	pageRegion   = "IAM UG: reference_policies_examples_aws_deny-requested-region"
	pageInstance = "Organizations UG: orgs_manage_policies_scps_examples_ec2"
	pageRevoke   = "IAM UG: id_roles_use_revoke-sessions"
)

const regionSCP = `{"Sid":"DenyAllOutsideEU","Effect":"Deny","NotAction":["iam:*","organizations:*","route53:*","support:*","sts:*"],
	"Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-central-1","eu-west-1"]},
	"ArnNotLike":{"aws:PrincipalARN":["arn:aws:iam::*:role/Role1AllowedToBypassThisSCP"]}}}`

const instanceSCP = `{"Sid":"RequireMicroInstanceType","Effect":"Deny","Action":"ec2:RunInstances",
	"Resource":["arn:aws:ec2:*:*:instance/*"],"Condition":{"StringNotEquals":{"ec2:InstanceType":"t2.micro"}}}`

const rootSCP = `{"Sid":"RestrictEC2ForRoot","Effect":"Deny","Action":["ec2:*"],"Resource":["*"],
	"Condition":{"StringLike":{"aws:PrincipalArn":["arn:aws:iam::*:root"]}}}`

// revoke is the policy that "Revoke active sessions" attaches to a role.
const revoke = `{"Effect":"Deny","Action":["*"],"Resource":["*"],
	"Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-11-05T12:00:00.000Z"}}}`

var bypass = Principal{ARN: "arn:aws:sts::111122223333:assumed-role/Role1AllowedToBypassThisSCP/s",
	RoleARN: "arn:aws:iam::111122223333:role/Role1AllowedToBypassThisSCP", Account: account, Type: TypeAssumedRole}

var linked = Principal{ARN: "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling",
	RoleARN: "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
	Account: account, Type: TypeAssumedRole}

var orgCases = []docCase{
	{page: pageSCP, name: "allowed at root, OU and account", identity: []string{allowAll},
		scps: [][]string{{allowAll}, {allowAll}, {allowAll}}, want: allow},
	{page: pageSCP, name: "no allow at the root", identity: []string{allowAll},
		scps: [][]string{{allowEC2}, {allowAll}, {allowAll}}, want: noSCP},
	{page: pageSCP, name: "no allow at the OU", identity: []string{allowAll},
		scps: [][]string{{allowAll}, {allowEC2}, {allowAll}}, want: noSCP},
	{page: pageSCP, name: "no allow at the account", identity: []string{allowAll},
		scps: [][]string{{allowAll}, {allowAll}, {}}, want: noSCP},
	{page: pageSCP, name: "deny at the OU reaches the account", identity: []string{allowAll},
		scps: [][]string{{allowAll}, {allowAll, denyS3}, {allowAll}}, want: "explicit service control policy"},
	{page: pageSCP, name: "deny at the root beats the account's allow", identity: []string{allowAll},
		scps: [][]string{{allowAll, denyS3}, {allowAll}, {allowAll, allowS3}}, want: "explicit service control policy"},
	{page: pageSCP, name: "allow list", action: "ec2:RunInstances", identity: []string{allowAll},
		scps: [][]string{{allowAll}, {allowEC2}, {allowEC2, allowS3}}, want: allow},
	{page: pageSCP, name: "two SCPs of one level add up", identity: []string{allowAll},
		scps: [][]string{{allowEC2, allowS3}}, want: allow},

	{page: pageSCPs, name: "an SCP grants nothing", scps: [][]string{{allowAll}}, want: noIdentity},
	{page: pageSCPs, name: "an SCP binds root", who: root, scps: [][]string{{allowAll, denyS3}}, want: "explicit service control policy"},
	{page: pageSCPs, name: "an SCP that lacks an allow binds root", who: root, scps: [][]string{{allowEC2}}, want: noSCP},
	{page: pageSCPs, name: "management account has none", identity: []string{allowAll}, want: allow},
	{page: pageSCPs, name: "an SCP does not bind service-linked roles", who: linked, identity: []string{allowAll},
		scps: [][]string{{allowAll, denyS3}}, want: allow},
	{page: pageSCPs, name: "an SCP limits a bucket policy's grant", resourcePolicy: grantTo(toUser), scps: [][]string{{allowEC2}}, want: noSCP},
	{page: pageSCPs, name: "an SCP does not bind an anonymous caller", who: anonymous, resourcePolicy: grantTo(`"*"`),
		scps: [][]string{{denyS3}}, want: allow},

	{page: pageRegion, name: "Region denied", action: "ec2:DescribeInstances", resource: "*", identity: []string{allowAll},
		ctx: is("aws:RequestedRegion", "us-east-1"), scps: [][]string{{allowAll, regionSCP}}, want: "explicit service control policy"},
	{page: pageRegion, name: "Region allowed", action: "ec2:DescribeInstances", resource: "*", identity: []string{allowAll},
		ctx: is("aws:RequestedRegion", "eu-west-1"), scps: [][]string{{allowAll, regionSCP}}, want: allow},
	{page: pageRegion, name: "global service escapes by NotAction", action: "iam:GetUser", resource: "*", identity: []string{allowAll},
		ctx: is("aws:RequestedRegion", "us-east-1"), scps: [][]string{{allowAll, regionSCP}}, want: allow},
	{page: pageRegion, name: "exempt role escapes by ArnNotLike", who: bypass, action: "ec2:DescribeInstances", resource: "*",
		identity: []string{allowAll}, ctx: is("aws:RequestedRegion", "us-east-1"), scps: [][]string{{allowAll, regionSCP}}, want: allow},

	{page: pageInstance, name: "other instance type", action: "ec2:RunInstances", resource: "arn:aws:ec2:us-east-1:111122223333:instance/*",
		identity: []string{allowAll}, ctx: is("ec2:InstanceType", "m5.large"), scps: [][]string{{allowAll, instanceSCP}}, want: "explicit service control policy"},
	{page: pageInstance, name: "permitted instance type", action: "ec2:RunInstances", resource: "arn:aws:ec2:us-east-1:111122223333:instance/*",
		identity: []string{allowAll}, ctx: is("ec2:InstanceType", "t2.micro"), scps: [][]string{{allowAll, instanceSCP}}, want: allow},
	{page: pageInstance, name: "other resources of the launch", action: "ec2:RunInstances", resource: "arn:aws:ec2:us-east-1:111122223333:subnet/subnet-1",
		identity: []string{allowAll}, scps: [][]string{{allowAll, instanceSCP}}, want: allow},
	{page: pageSCPRoot, name: "root denied EC2", who: root, action: "ec2:RunInstances", scps: [][]string{{allowAll, rootSCP}}, want: "explicit service control policy"},
	{page: pageSCPRoot, name: "users are not root", action: "ec2:RunInstances", identity: []string{allowAll}, scps: [][]string{{allowAll, rootSCP}}, want: allow},

	{page: pageRevoke, name: "session older than the revocation", who: session, identity: []string{allowAll, revoke},
		ctx: is("aws:TokenIssueTime", "2026-11-05T11:59:59Z"), want: "explicit identity-based policy"},
	{page: pageRevoke, name: "session newer than the revocation", who: session, identity: []string{allowAll, revoke},
		ctx: is("aws:TokenIssueTime", "2026-11-05T12:00:01Z"), want: allow},
	{page: pageRevoke, name: "long-term keys have no issue time", identity: []string{allowAll, revoke}, want: allow},
}
