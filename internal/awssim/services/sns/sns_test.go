package sns_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	sqssdk "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/core/coretest"
	"github.com/kodekloud/kml/internal/awssim/services/sns"
	"github.com/kodekloud/kml/internal/awssim/services/sqs"
)

func setup(t *testing.T) (*coretest.Bench, *sdk.Client, *sqssdk.Client) {
	t.Helper()
	var queues *sqs.Service
	b := coretest.New(t, core.Options{Seed: 1}, coretest.Everything,
		func(w *core.World) *core.Service { queues = sqs.New(w); return queues.Core() },
		func(w *core.World) *core.Service { return sns.New(w, queues).Core() })
	return b, sdk.NewFromConfig(b.Config), sqssdk.NewFromConfig(b.Config)
}

func topic(t *testing.T, c *sdk.Client, name string, attrs map[string]string) *string {
	t.Helper()
	out, err := c.CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: &name, Attributes: attrs})
	if err != nil {
		t.Fatal(err)
	}
	return out.TopicArn
}

// queue makes a queue that lets a topic in.
func queue(t *testing.T, c *sqssdk.Client, name, topicARN string) (url, arn string) {
	t.Helper()
	arn = "arn:aws:sqs:" + coretest.Region + ":" + coretest.Account + ":" + name
	attrs := map[string]string{}
	if topicARN != "" {
		attrs["Policy"] = fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":%q,"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, arn, topicARN)
	}
	out, err := c.CreateQueue(t.Context(), &sqssdk.CreateQueueInput{QueueName: &name, Attributes: attrs})
	if err != nil {
		t.Fatal(err)
	}
	return *out.QueueUrl, arn
}

func received(t *testing.T, c *sqssdk.Client, url string) []string {
	t.Helper()
	out, err := c.ReceiveMessage(t.Context(), &sqssdk.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	var bodies []string
	for _, m := range out.Messages {
		bodies = append(bodies, *m.Body)
	}
	return bodies
}

func subscribe(t *testing.T, c *sdk.Client, topic *string, protocol, endpoint string, attrs map[string]string) string {
	t.Helper()
	out, err := c.Subscribe(t.Context(), &sdk.SubscribeInput{TopicArn: topic, Protocol: &protocol, Endpoint: &endpoint, Attributes: attrs})
	if err != nil {
		t.Fatal(err)
	}
	return *out.SubscriptionArn
}

func TestPublishReachesQueues(t *testing.T) {
	t.Parallel()
	_, c, q := setup(t)
	arn := topic(t, c, "news", nil)
	open, openARN := queue(t, q, "open", *arn)
	raw, rawARN := queue(t, q, "raw", *arn)
	shut, shutARN := queue(t, q, "shut", "")
	subscribe(t, c, arn, "sqs", openARN, nil)
	subscribe(t, c, arn, "sqs", rawARN, map[string]string{"RawMessageDelivery": "true", "FilterPolicy": `{"kind":["red",{"prefix":"bl"}]}`})
	subscribe(t, c, arn, "sqs", shutARN, nil)
	for _, kind := range []string{"red", "blue", "green"} {
		_, err := c.Publish(t.Context(), &sdk.PublishInput{TopicArn: arn, Message: &kind, Subject: aws.String("s"),
			MessageAttributes: map[string]types.MessageAttributeValue{"kind": {DataType: aws.String("String"), StringValue: &kind}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	var e struct{ Type, TopicArn, Message, Subject string }
	got := received(t, q, open)
	if len(got) != 3 || json.Unmarshal([]byte(got[0]), &e) != nil || e.Type != "Notification" || e.TopicArn != *arn || e.Message != "red" || e.Subject != "s" {
		t.Errorf("wrapped = %v", got)
	}
	if got := fmt.Sprint(received(t, q, raw)); got != "[red blue]" {
		t.Errorf("raw and filtered = %s", got)
	}
	if got := received(t, q, shut); len(got) != 0 {
		t.Errorf("a queue without a policy got %v", got)
	}
	batch, err := c.PublishBatch(t.Context(), &sdk.PublishBatchInput{TopicArn: arn, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
		{Id: aws.String("1"), Message: aws.String("x")}, {Id: aws.String("2"), Message: aws.String("y"), Subject: aws.String(strings.Repeat("s", 101))},
	}})
	if err != nil || len(batch.Successful) != 1 || len(batch.Failed) != 1 || *batch.Failed[0].Code != "InvalidParameter" {
		t.Errorf("batch = %+v, %v", batch, err)
	}
}

func TestTopicLife(t *testing.T) {
	t.Parallel()
	b, c, _ := setup(t)
	arn := topic(t, c, "t", nil)
	if again := topic(t, c, "t", nil); *again != *arn {
		t.Errorf("again = %s", *again)
	}
	if _, err := c.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}); err != nil {
		t.Fatal(err)
	}
	tags, err := c.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceArn: arn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Value != "v" {
		t.Errorf("tags = %+v, %v", tags, err)
	}
	if _, err := c.SetTopicAttributes(t.Context(), &sdk.SetTopicAttributesInput{TopicArn: arn, AttributeName: aws.String("DisplayName"), AttributeValue: aws.String("T")}); err != nil {
		t.Fatal(err)
	}
	mail := subscribe(t, c, arn, "email", "ada@example.com", nil)
	if mail != "pending confirmation" {
		t.Errorf("email = %s", mail)
	}
	a, err := c.GetTopicAttributes(t.Context(), &sdk.GetTopicAttributesInput{TopicArn: arn})
	if err != nil || a.Attributes["DisplayName"] != "T" || a.Attributes["SubscriptionsPending"] != "1" || !strings.Contains(a.Attributes["Policy"], "__default_policy_ID") {
		t.Errorf("attributes = %+v, %v", a, err)
	}
	lambda := subscribe(t, c, arn, "lambda", "arn:aws:lambda:eu-west-1:111111111111:function:f", nil)
	subs, err := c.ListSubscriptionsByTopic(t.Context(), &sdk.ListSubscriptionsByTopicInput{TopicArn: arn})
	if err != nil || len(subs.Subscriptions) != 2 {
		t.Fatalf("subscriptions = %+v, %v", subs, err)
	}
	for range 2 { // unsubscribing is idempotent
		if _, err := c.Unsubscribe(t.Context(), &sdk.UnsubscribeInput{SubscriptionArn: &lambda}); err != nil {
			t.Error(err)
		}
	}
	if k := b.Kinds(); k["topic"] != 1 || k["subscription"] != 1 {
		t.Errorf("inventory = %v", k)
	}
	for range 2 { // and so is deleting
		if _, err := c.DeleteTopic(t.Context(), &sdk.DeleteTopicInput{TopicArn: arn}); err != nil {
			t.Error(err)
		}
	}
	if k := b.Kinds(); len(k) != 0 {
		t.Errorf("left over: %v", k)
	}
	_, err = c.GetTopicAttributes(t.Context(), &sdk.GetTopicAttributesInput{TopicArn: arn})
	var gone *types.NotFoundException
	if !errors.As(err, &gone) {
		t.Errorf("deleted topic = %v; want NotFoundException", err)
	}
}

func TestListsPage(t *testing.T) {
	t.Parallel()
	_, c, _ := setup(t)
	arn := topic(t, c, "many", nil)
	for i := range 120 {
		topic(t, c, fmt.Sprintf("t%03d", i), nil)
		subscribe(t, c, arn, "lambda", fmt.Sprintf("arn:aws:lambda:eu-west-1:111111111111:function:f%d", i), nil)
	}
	count := func(next func() (int, bool, error)) (total, pages int) {
		for more := true; more; pages++ {
			n, again, err := next()
			if err != nil {
				t.Fatal(err)
			}
			total, more = total+n, again
		}
		return total, pages
	}
	tp := sdk.NewListTopicsPaginator(c, &sdk.ListTopicsInput{})
	if n, pages := count(func() (int, bool, error) {
		out, err := tp.NextPage(t.Context())
		if err != nil {
			return 0, false, err
		}
		return len(out.Topics), tp.HasMorePages(), nil
	}); n != 121 || pages != 2 {
		t.Errorf("%d topics on %d pages", n, pages)
	}
	sp := sdk.NewListSubscriptionsPaginator(c, &sdk.ListSubscriptionsInput{})
	if n, pages := count(func() (int, bool, error) {
		out, err := sp.NextPage(t.Context())
		if err != nil {
			return 0, false, err
		}
		return len(out.Subscriptions), sp.HasMorePages(), nil
	}); n != 120 || pages != 2 {
		t.Errorf("%d subscriptions on %d pages", n, pages)
	}
}

func TestFIFOTopic(t *testing.T) {
	t.Parallel()
	_, c, q := setup(t)
	arn := topic(t, c, "t.fifo", map[string]string{"FifoTopic": "true", "ContentBasedDeduplication": "true"})
	attrs := map[string]string{"FifoQueue": "true", "Policy": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}}`}
	made, err := q.CreateQueue(t.Context(), &sqssdk.CreateQueueInput{QueueName: aws.String("q.fifo"), Attributes: attrs})
	if err != nil {
		t.Fatal(err)
	}
	subscribe(t, c, arn, "sqs", "arn:aws:sqs:eu-west-1:111111111111:q.fifo", map[string]string{"RawMessageDelivery": "true"})
	for range 2 {
		out, err := c.Publish(t.Context(), &sdk.PublishInput{TopicArn: arn, Message: aws.String("once"), MessageGroupId: aws.String("g")})
		if err != nil || out.SequenceNumber == nil {
			t.Fatalf("publish = %+v, %v", out, err)
		}
	}
	if got := fmt.Sprint(received(t, q, *made.QueueUrl)); got != "[once]" {
		t.Errorf("received %s; want it once", got)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	b, _, _ := setup(t)
	arn := "arn:aws:sns:" + coretest.Region + ":" + coretest.Account + ":shell"
	b.CLI(t, "sns", "create-topic", "--name", "shell", "--tags", "Key=k,Value=v")
	b.CLI(t, "sns", "publish", "--topic-arn", arn, "--message", "hello")
	if out := b.CLI(t, "sns", "list-topics"); !strings.Contains(out, arn) {
		t.Errorf("list-topics = %s", out)
	}
	b.CLI(t, "sns", "delete-topic", "--topic-arn", arn)
	if k := b.Kinds(); len(k) != 0 {
		t.Errorf("left over: %v", k)
	}
}
