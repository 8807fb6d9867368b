package logs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/core/coretest"
	"github.com/kodekloud/kml/internal/awssim/services/logs"
)

type points struct{ seen []string }

func (p *points) PutMetric(_, _, namespace, name string, _ map[string]string, value float64, _ time.Time) {
	p.seen = append(p.seen, fmt.Sprintf("%s/%s=%v", namespace, name, value))
}

func setup(t *testing.T, policy string) (*coretest.Bench, *cloudwatchlogs.Client, *points) {
	t.Helper()
	p := &points{}
	b := coretest.New(t, core.Options{Seed: 1}, policy, func(w *core.World) *core.Service { return logs.New(w, p).Core() })
	return b, cloudwatchlogs.NewFromConfig(b.Config), p
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestGroupsArePagedAndProtected(t *testing.T) {
	t.Parallel()
	b, c, _ := setup(t, coretest.Everything)
	ctx := t.Context()
	for i := range 120 {
		must[*cloudwatchlogs.CreateLogGroupOutput](t)(c.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(fmt.Sprintf("/lab/%03d", i))}))
	}
	seen := 0
	for p := cloudwatchlogs.NewDescribeLogGroupsPaginator(c, &cloudwatchlogs.DescribeLogGroupsInput{}); p.HasMorePages(); {
		page := must[*cloudwatchlogs.DescribeLogGroupsOutput](t)(p.NextPage(ctx))
		if len(page.LogGroups) > 50 {
			t.Fatalf("a page of %d groups; AWS gives 50", len(page.LogGroups))
		}
		for _, g := range page.LogGroups {
			seen++
			// Deleting while paging must not skip any.
			must[*cloudwatchlogs.DeleteLogGroupOutput](t)(c.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: g.LogGroupName}))
		}
	}
	if seen != 120 || b.Kinds()["log-group"] != 0 {
		t.Fatalf("seen %d of 120, left %v", seen, b.Kinds())
	}
	name := aws.String("kept")
	must[*cloudwatchlogs.CreateLogGroupOutput](t)(c.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: name, DeletionProtectionEnabled: aws.Bool(true)}))
	if _, err := c.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: name}); code(err) != "ResourceAlreadyExistsException" {
		t.Fatalf("second create = %v", err)
	}
	if _, err := c.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: name}); code(err) != "ValidationException" {
		t.Fatalf("delete of a protected group = %v", err)
	}
	must[*cloudwatchlogs.PutLogGroupDeletionProtectionOutput](t)(c.PutLogGroupDeletionProtection(ctx, &cloudwatchlogs.PutLogGroupDeletionProtectionInput{LogGroupIdentifier: name, DeletionProtectionEnabled: aws.Bool(false)}))
	must[*cloudwatchlogs.DeleteLogGroupOutput](t)(c.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: name}))
	if _, err := c.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: name}); code(err) != "ResourceNotFoundException" {
		t.Fatalf("second delete = %v", err)
	}
}

func TestEventsComeBackFilteredAndCounted(t *testing.T) {
	t.Parallel()
	b, c, metrics := setup(t, coretest.Everything)
	ctx := t.Context()
	g, st := aws.String("/app"), aws.String("web/1")
	must[*cloudwatchlogs.CreateLogGroupOutput](t)(c.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: g, Tags: map[string]string{"lab": "a"}}))
	must[*cloudwatchlogs.CreateLogStreamOutput](t)(c.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: g, LogStreamName: st}))
	must[*cloudwatchlogs.PutMetricFilterOutput](t)(c.PutMetricFilter(ctx, &cloudwatchlogs.PutMetricFilterInput{LogGroupName: g, FilterName: aws.String("errors"), FilterPattern: aws.String("ERROR"),
		MetricTransformations: []types.MetricTransformation{{MetricName: aws.String("Errors"), MetricNamespace: aws.String("Lab"), MetricValue: aws.String("1")}}}))
	now := b.World.Clock.Now().UnixMilli()
	var events []types.InputLogEvent
	for i, m := range []string{"INFO start", "ERROR disk full", `{"level":"warn","code":503}`, "ERROR again"} {
		events = append(events, types.InputLogEvent{Timestamp: aws.Int64(now - 4000 + int64(i)*1000), Message: aws.String(m)})
	}
	old := types.InputLogEvent{Timestamp: aws.Int64(now - 15*24*3600*1000), Message: aws.String("too old")}
	out := must[*cloudwatchlogs.PutLogEventsOutput](t)(c.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: g, LogStreamName: st, LogEvents: append([]types.InputLogEvent{old}, events...)}))
	if out.RejectedLogEventsInfo == nil || aws.ToInt32(out.RejectedLogEventsInfo.TooOldLogEventEndIndex) != 1 {
		t.Fatalf("an event of 15 days ago is rejected: %+v", out.RejectedLogEventsInfo)
	}
	if got := strings.Join(metrics.seen, " "); got != "Lab/Errors=1 Lab/Errors=1" {
		t.Fatalf("metric filter made %q", got)
	}
	var lines []string
	for p := cloudwatchlogs.NewGetLogEventsPaginator(c, &cloudwatchlogs.GetLogEventsInput{LogGroupName: g, LogStreamName: st, Limit: aws.Int32(3), StartFromHead: aws.Bool(true)}, func(o *cloudwatchlogs.GetLogEventsPaginatorOptions) { o.StopOnDuplicateToken = true }); p.HasMorePages(); {
		for _, e := range must[*cloudwatchlogs.GetLogEventsOutput](t)(p.NextPage(ctx)).Events {
			lines = append(lines, aws.ToString(e.Message))
		}
	}
	if len(lines) != 4 || lines[0] != "INFO start" {
		t.Fatalf("GetLogEvents = %q", lines)
	}
	for pattern, want := range map[string]int{
		"": 4, "ERROR": 2, "ERROR -again": 1, "?INFO ?again": 2, `"disk full"`: 1, `{ $.level = "w*" && $.code >= 500 }`: 1, `{ $.code < 500 || $.nothing EXISTS }`: 0,
	} {
		got := must[*cloudwatchlogs.FilterLogEventsOutput](t)(c.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: g, FilterPattern: aws.String(pattern)}))
		if len(got.Events) != want {
			t.Errorf("pattern %q matched %d, want %d", pattern, len(got.Events), want)
		}
	}
	if _, err := c.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: g, FilterPattern: aws.String("[a, b]")}); code(err) != "InvalidParameterException" {
		t.Errorf("a pattern that cannot be evaluated = %v", err)
	}
	arn := "arn:aws:logs:eu-west-1:111111111111:log-group:/app"
	tags := must[*cloudwatchlogs.ListTagsForResourceOutput](t)(c.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: &arn}))
	if tags.Tags["lab"] != "a" {
		t.Errorf("tags = %v", tags.Tags)
	}
}

func TestPoliciesAndPermissions(t *testing.T) {
	t.Parallel()
	b, c, _ := setup(t, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"logs:*","Resource":"*"},
		{"Effect":"Deny","Action":"logs:DeleteLogGroup","Resource":"arn:aws:logs:*:*:log-group:/fleet/*"}]}`)
	ctx := t.Context()
	doc := aws.String(`{"Version":"2012-10-17","Statement":[]}`)
	must[*cloudwatchlogs.PutResourcePolicyOutput](t)(c.PutResourcePolicy(ctx, &cloudwatchlogs.PutResourcePolicyInput{PolicyName: aws.String("r53"), PolicyDocument: doc}))
	must[*cloudwatchlogs.PutAccountPolicyOutput](t)(c.PutAccountPolicy(ctx, &cloudwatchlogs.PutAccountPolicyInput{PolicyName: aws.String("pii"), PolicyDocument: doc, PolicyType: types.PolicyTypeDataProtectionPolicy}))
	if k := b.Kinds(); k["resource-policy"] != 1 || k["account-policy"] != 1 {
		t.Fatalf("inventory = %v", k)
	}
	must[*cloudwatchlogs.DeleteResourcePolicyOutput](t)(c.DeleteResourcePolicy(ctx, &cloudwatchlogs.DeleteResourcePolicyInput{PolicyName: aws.String("r53")}))
	must[*cloudwatchlogs.DeleteAccountPolicyOutput](t)(c.DeleteAccountPolicy(ctx, &cloudwatchlogs.DeleteAccountPolicyInput{PolicyName: aws.String("pii"), PolicyType: types.PolicyTypeDataProtectionPolicy}))
	if left := b.Kinds(); len(left) != 0 {
		t.Fatalf("left = %v", left)
	}
	name := aws.String("/fleet/audit")
	must[*cloudwatchlogs.CreateLogGroupOutput](t)(c.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: name}))
	if _, err := c.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: name}); code(err) != "AccessDeniedException" {
		t.Fatalf("a denied delete = %v", err)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	b, _, _ := setup(t, coretest.Everything)
	b.CLI(t, "logs", "create-log-group", "--log-group-name", "/cli")
	b.CLI(t, "logs", "put-retention-policy", "--log-group-name", "/cli", "--retention-in-days", "7")
	if out := b.CLI(t, "logs", "describe-log-groups"); !strings.Contains(out, `"retentionInDays": 7`) {
		t.Fatalf("describe-log-groups printed %s", out)
	}
}
