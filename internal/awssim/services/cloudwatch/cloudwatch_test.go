package cloudwatch_test

import (
	"crypto/sha256"
	"encoding/hex"
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
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/core/coretest"
	"github.com/kodekloud/kml/internal/awssim/services/cloudwatch"
)

// topic collects what alarms say; the world's lock is held when it is called.
type topic struct{ said []string }

func (n *topic) Notify(_, _, subject, _ string, _ time.Time) error {
	n.said = append(n.said, subject)
	return nil
}

func setup(t *testing.T) (*coretest.Bench, *sdk.Client, *topic) {
	t.Helper()
	n := &topic{}
	b := coretest.New(t, core.Options{Seed: 1}, coretest.Everything, func(w *core.World) *core.Service { return cloudwatch.New(w, n).Core() })
	return b, sdk.NewFromConfig(b.Config), n
}

func wantCode(t *testing.T, what string, err error, want string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != want {
		t.Fatalf("%s = %v; want %s", what, err, want)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func cpuAlarm(name string) *sdk.PutMetricAlarmInput {
	return &sdk.PutMetricAlarmInput{
		AlarmName: &name, Namespace: aws.String("Lab"), MetricName: aws.String("CPU"), Statistic: types.StatisticAverage, Period: aws.Int32(60),
		EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(80), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
		AlarmActions: []string{"arn:aws:sns:eu-west-1:111111111111:ops"}, Dimensions: []types.Dimension{{Name: aws.String("Host"), Value: aws.String("a")}},
		Tags: []types.Tag{{Key: aws.String("lab"), Value: aws.String("a")}},
	}
}

func TestAlarmsFollowTheData(t *testing.T) {
	t.Parallel()
	b, c, n := setup(t)
	ctx := t.Context()
	_, err := c.PutMetricAlarm(ctx, cpuAlarm("cpu"))
	ok(t, err)
	_, err = c.PutCompositeAlarm(ctx, &sdk.PutCompositeAlarmInput{AlarmName: aws.String("any"), AlarmRule: aws.String(`ALARM("cpu") AND NOT FALSE`)})
	ok(t, err)
	state := func() types.StateValue {
		out, err := c.DescribeAlarms(ctx, &sdk.DescribeAlarmsInput{AlarmNames: []string{"cpu"}})
		ok(t, err)
		return out.MetricAlarms[0].StateValue
	}
	if s := state(); s != types.StateValueInsufficientData {
		t.Fatalf("a new alarm is %s", s)
	}
	put := func(v float64) {
		_, err := c.PutMetricData(ctx, &sdk.PutMetricDataInput{Namespace: aws.String("Lab"), MetricData: []types.MetricDatum{{MetricName: aws.String("CPU"), Value: &v,
			Dimensions: []types.Dimension{{Name: aws.String("Host"), Value: aws.String("a")}}}}})
		ok(t, err)
	}
	put(95)
	b.World.Clock.Advance(time.Minute)
	if s := state(); s != types.StateValueAlarm || len(n.said) != 1 {
		t.Fatalf("after 95 %%: %s, said %v", s, n.said)
	}
	composite, err := c.DescribeAlarms(ctx, &sdk.DescribeAlarmsInput{AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm}})
	ok(t, err)
	if len(composite.CompositeAlarms) != 1 || composite.CompositeAlarms[0].StateValue != types.StateValueAlarm {
		t.Fatalf("composite = %+v", composite)
	}
	put(5)
	b.World.Clock.Advance(time.Minute)
	if s := state(); s != types.StateValueOk {
		t.Fatalf("after 5 %%: %s", s)
	}
	h, err := c.DescribeAlarmHistory(ctx, &sdk.DescribeAlarmHistoryInput{AlarmName: aws.String("cpu")})
	ok(t, err)
	if len(h.AlarmHistoryItems) != 4 || h.AlarmHistoryItems[0].HistoryItemType != types.HistoryItemTypeStateUpdate {
		t.Fatalf("history = %+v", h.AlarmHistoryItems)
	}
	_, err = c.DeleteAlarms(ctx, &sdk.DeleteAlarmsInput{AlarmNames: []string{"cpu", "nope"}})
	wantCode(t, "delete with a name that is not there", err, "ResourceNotFound")
	if b.Kinds()["alarm"] != 2 {
		t.Fatal("a refused delete deleted something")
	}
	_, err = c.DeleteAlarms(ctx, &sdk.DeleteAlarmsInput{AlarmNames: []string{"cpu", "any"}})
	ok(t, err)
	if b.Kinds()["alarm"] != 0 {
		t.Fatal(b.Kinds())
	}
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	b, c, _ := setup(t)
	ctx := t.Context()
	now := b.World.Clock.Now()
	var data []types.MetricDatum
	for i := range 900 { // large enough for the SDK to compress
		data = append(data, types.MetricDatum{MetricName: aws.String("Latency"), Value: aws.Float64(float64(i%100 + 1)), Timestamp: &now, Unit: types.StandardUnitMilliseconds})
	}
	_, err := c.PutMetricData(ctx, &sdk.PutMetricDataInput{Namespace: aws.String("Lab"), MetricData: data})
	ok(t, err)
	start, end := now.Add(-time.Hour), now.Add(time.Minute)
	out, err := c.GetMetricStatistics(ctx, &sdk.GetMetricStatisticsInput{Namespace: aws.String("Lab"), MetricName: aws.String("Latency"), StartTime: &start, EndTime: &end,
		Period: aws.Int32(60), Statistics: []types.Statistic{"Average", "Maximum", "SampleCount"}})
	ok(t, err)
	if len(out.Datapoints) != 1 || *out.Datapoints[0].Average != 50.5 || *out.Datapoints[0].Maximum != 100 || *out.Datapoints[0].SampleCount != 900 || out.Datapoints[0].Sum != nil {
		t.Fatalf("datapoints = %+v", out.Datapoints)
	}
	data2, err := c.GetMetricData(ctx, &sdk.GetMetricDataInput{StartTime: &start, EndTime: &end, MetricDataQueries: []types.MetricDataQuery{{Id: aws.String("m"),
		MetricStat: &types.MetricStat{Metric: &types.Metric{Namespace: aws.String("Lab"), MetricName: aws.String("Latency")}, Period: aws.Int32(60), Stat: aws.String("p90")}}}})
	ok(t, err)
	if r := data2.MetricDataResults; len(r) != 1 || len(r[0].Values) != 1 || r[0].Values[0] != 90 {
		t.Fatalf("p90 = %+v", r)
	}
	_, err = c.PutMetricData(ctx, &sdk.PutMetricDataInput{Namespace: aws.String("AWS/EC2"), MetricData: data[:1]})
	wantCode(t, "a metric of AWS's own", err, "InvalidParameterValue")
	list, err := c.ListMetrics(ctx, &sdk.ListMetricsInput{Namespace: aws.String("Lab")})
	ok(t, err)
	if len(list.Metrics) != 1 {
		t.Fatalf("metrics = %+v", list.Metrics)
	}
}

func TestAlarmsArePagedAndDashboardsGlobal(t *testing.T) {
	t.Parallel()
	b, c, _ := setup(t)
	ctx := t.Context()
	for i := range 120 {
		_, err := c.PutMetricAlarm(ctx, cpuAlarm(fmt.Sprintf("a%03d", i)))
		ok(t, err)
	}
	pages, seen := 0, 0
	for p := sdk.NewDescribeAlarmsPaginator(c, &sdk.DescribeAlarmsInput{}); p.HasMorePages(); pages++ {
		page, err := p.NextPage(ctx)
		ok(t, err)
		seen += len(page.MetricAlarms)
	}
	if seen != 120 || pages != 3 {
		t.Fatalf("%d alarms on %d pages", seen, pages)
	}
	tags, err := c.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceARN: aws.String("arn:aws:cloudwatch:eu-west-1:111111111111:alarm:a000")})
	ok(t, err)
	if len(tags.Tags) != 1 {
		t.Fatalf("tags = %v", tags.Tags)
	}
	_, err = c.PutDashboard(ctx, &sdk.PutDashboardInput{DashboardName: aws.String("d"), DashboardBody: aws.String(`{"widgets":[]}`)})
	ok(t, err)
	far := sdk.NewFromConfig(b.Config, func(o *sdk.Options) { o.Region = "us-west-2" })
	boards, err := far.ListDashboards(ctx, &sdk.ListDashboardsInput{})
	ok(t, err)
	if len(boards.DashboardEntries) != 1 || b.Kinds()["dashboard"] != 1 {
		t.Fatalf("dashboards = %+v", boards.DashboardEntries)
	}
	_, err = c.DeleteDashboards(ctx, &sdk.DeleteDashboardsInput{DashboardNames: []string{"d"}})
	ok(t, err)
	_, err = c.GetDashboard(ctx, &sdk.GetDashboardInput{DashboardName: aws.String("d")})
	wantCode(t, "a dashboard that is gone", err, "ResourceNotFound")
}

// send signs a request of a client of an older generation.
func send(t *testing.T, b *coretest.Bench, header map[string]string, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", b.URL+"/", strings.NewReader(body))
	ok(t, err)
	for k, v := range header {
		req.Header.Set(k, v)
	}
	creds, err := b.Config.Credentials.Retrieve(t.Context())
	ok(t, err)
	sum := sha256.Sum256([]byte(body))
	ok(t, v4.NewSigner().SignHTTP(t.Context(), creds, req, hex.EncodeToString(sum[:]), "monitoring", coretest.Region, time.Now()))
	resp, err := http.DefaultClient.Do(req)
	ok(t, err)
	defer func() { ok(t, resp.Body.Close()) }()
	out, err := io.ReadAll(resp.Body)
	ok(t, err)
	return resp.StatusCode, string(out)
}

func TestOlderProtocols(t *testing.T) {
	t.Parallel()
	b, c, _ := setup(t)
	form := url.Values{
		"Action": {"PutMetricAlarm"}, "Version": {"2010-08-01"}, "AlarmName": {"old"}, "Namespace": {"Lab"}, "MetricName": {"CPU"}, "Statistic": {"Sum"},
		"Period": {"300"}, "EvaluationPeriods": {"2"}, "Threshold": {"1.5"}, "ComparisonOperator": {"LessThanThreshold"}, "ActionsEnabled": {"false"},
		"Dimensions.member.1.Name": {"Host"}, "Dimensions.member.1.Value": {"a"}, "AlarmActions.member.1": {"arn:aws:sns:eu-west-1:111111111111:ops"},
	}
	asForm := map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
	if status, body := send(t, b, asForm, form.Encode()); status != 200 {
		t.Fatalf("query PutMetricAlarm: %d %s", status, body)
	}
	out, err := c.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{})
	ok(t, err)
	if a := out.MetricAlarms[0]; *a.Threshold != 1.5 || *a.ActionsEnabled || len(a.Dimensions) != 1 || len(a.AlarmActions) != 1 {
		t.Fatalf("alarm = %+v", a)
	}
	_, body := send(t, b, asForm, "Action=DescribeAlarms&Version=2010-08-01")
	for _, want := range []string{"<DescribeAlarmsResult>", "<MetricAlarms><member><AlarmName>old</AlarmName>", "<Dimensions><member><Name>Host</Name>", "<Threshold>1.5</Threshold>"} {
		if !strings.Contains(body, want) {
			t.Errorf("query DescribeAlarms lacks %s: %s", want, body)
		}
	}
	if status, body := send(t, b, asForm, "Action=GetDashboard&DashboardName=x&Version=2010-08-01"); status != 404 || !strings.Contains(body, "<Code>ResourceNotFound</Code>") {
		t.Errorf("query error: %d %s", status, body)
	}
	asJSON := map[string]string{"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "GraniteServiceVersion20100801.DescribeAlarms"}
	if status, body := send(t, b, asJSON, "{}"); status != 200 || !strings.Contains(body, `"AlarmName":"old"`) {
		t.Errorf("json DescribeAlarms: %d %s", status, body)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	b, _, _ := setup(t)
	b.CLI(t, "cloudwatch", "put-metric-alarm", "--alarm-name", "cli", "--namespace", "Lab", "--metric-name", "CPU", "--statistic", "Average", "--period", "60",
		"--evaluation-periods", "1", "--threshold", "1", "--comparison-operator", "GreaterThanThreshold")
	if out := b.CLI(t, "cloudwatch", "describe-alarms"); !strings.Contains(out, `"AlarmName": "cli"`) || !strings.Contains(out, `"Threshold": 1`) {
		t.Fatalf("describe-alarms = %s", out)
	}
	b.CLI(t, "cloudwatch", "put-metric-data", "--namespace", "Lab", "--metric-name", "CPU", "--value", "3")
	if out := b.CLI(t, "cloudwatch", "list-metrics"); !strings.Contains(out, `"CPU"`) {
		t.Fatalf("list-metrics = %s", out)
	}
	b.CLI(t, "cloudwatch", "delete-alarms", "--alarm-names", "cli")
}

func TestRulesAreParsed(t *testing.T) {
	t.Parallel()
	b, c, _ := setup(t)
	for _, text := range []string{"", "ALARM(", "ALARM(x) AND", "MAYBE(x)", "(TRUE", "TRUE FALSE", strings.Repeat("NOT ", 500) + "TRUE", strings.Repeat("(", 500) + "TRUE"} {
		_, err := c.PutCompositeAlarm(t.Context(), &sdk.PutCompositeAlarmInput{AlarmName: aws.String("x"), AlarmRule: &text})
		wantCode(t, fmt.Sprintf("rule %.20q", text), err, "ValidationError")
	}
	_, err := c.PutCompositeAlarm(t.Context(), &sdk.PutCompositeAlarmInput{AlarmName: aws.String("x"), AlarmRule: aws.String("ALARM(gone)")})
	wantCode(t, "a rule on an alarm that is not there", err, "ValidationError")
	if b.Kinds()["alarm"] != 0 {
		t.Fatal(b.Kinds())
	}
}
