package awssim_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// TestAlarmReachesQueue: an alarm goes off, its topic takes the notification
// under the policy that topics have by themselves, and the queue subscribed to
// it lets the topic in.
func TestAlarmReachesQueue(t *testing.T) {
	t.Parallel()
	b := newMember(t, core.Options{Seed: 7})
	q := b.queue(t, "alarms", "sns.amazonaws.com")
	topic, err := sns.NewFromConfig(b.cfg).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("alarms")})
	ok(t, err)
	_, err = sns.NewFromConfig(b.cfg).Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: &q.arn})
	ok(t, err)
	c := cloudwatch.NewFromConfig(b.cfg)
	_, err = c.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("hot"), Namespace: aws.String("Lab"), MetricName: aws.String("Heat"), Statistic: cwtypes.StatisticMaximum,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(50), AlarmActions: []string{*topic.TopicArn},
		ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold})
	ok(t, err)
	_, err = c.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("hot"), StateValue: cwtypes.StateValueAlarm, StateReason: aws.String("a test")})
	ok(t, err)
	var envelope, alarm map[string]any
	ok(t, json.Unmarshal([]byte(q.receive(t)), &envelope))
	ok(t, json.Unmarshal([]byte(envelope["Message"].(string)), &alarm))
	if alarm["NewStateValue"] != "ALARM" || alarm["AlarmName"] != "hot" || !strings.Contains(envelope["Subject"].(string), "hot") {
		t.Fatalf("the queue got %v", envelope)
	}
}

// TestEventsReachQueuesAndTopics: a rule's targets get what its inputs say, and
// only targets whose policies let EventBridge in get anything: a topic's own
// policy does not.
func TestEventsReachQueuesAndTopics(t *testing.T) {
	t.Parallel()
	b := newMember(t, core.Options{Seed: 7})
	direct, shut, behind := b.queue(t, "direct", "events.amazonaws.com"), b.queue(t, "shut", ""), b.queue(t, "behind", "sns.amazonaws.com")
	topics := sns.NewFromConfig(b.cfg)
	topic, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("news")})
	ok(t, err)
	_, err = topics.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: &behind.arn, Attributes: map[string]string{"RawMessageDelivery": "true"}})
	ok(t, err)
	c := eventbridge.NewFromConfig(b.cfg)
	_, err = c.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("placed"), EventPattern: aws.String(`{"detail-type":["placed"]}`)})
	ok(t, err)
	_, err = c.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("placed"), Targets: []ebtypes.Target{
		{Id: aws.String("direct"), Arn: &direct.arn, InputTransformer: &ebtypes.InputTransformer{
			InputPathsMap: map[string]string{"who": "$.detail.user", "n": "$.detail.count"},
			InputTemplate: aws.String(`{"user": <who>, "said": "<who> bought <n>"}`)}},
		{Id: aws.String("shut"), Arn: &shut.arn},
		{Id: aws.String("topic"), Arn: topic.TopicArn, InputPath: aws.String("$.detail.user")},
	}})
	ok(t, err)
	put := func() {
		t.Helper()
		out, err := c.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{
			{Source: aws.String("shop"), DetailType: aws.String("placed"), Detail: aws.String(`{"user":"ada","count":2}`)}}})
		ok(t, err)
		if out.FailedEntryCount != 0 {
			t.Fatalf("put: %+v", out.Entries)
		}
	}
	put()
	if got, want := direct.receive(t), `{"user": "ada", "said": "ada bought 2"}`; got != want {
		t.Errorf("direct got %s, want %s", got, want)
	}
	if got := shut.receive(t) + behind.receive(t); got != "" {
		t.Errorf("a closed target got %s", got)
	}
	_, err = topics.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{TopicArn: topic.TopicArn, AttributeName: aws.String("Policy"),
		AttributeValue: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sns:Publish","Resource":"` + *topic.TopicArn + `"}]}`)})
	ok(t, err)
	put()
	if got := behind.receive(t); got != `"ada"` {
		t.Errorf("behind the topic: %s", got)
	}
}

// queue is a queue of the member.
type queue struct {
	c        *sqs.Client
	url, arn string
}

// queue makes a queue that lets a service in.
func (b *member) queue(t *testing.T, name, principal string) queue {
	t.Helper()
	q := queue{c: sqs.NewFromConfig(b.cfg), arn: "arn:aws:sqs:" + b.cfg.Region + ":" + b.account + ":" + name}
	attrs := map[string]string{}
	if principal != "" {
		attrs["Policy"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + principal + `"},"Action":"sqs:SendMessage","Resource":"` + q.arn + `"}]}`
	}
	out, err := q.c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attrs})
	ok(t, err)
	q.url = *out.QueueUrl
	return q
}

// receive takes the next message, or gives "".
func (q queue) receive(t *testing.T) string {
	t.Helper()
	out, err := q.c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.url, VisibilityTimeout: 3600})
	ok(t, err)
	if len(out.Messages) == 0 {
		return ""
	}
	return *out.Messages[0].Body
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
