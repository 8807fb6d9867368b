package kinds

import (
	"context"
	"errors"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(eventbridge.NewFromConfig, cleaner.Spec[eventbridge.Client]{
		Kind: "events.bus", Source: eventsSource,
		After: []string{"events.rule"},
		List:  listBuses, Delete: deleteBus,
	}))
}

func listBuses(ctx context.Context, c *eventbridge.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Tokens(func(token *string) ([]cleaner.Resource, *string, error) {
		out, err := c.ListEventBuses(ctx, &eventbridge.ListEventBusesInput{NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		var rs []cleaner.Resource
		for _, b := range out.EventBuses {
			r := cleaner.Resource{ID: aws.ToString(b.Name), ARN: aws.ToString(b.Arn), CreatedAt: aws.ToTime(b.CreationTime)}
			if r.ID == "default" {
				r.Keep = "the account's own bus"
			}
			rs = append(rs, r)
		}
		return rs, out.NextToken, nil
	})
}

// deleteBus looks for rules when AWS refuses: the service has no code for that.
func deleteBus(ctx context.Context, c *eventbridge.Client, r cleaner.Resource) error {
	_, err := c.DeleteEventBus(ctx, &eventbridge.DeleteEventBusInput{Name: &r.ID})
	if awsclient.Classify(err) != awsclient.Permanent {
		return err
	}
	for rule, lookErr := range rulesOf(ctx, c, r.ID) {
		if lookErr != nil {
			return errors.Join(err, lookErr)
		}
		return cleaner.Blocked("it has rule " + rule.ID)
	}
	return err
}
