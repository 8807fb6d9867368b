package cli

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

// completionPatience is how long somebody who pressed Tab waits; mostCompletions
// is how many choices they read.
const (
	completionPatience = 2 * time.Second
	mostCompletions    = 200
)

// names completes the first argument by a list of the server's. Of an error
// nothing is told: there are no choices.
func names[T any](a *app, list func(context.Context, *apiclient.Client) iter.Seq2[T, error], choice func(T) string) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx := c.Context()
		if ctx == nil {
			ctx = context.Background() // cobra completes before it runs
		}
		ctx, cancel := context.WithTimeout(ctx, completionPatience)
		defer cancel()
		a.flags.quiet = true
		client, err := a.client(ctx)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError | cobra.ShellCompDirectiveNoFileComp
		}
		var out []cobra.Completion
		for item, err := range list(ctx, client) {
			if err != nil || len(out) == mostCompletions {
				break
			}
			if s := choice(item); strings.HasPrefix(s, begun) {
				out = append(out, s)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// flagNames is names for the value of a flag.
func flagNames[T any](a *app, list func(context.Context, *apiclient.Client) iter.Seq2[T, error], choice func(T) string) cobra.CompletionFunc {
	f := names(a, list, choice)
	return func(c *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return f(c, nil, begun)
	}
}

// sequence makes a list that comes whole an iterator.
func sequence[T any](items []T, err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		if err != nil {
			yield(zero, err)
			return
		}
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

func described(name, what string) string { return cobra.CompletionWithDesc(name, clean(what)) }

func (a *app) completeLabs(states ...string) cobra.CompletionFunc {
	return names(a, func(ctx context.Context, c *apiclient.Client) iter.Seq2[apitypes.Lab, error] {
		return c.Labs(ctx, apiclient.LabQuery{State: states, Limit: mostCompletions})
	}, func(l apitypes.Lab) string { return described(l.ID, l.Type+", "+l.Student+", "+l.State) })
}

func (a *app) completeAccounts(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return names(a, func(ctx context.Context, c *apiclient.Client) iter.Seq2[apitypes.Account, error] {
		return c.Accounts(ctx, apiclient.AccountQuery{})
	}, func(x apitypes.Account) string { return described(x.ID, x.Org+"/"+x.Purpose+", "+x.State) })(c, args, begun)
}

func listLabTypes(ctx context.Context, c *apiclient.Client) iter.Seq2[apitypes.LabType, error] {
	return sequence(c.LabTypes(ctx))
}

func labTypeChoice(l apitypes.LabType) string { return described(l.Name, l.Title) }

func (a *app) completeLabTypes(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return names(a, listLabTypes, labTypeChoice)(c, args, begun)
}

func (a *app) completeOrganizations(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return names(a, func(ctx context.Context, c *apiclient.Client) iter.Seq2[apitypes.Organization, error] {
		return sequence(c.Organizations(ctx))
	}, func(o apitypes.Organization) string { return o.Name })(c, args, begun)
}

func (a *app) completeBookings(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return names(a, func(ctx context.Context, c *apiclient.Client) iter.Seq2[apitypes.Booking, error] {
		return c.Bookings(ctx, apiclient.BookingQuery{Limit: mostCompletions})
	}, func(b apitypes.Booking) string { return described(b.ID, b.Title) })(c, args, begun)
}

func (a *app) completeWebhooks(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return names(a, func(ctx context.Context, c *apiclient.Client) iter.Seq2[apitypes.Webhook, error] {
		return c.Webhooks(ctx, "")
	},
		func(w apitypes.Webhook) string { return described(w.ID, w.Name) })(c, args, begun)
}

func (a *app) completeKeys(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return names(a, func(ctx context.Context, c *apiclient.Client) iter.Seq2[apitypes.Key, error] {
		return c.Keys(ctx, begun)
	},
		func(k apitypes.Key) string { return described(k.ID, k.Name) })(c, args, begun)
}

func (a *app) completeQueues(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return names(a, func(ctx context.Context, c *apiclient.Client) iter.Seq2[apitypes.Queue, error] {
		return sequence(c.Queues(ctx))
	},
		func(q apitypes.Queue) string { return q.Name })(c, args, begun)
}

func (a *app) completeProfiles(_ *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	f, _, err := a.load()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, name := range slices.Sorted(maps.Keys(f.Profiles)) {
		if strings.HasPrefix(name, begun) {
			out = append(out, name)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
