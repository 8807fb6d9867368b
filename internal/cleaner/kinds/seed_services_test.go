package kinds_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func (b *bench) logs() *cloudwatchlogs.Client { return cloudwatchlogs.NewFromConfig(b.admin) }
func (b *bench) lambda() *lambda.Client       { return lambda.NewFromConfig(b.admin) }
func (b *bench) events() *eventbridge.Client  { return eventbridge.NewFromConfig(b.admin) }

func code() []byte {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	f, err := z.Create("index.py")
	if err == nil {
		_, err = f.Write([]byte("def handler(event, context): return 1\n"))
	}
	if err != nil || z.Close() != nil {
		panic("zip in memory")
	}
	return buf.Bytes()
}

// function makes a function with a URL, an alias and a reserved concurrency.
func (b *bench) function(role, name *string) {
	b.must(b.lambda().CreateFunction(b.Context(), &lambda.CreateFunctionInput{
		FunctionName: name, Role: role, Runtime: lambdatypes.RuntimePython312, Handler: aws.String("index.handler"), Code: &lambdatypes.FunctionCode{ZipFile: code()}, Publish: true,
	}))
	b.must(b.lambda().CreateAlias(b.Context(), &lambda.CreateAliasInput{FunctionName: name, Name: aws.String("live"), FunctionVersion: aws.String("1")}))
	b.must(b.lambda().CreateFunctionUrlConfig(b.Context(), &lambda.CreateFunctionUrlConfigInput{FunctionName: name, AuthType: lambdatypes.FunctionUrlAuthTypeNone}))
	b.must(b.lambda().CreateFunctionUrlConfig(b.Context(), &lambda.CreateFunctionUrlConfigInput{FunctionName: name, Qualifier: aws.String("live"), AuthType: lambdatypes.FunctionUrlAuthTypeAwsIam}))
}

func (b *bench) queue(name *string) (url, arn string) {
	c := sqs.NewFromConfig(b.admin)
	q := ok[*sqs.CreateQueueOutput](b)(c.CreateQueue(b.Context(), &sqs.CreateQueueInput{QueueName: name}))
	return *q.QueueUrl, fmt.Sprintf("arn:aws:sqs:%s:%s:%s", b.admin.Region, b.account, *name)
}

func (b *bench) topic(name *string) *string {
	return ok[*sns.CreateTopicOutput](b)(sns.NewFromConfig(b.admin).CreateTopic(b.Context(), &sns.CreateTopicInput{Name: name})).TopicArn
}

func (b *bench) table(name *string, protected bool) {
	b.must(dynamodb.NewFromConfig(b.admin).CreateTable(b.Context(), &dynamodb.CreateTableInput{
		TableName: name, BillingMode: dbtypes.BillingModePayPerRequest, DeletionProtectionEnabled: &protected,
		AttributeDefinitions: []dbtypes.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: dbtypes.ScalarAttributeTypeS}},
		KeySchema:            []dbtypes.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: dbtypes.KeyTypeHash}},
	}))
}

// bucket makes a versioned bucket with versions, one locked and one held,
// delete markers, an upload that was never completed and a policy against deletes.
func (b *bench) bucket(name *string) {
	c, ctx := s3.NewFromConfig(b.admin, func(o *s3.Options) { o.UsePathStyle = true }), b.Context()
	in := &s3.CreateBucketInput{Bucket: name, ObjectLockEnabledForBucket: aws.Bool(true)}
	if b.admin.Region != "us-east-1" {
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(b.admin.Region)}
	}
	b.must(c.CreateBucket(ctx, in))
	for i := range 13 {
		o := &s3.PutObjectInput{Bucket: name, Key: aws.String(fmt.Sprintf("key-%d", i%7)), Body: strings.NewReader("x")}
		if i == 0 {
			o.ObjectLockMode, o.ObjectLockRetainUntilDate = s3types.ObjectLockModeGovernance, aws.Time(b.srv.World.Clock.Now().AddDate(0, 0, 1))
		}
		if i == 1 {
			o.ObjectLockLegalHoldStatus = s3types.ObjectLockLegalHoldStatusOn
		}
		b.must(c.PutObject(ctx, o))
	}
	b.must(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: name, Key: aws.String("key-1")}))
	b.must(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: name, Key: aws.String("big")}))
	b.must(c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: name, Policy: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":["s3:DeleteBucket","s3:DeleteObject*"],"Resource":["arn:aws:s3:::` + *name + `","arn:aws:s3:::` + *name + `/*"]}]}`)}))
}

var seedsOfServices = map[string]seed{
	"s3.bucket": {n: 6, make: func(b *bench, n int) {
		for i := range n {
			b.bucket(b.name("kml-bucket", i))
		}
	}},
	"sqs.queue": {make: func(b *bench, n int) {
		for i := range n {
			b.queue(b.name("queue", i))
		}
	}},
	// SNS gives a hundred a page and takes no other size.
	"sns.topic": {n: 105, make: func(b *bench, n int) {
		for i := range n {
			b.topic(b.name("topic", i))
		}
	}},
	"sns.subscription": {n: 105, make: func(b *bench, n int) {
		topic := b.topic(b.name("news", 0))
		for i := range n {
			_, arn := b.queue(b.name("reader", i))
			b.must(sns.NewFromConfig(b.admin).Subscribe(b.Context(), &sns.SubscribeInput{TopicArn: topic, Protocol: aws.String("sqs"), Endpoint: &arn}))
		}
		b.must(sns.NewFromConfig(b.admin).Subscribe(b.Context(), &sns.SubscribeInput{TopicArn: topic, Protocol: aws.String("email"), Endpoint: aws.String("ada@example.com")}))
	}},
	"lambda.function": {make: func(b *bench, n int) {
		role := b.role(b.name("worker", 0))
		for i := range n {
			b.function(role, b.name("function", i))
		}
	}},
	"lambda.event_source_mapping": {make: func(b *bench, n int) {
		f := b.name("consumer", 0)
		b.function(b.role(b.name("consumer", 0)), f)
		for i := range n {
			_, arn := b.queue(b.name("source", i))
			b.must(b.lambda().CreateEventSourceMapping(b.Context(), &lambda.CreateEventSourceMappingInput{FunctionName: f, EventSourceArn: &arn}))
		}
	}},
	"lambda.layer": {make: func(b *bench, n int) {
		for i := range n {
			for range 2 {
				b.must(b.lambda().PublishLayerVersion(b.Context(), &lambda.PublishLayerVersionInput{LayerName: b.name("layer", i), Content: &lambdatypes.LayerVersionContentInput{ZipFile: code()}}))
			}
		}
	}},
	"cloudwatch.alarm": {make: func(b *bench, n int) {
		for i := range n {
			b.must(cloudwatch.NewFromConfig(b.admin).PutMetricAlarm(b.Context(), &cloudwatch.PutMetricAlarmInput{
				AlarmName: b.name("alarm", i), Namespace: aws.String("AWS/EC2"), MetricName: aws.String("CPUUtilization"), Statistic: cwtypes.StatisticAverage,
				Period: aws.Int32(300), EvaluationPeriods: aws.Int32(2), Threshold: aws.Float64(70), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
			}))
		}
	}},
	"cloudwatch.dashboard": {only: "ListDashboards gives a thousand a page and takes no other size", make: func(b *bench, n int) {
		for i := range n {
			b.must(cloudwatch.NewFromConfig(b.admin).PutDashboard(b.Context(), &cloudwatch.PutDashboardInput{DashboardName: b.name("board", i), DashboardBody: aws.String(`{"widgets":[]}`)}))
		}
	}},
	"logs.group": {make: func(b *bench, n int) {
		for i := range n {
			b.must(b.logs().CreateLogGroup(b.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: b.name("/lab/group", i), DeletionProtectionEnabled: aws.Bool(i%2 == 0)}))
		}
	}},
	"logs.resource_policy": {n: 9, make: func(b *bench, n int) {
		for i := range n {
			b.must(b.logs().PutResourcePolicy(b.Context(), &cloudwatchlogs.PutResourcePolicyInput{PolicyName: b.name("policy", i), PolicyDocument: aws.String(
				`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"route53.amazonaws.com"},"Action":"logs:PutLogEvents","Resource":"*"}]}`)}))
		}
	}},
	"logs.destination": {make: func(b *bench, n int) {
		role := b.role(b.name("shipper", 0))
		for i := range n {
			b.must(b.logs().PutDestination(b.Context(), &cloudwatchlogs.PutDestinationInput{DestinationName: b.name("destination", i), RoleArn: role,
				TargetArn: aws.String("arn:aws:kinesis:" + b.admin.Region + ":" + b.account + ":stream/lab")}))
		}
	}},
	"logs.query_definition": {make: func(b *bench, n int) {
		for i := range n {
			b.must(b.logs().PutQueryDefinition(b.Context(), &cloudwatchlogs.PutQueryDefinitionInput{Name: b.name("query", i), QueryString: aws.String("fields @timestamp")}))
		}
	}},
	"logs.account_policy": {n: 1, only: "one policy of a type is the quota", make: func(b *bench, _ int) {
		b.must(b.logs().PutAccountPolicy(b.Context(), &cloudwatchlogs.PutAccountPolicyInput{PolicyName: aws.String("mask"), PolicyType: logtypes.PolicyTypeDataProtectionPolicy, Scope: logtypes.ScopeAll, PolicyDocument: aws.String(
			`{"Name":"mask","Version":"2021-06-01","Statement":[{"Sid":"a","DataIdentifier":["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],"Operation":{"Audit":{"FindingsDestination":{}}}},{"Sid":"r","DataIdentifier":["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],"Operation":{"Deidentify":{"MaskConfig":{}}}}]}`)}))
	}},
	"dynamodb.table": {make: func(b *bench, n int) {
		for i := range n {
			b.table(b.name("table", i), i%2 == 0)
		}
	}},
	"dynamodb.backup": {make: func(b *bench, n int) {
		t := b.name("saved", 0)
		b.table(t, false)
		for i := range n {
			b.must(dynamodb.NewFromConfig(b.admin).CreateBackup(b.Context(), &dynamodb.CreateBackupInput{TableName: t, BackupName: b.name("backup", i)}))
		}
	}},
	// Half of them on a bus of the student's, each with a target.
	"events.rule": {make: func(b *bench, n int) {
		bus := b.name("bus", 900)
		b.must(b.events().CreateEventBus(b.Context(), &eventbridge.CreateEventBusInput{Name: bus}))
		for i := range n {
			on := aws.String("default")
			if i%2 == 1 {
				on = bus
			}
			name := b.name("rule", i)
			b.must(b.events().PutRule(b.Context(), &eventbridge.PutRuleInput{Name: name, EventBusName: on, EventPattern: aws.String(`{"source":["lab"]}`)}))
			b.must(b.events().PutTargets(b.Context(), &eventbridge.PutTargetsInput{Rule: name, EventBusName: on, Targets: []ebtypes.Target{
				{Id: aws.String("1"), Arn: aws.String("arn:aws:sqs:" + b.admin.Region + ":" + b.account + ":queue")},
			}}))
		}
	}},
	"events.bus": {make: func(b *bench, n int) {
		for i := range n {
			b.must(b.events().CreateEventBus(b.Context(), &eventbridge.CreateEventBusInput{Name: b.name("bus", i)}))
		}
	}},
}
