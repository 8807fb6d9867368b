package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

func (a *app) events() *cobra.Command {
	return a.group("events", "What happens, as it happens", a.eventsTail())
}

func (a *app) eventsTail() *cobra.Command {
	var q apiclient.EventQuery
	return a.command(spec{use: "tail", short: "Follow the stream of events", endless: true,
		example: "  kmlctl events tail --type lab.active,lab.ended\n  kmlctl events tail -o json | jq -r .student",
		flags: func(c *cobra.Command) {
			f := c.Flags()
			f.StringSliceVar(&q.Types, "type", nil, "types of events, with commas")
			f.StringVar(&q.Lab, "lab", "", "of one lab")
			f.StringVar(&q.Account, "account", "", "of one account")
			f.StringVar(&q.LabType, "labtype", "", "of one lab type")
			f.StringVar(&q.Booking, "booking", "", "of one booking")
			f.StringVar(&q.Owner, "owner", "", "of one owner")
			f.StringVar(&q.After, "after", "", "go on after this position")
			mustComplete(c, "lab", flagNames(a, func(ctx context.Context, c *apiclient.Client) iter.Seq2[apitypes.Lab, error] {
				return c.Labs(ctx, apiclient.LabQuery{Limit: mostCompletions})
			}, func(l apitypes.Lab) string { return described(l.ID, l.Student) }))
		},
		call: func(ctx context.Context, c *apiclient.Client, _ []string) error { return a.follow(c.Events(ctx, q)) }})
}

// follow prints events as they come: a line each, in JSON too. Being interrupted,
// or --timeout, is how following ends.
func (a *app) follow(events iter.Seq2[apiclient.StreamEvent, error]) error {
	for e, err := range events {
		switch {
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
			return nil
		case err != nil:
			return err
		case e.Reset:
			a.hint("kmlctl: some events were missed; list what you need anew")
			continue
		}
		if err := a.printEvent(e.Event); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) printEvent(e apitypes.Event) error {
	switch a.format.kind {
	case "template":
		var b bytes.Buffer
		if err := a.fill(&b, e); err != nil {
			return err
		}
		return a.write(b.String())
	case "json":
		raw, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("output: %w", err)
		}
		return a.write(string(raw) + "\n")
	case "yaml":
		if err := a.write("---\n"); err != nil {
			return err
		}
		return a.dump(e)
	}
	v := a.view()
	at := e.At.Local().Format("15:04:05")
	if v.wide {
		at = stamp(e.At)
	}
	parts := []string{at, v.paint(bold, clean(e.Type))}
	for _, f := range []struct{ name, value string }{{"lab", e.Lab}, {"account", e.Account}, {"type", e.LabType}, {"student", e.Student},
		{"booking", e.Booking}, {"state", e.State}, {"reason", e.Reason}} {
		if f.value != "" {
			parts = append(parts, f.name+"="+quote(clean(f.value)))
		}
	}
	return a.write(strings.Join(parts, "  ") + "\n")
}
