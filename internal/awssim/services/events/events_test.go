package events_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/core/coretest"
	"github.com/kodekloud/kml/internal/awssim/services/events"
)

const fn = "arn:aws:lambda:eu-west-1:111111111111:function:f"

// invoker counts; the world's lock is held when it is called.
type invoker struct{ calls []string }

func (i *invoker) InvokeFor(principal, rule, function string, _ time.Time) error {
	i.calls = append(i.calls, principal+" "+rule+" "+function)
	return nil
}

func setup(t *testing.T) (*coretest.Bench, *sdk.Client, *invoker) {
	t.Helper()
	i := &invoker{}
	b := coretest.New(t, core.Options{Seed: 1}, coretest.Everything, func(w *core.World) *core.Service { return events.New(w, i, nil, nil).Core() })
	return b, sdk.NewFromConfig(b.Config), i
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

func TestAScheduleGoesOnByItself(t *testing.T) {
	t.Parallel()
	b, c, inv := setup(t)
	ctx, name := t.Context(), aws.String("tick")
	_, err := c.PutRule(ctx, &sdk.PutRuleInput{Name: name, ScheduleExpression: aws.String("rate(1 minute)")})
	ok(t, err)
	_, err = c.PutTargets(ctx, &sdk.PutTargetsInput{Rule: name, Targets: []types.Target{{Id: aws.String("1"), Arn: aws.String(fn)}, {Id: aws.String("2"), Arn: aws.String("arn:aws:sqs:eu-west-1:111111111111:q")}}})
	ok(t, err)
	look := func() int {
		b.Kinds() // any look at the account will do
		return len(inv.calls)
	}
	if look() != 0 {
		t.Fatal("a rule ran before its time")
	}
	b.World.Clock.Advance(61 * time.Second)
	for range 2 { // another look invokes nothing more
		if look() != 1 {
			t.Fatalf("after a minute: %v", inv.calls)
		}
	}
	if want := "events.amazonaws.com arn:aws:events:eu-west-1:111111111111:rule/tick " + fn; inv.calls[0] != want {
		t.Fatalf("invoked as %s", inv.calls[0])
	}
	b.World.Clock.Advance(4 * time.Minute)
	if look() != 2 {
		t.Fatalf("catching up is one run a look: %d", len(inv.calls))
	}
	_, err = c.DeleteRule(ctx, &sdk.DeleteRuleInput{Name: name})
	wantCode(t, "delete of a rule with targets", err, "ValidationException")
	_, err = c.DisableRule(ctx, &sdk.DisableRuleInput{Name: name})
	ok(t, err)
	b.World.Clock.Advance(4 * time.Minute)
	if look() != 2 {
		t.Fatal("a disabled rule ran")
	}
	_, err = c.RemoveTargets(ctx, &sdk.RemoveTargetsInput{Rule: name, Ids: []string{"1", "2"}})
	ok(t, err)
	_, err = c.DeleteRule(ctx, &sdk.DeleteRuleInput{Name: name})
	ok(t, err)
	_, err = c.DescribeRule(ctx, &sdk.DescribeRuleInput{Name: name})
	wantCode(t, "describe of a deleted rule", err, "ResourceNotFoundException")
	if b.Kinds()["rule"] != 0 {
		t.Fatal(b.Kinds())
	}
}

func TestBusesAndEvents(t *testing.T) {
	t.Parallel()
	b, c, inv := setup(t)
	ctx, busName := t.Context(), aws.String("orders")
	_, err := c.CreateEventBus(ctx, &sdk.CreateEventBusInput{Name: busName, Tags: []types.Tag{{Key: aws.String("lab"), Value: aws.String("a")}}})
	ok(t, err)
	_, err = c.PutRule(ctx, &sdk.PutRuleInput{Name: aws.String("r"), EventBusName: busName, ScheduleExpression: aws.String("rate(1 minute)")})
	wantCode(t, "a schedule on another bus", err, "ValidationException")
	_, err = c.PutRule(ctx, &sdk.PutRuleInput{Name: aws.String("r"), EventBusName: busName, EventPattern: aws.String(`{"detail-type":["placed"]}`)})
	ok(t, err)
	_, err = c.PutTargets(ctx, &sdk.PutTargetsInput{Rule: aws.String("r"), EventBusName: busName, Targets: []types.Target{{Id: aws.String("1"), Arn: aws.String(fn)}}})
	ok(t, err)
	entry := func(kind string) types.PutEventsRequestEntry {
		return types.PutEventsRequestEntry{EventBusName: busName, Source: aws.String("shop"), DetailType: &kind, Detail: aws.String(`{"n":1}`)}
	}
	bad := entry("placed")
	bad.Detail = aws.String("no json")
	out, err := c.PutEvents(ctx, &sdk.PutEventsInput{Entries: []types.PutEventsRequestEntry{entry("placed"), entry("other"), bad}})
	ok(t, err)
	if out.FailedEntryCount != 1 || *out.Entries[2].ErrorCode != "MalformedDetail" || len(inv.calls) != 1 {
		t.Fatalf("PutEvents = %+v, invoked %v", out, inv.calls)
	}
	_, err = c.PutPermission(ctx, &sdk.PutPermissionInput{EventBusName: busName, Action: aws.String("events:PutEvents"), Principal: aws.String("222222222222"), StatementId: aws.String("other")})
	ok(t, err)
	d, err := c.DescribeEventBus(ctx, &sdk.DescribeEventBusInput{Name: busName})
	ok(t, err)
	if !strings.Contains(*d.Policy, "222222222222") {
		t.Fatalf("policy = %s", *d.Policy)
	}
	_, err = c.DeleteEventBus(ctx, &sdk.DeleteEventBusInput{Name: busName})
	wantCode(t, "delete of a bus with rules", err, "ValidationException")
	_, err = c.DeleteEventBus(ctx, &sdk.DeleteEventBusInput{Name: aws.String("default")})
	wantCode(t, "delete of the default bus", err, "ValidationException")
	if k := b.Kinds(); k["event-bus"] != 1 || k["rule"] != 1 {
		t.Fatalf("inventory without the default bus = %v", k)
	}
}

func TestRulesArePaged(t *testing.T) {
	t.Parallel()
	b, c, _ := setup(t)
	ctx := t.Context()
	for i := range 120 {
		_, err := c.PutRule(ctx, &sdk.PutRuleInput{Name: aws.String(fmt.Sprintf("r%03d", i)), ScheduleExpression: aws.String("rate(1 day)"), State: types.RuleStateDisabled})
		ok(t, err)
	}
	seen, pages := 0, 0
	for token := (*string)(nil); ; pages++ {
		out, err := c.ListRules(ctx, &sdk.ListRulesInput{NextToken: token})
		ok(t, err)
		seen += len(out.Rules)
		if token = out.NextToken; token == nil {
			break
		}
	}
	if seen != 120 || pages != 1 {
		t.Fatalf("%d rules, %d further pages", seen, pages)
	}
	if out := b.CLI(t, "events", "list-rules", "--name-prefix", "r00", "--query", "length(Rules)"); strings.TrimSpace(out) != "10" {
		t.Fatalf("list-rules = %s", out)
	}
}
