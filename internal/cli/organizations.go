package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

var organizationColumns = []column[apitypes.Organization]{
	col("name", func(o apitypes.Organization) any { return o.Name }),
	col("management account", func(o apitypes.Organization) any { return o.ManagementAccount }),
	col("ous", func(o apitypes.Organization) any { return len(o.OUs) }),
	col("accounts", func(o apitypes.Organization) any { return o.Accounts }),
	wide("member role", func(o apitypes.Organization) any { return o.MemberRole }),
	wide("never touched", func(o apitypes.Organization) any { return o.Denied }),
}

var ouColumns = []column[apitypes.OU]{
	col("ou", func(o apitypes.OU) any { return o.ID }),
	col("purpose", func(o apitypes.OU) any { return o.Purpose }),
	col("warm", func(o apitypes.OU) any { return o.Warm }),
	col("warm for", func(o apitypes.OU) any { return o.WarmFor }),
	col("accounts", func(o apitypes.OU) any { return o.Accounts }),
}

var acceptedColumns = []column[apitypes.Accepted]{
	col("accepted", func(x apitypes.Accepted) any { return x.Accepted }),
	col("detail", func(x apitypes.Accepted) any { return x.Detail }),
}

func (a *app) organizations() *cobra.Command {
	g := a.group("orgs", "AWS organizations of the fleet", a.orgList(), a.orgGet(), a.orgSync())
	g.Aliases = []string{"org", "organizations"}
	return g
}

func (a *app) orgList() *cobra.Command {
	return a.command(spec{use: "list", short: "List organizations", call: func(ctx context.Context, c *apiclient.Client, _ []string) error {
		all, err := c.Organizations(ctx)
		if err != nil {
			return err
		}
		return printList(a, organizationColumns, all)
	}})
}

func (a *app) orgGet() *cobra.Command {
	return a.command(spec{use: "get NAME", short: "Show an organization and its OUs", args: cobra.ExactArgs(1), complete: a.completeOrganizations,
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			o, err := c.Organization(ctx, args[0])
			if err != nil {
				return err
			}
			if err := printOne(a, organizationColumns, o); err != nil {
				return err
			}
			if k := a.format.kind; k == "table" || k == "wide" {
				return printList(a, ouColumns, o.OUs)
			}
			return nil
		}})
}

func (a *app) orgSync() *cobra.Command {
	return a.command(spec{use: "sync NAME", short: "Have an organization's accounts read again now", args: cobra.ExactArgs(1), complete: a.completeOrganizations,
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			x, err := c.SyncOrganization(ctx, args[0])
			if err != nil {
				return err
			}
			return printOne(a, acceptedColumns, x)
		}})
}

var poolColumns = []column[apitypes.PoolStatus]{
	col("organization", func(p apitypes.PoolStatus) any { return p.Org }),
	col("ou", func(p apitypes.PoolStatus) any { return p.OU }),
	col("purpose", func(p apitypes.PoolStatus) any { return p.Purpose }),
	col("target", func(p apitypes.PoolStatus) any { return p.Target }),
	col("ready", func(p apitypes.PoolStatus) any { return p.Ready }),
	col("held", func(p apitypes.PoolStatus) any { return p.Held }),
	col("creating", func(p apitypes.PoolStatus) any { return p.Creating }),
	col("in use", func(p apitypes.PoolStatus) any { return p.InUse }),
	col("cleaning", func(p apitypes.PoolStatus) any { return p.Cleaning }),
	col("resting", func(p apitypes.PoolStatus) any { return p.Resting }),
	col("failed", func(p apitypes.PoolStatus) any { return p.Failed }),
	col("total", func(p apitypes.PoolStatus) any { return p.Total }),
	wide("version", func(p apitypes.PoolStatus) any { return p.Version }),
}

var forecastColumns = []column[apitypes.Forecast]{
	col("purpose", func(f apitypes.Forecast) any { return f.Purpose }),
	col("at", func(f apitypes.Forecast) any { return f.At }),
	col("free", func(f apitypes.Forecast) any { return f.Free }),
	col("booked", func(f apitypes.Forecast) any { return f.Booked }),
	col("busy", func(f apitypes.Forecast) any { return f.Busy }),
}

var targetColumns = []column[apitypes.Target]{
	col("warm", func(t apitypes.Target) any { return t.Warm }),
}

func (a *app) pool() *cobra.Command {
	return a.group("pool", "Accounts kept ready", a.poolStatus(), a.poolTarget())
}

func (a *app) poolStatus() *cobra.Command {
	return a.command(spec{use: "status", short: "Show the pools, who waits for them, and what is expected", call: func(ctx context.Context, c *apiclient.Client, _ []string) error {
		p, err := c.Pool(ctx)
		if err != nil {
			return err
		}
		if k := a.format.kind; k != "table" && k != "wide" {
			return printOne(a, nil, p)
		}
		if err := printList(a, poolColumns, p.OUs); err != nil {
			return err
		}
		if err := a.write("\nwaiting: " + view{}.text(p.Waiting) + "\n"); err != nil || len(p.Forecast) == 0 {
			return err
		}
		if err := a.write("\n"); err != nil {
			return err
		}
		return printList(a, forecastColumns, p.Forecast)
	}})
}

func (a *app) poolTarget() *cobra.Command {
	return a.command(spec{use: "target ORG OU N", short: "Set how many accounts of an OU are kept ready", args: cobra.ExactArgs(3), complete: a.completeOrganizations,
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			n, err := strconv.Atoi(args[2])
			if err != nil || n < 0 {
				return usagef("%q: give a number of accounts", args[2])
			}
			p, err := c.Pool(ctx)
			if err != nil {
				return err
			}
			version := apiclient.AnyVersion // the server says that there is no such OU
			for _, ou := range p.OUs {
				if ou.Org == args[0] && ou.OU == args[1] {
					version = ou.Version
				}
			}
			now, err := c.SetTarget(ctx, args[0], args[1], version, apitypes.Target{Warm: n})
			if err != nil {
				return err
			}
			return printOne(a, targetColumns, now)
		}})
}
