package cli

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

var labColumns = []column[apitypes.Lab]{
	col("id", func(l apitypes.Lab) any { return l.ID }),
	col("type", func(l apitypes.Lab) any { return l.Type }),
	col("student", func(l apitypes.Lab) any { return l.Student }),
	col("state", func(l apitypes.Lab) any { return state(l.State) }),
	col("account", func(l apitypes.Lab) any { return l.Account }),
	col("requested", func(l apitypes.Lab) any { return l.RequestedAt }),
	col("ends", func(l apitypes.Lab) any { // early, for many
		if !l.EndedAt.IsZero() {
			return l.EndedAt
		}
		return l.EndsAt
	}),
	wide("started", func(l apitypes.Lab) any { return l.StartedAt }),
	wide("ended", func(l apitypes.Lab) any { return l.EndedAt }),
	wide("waits until", func(l apitypes.Lab) any {
		if !l.StartedAt.IsZero() || !l.EndedAt.IsZero() {
			return time.Time{} // it waits no more
		}
		return l.WaitUntil
	}),
	wide("expected", func(l apitypes.Lab) any { return l.ReadyBy }),
	wide("from", func(l apitypes.Lab) any { return l.StartAt }),
	wide("duration", func(l apitypes.Lab) any { return l.Duration }),
	wide("priority", func(l apitypes.Lab) any { return l.Priority }),
	wide("purpose", func(l apitypes.Lab) any { return l.Purpose }),
	wide("booking", func(l apitypes.Lab) any { return l.Booking }),
	wide("owner", func(l apitypes.Lab) any { return l.Owner }),
	wide("request", func(l apitypes.Lab) any { return l.RequestID }),
	wide("reason", func(l apitypes.Lab) any { return l.Reason }),
}

func (a *app) labs() *cobra.Command {
	g := a.group("labs", "Labs of students", a.labRequest(), a.labList(), a.labGet(), a.labWait(), a.labCredentials(), a.labLink(), a.labShell(),
		a.labExtend(), a.labEnd(), a.labEvidence(), a.labEvents())
	g.Aliases = []string{"lab"}
	return g
}

// labRequestFlags are what a request is made of.
type labRequestFlags struct {
	request            apitypes.LabRequest
	duration, patience time.Duration
	startAt            string
	wait               bool
}

func (a *app) labRequest() *cobra.Command {
	var o labRequestFlags
	return a.command(spec{use: "request", short: "Request a lab", wait: &o.wait, formats: []string{"env"},
		example: "  kmlctl labs request --type ec2-basics --student ada@example.org --wait\n" +
			"  eval \"$(kmlctl labs request --type ec2-basics --student ada@example.org --wait -o env)\"",
		flags: func(c *cobra.Command) {
			f := c.Flags()
			f.StringVar(&o.request.Type, "type", "", "lab type")
			f.StringVar(&o.request.Student, "student", "", "who works in the lab")
			f.DurationVar(&o.duration, "duration", time.Hour, "from the hand-out to the end")
			f.StringVar(&o.request.Callback, "callback", "", "URL that is told of the lab's events")
			f.IntVar(&o.request.Priority, "priority", 0, "0 to 9; goes before waiting time")
			f.StringVar(&o.startAt, "start-at", "", "at a later time, such as 2026-12-01T10:00:00Z or +2h")
			f.StringVar(&o.request.Purpose, "purpose", "", "production, development or testing")
			f.DurationVar(&o.patience, "patience", 0, "how long the lab may wait for an account (default: the fleet's)")
			f.StringVar(&o.request.Booking, "booking", "", "booking whose seat the lab takes")
			f.StringVar(&o.request.RequestID, "request-id", "", "asking twice with one id is asking once")
			f.BoolVar(&o.wait, "wait", false, "wait until the lab can be used")
			mustComplete(c, "type", flagNames(a, listLabTypes, labTypeChoice))
			mustComplete(c, "purpose", cobra.FixedCompletions([]string{"production", "development", "testing"}, cobra.ShellCompDirectiveNoFileComp))
		},
		call: func(ctx context.Context, c *apiclient.Client, _ []string) error { return a.requestLab(ctx, c, o) }})
}

func (a *app) requestLab(ctx context.Context, c *apiclient.Client, o labRequestFlags) (err error) {
	switch {
	case o.request.Type == "":
		return need("type")
	case o.request.Student == "":
		return need("student")
	case a.format.kind == "env" && !o.wait:
		return usagef("-o env needs --wait: there are no credentials before the lab is handed out")
	}
	o.request.Duration, o.request.Patience = apitypes.Duration(o.duration), apitypes.Duration(o.patience)
	if o.request.StartAt, err = a.parseTime("start-at", o.startAt); err != nil {
		return err
	}
	if o.request.RequestID != "" {
		ctx = apiclient.WithIdempotencyKey(ctx, "request/"+o.request.RequestID)
	}
	lab, err := c.RequestLab(ctx, o.request, 0)
	if err != nil {
		return err
	}
	if !o.wait {
		return printOne(a, labColumns, lab)
	}
	if lab, err = a.waitForLab(ctx, c, lab); err != nil {
		return err
	}
	if a.format.kind == "env" {
		return a.showCredentials(ctx, c, lab.ID)
	}
	return printOne(a, labColumns, lab)
}

// parseTime reads the time of a flag: RFC 3339, or +2h from now. "" is no time.
func (a *app) parseTime(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if s[0] == '+' || s[0] == '-' {
		if d, err := time.ParseDuration(s); err == nil {
			return a.Now().Add(d), nil
		}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, usagef("--%s %q: give a time such as 2026-12-01T10:00:00Z, or one from now such as +2h", flag, s)
	}
	return t, nil
}

func (a *app) labList() *cobra.Command {
	var q apiclient.LabQuery
	var since string
	return a.command(spec{use: "list", short: "List labs, newest first", flags: func(c *cobra.Command) {
		f := c.Flags()
		f.StringSliceVar(&q.State, "state", nil, "states, with commas")
		f.StringVar(&q.Type, "type", "", "lab type")
		f.StringVar(&q.Student, "student", "", "student")
		f.StringVar(&q.Account, "account", "", "AWS account")
		f.StringVar(&q.Booking, "booking", "", "booking")
		f.StringVar(&q.Owner, "owner", "", "owner")
		f.StringVar(&since, "since", "", "requested since, such as 2026-12-01T10:00:00Z or -24h")
		limitFlag(c, &q.Limit, 100)
		mustComplete(c, "type", flagNames(a, listLabTypes, labTypeChoice))
	}, call: func(ctx context.Context, c *apiclient.Client, _ []string) (err error) {
		if q.Since, err = a.parseTime("since", since); err != nil {
			return err
		}
		all, err := apiclient.Collect(c.Labs(ctx, q))
		if err != nil {
			return err
		}
		return printList(a, labColumns, all)
	}})
}

func (a *app) labGet() *cobra.Command {
	return a.command(spec{use: "get ID", short: "Show a lab", args: cobra.ExactArgs(1), complete: a.completeLabs(),
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			lab, err := c.Lab(ctx, args[0], 0)
			if err != nil {
				return err
			}
			return printOne(a, labColumns, lab)
		}})
}

func (a *app) labExtend() *cobra.Command {
	var by time.Duration
	return a.command(spec{use: "extend ID", short: "Move a lab's end to later", args: cobra.ExactArgs(1), complete: a.completeLabs("active"),
		flags: func(c *cobra.Command) { c.Flags().DurationVar(&by, "by", 30*time.Minute, "how much later it ends") },
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			lab, err := c.ExtendLab(ctx, args[0], by)
			if err != nil {
				return err
			}
			return printOne(a, labColumns, lab)
		}})
}

func (a *app) labEnd() *cobra.Command {
	var reason string
	var wait bool
	return a.command(spec{use: "end ID", short: "End a lab now; its credentials die and its account is emptied", args: cobra.ExactArgs(1),
		complete: a.completeLabs("scheduled", "waiting", "assigning", "active"), wait: &wait, asks: true,
		flags: func(c *cobra.Command) {
			reasonFlag(c, &reason)
			c.Flags().BoolVar(&wait, "wait", false, "wait until it has ended")
		},
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			err := a.confirm(ctx, "lab's id", args[0], func() (string, error) {
				lab, err := c.Lab(ctx, args[0], 0)
				return fmt.Sprintf("end lab %s of %s (%s, %s, account %s)", clean(lab.ID), clean(lab.Student), clean(lab.Type), lab.State, cmp.Or(lab.Account, "none yet")), err
			})
			if err != nil {
				return err
			}
			lab, err := c.EndLab(ctx, args[0], reason)
			if err == nil && wait {
				lab, err = a.waitForEnd(ctx, c, lab)
			}
			if err != nil {
				return err
			}
			return printOne(a, labColumns, lab)
		}})
}

func (a *app) labEvents() *cobra.Command {
	return a.command(spec{use: "events ID", short: "Follow a lab's events to its end", args: cobra.ExactArgs(1), complete: a.completeLabs(), endless: true,
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			return a.follow(c.LabEvents(ctx, args[0], ""))
		}})
}
