package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/app"
	"github.com/kodekloud/kml/internal/fleet"
)

// keysCommand is for who is on a host that reaches the stores: the first key,
// and what must be done without one. All else is done through the API.
func keysCommand() *cobra.Command {
	c := &cobra.Command{Use: "keys", Short: "Make the first API key; list and revoke keys without one"}
	c.AddCommand(bootstrapCommand(), listKeysCommand(), revokeKeyCommand())
	return c
}

func bootstrapCommand() *cobra.Command {
	var name string
	var force bool
	c := &cobra.Command{Use: "bootstrap", Short: "Make the first admin key and show it, this once", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return withApp(c.Context(), "operator", func(ctx context.Context, a *app.App) error {
			plain, made, err := a.Keys().Bootstrap(ctx, name, who()+" on the server", force)
			if errors.Is(err, fleet.ErrExists) {
				return fmt.Errorf("%w: make keys with one of them (kmlctl keys create), or give --force if they are lost", err)
			}
			if err != nil {
				return err
			}
			record(ctx, a, "bootstrap key "+made.ID)
			_, _ = fmt.Fprintf(c.ErrOrStderr(), "admin key %s (%s); it is shown this once:\n", made.ID, made.Name)
			_, err = fmt.Fprintln(c.OutOrStdout(), plain)
			return err
		})
	}}
	c.Flags().StringVar(&name, "name", "bootstrap", "what the key is called in logs")
	c.Flags().BoolVar(&force, "force", false, "make one although an admin key works")
	return c
}

func listKeysCommand() *cobra.Command {
	return &cobra.Command{Use: "list [prefix]", Short: "List keys by the beginning of their id", Args: cobra.MaximumNArgs(1), RunE: func(c *cobra.Command, args []string) error {
		return withApp(c.Context(), "operator", func(ctx context.Context, a *app.App) error {
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
			_, _ = fmt.Fprintln(w, "ID\tROLE\tNAME\tOWNER\tCREATED\tEXPIRES\tREVOKED\tLAST USED\tFROM")
			const batch = 500
			for after := ""; ; {
				keys, err := a.Keys().List(ctx, append(args, "")[0], after, batch)
				if err != nil {
					return errors.Join(err, w.Flush())
				}
				for _, k := range keys {
					_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Role, k.Name, k.Owner, stamp(k.CreatedAt), stamp(k.ExpiresAt), stamp(k.RevokedAt), stamp(k.LastUsed), k.LastFrom)
					after = k.ID
				}
				if len(keys) < batch {
					return w.Flush()
				}
			}
		})
	}}
}

func revokeKeyCommand() *cobra.Command {
	return &cobra.Command{Use: "revoke <id>", Short: "Revoke a key for good", Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		return withApp(c.Context(), "operator", func(ctx context.Context, a *app.App) error {
			k, err := a.Keys().Revoke(ctx, args[0])
			if err != nil {
				return err
			}
			record(ctx, a, "revoke key "+k.ID)
			_, err = fmt.Fprintf(c.OutOrStdout(), "key %s (%s) is revoked\n", k.ID, k.Name)
			return err
		})
	}}
}

// record appends what was done to the activity log. It is done already: that the
// log does not take it is told, and no reason to keep quiet about the outcome.
func record(ctx context.Context, a *app.App, what string) {
	entry := fleet.Activity{ID: "call/" + rand.Text(), At: a.Clock.Now().UTC(), Kind: "call", Who: who(), Where: "the server", What: what, Outcome: "done"}
	if err := a.DB.Activity().Append(ctx, entry); err != nil {
		a.Log.Error().Err(err).Str("what", what).Msg("not in the activity log")
	}
}
