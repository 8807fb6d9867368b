package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

var cleaningColumns = []column[apitypes.Cleaning]{
	col("id", func(x apitypes.Cleaning) any { return x.ID }),
	col("lab", func(x apitypes.Cleaning) any { return x.Lab }),
	col("phase", func(x apitypes.Cleaning) any { return state(x.Phase) }),
	col("round", func(x apitypes.Cleaning) any { return x.Round }),
	col("full", func(x apitypes.Cleaning) any { return x.Full }),
	col("started", func(x apitypes.Cleaning) any { return x.StartedAt }),
	col("frozen", func(x apitypes.Cleaning) any { return x.FrozenAt }),
	col("done", func(x apitypes.Cleaning) any { return x.DoneAt }),
	wide("account", func(x apitypes.Cleaning) any { return x.Account }),
	wide("type", func(x apitypes.Cleaning) any { return x.Type }),
	wide("reason", func(x apitypes.Cleaning) any { return x.Reason }),
	wide("error", func(x apitypes.Cleaning) any { return x.Error }),
}

var evidenceColumns = []column[apitypes.Evidence]{
	col("at", func(x apitypes.Evidence) any { return x.At }),
	col("phase", func(x apitypes.Evidence) any { return x.Phase }),
	col("action", func(x apitypes.Evidence) any { return state(x.Action) }),
	col("kind", func(x apitypes.Evidence) any { return x.Kind }),
	col("region", func(x apitypes.Evidence) any { return x.Region }),
	col("resource", func(x apitypes.Evidence) any { return x.Resource }),
	col("detail", func(x apitypes.Evidence) any { return x.Detail }),
}

// printEvidence prints a cleaning and its lines: as tables one under the other,
// else as one thing.
func (a *app) printEvidence(e apitypes.CleaningEvidence) error {
	if k := a.format.kind; k != "table" && k != "wide" {
		return printOne(a, nil, e)
	}
	if err := printOne(a, cleaningColumns, e.Cleaning); err != nil {
		return err
	}
	if len(e.Evidence) == 0 {
		return nil
	}
	if err := a.write("\n"); err != nil {
		return err
	}
	return printList(a, evidenceColumns, e.Evidence)
}

func (a *app) labEvidence() *cobra.Command {
	var wait bool
	return a.command(spec{use: "evidence ID", short: "Show what the cleaning after a lab did and found", args: cobra.ExactArgs(1), complete: a.completeLabs(), wait: &wait,
		flags: func(c *cobra.Command) {
			c.Flags().BoolVar(&wait, "wait", false, "wait until the account is proven empty")
		},
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			look := func() (apitypes.CleaningEvidence, error) { return c.LabEvidence(ctx, args[0]) }
			if wait {
				look = func() (apitypes.CleaningEvidence, error) { return a.waitUntilEmpty(ctx, c, args[0]) }
			}
			e, err := look()
			if err != nil {
				return err
			}
			return a.printEvidence(e)
		}})
}

func (a *app) accountEvidence() *cobra.Command {
	var cleaning string
	return a.command(spec{use: "evidence ID", short: "Show what a cleaning of an account did and found", args: cobra.ExactArgs(1), complete: a.completeAccounts,
		flags: func(c *cobra.Command) {
			c.Flags().StringVar(&cleaning, "cleaning", "", "which one (default: the last)")
		},
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			e, err := c.AccountEvidence(ctx, args[0], cleaning)
			if err != nil {
				return err
			}
			return a.printEvidence(e)
		}})
}

func (a *app) accountCleanings() *cobra.Command {
	var limit int
	return a.command(spec{use: "cleanings ID", short: "List an account's cleanings, newest first", args: cobra.ExactArgs(1), complete: a.completeAccounts,
		flags: func(c *cobra.Command) { limitFlag(c, &limit, 50) },
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			all, err := apiclient.Collect(c.Cleanings(ctx, args[0], limit))
			if err != nil {
				return err
			}
			return printList(a, cleaningColumns, all)
		}})
}

func (a *app) accountDryRun() *cobra.Command {
	return a.command(spec{use: "dry-run ID", short: "Say what a cleaning would delete; nothing is deleted", args: cobra.ExactArgs(1), complete: a.completeAccounts, slow: true,
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			d, err := c.DryRun(ctx, args[0])
			if err != nil {
				return err
			}
			if k := a.format.kind; k != "table" && k != "wide" {
				return printOne(a, nil, d)
			}
			return printList(a, evidenceColumns, d.Evidence)
		}})
}

func (a *app) accountClean() *cobra.Command {
	var o apitypes.CleanOrder
	var wait bool
	return a.command(spec{use: "clean ID", short: "Clean an account now", args: cobra.ExactArgs(1), complete: a.completeAccounts, wait: &wait, asks: true,
		flags: func(c *cobra.Command) {
			reasonFlag(c, &o.Reason)
			c.Flags().BoolVar(&o.Full, "full", false, "every kind in every Region, whatever the trail says")
			c.Flags().BoolVar(&wait, "wait", false, "wait until it is clean")
		},
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			if o.Reason == "" {
				return need("reason")
			}
			if err := a.confirmAccount(ctx, c, "clean", args[0]); err != nil {
				return err
			}
			x, err := c.CleanAccount(ctx, args[0], o)
			if err == nil && wait {
				x, err = a.waitForClean(ctx, c, x)
			}
			if err != nil {
				return err
			}
			return printOne(a, accountColumns, x)
		}})
}

// waitForClean waits until an account that is to be cleaned has come out of it.
func (a *app) waitForClean(ctx context.Context, c *apiclient.Client, x apitypes.Account) (apitypes.Account, error) {
	line := a.progress("account " + x.ID + ": " + x.State)
	x, err := until(ctx, func() (apitypes.Account, error) {
		x, err := c.Account(ctx, x.ID)
		line.set("account " + x.ID + ": " + x.State)
		return x, err
	}, func(x apitypes.Account) bool {
		switch x.State {
		case "account_loaded", "user_creating", "user_created", "failed", "draining_org_unit":
			return true
		}
		return false
	})
	line.stop()
	if err == nil && x.State == "failed" {
		return x, remedied(fmt.Errorf("account %s failed: %s", x.ID, x.LastFailure), "see what is left with: kmlctl accounts evidence %s", x.ID)
	}
	return x, err
}
