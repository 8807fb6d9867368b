package policy

import (
	"slices"
	"strings"
)

// service is what a lab's use of an AWS service brings with it. Keys of
// [services] are IAM prefixes.
type service struct {
	// never lists what would be left behind for good (purchases, locks) or
	// changes settings of the account.
	never []string
	// implies lists what roles passed to the service need of other services.
	implies []string
}

// consoleActions are what AWS's consoles call whatever they show, and the two
// actions of IAM that other services ask for, which the boundary limits further.
var consoleActions = []string{
	"iam:Get*", "iam:List*", "iam:PassRole", "iam:CreateServiceLinkedRole",
	"cloudwatch:Describe*", "cloudwatch:Get*", "cloudwatch:List*", "ec2:Describe*", "kms:DescribeKey", "kms:ListAliases",
	"tag:Get*", "resource-groups:List*", "servicequotas:Get*", "servicequotas:List*", "health:Describe*",
	"access-analyzer:ValidatePolicy", "sts:GetCallerIdentity", "sts:DecodeAuthorizationMessage",
}

var services = map[string]service{
	"ec2": {
		never: []string{"ec2:Purchase*", "ec2:AcceptReserved*", "ec2:CreateReserved*", "ec2:AllocateHosts", "ec2:CreateCapacityReservation*",
			"ec2:LockSnapshot", "ec2:*ImageDeregistrationProtection", "ec2:EnableEbs*", "ec2:DisableEbs*", "ec2:ModifyEbsDefault*",
			"ec2:ResetEbsDefault*", "ec2:ModifyInstanceMetadataDefaults", "ec2:EnableSnapshotBlock*", "ec2:DisableSnapshotBlock*",
			"ec2:EnableImageBlock*", "ec2:DisableImageBlock*", "ec2:EnableSerial*", "ec2:DisableSerial*", "ec2:EnableAllowedImages*",
			"ec2:DisableAllowedImages*", "ec2:ReplaceImageCriteria*", "ec2:ModifyVpcBlock*", "ec2:CreateVpcBlock*",
			"ec2:ModifyDefaultCredit*", "ec2:Modify*IdFormat", "ec2:ModifyAvailabilityZoneGroup"},
		// Session Manager on instances, with AmazonSSMManagedInstanceCore.
		implies: []string{"ssmmessages:*", "ec2messages:*", "ssm:UpdateInstanceInformation"},
	},
	"lambda": {implies: []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "xray:Put*",
		"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"}}, // AWSLambdaVPCAccessExecutionRole
	"s3": {never: []string{"s3:PutAccountPublicAccessBlock", "s3:PutObjectRetention", "s3:PutObjectLegalHold",
		"s3:PutBucketObjectLockConfiguration"}},
	"backup": {never: []string{"backup:PutBackupVaultLockConfiguration", "backup:CreateLogicallyAirGapped*", "backup:UpdateGlobalSettings",
		"backup:UpdateRegionSettings"}},
	"glacier":     {never: []string{"glacier:InitiateVaultLock", "glacier:CompleteVaultLock", "glacier:Purchase*"}},
	"ssm":         {never: []string{"ssm:CreateActivation", "ssm:UpdateServiceSetting", "ssm:ResetServiceSetting"}},
	"ecs":         {never: []string{"ecs:PutAccountSetting*"}},
	"ecr":         {never: []string{"ecr:PutAccountSetting", "ecr:PutRegistry*"}},
	"sns":         {never: []string{"sns:SetSMSAttributes", "sns:CreateSMSSandbox*"}},
	"iot":         {never: []string{"iot:CreateRoleAlias"}},
	"logs":        {never: []string{"logs:PutAccountPolicy"}},
	"rds":         {never: []string{"rds:Purchase*"}},
	"dynamodb":    {never: []string{"dynamodb:Purchase*"}},
	"elasticache": {never: []string{"elasticache:Purchase*"}},
	"memorydb":    {never: []string{"memorydb:Purchase*"}},
	"redshift":    {never: []string{"redshift:Purchase*", "redshift:AcceptReserved*"}},
	"es":          {never: []string{"es:Purchase*"}},
	"bedrock":     {never: []string{"bedrock:CreateProvisionedModelThroughput", "bedrock:CreateFoundationModelAgreement"}},
	"sagemaker":   {never: []string{"sagemaker:CreateTrainingPlan"}},
	"cloudfront":  {never: []string{"cloudfront:CreateSavingsPlan"}},
}

// refused are services that no lab may have, and why.
var refused = map[string]string{
	"organizations account controltower": "it governs accounts, which is the fleet's own business",
	"aws-portal billing billingconductor budgets ce cur invoicing payments purchase-orders tax": "it is about money",
	"consolidatedbilling savingsplans aws-marketplace route53domains shield outposts":           "what is bought there cannot be given back",
	"cloudshell": "its home directories last 120 days and no API empties them",
	"rbin":       "its rules keep what was deleted, and can be locked",
	"rolesanywhere sso sso-directory identitystore": "its sessions come from outside the account and outlive the lab",
}

// known are the IAM prefixes of services that a lab may name.
var known = strings.Fields(`
access-analyzer acm acm-pca airflow amplify apigateway appconfig appflow application-autoscaling appmesh apprunner appsync
athena autoscaling autoscaling-plans backup batch bedrock cassandra cloud9 cloudformation cloudfront cloudfront-keyvaluestore
cloudtrail cloudwatch codeartifact codebuild codecommit codedeploy codepipeline codestar-connections codestar-notifications
cognito-identity cognito-idp cognito-sync comprehend config connect databrew datasync dax detective devops-guru dlm dms ds
dynamodb ebs ec2 ec2-instance-connect ec2messages ecr ecr-public ecs eks elasticache elasticbeanstalk elasticfilesystem
elasticloadbalancing elasticmapreduce emr-containers emr-serverless es events evidently execute-api firehose fis forecast
fsx glacier globalaccelerator glue grafana greengrass guardduty health iam imagebuilder inspector inspector2 iot iotanalytics
iotevents iotsitewise ivs kafka kafka-cluster kendra kinesis kinesisanalytics kinesisvideo kms lakeformation lambda lex lightsail
location logs macie2 mediaconvert memorydb mq neptune-db network-firewall networkmanager oam opensearch osis personalize pi
pipes polly pricing quicksight ram rds rds-data rds-db redshift redshift-data redshift-serverless rekognition resource-explorer-2
resource-groups route53 route53-recovery-readiness route53resolver s3 s3-object-lambda s3express s3tables sagemaker scheduler
schemas sdb secretsmanager securityhub servicecatalog servicediscovery servicequotas ses signer sms-voice sns sqs ssm
ssm-incidents ssmmessages states storagegateway sts support swf synthetics tag textract timestream transcribe transfer translate
trustedadvisor verifiedpermissions vpc-lattice waf waf-regional wafv2 wellarchitected workspaces xray`)

// refusal says why a lab may not name a service, "" when it may.
func refusal(prefix string) string {
	for names, reason := range refused {
		if slices.Contains(strings.Fields(names), prefix) {
			return "no lab may have this service: " + reason
		}
	}
	if !slices.Contains(known, prefix) {
		return "name the IAM prefix of a service, such as ec2, s3, elasticloadbalancing"
	}
	return ""
}
