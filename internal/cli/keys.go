package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

var keyColumns = []column[apitypes.Key]{
	col("id", func(k apitypes.Key) any { return k.ID }),
	col("name", func(k apitypes.Key) any { return k.Name }),
	col("role", func(k apitypes.Key) any { return k.Role }),
	col("state", func(k apitypes.Key) any { return keyState(k) }),
	col("last used", func(k apitypes.Key) any { return k.LastUsed }),
	col("expires", func(k apitypes.Key) any { return k.ExpiresAt }),
	wide("from", func(k apitypes.Key) any { return k.LastFrom }),
	wide("owner", func(k apitypes.Key) any { return k.Owner }),
	wide("made", func(k apitypes.Key) any { return k.CreatedAt }),
	wide("by", func(k apitypes.Key) any { return k.CreatedBy }),
	wide("revoked", func(k apitypes.Key) any { return k.RevokedAt }),
}

func keyState(k apitypes.Key) state {
	if !k.RevokedAt.IsZero() {
		return "revoked"
	}
	return "active"
}

var newKeyColumns = []column[apitypes.NewKey]{
	col("id", func(k apitypes.NewKey) any { return k.ID }),
	col("name", func(k apitypes.NewKey) any { return k.Name }),
	col("role", func(k apitypes.NewKey) any { return k.Role }),
	col("key", func(k apitypes.NewKey) any { return k.Secret }),
	col("expires", func(k apitypes.NewKey) any { return k.ExpiresAt }),
}

var meColumns = []column[apitypes.Me]{
	col("id", func(m apitypes.Me) any { return m.ID }),
	col("name", func(m apitypes.Me) any { return m.Name }),
	col("role", func(m apitypes.Me) any { return m.Role }),
	col("owner", func(m apitypes.Me) any { return m.Owner }),
	col("may", func(m apitypes.Me) any { return m.Permissions }),
}

func (a *app) keys() *cobra.Command {
	g := a.group("keys", "API keys", a.keyMake(), a.keyList(), a.keyGet(), a.keyRevoke())
	g.Aliases = []string{"key"}
	return g
}

func (a *app) keyMake() *cobra.Command {
	var r apitypes.KeyRequest
	var expires string
	return a.command(spec{use: "create", short: "Make an API key; it is shown this once",
		example: "  kmlctl keys create --name \"academy backend\" --role backend -o template='{{.key}}' > key",
		flags: func(c *cobra.Command) {
			f := c.Flags()
			f.StringVar(&r.Name, "name", "", "what it is for")
			f.StringVar(&r.Role, "role", "", "backend, teacher, viewer, operator or admin")
			f.StringVar(&r.Owner, "owner", "", "whose labs a backend's or teacher's key sees (default: its own)")
			f.StringVar(&expires, "expires", "", "when it ends, such as 2027-01-01T00:00:00Z or +720h (default: never)")
			mustComplete(c, "role", cobra.FixedCompletions([]string{"backend", "teacher", "viewer", "operator", "admin"}, cobra.ShellCompDirectiveNoFileComp))
		},
		call: func(ctx context.Context, c *apiclient.Client, _ []string) (err error) {
			switch {
			case r.Name == "":
				return need("name")
			case r.Role == "":
				return need("role")
			}
			if r.ExpiresAt, err = a.parseTime("expires", expires); err != nil {
				return err
			}
			k, err := c.MakeKey(ctx, r)
			if err != nil {
				return err
			}
			return printOne(a, newKeyColumns, k)
		}})
}

func (a *app) keyList() *cobra.Command {
	var prefix string
	return a.command(spec{use: "list", short: "List keys, without their secrets",
		flags: func(c *cobra.Command) { c.Flags().StringVar(&prefix, "prefix", "", "whose id begins so") },
		call: func(ctx context.Context, c *apiclient.Client, _ []string) error {
			all, err := apiclient.Collect(c.Keys(ctx, prefix))
			if err != nil {
				return err
			}
			return printList(a, keyColumns, all)
		}})
}

func (a *app) keyGet() *cobra.Command {
	return a.command(spec{use: "get ID", short: "Show a key, without its secret", args: cobra.ExactArgs(1), complete: a.completeKeys,
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			k, err := c.Key(ctx, args[0])
			if err != nil {
				return err
			}
			return printOne(a, keyColumns, k)
		}})
}

func (a *app) keyRevoke() *cobra.Command {
	return a.command(spec{use: "revoke ID", short: "End a key for good", args: cobra.ExactArgs(1), complete: a.completeKeys, asks: true,
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			id := apiclient.KeyID(args[0])
			err := a.confirm(ctx, "key's id", id, func() (string, error) {
				k, err := c.Key(ctx, id)
				return fmt.Sprintf("revoke key %s (%s, %s)", clean(k.ID), clean(k.Name), k.Role), err
			})
			if err != nil {
				return err
			}
			return c.RevokeKey(ctx, id)
		}})
}

func (a *app) me() *cobra.Command {
	return a.command(spec{use: "me", short: "Show who you are to the server, and what you may", call: func(ctx context.Context, c *apiclient.Client, _ []string) error {
		m, err := c.Me(ctx)
		if err != nil {
			return err
		}
		return printOne(a, meColumns, m)
	}})
}
