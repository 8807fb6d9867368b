package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

var webhookColumns = []column[apitypes.Webhook]{
	col("id", func(w apitypes.Webhook) any { return w.ID }),
	col("name", func(w apitypes.Webhook) any { return w.Name }),
	col("url", func(w apitypes.Webhook) any { return w.URL }),
	col("events", func(w apitypes.Webhook) any { return w.Events }),
	col("state", func(w apitypes.Webhook) any { return onOff(!w.Off) }),
	wide("callbacks", func(w apitypes.Webhook) any { return w.Callbacks }),
	wide("secrets", func(w apitypes.Webhook) any { return w.Secrets }),
	wide("owner", func(w apitypes.Webhook) any { return w.Owner }),
	wide("made", func(w apitypes.Webhook) any { return w.CreatedAt }),
}

var webhookSecretColumns = []column[apitypes.WebhookSecret]{
	col("id", func(w apitypes.WebhookSecret) any { return w.ID }),
	col("name", func(w apitypes.WebhookSecret) any { return w.Name }),
	col("url", func(w apitypes.WebhookSecret) any { return w.URL }),
	col("secret", func(w apitypes.WebhookSecret) any { return w.Secret }),
	col("old signs until", func(w apitypes.WebhookSecret) any { return w.Old }),
}

var deliveryColumns = []column[apitypes.Delivery]{
	col("id", func(d apitypes.Delivery) any { return d.ID }),
	col("event", func(d apitypes.Delivery) any { return d.Event.Type }),
	col("state", func(d apitypes.Delivery) any { return state(d.State) }),
	col("attempts", func(d apitypes.Delivery) any { return d.Attempts }),
	col("made", func(d apitypes.Delivery) any { return d.CreatedAt }),
	col("next try", func(d apitypes.Delivery) any { return d.NextTry }),
	col("status", func(d apitypes.Delivery) any { return d.Status }),
	wide("done", func(d apitypes.Delivery) any { return d.DoneAt }),
	wide("webhook", func(d apitypes.Delivery) any { return d.Webhook }),
	wide("url", func(d apitypes.Delivery) any { return d.URL }),
	wide("error", func(d apitypes.Delivery) any { return d.Error }),
}

func (a *app) webhooks() *cobra.Command {
	g := a.group("webhooks", "Where events are delivered", a.webhookMake(), a.webhookList(), a.webhookGet(), a.webhookChange(), a.webhookDelete(),
		a.webhookRotate(), a.webhookPing(), a.webhookDeliveries(), a.deliveryGet(), a.redeliver())
	g.Aliases = []string{"webhook"}
	return g
}

// webhookFlags defines the flags of what a webhook is.
func webhookFlags(c *cobra.Command, r *apitypes.WebhookRequest) {
	f := c.Flags()
	f.StringVar(&r.Name, "name", "", "what it is called")
	f.StringVar(&r.URL, "url", "", "where events are delivered")
	f.StringSliceVar(&r.Events, "events", nil, "types of events, with commas (default: all)")
	f.BoolVar(&r.Callbacks, "callbacks", false, "sign the calls to the callback URLs of single labs instead")
	f.BoolVar(&r.Off, "off", false, "deliver nothing at present")
}

func (a *app) webhookMake() *cobra.Command {
	var r apitypes.WebhookRequest
	var owner string
	return a.command(spec{use: "create", short: "Make a webhook; its secret is shown this once",
		flags: func(c *cobra.Command) {
			webhookFlags(c, &r)
			c.Flags().StringVar(&owner, "owner", "", "whose events (default: your own, or everybody's if you see them)")
		},
		call: func(ctx context.Context, c *apiclient.Client, _ []string) error {
			switch {
			case r.Name == "":
				return need("name")
			case r.URL == "" && !r.Callbacks:
				return need("url")
			}
			w, err := c.MakeWebhook(ctx, owner, r)
			if err != nil {
				return err
			}
			return printOne(a, webhookSecretColumns, w)
		}})
}

func (a *app) webhookList() *cobra.Command {
	var owner string
	return a.command(spec{use: "list", short: "List webhooks",
		flags: func(c *cobra.Command) { c.Flags().StringVar(&owner, "owner", "", "of one owner") },
		call: func(ctx context.Context, c *apiclient.Client, _ []string) error {
			all, err := apiclient.Collect(c.Webhooks(ctx, owner))
			if err != nil {
				return err
			}
			return printList(a, webhookColumns, all)
		}})
}

// webhookCall is a command on one webhook that shows what comes back.
func webhookCall[T any](a *app, verb, short string, cols []column[T], do func(*apiclient.Client, context.Context, string) (T, error)) *cobra.Command {
	return a.command(spec{use: verb + " ID", short: short, args: cobra.ExactArgs(1), complete: a.completeWebhooks,
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			v, err := do(c, ctx, args[0])
			if err != nil {
				return err
			}
			return printOne(a, cols, v)
		}})
}

func (a *app) webhookGet() *cobra.Command {
	return webhookCall(a, "get", "Show a webhook", webhookColumns, (*apiclient.Client).Webhook)
}

func (a *app) webhookPing() *cobra.Command {
	return webhookCall(a, "ping", "Send an event to try a webhook", deliveryColumns, (*apiclient.Client).PingWebhook)
}

func (a *app) deliveryGet() *cobra.Command {
	c := webhookCall(a, "delivery", "Show a delivery", deliveryColumns, (*apiclient.Client).Delivery)
	c.ValidArgsFunction = cobra.NoFileCompletions
	return c
}

func (a *app) redeliver() *cobra.Command {
	c := webhookCall(a, "redeliver", "Send a delivery's event once more", deliveryColumns, (*apiclient.Client).Redeliver)
	c.Use, c.ValidArgsFunction = "redeliver DELIVERY", cobra.NoFileCompletions
	return c
}

func (a *app) webhookChange() *cobra.Command {
	var r apitypes.WebhookRequest
	var given func(string) bool
	return a.command(spec{use: "change ID", short: "Change what is given of a webhook", args: cobra.ExactArgs(1), complete: a.completeWebhooks,
		flags: func(c *cobra.Command) {
			webhookFlags(c, &r)
			c.MarkFlagsOneRequired("name", "url", "events", "callbacks", "off")
			given = c.Flags().Changed
		},
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			now, err := c.Webhook(ctx, args[0])
			if err != nil {
				return err
			}
			next := apitypes.WebhookRequest{Name: now.Name, URL: now.URL, Events: now.Events, Callbacks: now.Callbacks, Off: now.Off}
			for flag, set := range map[string]func(){"name": func() { next.Name = r.Name }, "url": func() { next.URL = r.URL }, "events": func() { next.Events = r.Events },
				"callbacks": func() { next.Callbacks = r.Callbacks }, "off": func() { next.Off = r.Off }} {
				if given(flag) {
					set()
				}
			}
			w, err := c.ChangeWebhook(ctx, args[0], now.Version, next)
			if err != nil {
				return err
			}
			return printOne(a, webhookColumns, w)
		}})
}

func (a *app) webhookDelete() *cobra.Command {
	return a.command(spec{use: "delete ID", short: "Delete a webhook", args: cobra.ExactArgs(1), complete: a.completeWebhooks, asks: true,
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			err := a.confirm(ctx, "webhook's id", args[0], func() (string, error) {
				w, err := c.Webhook(ctx, args[0])
				return fmt.Sprintf("delete webhook %s (%s, %s)", clean(w.ID), clean(w.Name), clean(w.URL)), err
			})
			if err != nil {
				return err
			}
			return c.DeleteWebhook(ctx, args[0])
		}})
}

func (a *app) webhookRotate() *cobra.Command {
	var overlap time.Duration
	return a.command(spec{use: "rotate ID", short: "Give a webhook a new secret; it is shown this once", args: cobra.ExactArgs(1), complete: a.completeWebhooks,
		flags: func(c *cobra.Command) {
			c.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "how long the old secret signs too")
		},
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			w, err := c.RotateWebhook(ctx, args[0], overlap)
			if err != nil {
				return err
			}
			return printOne(a, webhookSecretColumns, w)
		}})
}

func (a *app) webhookDeliveries() *cobra.Command {
	var q apiclient.DeliveryQuery
	return a.command(spec{use: "deliveries ID", short: "List a webhook's deliveries, newest first", args: cobra.ExactArgs(1), complete: a.completeWebhooks,
		flags: func(c *cobra.Command) {
			c.Flags().StringVar(&q.State, "state", "", "pending, delivered or dead")
			limitFlag(c, &q.Limit, 50)
		},
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			all, err := apiclient.Collect(c.Deliveries(ctx, args[0], q))
			if err != nil {
				return err
			}
			return printList(a, deliveryColumns, all)
		}})
}
