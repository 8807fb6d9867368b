package cli

import (
	"context"
	"math"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

var activityColumns = []column[apitypes.Activity]{
	col("at", func(x apitypes.Activity) any { return x.At }),
	col("kind", func(x apitypes.Activity) any { return x.Kind }),
	col("who", func(x apitypes.Activity) any { return x.Who }),
	col("what", func(x apitypes.Activity) any { return x.What }),
	col("outcome", func(x apitypes.Activity) any { return x.Outcome }),
	col("account", func(x apitypes.Activity) any { return x.Account }),
	col("lab", func(x apitypes.Activity) any { return x.Lab }),
	col("from", func(x apitypes.Activity) any { return state(x.From) }),
	col("to", func(x apitypes.Activity) any { return state(x.To) }),
	wide("type", func(x apitypes.Activity) any { return x.Type }),
	wide("where", func(x apitypes.Activity) any { return x.Where }),
	wide("reason", func(x apitypes.Activity) any { return x.Reason }),
	wide("id", func(x apitypes.Activity) any { return x.ID }),
}

func (a *app) activity() *cobra.Command {
	var q apiclient.ActivityQuery
	var since, before string
	return a.command(spec{use: "activity", short: "Read the activity log, newest first", flags: func(c *cobra.Command) {
		f := c.Flags()
		f.StringVar(&q.Kind, "kind", "", "transition, session, labtype, call or sync")
		f.StringVar(&q.Account, "account", "", "AWS account")
		f.StringVar(&q.Lab, "lab", "", "lab")
		f.StringVar(&q.Type, "type", "", "lab type")
		f.StringVar(&q.Who, "who", "", "who did it")
		f.StringVar(&since, "since", "", "since then, such as 2026-12-01T10:00:00Z or -24h")
		f.StringVar(&before, "until", "", "before then")
		limitFlag(c, &q.Limit, 100)
	}, call: func(ctx context.Context, c *apiclient.Client, _ []string) (err error) {
		if q.Since, err = a.parseTime("since", since); err != nil {
			return err
		}
		if q.Until, err = a.parseTime("until", before); err != nil {
			return err
		}
		all, err := apiclient.Collect(c.Activity(ctx, q))
		if err != nil {
			return err
		}
		return printList(a, activityColumns, all)
	}})
}

var usageColumns = []column[apitypes.Usage]{
	col("day", func(u apitypes.Usage) any { return u.Day }),
	col("type", func(u apitypes.Usage) any { return u.Type }),
	col("organization", func(u apitypes.Usage) any { return u.Org }),
	col("labs", func(u apitypes.Usage) any { return u.Labs }),
	col("minutes", func(u apitypes.Usage) any { return math.Round(u.Minutes) }),
	col("failed", func(u apitypes.Usage) any { return u.Failed }),
	col("expired", func(u apitypes.Usage) any { return u.Expired }),
	col("cancelled", func(u apitypes.Usage) any { return u.Cancelled }),
	col("cleanings", func(u apitypes.Usage) any { return u.Cleanings }),
	col("cleaning minutes", func(u apitypes.Usage) any { return math.Round(u.CleaningMinutes) }),
}

func (a *app) usage() *cobra.Command {
	var q apiclient.UsageQuery
	return a.command(spec{use: "usage", short: "Sum up labs, minutes, failures and cleanings", formats: []string{"csv"},
		example: "  kmlctl usage --from 2026-11-01 --to 2026-11-30 --by lab_type,organization\n  kmlctl usage --from 2026-11-01 -o csv > usage.csv",
		flags: func(c *cobra.Command) {
			f := c.Flags()
			f.StringVar(&q.From, "from", "", "first day, such as 2026-11-01 (default: 30 days before the last)")
			f.StringVar(&q.To, "to", "", "last day (default: today)")
			f.StringSliceVar(&q.By, "by", nil, "day, lab_type, organization, with commas; or total")
		},
		call: func(ctx context.Context, c *apiclient.Client, _ []string) error {
			if a.format.kind == "csv" {
				return c.UsageCSV(ctx, q, a.Out)
			}
			all, err := c.Usage(ctx, q)
			if err != nil {
				return err
			}
			return printList(a, usageColumns, all)
		}})
}
