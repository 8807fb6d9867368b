package iameval

const (
	pageAction       = "IAM UG: reference_policies_elements_action"
	pageNotAction    = "IAM UG: reference_policies_elements_notaction"
	pageResource     = "IAM UG: reference_policies_elements_resource"
	pageNotResource  = "IAM UG: reference_policies_elements_notresource"
	pagePrincipal    = "IAM UG: reference_policies_elements_principal"
	pageNotPrincipal = "IAM UG: reference_policies_elements_notprincipal"
	pageVariables    = "IAM UG: reference_policies_variables"
	pageKeys         = "IAM UG: reference_policies_condition-keys"
)

func on(action, resource string) string {
	return `{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}`
}

const home = `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::mybucket/${aws:username}/*"}`

const noDelete = `{"Effect":"Allow","NotAction":"s3:DeleteBucket","Resource":"arn:aws:s3:::*"}`

// notBob is the first example of NotPrincipal, for JohnDoe.
const notBob = `{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::111122223333:user/JohnDoe","arn:aws:iam::111122223333:root"]},"Action":"s3:*","Resource":"*"}`

const notAudit = `{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:sts::111122223333:assumed-role/examplerole/sess",
	"arn:aws:iam::111122223333:role/examplerole","arn:aws:iam::111122223333:root"]},"Action":"s3:*","Resource":"*"}`

var elementCases = []docCase{
	{page: pageAction, name: "prefix and action are case-insensitive", action: "IAM:listaccesskeys", resource: "*",
		identity: []string{on("iam:ListAccessKeys", "*")}, want: allow},
	{page: pageAction, name: "wildcard inside", action: "iam:DeleteAccessKey", resource: "*", identity: []string{on("iam:*AccessKey*", "*")}, want: allow},
	{page: pageAction, name: "wildcard does not reach other names", action: "iam:DeleteUser", resource: "*",
		identity: []string{on("iam:*AccessKey*", "*")}, want: noIdentity},
	{page: pageAction, name: "question mark is one character", action: "s3:GetObjects", identity: []string{on("s3:GetObject?", "*")}, want: allow},
	{page: pageAction, name: "question mark is not none", action: "s3:GetObject", identity: []string{on("s3:GetObject?", "*")}, want: noIdentity},
	{page: pageAction, name: "wildcard stays in the service", action: "ec2:RunInstances", identity: []string{on("s3:*", "*")}, want: noIdentity},
	{page: pageAction, name: "list of actions", action: "ec2:StopInstances", resource: "*",
		identity: []string{`{"Effect":"Allow","Action":["ec2:StartInstances","ec2:StopInstances"],"Resource":"*"}`}, want: allow},

	{page: pageNotAction, name: "allows what is not listed", action: "s3:GetObject", identity: []string{noDelete}, want: allow},
	{page: pageNotAction, name: "does not allow what is listed", action: "s3:DeleteBucket", resource: "arn:aws:s3:::b", identity: []string{noDelete}, want: noIdentity},
	{page: pageNotAction, name: "scope leaves out actions without resource", action: "s3:ListAllMyBuckets", resource: "*", identity: []string{noDelete}, want: noIdentity},
	{page: pageNotAction, name: "scope leaves out other services", action: "ec2:RunInstances",
		resource: "arn:aws:ec2:us-east-1:111122223333:instance/i-1", identity: []string{noDelete}, want: noIdentity},
	{page: pageNotAction, name: "everything but IAM", action: "ec2:RunInstances",
		identity: []string{`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`}, want: allow},
	{page: pageNotAction, name: "IAM itself", action: "iam:CreateUser", resource: "*",
		identity: []string{`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`}, want: noIdentity},
	{page: pageNotAction, name: "deny without MFA", action: "ec2:RunInstances", ctx: is("aws:MultiFactorAuthPresent", "false"),
		identity: []string{allowAll, `{"Effect":"Deny","NotAction":"iam:*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`},
		want:     "explicit identity-based policy"},
	{page: pageNotAction, name: "no deny with MFA", action: "ec2:RunInstances", ctx: is("aws:MultiFactorAuthPresent", "true"),
		identity: []string{allowAll, `{"Effect":"Deny","NotAction":"iam:*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`},
		want:     allow},

	{page: pageResource, name: "exact queue", action: "sqs:SendMessage", resource: "arn:aws:sqs:us-east-2:111122223333:queue1",
		identity: []string{on("sqs:*", "arn:aws:sqs:us-east-2:111122223333:queue1")}, want: allow},
	{page: pageResource, name: "another queue", action: "sqs:SendMessage", resource: "arn:aws:sqs:us-east-2:111122223333:queue2",
		identity: []string{on("sqs:*", "arn:aws:sqs:us-east-2:111122223333:queue1")}, want: noIdentity},
	{page: pageResource, name: "users of a path", action: "iam:GetUser", resource: "arn:aws:iam::111122223333:user/accounting/bob",
		identity: []string{on("iam:*", "arn:aws:iam::111122223333:user/accounting/*")}, want: allow},
	{page: pageResource, name: "bucket is not its objects", action: "s3:ListBucket", resource: "arn:aws:s3:::my_corporate_bucket",
		identity: []string{on("s3:*", "arn:aws:s3:::my_corporate_bucket/*")}, want: noIdentity},
	{page: pageResource, name: "resources are case-sensitive", resource: "arn:aws:s3:::Bucket/x", identity: []string{on("s3:*", "arn:aws:s3:::bucket/*")}, want: noIdentity},
	{page: pageResource, name: "short ARN is completed", resource: "arn:aws:sqs:us-east-2:111122223333:q", action: "sqs:SendMessage",
		identity: []string{on("sqs:*", "arn:aws:sqs")}, want: allow},

	{page: pageNotResource, name: "all but one bucket", resource: "arn:aws:s3:::other/x",
		identity: []string{allowAll, `{"Effect":"Deny","Action":"s3:*","NotResource":["arn:aws:s3:::HRBucket/Payroll","arn:aws:s3:::HRBucket/Payroll/*"]}`},
		want:     "explicit identity-based policy"},
	{page: pageNotResource, name: "the bucket that is spared", resource: "arn:aws:s3:::HRBucket/Payroll/x",
		identity: []string{allowAll, `{"Effect":"Deny","Action":"s3:*","NotResource":["arn:aws:s3:::HRBucket/Payroll","arn:aws:s3:::HRBucket/Payroll/*"]}`},
		want:     allow},

	{page: pagePrincipal, name: "everyone", who: anonymous, resourcePolicy: grantTo(`"*"`), want: allow},
	{page: pagePrincipal, name: "everyone as AWS", who: anonymous, resourcePolicy: grantTo(`{"AWS":"*"}`), want: allow},
	{page: pagePrincipal, name: "anonymous is in no account", who: anonymous, resourcePolicy: grantTo(toAccount), want: noResource},
	{page: pagePrincipal, name: "own account delegates and does not grant", resourcePolicy: grantTo(toAccount), want: noIdentity},
	{page: pagePrincipal, name: "user names are case-sensitive", resourcePolicy: grantTo(`{"AWS":"arn:aws:iam::111122223333:user/johndoe"}`), want: noIdentity},
	{page: pagePrincipal, name: "several principals are a logical or", resourcePolicy: grantTo(`{"AWS":["444455556666","arn:aws:iam::111122223333:user/JohnDoe"]}`), want: allow},
	{page: pagePrincipal, name: "wildcard with PrincipalArn passes boundary and session", who: session, boundary: allowEC2, session: []string{allowEC2},
		resourcePolicy: `{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/examplerole"}}}`, want: allow},
	{page: pagePrincipal, name: "unique id of a deleted user is nobody else", resourcePolicy: grantTo(`{"AWS":"AIDADELETED"}`), want: noIdentity},
	{page: pagePrincipal, name: "unique id of the user", resourcePolicy: grantTo(`{"AWS":"AIDAEXAMPLE"}`), want: allow},

	{page: pageNotPrincipal, name: "spared user", identity: []string{allowAll}, resourcePolicy: notBob, want: allow},
	{page: pageNotPrincipal, name: "everybody else", who: session, identity: []string{allowAll}, resourcePolicy: notBob, want: "explicit resource-based policy"},
	{page: pageNotPrincipal, name: "spared session", who: session, identity: []string{allowAll}, resourcePolicy: notAudit, want: allow},
	{page: pageNotPrincipal, name: "account without the user", identity: []string{allowAll},
		resourcePolicy: `{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:*","Resource":"*"}`, want: "explicit resource-based policy"},
	{page: pageNotPrincipal, name: "user without its account", identity: []string{allowAll},
		resourcePolicy: `{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/JohnDoe"},"Action":"s3:*","Resource":"*"}`, want: "explicit resource-based policy"},
	{page: pageNotPrincipal, name: "allow reaches the anonymous", who: anonymous,
		resourcePolicy: `{"Effect":"Allow","NotPrincipal":{"AWS":"444455556666"},"Action":"s3:*","Resource":"*"}`, want: allow},

	{page: pageVariables, name: "own folder", resource: "arn:aws:s3:::mybucket/JohnDoe/x", identity: []string{home}, want: allow},
	{page: pageVariables, name: "another's folder", resource: "arn:aws:s3:::mybucket/David/x", identity: []string{home}, want: noIdentity},
	{page: pageVariables, name: "sessions have no username", who: session, resource: "arn:aws:s3:::mybucket//x", identity: []string{home}, want: noIdentity},
	{page: pageVariables, name: "own access keys", action: "iam:CreateAccessKey", resource: "arn:aws:iam::111122223333:user/JohnDoe",
		identity: []string{on("iam:*AccessKey*", "arn:aws:iam::111122223333:user/${aws:username}")}, want: allow},
	{page: pageVariables, name: "variable within the name", action: "sqs:SendMessage", resource: "arn:aws:sqs:us-east-2:111122223333:JohnDoe-queue",
		identity: []string{on("sqs:*", "arn:aws:sqs:us-east-2:*:${aws:username}-queue")}, want: allow},
	{page: pageVariables, name: "tag as variable", who: Principal{ARN: user.ARN, Account: account, Type: TypeUser, Tags: map[string]string{"Department": "hr"}},
		resource: "arn:aws:s3:::bucket/hr", identity: []string{on("s3:*", "arn:aws:s3:::bucket/${aws:PrincipalTag/department}")}, want: allow},
	{page: pageVariables, name: "default value is used", who: session, resource: "arn:aws:s3:::bucket/nobody",
		identity: []string{on("s3:*", "arn:aws:s3:::bucket/${aws:username, 'nobody'}")}, want: allow},
	{page: pageVariables, name: "default value is not needed", resource: "arn:aws:s3:::bucket/nobody",
		identity: []string{on("s3:*", "arn:aws:s3:::bucket/${aws:username, 'nobody'}")}, want: noIdentity},
	{page: pageVariables, name: "literal asterisk", resource: "arn:aws:s3:::bucket/a*b", identity: []string{on("s3:*", "arn:aws:s3:::bucket/a${*}b")}, want: allow},
	{page: pageVariables, name: "literal asterisk is no wildcard", resource: "arn:aws:s3:::bucket/axb", identity: []string{on("s3:*", "arn:aws:s3:::bucket/a${*}b")}, want: noIdentity},
	{page: pageVariables, name: "literal question mark", resource: "arn:aws:s3:::bucket/axb", identity: []string{on("s3:*", "arn:aws:s3:::bucket/a${?}b")}, want: noIdentity},
	{page: pageVariables, name: "literal dollar", resource: "arn:aws:s3:::bucket/${x}", identity: []string{on("s3:*", "arn:aws:s3:::bucket/${$}{x}")}, want: allow},
	{page: pageVariables, name: "variable without a name", resource: "arn:aws:s3:::bucket/", identity: []string{on("s3:*", "arn:aws:s3:::bucket/${}")}, want: noIdentity},
	{page: pageVariables, name: "no variable before the fifth colon", action: "sqs:SendMessage", resource: "arn:aws:sqs:us-east-2:111122223333:q",
		identity: []string{on("sqs:*", "arn:aws:sqs:us-east-2:${aws:PrincipalAccount}:q")}, want: noIdentity},
	{page: pageVariables, name: "no value and a negated operator", who: session,
		identity: []string{when(`"StringNotEquals":{"aws:PrincipalAccount":"${aws:PrincipalTag/Team}"}`)}, want: allow},
	{page: pageVariables, name: "no value and an operator", who: session,
		identity: []string{when(`"StringLike":{"aws:PrincipalAccount":"${aws:PrincipalTag/Team}"}`)}, want: noIdentity},
	{page: pageVariables, name: "no value in NotResource matches no resource", who: session,
		identity: []string{allowAll, `{"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::bucket/${aws:PrincipalTag/Team}"}`}, want: "explicit identity-based policy"},
	{page: pageVariables, name: "key names are case-insensitive", ctx: is("AWS:currenttime", "2026-11-05T12:00:00Z"),
		identity: []string{when(`"DateLessThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"}`)}, want: allow},

	{page: pageKeys, name: "PrincipalArn of a session is the role's", who: session,
		identity: []string{when(`"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/examplerole"}`)}, want: allow},
	{page: pageKeys, name: "PrincipalArn is not the session's", who: session,
		identity: []string{when(`"ArnLike":{"aws:PrincipalArn":"arn:aws:sts::*:assumed-role/*"}`)}, want: noIdentity},
	{page: pageKeys, name: "PrincipalAccount", identity: []string{when(`"StringEquals":{"aws:PrincipalAccount":"111122223333"}`)}, want: allow},
	{page: pageKeys, name: "PrincipalType of root", who: root, resourcePolicy: `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalType":"Account"}}}`,
		want: "explicit resource-based policy"},
	{page: pageKeys, name: "userid of a session", who: session, identity: []string{when(`"StringLike":{"aws:userid":"AROAEXAMPLE:*"}`)}, want: allow},
	{page: pageKeys, name: "the context cannot pretend a principal", ctx: is("aws:PrincipalArn", "arn:aws:iam::111122223333:role/admin"),
		identity: []string{when(`"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/admin"}`)}, want: noIdentity},
	{page: pageKeys, name: "service that calls directly", who: service, resourcePolicy: grantTo(`{"Service":"lambda.amazonaws.com"}`) +
		`,{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"aws:PrincipalIsAWSService":"false"}}}`, want: allow},
}
