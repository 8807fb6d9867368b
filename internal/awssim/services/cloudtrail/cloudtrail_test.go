package cloudtrail_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awstrail "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/cloudtrail"
	"github.com/kodekloud/kml/internal/awssim/services/iam"
)

const (
	account  = "111111111111"
	allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

type bundle struct {
	w     *core.World
	start time.Time
	iam   *awsiam.Client
	here  *awstrail.Client // us-east-1, where IAM is recorded
	there *awstrail.Client
}

func setup(t *testing.T, o core.Options) *bundle {
	t.Helper()
	w := core.NewWorld(o)
	dir := iam.New(w)
	cloudtrail.New(w)
	b := &bundle{w: w, start: time.Now().UTC().Truncate(time.Second)}
	var c iam.Credentials
	w.Do(func() {
		w.Clock.Freeze(b.start)
		dir.AddAccount(account, "one")
		var err error
		if c, err = dir.AddUser(account, "/", "ada", allowAll); err != nil {
			t.Fatal(err)
		}
	})
	srv := httptest.NewServer(w)
	t.Cleanup(srv.Close)
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &srv.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, "")}
	b.iam, b.here = awsiam.NewFromConfig(cfg), awstrail.NewFromConfig(cfg)
	cfg.Region = "eu-west-1"
	b.there = awstrail.NewFromConfig(cfg)
	return b
}

func (b *bundle) makeUsers(t *testing.T, names ...string) {
	t.Helper()
	for _, n := range names {
		if _, err := b.iam.CreateUser(t.Context(), &awsiam.CreateUserInput{UserName: &n}); err != nil {
			t.Fatal(err)
		}
		b.w.Clock.Advance(time.Second)
	}
}

func named(v string) []types.LookupAttribute {
	return []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: &v}}
}

func want(t *testing.T, what string, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Fatalf("%s: %v; want %s", what, err, code)
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{}), t.Context()
	b.makeUsers(t, "a", "b", "c")
	var got []string
	p := awstrail.NewLookupEventsPaginator(b.here, &awstrail.LookupEventsInput{LookupAttributes: named("CreateUser"), MaxResults: aws.Int32(2)})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			var record struct {
				EventVersion      string
				RequestParameters struct{ UserName string }
				ResponseElements  struct{ User struct{ UserID string } }
				UserIdentity      struct{ Type, UserName string }
			}
			if err := json.Unmarshal([]byte(*e.CloudTrailEvent), &record); err != nil {
				t.Fatal(err)
			}
			if record.EventVersion != "1.11" || record.UserIdentity.Type != "IAMUser" || *e.Username != "ada" || *e.ReadOnly != "false" ||
				*e.EventSource != "iam.amazonaws.com" || record.ResponseElements.User.UserID == "" {
				t.Fatalf("event = %s", *e.CloudTrailEvent)
			}
			got = append(got, record.RequestParameters.UserName)
		}
	}
	if len(got) != 3 || got[0] != "c" || got[2] != "a" {
		t.Fatalf("newest first: %v", got)
	}
	out, err := b.here.LookupEvents(ctx, &awstrail.LookupEventsInput{LookupAttributes: named("CreateUser"),
		StartTime: aws.Time(b.start.Add(time.Second)), EndTime: aws.Time(b.start.Add(time.Second))})
	if err != nil || len(out.Events) != 1 {
		t.Fatalf("one second of history: %v, %v", out, err)
	}
	out, err = b.there.LookupEvents(ctx, &awstrail.LookupEventsInput{LookupAttributes: named("CreateUser")})
	if err != nil || len(out.Events) != 0 {
		t.Fatalf("IAM is recorded in us-east-1 alone: %v, %v", out, err)
	}
	b.w.Clock.Advance(91 * 24 * time.Hour)
	b.w.Do(func() {
		if n := len(b.w.Trail.Visible(account, "us-east-1", b.w.Clock.Now())); n != 0 {
			t.Errorf("%d events are older than 90 days", n)
		}
	})
}

func TestLateEvents(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{TrailDelay: core.Distribution{Min: time.Minute, Max: time.Minute}}), t.Context()
	b.makeUsers(t, "a")
	count := func() int {
		out, err := b.here.LookupEvents(ctx, &awstrail.LookupEventsInput{LookupAttributes: named("CreateUser")})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Events)
	}
	if n := count(); n != 0 {
		t.Fatalf("%d events before their time", n)
	}
	b.w.Clock.Advance(time.Minute)
	if n := count(); n != 1 {
		t.Fatalf("%d events after their time", n)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{}), t.Context()
	b.makeUsers(t, "a", "b")
	two := append(named("CreateUser"), types.LookupAttribute{AttributeKey: types.LookupAttributeKeyReadOnly, AttributeValue: aws.String("false")})
	_, err := b.here.LookupEvents(ctx, &awstrail.LookupEventsInput{LookupAttributes: two})
	want(t, "two attributes", err, "InvalidLookupAttributesException")
	_, err = b.here.LookupEvents(ctx, &awstrail.LookupEventsInput{StartTime: aws.Time(b.start), EndTime: aws.Time(b.start.Add(-time.Hour))})
	want(t, "an end before the start", err, "InvalidTimeRangeException")
	_, err = b.here.LookupEvents(ctx, &awstrail.LookupEventsInput{MaxResults: aws.Int32(51)})
	want(t, "a page of 51", err, "InvalidMaxResultsException")
	first, err := b.here.LookupEvents(ctx, &awstrail.LookupEventsInput{LookupAttributes: named("CreateUser"), MaxResults: aws.Int32(1)})
	if err != nil || first.NextToken == nil {
		t.Fatalf("first page: %v, %v", first, err)
	}
	_, err = b.here.LookupEvents(ctx, &awstrail.LookupEventsInput{LookupAttributes: named("DeleteUser"), NextToken: first.NextToken})
	want(t, "a token of another query", err, "InvalidNextTokenException")
	_, err = b.here.LookupEvents(ctx, &awstrail.LookupEventsInput{NextToken: aws.String("x")})
	want(t, "a token of nobody", err, "InvalidNextTokenException")
}

func TestRate(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{Throttle: true}), t.Context()
	for range 2 {
		if _, err := b.here.LookupEvents(ctx, nil); err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.here.LookupEvents(ctx, nil)
	want(t, "a third in a second", err, "ThrottlingException")
	if _, err := b.there.LookupEvents(ctx, nil); err != nil {
		t.Fatalf("each Region has its own rate: %v", err)
	}
}
