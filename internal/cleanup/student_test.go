package cleanup_test

import (
	"archive/zip"
	"bytes"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	autoscalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/kodekloud/kml/internal/fleet"
)

func (b *bench) did(_ any, err error) {
	b.Helper()
	if err != nil {
		b.Fatalf("a student: %v", err)
	}
}

// queue makes a queue in a Region.
func (b *bench) queue(a *fleet.Account, region, name string) {
	b.Helper()
	b.did(sqs.NewFromConfig(b.Student(a, region)).CreateQueue(b.Context(), &sqs.CreateQueueInput{QueueName: &name}))
}

func (b *bench) queues() (n int) {
	for _, r := range b.Sim.World.Inventory(b.id)[b.id] {
		if r.Kind == "queue" {
			n++
		}
	}
	return n
}

// busy is a student who uses everything, in both Regions, with what depends on
// one another and what acts by itself.
func (b *bench) busy(a *fleet.Account) {
	b.Helper()
	role := b.role(a)
	b.Sim.World.Clock.Advance(2 * time.Second) // IAM
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		b.queue(a, region, "work")
		b.network(a, region)
		b.machines(a, region)
		b.functions(a, region, role)
		b.stores(a, region)
	}
}

// role makes a user with a key and a role for functions, and gives its ARN.
func (b *bench) role(a *fleet.Account) *string {
	c, ctx := iam.NewFromConfig(b.Student(a, "us-east-1")), b.Context()
	b.did(c.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("friend"), Path: aws.String("/lab/"), PermissionsBoundary: &a.User.BoundaryARN}))
	b.did(c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("friend")}))
	b.did(c.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("friends")}))
	b.did(c.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("friends"), UserName: aws.String("friend")}))
	out, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("worker"), Path: aws.String("/lab/"), PermissionsBoundary: &a.User.BoundaryARN,
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","ec2.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`)})
	b.did(out, err)
	b.did(c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("worker"), PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")}))
	return out.Role.Arn
}

func (b *bench) network(a *fleet.Account, region string) {
	c, ctx := ec2.NewFromConfig(b.Student(a, region)), b.Context()
	vpc, err := c.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	b.did(vpc, err)
	_, err = c.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: vpc.Vpc.VpcId, CidrBlock: aws.String("10.0.1.0/24")})
	b.did(nil, err)
	gw, err := c.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{})
	b.did(gw, err)
	b.did(c.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{InternetGatewayId: gw.InternetGateway.InternetGatewayId, VpcId: vpc.Vpc.VpcId}))
	var groups []string
	for _, name := range []string{"one", "two"} {
		g, err := c.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: &name, Description: &name, VpcId: vpc.Vpc.VpcId})
		b.did(g, err)
		groups = append(groups, *g.GroupId)
	}
	for i, g := range groups { // they name each other
		b.did(c.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &g, IpPermissions: []ec2types.IpPermission{
			{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22), UserIdGroupPairs: []ec2types.UserIdGroupPair{{GroupId: &groups[1-i]}}}}}))
	}
}

// machines makes a group of instances that comes back when it is terminated.
func (b *bench) machines(a *fleet.Account, region string) {
	ctx := b.Context()
	c := ec2.NewFromConfig(b.Student(a, region))
	images, err := c.DescribeImages(ctx, &ec2.DescribeImagesInput{Owners: []string{"amazon"}})
	b.did(images, err)
	t, err := c.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("web"),
		LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: images.Images[0].ImageId, InstanceType: ec2types.InstanceTypeT3Micro}})
	b.did(t, err)
	b.did(c.RunInstances(ctx, &ec2.RunInstancesInput{ImageId: images.Images[0].ImageId, InstanceType: ec2types.InstanceTypeT3Micro, MinCount: aws.Int32(1), MaxCount: aws.Int32(1), DisableApiTermination: aws.Bool(true)}))
	b.did(autoscaling.NewFromConfig(b.Student(a, region)).CreateAutoScalingGroup(ctx, &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("web"), MinSize: aws.Int32(2), MaxSize: aws.Int32(2), AvailabilityZones: []string{region + "a"},
		LaunchTemplate: &autoscalingtypes.LaunchTemplateSpecification{LaunchTemplateId: t.LaunchTemplate.LaunchTemplateId, Version: aws.String("1")}}))
}

func (b *bench) functions(a *fleet.Account, region string, role *string) {
	ctx, cfg := b.Context(), b.Student(a, region)
	var code bytes.Buffer
	z := zip.NewWriter(&code)
	_, err := z.Create("index.py")
	b.did(nil, err)
	b.check(z.Close())
	f, err := lambda.NewFromConfig(cfg).CreateFunction(ctx, &lambda.CreateFunctionInput{FunctionName: aws.String("work"), Role: role, Runtime: lambdatypes.RuntimePython312,
		Handler: aws.String("index.handler"), Code: &lambdatypes.FunctionCode{ZipFile: code.Bytes()}})
	b.did(f, err)
	b.did(lambda.NewFromConfig(cfg).CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{FunctionName: aws.String("work"), AuthType: lambdatypes.FunctionUrlAuthTypeNone}))
	b.did(cloudwatchlogs.NewFromConfig(cfg).CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/aws/lambda/work")}))
	b.did(eventbridge.NewFromConfig(cfg).PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("tick"), ScheduleExpression: aws.String("rate(1 minute)")}))
}

func (b *bench) stores(a *fleet.Account, region string) {
	ctx, cfg := b.Context(), b.Student(a, region)
	c := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	name := "bucket-" + region + "-" + b.id
	in := &s3.CreateBucketInput{Bucket: &name}
	if region != "us-east-1" {
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(region)}
	}
	b.did(c.CreateBucket(ctx, in))
	b.did(c.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: &name, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled}}))
	for range 3 {
		b.did(c.PutObject(ctx, &s3.PutObjectInput{Bucket: &name, Key: aws.String("page"), Body: strings.NewReader("hello")}))
	}
	b.did(sns.NewFromConfig(cfg).CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("news")}))
	b.did(dynamodb.NewFromConfig(cfg).CreateTable(ctx, &dynamodb.CreateTableInput{TableName: aws.String("items"), BillingMode: dbtypes.BillingModePayPerRequest,
		DeletionProtectionEnabled: aws.Bool(true),
		AttributeDefinitions:      []dbtypes.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: dbtypes.ScalarAttributeTypeS}},
		KeySchema:                 []dbtypes.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: dbtypes.KeyTypeHash}}}))
}
