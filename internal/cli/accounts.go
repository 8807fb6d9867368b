package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

var accountColumns = []column[apitypes.Account]{
	col("id", func(x apitypes.Account) any { return x.ID }),
	col("organization", func(x apitypes.Account) any { return x.Org }),
	col("purpose", func(x apitypes.Account) any { return x.Purpose }),
	col("state", func(x apitypes.Account) any { return state(x.State) }),
	col("since", func(x apitypes.Account) any { return x.Since }),
	col("lab", func(x apitypes.Account) any { return x.Lab }),
	col("type", func(x apitypes.Account) any { return x.Type }),
	col("ends", func(x apitypes.Account) any { return x.EndsAt }),
	wide("name", func(x apitypes.Account) any { return x.Name }),
	wide("ou", func(x apitypes.Account) any { return x.OU }),
	wide("epoch", func(x apitypes.Account) any { return x.Epoch }),
	wide("booking", func(x apitypes.Account) any { return x.Booking }),
	wide("attempts", func(x apitypes.Account) any { return x.Attempts }),
	wide("next try", func(x apitypes.Account) any { return x.NextTry }),
	wide("failures", func(x apitypes.Account) any { return x.Failures }),
	wide("cleaning", func(x apitypes.Account) any { return x.Cleaning }),
	wide("ready", func(x apitypes.Account) any { return x.ReadyAt }),
	wide("swept", func(x apitypes.Account) any { return x.SweptAt }),
	wide("rested since", func(x apitypes.Account) any { return x.RestedSince }),
	wide("drain", func(x apitypes.Account) any { return x.Drain }),
	wide("leaving", func(x apitypes.Account) any { return x.Leaving }),
	wide("last failure", func(x apitypes.Account) any { return x.LastFailure }),
	wide("reason", func(x apitypes.Account) any { return x.Reason }),
}

var transitionColumns = []column[apitypes.Transition]{
	col("at", func(x apitypes.Transition) any { return x.At }),
	col("from", func(x apitypes.Transition) any { return state(x.From) }),
	col("to", func(x apitypes.Transition) any { return state(x.To) }),
	col("lab", func(x apitypes.Transition) any { return x.Lab }),
	col("reason", func(x apitypes.Transition) any { return x.Reason }),
}

func (a *app) accounts() *cobra.Command {
	g := a.group("accounts", "AWS accounts of the fleet", a.accountList(), a.accountGet(), a.accountHistory(), a.accountCleanings(), a.accountEvidence(),
		a.accountDryRun(), a.accountClean(),
		a.accountAction("quarantine", "Take an account out of the pool, for people to look at", true, (*apiclient.Client).QuarantineAccount),
		a.accountAction("release", "Let a quarantined account go back, by way of a cleaning", false, (*apiclient.Client).ReleaseAccount),
		a.accountAction("drain", "Take an account out of the fleet once nobody is in it", true, (*apiclient.Client).DrainAccount))
	g.Aliases = []string{"account"}
	return g
}

func (a *app) accountList() *cobra.Command {
	var q apiclient.AccountQuery
	return a.command(spec{use: "list", short: "List accounts", flags: func(c *cobra.Command) {
		f := c.Flags()
		f.StringSliceVar(&q.State, "state", nil, "states, with commas, such as in_use")
		f.StringVar(&q.Org, "org", "", "organization")
		f.StringVar(&q.OU, "ou", "", "organizational unit")
		f.StringVar(&q.Purpose, "purpose", "", "production, development, testing or quarantine")
		f.StringVar(&q.Type, "type", "", "lab type of the lab in it")
		f.StringVar(&q.Booking, "booking", "", "booking that it is held for")
		limitFlag(c, &q.Limit, 500)
	}, call: func(ctx context.Context, c *apiclient.Client, _ []string) error {
		all, err := apiclient.Collect(c.Accounts(ctx, q))
		if err != nil {
			return err
		}
		return printList(a, accountColumns, all)
	}})
}

func (a *app) accountGet() *cobra.Command {
	return a.command(spec{use: "get ID", short: "Show an account", args: cobra.ExactArgs(1), complete: a.completeAccounts,
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			x, err := c.Account(ctx, args[0])
			if err != nil {
				return err
			}
			return printOne(a, accountColumns, x)
		}})
}

func (a *app) accountHistory() *cobra.Command {
	var limit int
	return a.command(spec{use: "history ID", short: "List an account's steps, newest first", args: cobra.ExactArgs(1), complete: a.completeAccounts,
		flags: func(c *cobra.Command) { limitFlag(c, &limit, 50) },
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			all, err := apiclient.Collect(c.AccountHistory(ctx, args[0], limit))
			if err != nil {
				return err
			}
			return printList(a, transitionColumns, all)
		}})
}

// accountAction is a command that moves an account, for a reason.
func (a *app) accountAction(verb, short string, destructive bool, do func(*apiclient.Client, context.Context, string, string) (apitypes.Account, error)) *cobra.Command {
	var reason string
	return a.command(spec{use: verb + " ID", short: short, args: cobra.ExactArgs(1), complete: a.completeAccounts, asks: destructive,
		flags: func(c *cobra.Command) { reasonFlag(c, &reason) },
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			if reason == "" {
				return need("reason")
			}
			if destructive {
				if err := a.confirmAccount(ctx, c, verb, args[0]); err != nil {
					return err
				}
			}
			x, err := do(c, ctx, args[0], reason)
			if err != nil {
				return err
			}
			return printOne(a, accountColumns, x)
		}})
}

// confirmAccount names the account, and who works in it.
func (a *app) confirmAccount(ctx context.Context, c *apiclient.Client, verb, id string) error {
	return a.confirm(ctx, "account's id", id, func() (string, error) {
		x, err := c.Account(ctx, id)
		if err != nil {
			return "", err
		}
		lab := ""
		if x.Lab != "" {
			l, err := c.Lab(ctx, x.Lab, 0)
			if err != nil && !apiclient.IsNotFound(err) {
				return "", err
			}
			if lab = ", lab " + clean(x.Lab); err == nil {
				lab += " of " + clean(l.Student)
			}
		}
		return fmt.Sprintf("%s account %s (%s/%s, %s%s)", verb, clean(x.ID), clean(x.Org), clean(x.Purpose), clean(x.State), lab), nil
	})
}
