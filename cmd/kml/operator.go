package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/app"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/labtype"
)

func configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check and print the configuration"}
	c.AddCommand(
		&cobra.Command{Use: "check", Short: "Say what is wrong with the configuration", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			if _, err := load(); err != nil {
				return err
			}
			_, err := fmt.Fprintln(c.OutOrStdout(), "the configuration is good")
			return err
		}},
		&cobra.Command{Use: "print", Short: "Print the configuration in force, secrets masked", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := load()
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(c.OutOrStdout(), cfg.Masked())
			return err
		}},
	)
	return c
}

// who is the operator, for the history.
func who() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}

// needReason gives a command a flag --reason that must say something.
func needReason(c *cobra.Command, reason *string, usage string) {
	c.Flags().StringVar(reason, "reason", "", usage)
	_ = c.MarkFlagRequired("reason") // fails only for a flag that does not exist
	c.PreRunE = func(*cobra.Command, []string) error {
		if strings.TrimSpace(*reason) == "" {
			return &fleet.FieldError{Field: "--reason", Remedy: "say why; others will read it"}
		}
		return nil
	}
}

// stamp is a time, or a dash for one that has not come.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339)
}

func accountCommand() *cobra.Command {
	c := &cobra.Command{Use: "account", Short: "Look at an account and steer it"}
	c.AddCommand(
		forAccount("show", "State, reason and history of an account", showAccount),
		forAccount("evidence", "What the last cleaning planned, called, deleted and verified", showEvidence),
		forAccount("dry-run", "What a cleaning would delete and keep, in order, without one change", dryRun),
		releaseCommand(),
	)
	return c
}

func forAccount(name, short string, f func(context.Context, *app.App, *tabwriter.Writer, string) error) *cobra.Command {
	return &cobra.Command{Use: name + " <id>", Short: short, Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		return withApp(c.Context(), "operator", func(ctx context.Context, a *app.App) error {
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
			// What is known is told even if the rest is not.
			return errors.Join(f(ctx, a, w, args[0]), w.Flush())
		})
	}}
}

func showAccount(ctx context.Context, a *app.App, w *tabwriter.Writer, id string) error {
	acct, err := a.DB.Accounts().Get(ctx, id)
	if err != nil {
		return fmt.Errorf("account %s: %w", id, err)
	}
	_, _ = fmt.Fprintf(w, "account\t%s (%s)\norganization\t%s, %s (%s)\nstate\t%s since %s\nreason\t%s\nepoch\t%d\nsession\t%s\nfailures\t%d %s\n\n",
		acct.ID, acct.Name, acct.Org, acct.OU, acct.Purpose, acct.State, acct.Since.Format(time.RFC3339), acct.Reason, acct.Epoch, acct.SessionID, acct.Failures, acct.LastFailure)
	log, err := a.DB.Activity().Find(ctx, fleet.ActivityQuery{Account: id, Limit: 50})
	if err != nil {
		return fmt.Errorf("history of %s: %w", id, err)
	}
	for _, t := range log {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.At.Format(time.RFC3339), t.From, t.To, t.Reason)
	}
	return nil
}

func showEvidence(ctx context.Context, a *app.App, w *tabwriter.Writer, id string) error {
	runs, err := a.DB.Cleanings().Runs(ctx, id, 1)
	if err != nil {
		return fmt.Errorf("cleanings of %s: %w", id, err)
	}
	if len(runs) == 0 {
		return fmt.Errorf("account %s was never cleaned", id)
	}
	run := runs[0]
	_, _ = fmt.Fprintf(w, "cleaning\t%s (%s)\nlab type\t%s\nphase\t%s, round %d\nstarted\t%s\nfrozen\t%s\ndone\t%s\n\n", run.ID, run.Reason, run.LabType, run.Phase, run.Round,
		stamp(run.StartedAt), stamp(run.FrozenAt), stamp(run.DoneAt))
	lines, err := a.DB.Cleanings().Evidence(ctx, run.ID)
	if err != nil {
		return fmt.Errorf("evidence of %s: %w", run.ID, err)
	}
	for _, e := range lines {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.At.Format("15:04:05.000"), e.Phase, e.Action, e.Kind, e.Region, e.Resource, e.Detail)
	}
	return nil
}

func dryRun(ctx context.Context, a *app.App, w *tabwriter.Writer, id string) error {
	events, err := a.Cleanup.DryRun(ctx, id)
	for _, e := range events {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.Action, e.Kind, e.Region, e.Resource, e.Detail)
	}
	return err
}

func releaseCommand() *cobra.Command {
	var reason string
	c := &cobra.Command{Use: "release <id>", Short: "Let a failed account out of investigation, into the cleaning", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withApp(c.Context(), "operator", func(ctx context.Context, a *app.App) error {
				return a.Failsafe.Release(ctx, args[0], who(), reason)
			})
		}}
	needReason(c, &reason, "why, for the account's history")
	return c
}

func labCommand() *cobra.Command {
	c := &cobra.Command{Use: "lab", Short: "Look at labs, end and extend them"}
	var reason string
	end := &cobra.Command{Use: "end <session>", Short: "End a lab now", Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		return withApp(c.Context(), "operator", func(ctx context.Context, a *app.App) error {
			return a.Assign.End(ctx, args[0], fmt.Sprintf("ended by %s: %s", who(), reason))
		})
	}}
	needReason(end, &reason, "why, for the session's record")
	extend := &cobra.Command{Use: "extend <session> <by>", Short: "Move the end of a lab, such as by 30m", Args: cobra.ExactArgs(2), RunE: func(c *cobra.Command, args []string) error {
		by, err := time.ParseDuration(args[1])
		if err != nil {
			return fmt.Errorf("by %q: give a duration, such as 30m: %w", args[1], err)
		}
		return withApp(c.Context(), "operator", func(ctx context.Context, a *app.App) error {
			s, err := a.Assign.Extend(ctx, args[0], by)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), "the lab ends at", s.EndsAt.Format(time.RFC3339))
			return err
		})
	}}
	list := &cobra.Command{Use: "list", Short: "Labs that wait or run", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return withApp(c.Context(), "operator", func(ctx context.Context, a *app.App) error { return listLabs(ctx, a, c.OutOrStdout()) })
	}}
	c.AddCommand(list, end, extend)
	return c
}

func listLabs(ctx context.Context, a *app.App, out io.Writer) error {
	found, err := openLabs(ctx, a.DB.Sessions())
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "SESSION\tSTATE\tLAB TYPE\tSTUDENT\tACCOUNT\tENDS")
	for _, s := range found {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.State, s.LabType, s.Student, cmp.Or(s.AccountID, "-"), stamp(s.EndsAt))
	}
	return w.Flush()
}

// openLabs are all labs that wait or run, oldest request first. They are read in
// pages, which come by id.
func openLabs(ctx context.Context, sessions fleet.Sessions) ([]*fleet.Session, error) {
	q := fleet.SessionQuery{States: []fleet.SessionState{fleet.SessionWaiting, fleet.SessionAssigning, fleet.SessionActive}, After: " "}
	var out []*fleet.Session
	for {
		page, err := sessions.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("labs: %w", err)
		}
		if len(page) == 0 {
			slices.SortStableFunc(out, func(x, y *fleet.Session) int { return x.RequestedAt.Compare(y.RequestedAt) })
			return out, nil
		}
		out, q.After = append(out, page...), page[len(page)-1].ID
	}
}

// knownLabType refuses a name that no lab type has.
func knownLabType(ctx context.Context, types *labtype.Catalog, name string) error {
	_, err := types.Get(ctx, name)
	if !errors.Is(err, fleet.ErrNotFound) {
		return err
	}
	all, err := types.All(ctx)
	if err != nil {
		return err
	}
	names := make([]string, len(all))
	for i, lt := range all {
		names[i] = lt.Name
	}
	return &fleet.FieldError{Field: "lab type", Value: name, Remedy: "known lab types are " + strings.Join(names, ", ")}
}

func labTypeCommand() *cobra.Command {
	var reason string
	c := &cobra.Command{Use: "labtype", Short: "Switch lab types off and on"}
	for name, off := range map[string]bool{"off": true, "on": false} {
		sub := &cobra.Command{Use: name + " <lab type>", Short: "Switch a lab type " + name, Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
			return withApp(c.Context(), "operator", func(ctx context.Context, a *app.App) error {
				if err := knownLabType(ctx, a.LabTypes, args[0]); err != nil {
					return err
				}
				return a.Failsafe.SwitchLabType(ctx, args[0], off, who(), reason)
			})
		}}
		needReason(sub, &reason, "why, for those whose request is refused")
		c.AddCommand(sub)
	}
	return c
}
