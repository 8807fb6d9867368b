package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
)

// Patience when --timeout does not say.
const (
	usualPatience   = 30 * time.Second
	waitingPatience = 10 * time.Minute
)

// spec describes a command.
type spec struct {
	use, short, long, example string
	args                      cobra.PositionalArgs
	complete                  cobra.CompletionFunc
	formats                   []string // of --output, beside the usual
	endless                   bool     // it lasts until it is told to stop
	asks                      bool     // it may ask a person, who needs time
	slow                      bool     // the server needs more time than usual
	wait                      *bool    // set: the command waits
	flags                     func(*cobra.Command)
	// One of these is what it does: with the server, or without.
	call  func(ctx context.Context, c *apiclient.Client, args []string) error
	local func(ctx context.Context, args []string) error
}

// command makes a command.
func (a *app) command(s spec) *cobra.Command {
	c := &cobra.Command{Use: s.use, Short: s.short, Long: s.long, Example: s.example, Args: s.args, ValidArgsFunction: s.complete}
	if s.complete == nil {
		c.ValidArgsFunction = cobra.NoFileCompletions
	}
	if s.args == nil {
		c.Args = cobra.NoArgs
	}
	if s.flags != nil {
		s.flags(c)
	}
	c.RunE = func(c *cobra.Command, args []string) (err error) {
		if a.format, err = parseFormat(a.flags.output, s.formats); err != nil {
			return err
		}
		a.started = true
		defer func() {
			var u *usageError
			if errors.As(err, &u) {
				u.command = cmp.Or(u.command, c.CommandPath())
			}
		}()
		ctx, cancel := a.patience(c.Context(), s)
		defer cancel()
		if s.local != nil {
			return s.local(ctx, args)
		}
		client, err := a.client(ctx)
		if err != nil {
			return err
		}
		return s.call(ctx, client, args)
	}
	return c
}

// patience bounds a command.
func (a *app) patience(ctx context.Context, s spec) (context.Context, context.CancelFunc) {
	limit := a.flags.timeout
	switch {
	case limit > 0:
	case s.endless:
		return context.WithCancel(ctx)
	case s.wait != nil && *s.wait, s.asks && a.Asks, s.slow:
		limit = waitingPatience
	default:
		limit = usualPatience
	}
	return context.WithTimeout(ctx, limit)
}

// group makes a command that only holds others.
func (a *app) group(use, short string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, ValidArgsFunction: cobra.NoFileCompletions, SuggestionsMinimumDistance: 2}
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		hint := ""
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			hint = fmt.Sprintf("; did you mean %s?", near[0])
		}
		return fmt.Errorf("unknown command %q of %s%s", args[0], c.CommandPath(), hint)
	}
	c.AddCommand(subs...)
	return c
}

// need is the error of a flag that must be given.
func need(flag string) error { return usagef("--%s is needed", flag) }

// reasonFlag defines --reason, kept with what is done.
func reasonFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "reason", "", "why; it is kept, and others will read it")
}

// limitFlag defines --limit.
func limitFlag(c *cobra.Command, to *int, usual int) {
	c.Flags().IntVar(to, "limit", usual, "most lines; 0: all")
}
