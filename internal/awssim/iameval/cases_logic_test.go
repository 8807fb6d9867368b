package iameval

const (
	pageLogic    = "IAM UG: reference_policies_evaluation-logic_policy-eval-denyallow"
	pageBasics   = "IAM UG: reference_policies_evaluation-logic_policy-eval-basics"
	pageImplicit = "IAM UG: reference_policies_evaluation-logic_AccessPolicyLanguage_Interplay"
	pageBoundary = "IAM UG: access_policies_boundaries"
	pageCross    = "IAM UG: reference_policies_evaluation-logic-cross-account"
	pageSession  = "IAM UG: access_policies#policies_session"
	pageKMS      = "KMS DG: key-policy-default"
)

const (
	noIdentity = "implicit identity-based policy"
	noBoundary = "implicit permissions boundary"
	noSession  = "implicit session policy"
	noSCP      = "implicit service control policy"
	noResource = "implicit resource-based policy"
	noTrust    = "implicit role trust policy"
)

// interplay is the example of explicit and implicit denies.
const interplay = `{"Sid":"AllowGetList","Effect":"Allow","Action":["iam:Get*","iam:List*"],"Resource":"*"},
	{"Sid":"DenyReports","Effect":"Deny","Action":"iam:*Report","Resource":"*"}`

// carlos is the identity policy of the single-account example.
const carlos = `{"Sid":"AllowS3ListRead","Effect":"Allow","Action":["s3:GetBucketLocation","s3:ListAllMyBuckets"],"Resource":"arn:aws:s3:::*"},
	{"Sid":"AllowS3Self","Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::carlossalazar/*","arn:aws:s3:::carlossalazar"]},
	{"Sid":"DenyS3Logs","Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::*log*"}`

// production is the identity policy of the cross-account example.
const production = `{"Effect":"Allow","Action":"s3:*Object*","Resource":"arn:aws:s3:::Production/*"},
	{"Effect":"Deny","Action":"s3:*","Resource":["arn:aws:s3:::*log*","arn:aws:s3:::*log*/*"]}`

// productionBucket is the bucket policy of the cross-account example.
const productionBucket = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/JohnDoe"},
	"Action":["s3:GetObject*","s3:PutObject*"],"Resource":"arn:aws:s3:::Production/*"}`

const (
	toUser    = `{"AWS":"arn:aws:iam::111122223333:user/JohnDoe"}`
	toRole    = `{"AWS":"arn:aws:iam::111122223333:role/examplerole"}`
	toSession = `{"AWS":"arn:aws:sts::111122223333:assumed-role/examplerole/sess"}`
	toFed     = `{"AWS":"arn:aws:sts::111122223333:federated-user/dev"}`
	toAccount = `{"AWS":"111122223333"}`
	toRoot    = `{"AWS":"arn:aws:iam::111122223333:root"}`
)

var logicCases = []docCase{
	{page: pageLogic, name: "denied by default", want: noIdentity},
	{page: pageLogic, name: "root has full access", who: root, want: allow},
	{page: pageLogic, name: "an allow overrides the default", identity: []string{allowS3}, want: allow},
	{page: pageLogic, name: "allow and deny in one policy", identity: []string{allowS3 + "," + denyS3}, want: "explicit identity-based policy"},
	{page: pageLogic, name: "deny in another policy", identity: []string{allowS3, denyS3}, want: "explicit identity-based policy"},
	{page: pageLogic, name: "deny in the bucket policy", identity: []string{allowAll},
		resourcePolicy: `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`, want: "explicit resource-based policy"},
	{page: pageLogic, name: "deny in the session policy", who: session, identity: []string{allowAll},
		session: []string{allowAll + "," + denyS3}, want: "explicit session policy"},
	{page: pageLogic, name: "deny in the boundary", identity: []string{allowAll}, boundary: allowAll + "," + denyS3, want: "explicit permissions boundary"},
	{page: pageLogic, name: "bucket policy binds root", who: root,
		resourcePolicy: `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`, want: "explicit resource-based policy"},
	{page: pageLogic, name: "role session without session policy", who: session, identity: []string{allowS3}, want: allow},
	{page: pageLogic, name: "session policy that does not allow", who: session, identity: []string{allowS3}, session: []string{allowEC2}, want: noSession},
	{page: pageLogic, name: "federated user without session policy", who: fedUser, identity: []string{allowS3}, want: noSession},
	{page: pageLogic, name: "federated user with session policy", who: fedUser, identity: []string{allowS3}, session: []string{allowAll}, want: allow},
	{page: pageSession, name: "session policy grants nothing by itself", who: fedUser, session: []string{allowAll}, want: noIdentity},
	{page: pageSession, name: "one of several session policies allows", who: session, identity: []string{allowAll},
		session: []string{allowEC2, allowS3}, want: allow},

	{page: pageImplicit, name: "allowed action", action: "iam:GetUser", resource: "*", identity: []string{interplay}, want: allow},
	{page: pageImplicit, name: "implicitly denied action", action: "iam:CreatePolicy", resource: "*", identity: []string{interplay}, want: noIdentity},
	{page: pageImplicit, name: "explicitly denied action", action: "iam:GetOrganizationsAccessReport", resource: "*",
		identity: []string{interplay}, want: "explicit identity-based policy"},
	{page: pageImplicit, name: "another policy does not help", action: "iam:GenerateCredentialReport", resource: "*",
		identity: []string{interplay, allowAll}, want: "explicit identity-based policy"},

	{page: pageBasics, name: "logs bucket is denied", action: "s3:PutObject", resource: "arn:aws:s3:::carlossalazar-logs/f",
		identity: []string{carlos}, want: "explicit identity-based policy"},
	{page: pageBasics, name: "own bucket is allowed twice", action: "s3:PutObject", resource: "arn:aws:s3:::carlossalazar/f",
		identity: []string{carlos}, resourcePolicy: grantTo(toUser), want: allow},
	{page: pageBasics, name: "bucket policy alone suffices", resourcePolicy: grantTo(toUser), want: allow},
	{page: pageBasics, name: "identity policy alone suffices", identity: []string{allowS3},
		resourcePolicy: grantTo(`{"AWS":"444455556666"}`), want: allow},

	// The table "Resource-based policies and implicit denies in other policy types".
	{page: pageLogic, name: "grant to role ARN stops at the boundary", who: session, boundary: allowEC2, resourcePolicy: grantTo(toRole), want: noBoundary},
	{page: pageLogic, name: "grant to role ARN stops at the session policy", who: session, session: []string{allowEC2}, resourcePolicy: grantTo(toRole), want: noSession},
	{page: pageLogic, name: "grant to role ARN needs no identity policy", who: session, resourcePolicy: grantTo(toRole), want: allow},
	{page: pageLogic, name: "grant to session ARN passes everything", who: session, boundary: allowEC2, session: []string{allowEC2},
		resourcePolicy: grantTo(toSession), want: allow},
	{page: pageLogic, name: "grant to user ARN passes the boundary", boundary: allowEC2, resourcePolicy: grantTo(toUser), want: allow},
	{page: pageLogic, name: "grant to user ARN does not pass a federated user's session", who: fedUser, boundary: allowEC2,
		session: []string{allowEC2}, resourcePolicy: grantTo(toUser), want: noBoundary},
	{page: pageLogic, name: "grant to the federated user passes everything", who: fedUser, boundary: allowEC2,
		session: []string{allowEC2}, resourcePolicy: grantTo(toFed), want: allow},
	{page: pageLogic, name: "grant to root", who: root, resourcePolicy: grantTo(toRoot), want: allow},
	{page: pageLogic, name: "grant to a service", who: service, resourcePolicy: grantTo(`{"Service":"lambda.amazonaws.com"}`), want: allow},
	{page: pageLogic, name: "service without grant", who: service, resourcePolicy: grantTo(`{"Service":"sns.amazonaws.com"}`), want: noResource},
	{page: pageLogic, name: "grant never passes an explicit deny", who: session, identity: []string{denyS3},
		resourcePolicy: grantTo(toSession), want: "explicit identity-based policy"},

	{page: pageBoundary, name: "boundary gives nothing", action: "ec2:RunInstances", boundary: allowEC2, want: noIdentity},
	{page: pageBoundary, name: "Shirley cannot create users", action: "iam:CreateUser", resource: "*",
		identity: []string{`{"Effect":"Allow","Action":"iam:CreateUser","Resource":"*"}`},
		boundary: `{"Effect":"Allow","Action":["s3:*","cloudwatch:*","ec2:*"],"Resource":"*"}`, want: noBoundary},
	{page: pageBoundary, name: "both allow", action: "s3:ListBucket", identity: []string{allowS3},
		boundary: `{"Effect":"Allow","Action":["s3:*","cloudwatch:*","ec2:*"],"Resource":"*"}`, want: allow},
	{page: pageBoundary, name: "Zhang creates users only with the boundary", action: "iam:CreateUser", resource: "*",
		identity: []string{allowAll}, ctx: is("iam:PermissionsBoundary", "arn:aws:iam::111122223333:policy/XCompanyBoundaries"),
		boundary: when(`"StringEquals":{"iam:PermissionsBoundary":"arn:aws:iam::111122223333:policy/XCompanyBoundaries"}`), want: allow},
	{page: pageBoundary, name: "Zhang creates no users without the boundary", action: "iam:CreateUser", resource: "*",
		identity: []string{allowAll},
		boundary: when(`"StringEquals":{"iam:PermissionsBoundary":"arn:aws:iam::111122223333:policy/XCompanyBoundaries"}`), want: noBoundary},
	{page: pageBoundary, name: "SCP, boundary and identity must all allow", identity: []string{allowAll}, boundary: allowAll,
		scps: [][]string{{allowEC2}}, want: noSCP},
	{page: pageBoundary, name: "session, boundary and identity must all allow", who: session, identity: []string{allowAll},
		boundary: allowS3, session: []string{allowEC2}, want: noSession},

	{page: pageCross, name: "both sides allow", action: "s3:PutObject", resource: "arn:aws:s3:::Production/f",
		identity: []string{production}, resourcePolicy: productionBucket, resourceAccount: other, want: allow},
	{page: pageCross, name: "denied in the trusted account", action: "s3:PutObject", resource: "arn:aws:s3:::Production-logs/f",
		identity: []string{production}, resourceAccount: other, want: "explicit identity-based policy"},
	{page: pageCross, name: "no bucket policy", identity: []string{allowS3}, resourceAccount: other, want: noResource},
	{page: pageCross, name: "no identity policy", resourcePolicy: grantTo(toUser), resourceAccount: other, want: noIdentity},
	{page: pageCross, name: "account named and identity allows", identity: []string{allowS3},
		resourcePolicy: grantTo(toAccount), resourceAccount: other, want: allow},
	{page: pageCross, name: "session grant still needs the identity side", who: session, resourcePolicy: grantTo(toSession),
		resourceAccount: other, want: noIdentity},
	{page: pageCross, name: "role grant still needs the identity side", who: session, resourcePolicy: grantTo(toRole),
		resourceAccount: other, want: noIdentity},
	{page: pageCross, name: "boundary limits the trusted side", identity: []string{allowAll}, boundary: allowEC2,
		resourcePolicy: grantTo(toUser), resourceAccount: other, want: noBoundary},
	{page: pageCross, name: "root of the other account needs the grant", who: root, resourceAccount: other, want: noResource},
	{page: pageCross, name: "action the bucket does not grant", action: "s3:DeleteObject", resource: "arn:aws:s3:::Production/f",
		identity: []string{production}, resourcePolicy: productionBucket, resourceAccount: other, want: noResource},

	{page: pageKMS, name: "identity policy alone does not open a key", action: "kms:Decrypt", identity: []string{allowAll},
		mustAllow: true, resourcePolicy: `{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"kms:*","Resource":"*"}`, want: noResource},
	{page: pageKMS, name: "key policy enables IAM policies", action: "kms:Decrypt", identity: []string{allowAll},
		mustAllow: true, resourcePolicy: `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}`, want: allow},
	{page: pageKMS, name: "account principal alone grants nobody", action: "kms:Decrypt",
		mustAllow: true, resourcePolicy: `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}`, want: noIdentity},
}
