package demo

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// s3Website: a versioned bucket with objects, old versions, delete markers, an
// upload left half-way, a policy that locks others out.
func s3Website(ctx context.Context, s *student) {
	region := s.creds.Regions[0]
	c := s3.NewFromConfig(s.own(region), func(o *s3.Options) { o.UsePathStyle = true })
	for range 2 {
		bucket := aws.String(s.id("site"))
		_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
		if !s.makes(1, "create a bucket", err) {
			return
		}
		_, err = c.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: bucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled}})
		s.must("switch versioning on", err)
		for i := range 12 {
			_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String(fmt.Sprintf("pages/%d.html", i%8)), Body: strings.NewReader("<h1>lab</h1>")})
			s.makes(1, "put an object", err)
		}
		_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("pages/1.html")})
		s.makes(1, "leave a delete marker", err)
		_, err = c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String("big")})
		s.makes(1, "begin an upload", err)
		_, err = c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:DeleteBucket","Resource":"arn:aws:s3:::` + *bucket + `"}]}`)})
		s.must("put a policy that forbids deleting", err)
	}
	s.backDoor("own key", func(ctx context.Context) error {
		_, err := c.ListBuckets(ctx, &s3.ListBucketsInput{})
		return err
	})
	s.sessionToken(ctx, region, func(cfg aws.Config) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := s3.NewFromConfig(cfg).ListBuckets(ctx, &s3.ListBucketsInput{})
			return err
		}
	})
	_, err := ec2.NewFromConfig(s.own(region)).CreateKeyPair(ctx, &ec2.CreateKeyPairInput{KeyName: aws.String("k")})
	s.forbidden("use EC2 in an S3 lab", err)
	s.forbidFleet(ctx)
}

// sessionToken leaves the back door of a session of the student's own key: it
// lives on when the key goes.
func (s *student) sessionToken(ctx context.Context, region string, try func(aws.Config) func(context.Context) error) {
	out, err := sts.NewFromConfig(s.own(region)).GetSessionToken(ctx, &sts.GetSessionTokenInput{})
	if !s.must("get a session token", err) {
		return
	}
	c := out.Credentials
	s.backDoor("session token", try(s.config(region, *c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)))
}

// forbidFleet tries what no lab allows.
func (s *student) forbidFleet(ctx context.Context) {
	region := s.creds.Regions[0]
	_, err := iam.NewFromConfig(s.own(region)).CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("intruder")})
	s.forbidden("make a user without the boundary", err)
	_, err = sts.NewFromConfig(s.own(region)).AssumeRole(ctx, &sts.AssumeRoleInput{RoleSessionName: aws.String("x"),
		RoleArn: aws.String("arn:aws:iam::" + s.creds.AccountID + ":role/OrganizationAccountAccessRole")})
	s.forbidden("assume the fleet's role", err)
}

// messaging: queues, a topic that feeds them, alarms.
func messaging(ctx context.Context, s *student) {
	region := s.creds.Regions[0]
	queues, topics, alarms := sqs.NewFromConfig(s.own(region)), sns.NewFromConfig(s.own(region)), cloudwatch.NewFromConfig(s.own(region))
	topic, err := topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(s.id("topic"))})
	if !s.makes(1, "create a topic", err) {
		return
	}
	for range 3 {
		name := s.id("queue")
		q, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name})
		if !s.makes(1, "create a queue", err) {
			continue
		}
		_, err = queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: q.QueueUrl, MessageBody: aws.String("hello")})
		s.must("send a message", err)
		_, err = topics.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"),
			Endpoint: aws.String("arn:aws:sqs:" + region + ":" + s.creds.AccountID + ":" + name)})
		s.makes(1, "subscribe the queue", err)
	}
	_, err = topics.Publish(ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String("news")})
	s.must("publish", err)
	_, err = alarms.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{AlarmName: aws.String(s.id("alarm")), Namespace: aws.String("AWS/SQS"),
		MetricName: aws.String("ApproximateNumberOfMessagesVisible"), Statistic: cwtypes.StatisticAverage, Period: aws.Int32(60),
		EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(5), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold})
	s.makes(1, "put an alarm", err)
	s.backDoor("own key", func(ctx context.Context) error {
		_, err := queues.ListQueues(ctx, &sqs.ListQueuesInput{})
		return err
	})
	s.sessionToken(ctx, region, func(cfg aws.Config) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := sqs.NewFromConfig(cfg).ListQueues(ctx, &sqs.ListQueuesInput{})
			return err
		}
	})
	_, err = s3.NewFromConfig(s.own(region), func(o *s3.Options) { o.UsePathStyle = true }).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(s.id("no"))})
	s.forbidden("make a bucket in a messaging lab", err)
	s.forbidFleet(ctx)
}
