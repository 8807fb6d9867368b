package core_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// onePerson is a directory with a single user, to try the pipeline without IAM.
type onePerson struct{ allow string }

func (d onePerson) Lookup(key, _ string, _ time.Time) (string, *core.Principal, error) {
	if key != "AKIATEST" {
		return "", nil, core.Errorf(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	}
	return "secret", &core.Principal{AccessKeyID: key, Principal: iameval.Principal{
		ARN: "arn:aws:iam::111111111111:user/ada", Account: "111111111111", UserName: "ada", UserID: "AIDA", Type: "User"}}, nil
}

func (d onePerson) Policies(*core.Principal, time.Time) iameval.Policies {
	p, err := iameval.Parse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"`+d.allow+`","Resource":"*"}]}`, iameval.Identity)
	if err != nil {
		panic(err)
	}
	return iameval.Policies{Identity: []iameval.Attached{{Name: "p", Policy: p}}}
}

type listQueuesOut struct{ QueueUrls []string }

func setup(t *testing.T, allow string) (*core.World, *sqs.Client) {
	t.Helper()
	w := core.NewWorld(core.Options{Seed: 1, Throttle: true})
	w.Directory = onePerson{allow}
	w.Add(&core.Service{
		Name: "sqs", TargetPrefixes: []string{"AmazonSQS"}, QueryCompatible: true,
		Rates: map[string]core.Rate{"ListQueues": {PerSecond: 0.001, Burst: 3}},
		Ops: []core.Op{core.Handle("ListQueues", func(c *core.Call, in *struct{ QueueNamePrefix string }) (*listQueuesOut, error) {
			return &listQueuesOut{QueueUrls: []string{"http://x/" + in.QueueNamePrefix}}, nil
		}, core.ReadOnly)},
	})
	w.Do(func() { w.AddAccount(&core.Account{ID: "111111111111"}) })
	srv := httptest.NewServer(w)
	t.Cleanup(srv.Close)
	cfg := aws.Config{Region: "eu-west-1", BaseEndpoint: &srv.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", "")}
	return w, sqs.NewFromConfig(cfg)
}

func TestPipeline(t *testing.T) {
	t.Parallel()
	w, c := setup(t, "sqs:*")
	out, err := c.ListQueues(t.Context(), &sqs.ListQueuesInput{QueueNamePrefix: aws.String("a")})
	if err != nil || len(out.QueueUrls) != 1 || out.QueueUrls[0] != "http://x/a" {
		t.Fatalf("ListQueues = %v, %v", out, err)
	}
	var events []*core.Event
	w.Do(func() { events = w.Trail.Visible("111111111111", "eu-west-1", w.Clock.Now()) })
	if len(events) != 1 || events[0].EventName != "ListQueues" || events[0].User != "ada" {
		t.Fatalf("trail = %+v", events)
	}
	_, _ = c.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	_, _ = c.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if _, err = c.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err == nil || !strings.Contains(err.Error(), "ThrottlingException") {
		t.Fatalf("the fourth call in a burst of three = %v; want a throttle", err)
	}
	w.SetFaults([]core.FaultRule{{ID: "f", Service: "sqs", Kind: core.FaultResetBefore, Times: 1}})
	if _, err = c.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err == nil || !strings.Contains(err.Error(), "EOF") && !strings.Contains(err.Error(), "reset") {
		t.Fatalf("reset = %v", err)
	}
}

func TestPipelineDenies(t *testing.T) {
	t.Parallel()
	w, c := setup(t, "s3:*")
	_, err := c.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err == nil || !strings.Contains(err.Error(), "AccessDenied") || !strings.Contains(err.Error(), "sqs:ListQueues") {
		t.Fatalf("denied = %v", err)
	}
	var events []*core.Event
	w.Do(func() { events = w.Trail.Visible("111111111111", "eu-west-1", w.Clock.Now()) })
	if len(events) != 1 || events[0].ErrorCode == "" {
		t.Fatalf("a denied call is recorded with its errorCode: %+v", events)
	}
	bad := sqs.New(sqs.Options{Region: "eu-west-1", BaseEndpoint: c.Options().BaseEndpoint, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "wrong", "")})
	if _, err := bad.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err == nil || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
		t.Fatalf("wrong secret = %v", err)
	}
}
