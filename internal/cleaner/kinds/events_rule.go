package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/cleaner"
)

const eventsSource = "events.amazonaws.com"

func init() {
	register(cleaner.Define(eventbridge.NewFromConfig, cleaner.Spec[eventbridge.Client]{
		Kind: "events.rule", Source: eventsSource,
		Also: []string{autoscalingSource}, // rules that services manage
		List: listRules, Delete: deleteRule, Stop: disableRule,
	}))
}

// listRules gives the rules of every bus; State is the bus.
func listRules(ctx context.Context, c *eventbridge.Client) iter.Seq2[cleaner.Resource, error] {
	return func(yield func(cleaner.Resource, error) bool) {
		for bus, err := range listBuses(ctx, c) {
			if err != nil {
				yield(bus, err)
				return
			}
			for r, err := range rulesOf(ctx, c, bus.ID) {
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

// deleteRule removes the targets first; Force is for rules that services manage.
func deleteRule(ctx context.Context, c *eventbridge.Client, r cleaner.Resource) error {
	for {
		out, err := c.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &r.ID, EventBusName: &r.State})
		if err != nil {
			return err
		}
		if len(out.Targets) == 0 {
			break
		}
		in := &eventbridge.RemoveTargetsInput{Rule: &r.ID, EventBusName: &r.State, Force: true}
		for _, t := range out.Targets {
			in.Ids = append(in.Ids, aws.ToString(t.Id))
		}
		removed, err := c.RemoveTargets(ctx, in)
		if err != nil {
			return err
		}
		if len(removed.FailedEntries) > 0 {
			f := removed.FailedEntries[0]
			return &smithy.GenericAPIError{Code: aws.ToString(f.ErrorCode), Message: "target " + aws.ToString(f.TargetId) + ": " + aws.ToString(f.ErrorMessage)}
		}
	}
	_, err := c.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: &r.ID, EventBusName: &r.State, Force: true})
	return err
}

func disableRule(ctx context.Context, c *eventbridge.Client, r cleaner.Resource) error {
	_, err := c.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: &r.ID, EventBusName: &r.State})
	return err
}
