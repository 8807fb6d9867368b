package sqs_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/core/coretest"
	"github.com/kodekloud/kml/internal/awssim/services/sqs"
)

func setup(t *testing.T) (*coretest.Bench, *sdk.Client) {
	t.Helper()
	b := coretest.New(t, core.Options{Seed: 1}, coretest.Everything, func(w *core.World) *core.Service { return sqs.New(w).Core() })
	return b, sdk.NewFromConfig(b.Config)
}

func create(t *testing.T, c *sdk.Client, name string, attrs map[string]string) *string {
	t.Helper()
	out, err := c.CreateQueue(t.Context(), &sdk.CreateQueueInput{QueueName: &name, Attributes: attrs})
	if err != nil {
		t.Fatalf("CreateQueue %s: %v", name, err)
	}
	return out.QueueUrl
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("error = %v; want code %s", err, code)
	}
}

func TestQueueLife(t *testing.T) {
	t.Parallel()
	b, c := setup(t)
	u := create(t, c, "q", map[string]string{"VisibilityTimeout": "60"})
	if want := b.URL + "/" + coretest.Account + "/q"; *u != want {
		t.Errorf("url = %s; want %s", *u, want)
	}
	if again := create(t, c, "q", map[string]string{"VisibilityTimeout": "60"}); *again != *u {
		t.Errorf("the same again = %s", *again)
	}
	_, err := c.CreateQueue(t.Context(), &sdk.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"VisibilityTimeout": "61"}})
	var exists *types.QueueNameExists
	if !errors.As(err, &exists) {
		t.Errorf("other attributes = %v; want QueueNameExists", err)
	}
	if n := b.Kinds()["queue"]; n != 1 {
		t.Errorf("inventory: %d queues", n)
	}
	if _, err := c.DeleteQueue(t.Context(), &sdk.DeleteQueueInput{QueueUrl: u}); err != nil {
		t.Fatal(err)
	}
	_, err = c.DeleteQueue(t.Context(), &sdk.DeleteQueueInput{QueueUrl: u})
	var gone *types.QueueDoesNotExist
	if !errors.As(err, &gone) || gone.ErrorCode() != "AWS.SimpleQueueService.NonExistentQueue" {
		t.Errorf("deleted twice = %v; want QueueDoesNotExist by its query code", err)
	}
	_, err = c.CreateQueue(t.Context(), &sdk.CreateQueueInput{QueueName: aws.String("q")})
	wantCode(t, err, "AWS.SimpleQueueService.QueueDeletedRecently")
	b.World.Clock.Advance(61 * time.Second)
	create(t, c, "q", nil)
}

func TestListQueues(t *testing.T) {
	t.Parallel()
	_, c := setup(t)
	for i := range 12 {
		create(t, c, fmt.Sprintf("list-%02d", i), nil)
	}
	create(t, c, "other", nil)
	got, pages := 0, 0
	for p := sdk.NewListQueuesPaginator(c, &sdk.ListQueuesInput{QueueNamePrefix: aws.String("list-"), MaxResults: aws.Int32(5)}); p.HasMorePages(); pages++ {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got += len(out.QueueUrls)
	}
	if got != 12 || pages != 3 {
		t.Errorf("%d queues on %d pages", got, pages)
	}
	if all, err := c.ListQueues(t.Context(), &sdk.ListQueuesInput{}); err != nil || len(all.QueueUrls) != 13 || all.NextToken != nil {
		t.Errorf("without MaxResults: %v, %v", all, err)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	b, c := setup(t)
	u := create(t, c, "q", nil)
	// The SDK checks the MD5 of body and attributes itself, on both ways.
	attrs := map[string]types.MessageAttributeValue{
		"s": {DataType: aws.String("String"), StringValue: aws.String("text")},
		"b": {DataType: aws.String("Binary"), BinaryValue: []byte{1, 2}},
	}
	if _, err := c.SendMessage(t.Context(), &sdk.SendMessageInput{QueueUrl: u, MessageBody: aws.String("hi"), MessageAttributes: attrs}); err != nil {
		t.Fatal(err)
	}
	receive := func() []types.Message {
		out, err := c.ReceiveMessage(t.Context(), &sdk.ReceiveMessageInput{QueueUrl: u, MaxNumberOfMessages: 10, WaitTimeSeconds: 20,
			MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Messages
	}
	first := receive()
	if len(first) != 1 || *first[0].Body != "hi" || string(first[0].MessageAttributes["b"].BinaryValue) != "\x01\x02" || first[0].Attributes["ApproximateReceiveCount"] != "1" {
		t.Fatalf("first = %+v", first)
	}
	if again := receive(); len(again) != 0 {
		t.Errorf("in flight, and received again: %+v", again)
	}
	b.World.Clock.Advance(31 * time.Second)
	second := receive()
	if len(second) != 1 || second[0].Attributes["ApproximateReceiveCount"] != "2" {
		t.Fatalf("after the visibility timeout = %+v", second)
	}
	hide := func(h *string, seconds int32) error {
		_, err := c.ChangeMessageVisibility(t.Context(), &sdk.ChangeMessageVisibilityInput{QueueUrl: u, ReceiptHandle: h, VisibilityTimeout: seconds})
		return err
	}
	if err := hide(second[0].ReceiptHandle, 0); err != nil {
		t.Fatal(err)
	}
	wantCode(t, hide(second[0].ReceiptHandle, 10), "AWS.SimpleQueueService.MessageNotInflight")
	third := receive()
	if _, err := c.DeleteMessage(t.Context(), &sdk.DeleteMessageInput{QueueUrl: u, ReceiptHandle: third[0].ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
	_, err := c.DeleteMessage(t.Context(), &sdk.DeleteMessageInput{QueueUrl: u, ReceiptHandle: aws.String("rubbish")})
	wantCode(t, err, "ReceiptHandleIsInvalid")
	b.World.Clock.Advance(time.Minute)
	if left := receive(); len(left) != 0 {
		t.Errorf("deleted, and received: %+v", left)
	}
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	b, c := setup(t)
	dead := create(t, c, "dead", nil)
	q := create(t, c, "q", map[string]string{
		"RedrivePolicy":     `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111111111111:dead","maxReceiveCount":"2"}`,
		"VisibilityTimeout": "1",
	})
	if _, err := c.SendMessage(t.Context(), &sdk.SendMessageInput{QueueUrl: q, MessageBody: aws.String("poison")}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{1, 1, 0} {
		out, err := c.ReceiveMessage(t.Context(), &sdk.ReceiveMessageInput{QueueUrl: q})
		if err != nil || len(out.Messages) != want {
			t.Fatalf("receiving %d: %d messages, %v", i, len(out.Messages), err)
		}
		b.World.Clock.Advance(2 * time.Second)
	}
	out, err := c.ReceiveMessage(t.Context(), &sdk.ReceiveMessageInput{QueueUrl: dead, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}})
	if err != nil || len(out.Messages) != 1 || !strings.HasSuffix(out.Messages[0].Attributes["DeadLetterQueueSourceArn"], ":q") {
		t.Fatalf("dead letters = %+v, %v", out, err)
	}
	src, err := c.ListDeadLetterSourceQueues(t.Context(), &sdk.ListDeadLetterSourceQueuesInput{QueueUrl: dead})
	if err != nil || len(src.QueueUrls) != 1 || src.QueueUrls[0] != *q {
		t.Errorf("sources = %+v, %v", src, err)
	}
}

func TestFIFO(t *testing.T) {
	t.Parallel()
	_, c := setup(t)
	u := create(t, c, "q.fifo", map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"})
	entries := []types.SendMessageBatchRequestEntry{
		{Id: aws.String("1"), MessageBody: aws.String("a1"), MessageGroupId: aws.String("a")},
		{Id: aws.String("2"), MessageBody: aws.String("a2"), MessageGroupId: aws.String("a")},
		{Id: aws.String("3"), MessageBody: aws.String("a1"), MessageGroupId: aws.String("a")}, // a duplicate
		{Id: aws.String("4"), MessageBody: aws.String("b1"), MessageGroupId: aws.String("b")},
		{Id: aws.String("5"), MessageBody: aws.String("no group")},
	}
	sent, err := c.SendMessageBatch(t.Context(), &sdk.SendMessageBatchInput{QueueUrl: u, Entries: entries})
	if err != nil || len(sent.Successful) != 4 || len(sent.Failed) != 1 || *sent.Failed[0].Code != "MissingParameter" {
		t.Fatalf("batch = %+v, %v", sent, err)
	}
	if *sent.Successful[0].MessageId != *sent.Successful[2].MessageId {
		t.Error("the duplicate got an id of its own")
	}
	bodies := func() (out []string) {
		r, err := c.ReceiveMessage(t.Context(), &sdk.ReceiveMessageInput{QueueUrl: u, MaxNumberOfMessages: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range r.Messages {
			out = append(out, *m.Body)
		}
		return out
	}
	if got := fmt.Sprint(bodies(), bodies(), bodies()); got != "[a1] [b1] []" {
		t.Errorf("received %s; want a1, then b1 because group a is busy, then nothing", got)
	}
}

// The query protocol of older clients: form in, XML out, errors by their old codes.
func TestQueryProtocol(t *testing.T) {
	t.Parallel()
	b, _ := setup(t)
	u := b.URL + "/" + coretest.Account + "/old"
	query(t, b, "CreateQueue", "QueueName=old&Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=7&Tag.1.Key=k&Tag.1.Value=v", 200)
	var attrs struct {
		List []struct{ Name, Value string } `xml:"GetQueueAttributesResult>Attribute"`
	}
	parse(t, query(t, b, "GetQueueAttributes", "AttributeName.1=VisibilityTimeout&QueueUrl="+url.QueryEscape(u), 200), &attrs)
	if len(attrs.List) != 1 || attrs.List[0].Value != "7" {
		t.Errorf("attributes = %+v", attrs)
	}
	query(t, b, "SendMessage", "MessageBody=x&MessageAttribute.1.Name=a&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=v&QueueUrl="+url.QueryEscape(u), 200)
	var got struct {
		Messages []struct {
			Body      string
			Attribute struct {
				Name  string
				Value struct{ StringValue string }
			} `xml:"MessageAttribute"`
		} `xml:"ReceiveMessageResult>Message"`
	}
	parse(t, query(t, b, "ReceiveMessage", "MessageAttributeName.1=All&QueueUrl="+url.QueryEscape(u), 200), &got)
	if len(got.Messages) != 1 || got.Messages[0].Body != "x" || got.Messages[0].Attribute.Value.StringValue != "v" {
		t.Errorf("messages = %+v", got)
	}
	if body := query(t, b, "GetQueueUrl", "QueueName=none", 400); !strings.Contains(body, "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>") {
		t.Errorf("error = %s", body)
	}
	if body := query(t, b, "ListQueueTags", "QueueUrl="+url.QueryEscape(u), 200); !strings.Contains(body, "<Tag><Key>k</Key><Value>v</Value></Tag>") {
		t.Errorf("tags = %s", body)
	}
}

func parse(t *testing.T, body string, into any) {
	t.Helper()
	if err := xml.Unmarshal([]byte(body), into); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
}

func query(t *testing.T, b *coretest.Bench, action, params string, status int) string {
	t.Helper()
	form := "Action=" + action + "&Version=2012-11-05&" + params
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL+"/", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sum := sha256.Sum256([]byte(form))
	cred, err := b.Config.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := v4.NewSigner().SignHTTP(t.Context(), cred, req, hex.EncodeToString(sum[:]), "sqs", coretest.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Fatalf("%s = %d %s %v; want %d", action, res.StatusCode, body, err, status)
	}
	return string(body)
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	b, _ := setup(t)
	b.CLI(t, "sqs", "create-queue", "--queue-name", "shell", "--attributes", "DelaySeconds=0")
	u := b.URL + "/" + coretest.Account + "/shell"
	b.CLI(t, "sqs", "send-message", "--queue-url", u, "--message-body", "hello")
	if out := b.CLI(t, "sqs", "receive-message", "--queue-url", u); !strings.Contains(out, "hello") {
		t.Errorf("receive-message = %s", out)
	}
	b.CLI(t, "sqs", "purge-queue", "--queue-url", u)
	b.CLI(t, "sqs", "delete-queue", "--queue-url", u)
	if n := b.Kinds()["queue"]; n != 0 {
		t.Errorf("%d queues left", n)
	}
}
