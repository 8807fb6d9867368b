package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

var queueColumns = []column[apitypes.Queue]{
	col("name", func(q apitypes.Queue) any { return q.Name }),
	col("state", func(q apitypes.Queue) any {
		if q.Paused {
			return state("paused")
		}
		return state("active")
	}),
	col("pending", func(q apitypes.Queue) any { return q.Pending }),
	col("active", func(q apitypes.Queue) any { return q.Active }),
	col("scheduled", func(q apitypes.Queue) any { return q.Scheduled }),
	col("retry", func(q apitypes.Queue) any { return q.Retry }),
	col("archived", func(q apitypes.Queue) any { return q.Archived }),
	col("oldest", func(q apitypes.Queue) any { return q.Oldest }),
	wide("completed", func(q apitypes.Queue) any { return q.Completed }),
	wide("processed today", func(q apitypes.Queue) any { return q.Processed }),
	wide("failed today", func(q apitypes.Queue) any { return q.Failed }),
}

var taskColumns = []column[apitypes.Task]{
	col("id", func(t apitypes.Task) any { return t.ID }),
	col("kind", func(t apitypes.Task) any { return t.Kind }),
	col("state", func(t apitypes.Task) any { return t.State }),
	col("retried", func(t apitypes.Task) any { return t.Retried }),
	col("next", func(t apitypes.Task) any { return t.NextAt }),
	wide("payload", func(t apitypes.Task) any { return t.Payload }),
	wide("last error", func(t apitypes.Task) any { return t.LastError }),
}

var doneColumns = []column[apitypes.Done]{
	col("changed", func(d apitypes.Done) any { return d.Changed }),
}

func (a *app) queues() *cobra.Command {
	g := a.group("queues", "Queues of tasks", a.queueList(), a.queueTasks(),
		a.queueSwitch("pause", "Stop workers from taking a queue's tasks", true, (*apiclient.Client).PauseQueue),
		a.queueSwitch("resume", "Let workers take a queue's tasks again", false, (*apiclient.Client).ResumeQueue),
		a.taskAction("retry", "Run tasks now", false, (*apiclient.Client).RetryTasks),
		a.taskAction("archive", "Put tasks aside", true, (*apiclient.Client).ArchiveTasks),
		a.taskAction("delete", "Delete tasks", true, (*apiclient.Client).DeleteTasks))
	g.Aliases = []string{"queue"}
	return g
}

func (a *app) queueList() *cobra.Command {
	return a.command(spec{use: "list", short: "List queues", call: func(ctx context.Context, c *apiclient.Client, _ []string) error {
		all, err := c.Queues(ctx)
		if err != nil {
			return err
		}
		return printList(a, queueColumns, all)
	}})
}

// taskStates are those that a task can be in.
var taskStates = []string{"pending", "active", "scheduled", "retry", "archived", "completed"}

func (a *app) queueTasks() *cobra.Command {
	var state string
	var limit int
	return a.command(spec{use: "tasks QUEUE", short: "List a queue's tasks in a state", args: cobra.ExactArgs(1), complete: a.completeQueues,
		flags: func(c *cobra.Command) {
			c.Flags().StringVar(&state, "state", "pending", "pending, active, scheduled, retry, archived or completed")
			limitFlag(c, &limit, 100)
			mustComplete(c, "state", cobra.FixedCompletions(taskStates, cobra.ShellCompDirectiveNoFileComp))
		},
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			all, err := apiclient.Collect(c.Tasks(ctx, args[0], state, limit))
			if err != nil {
				return err
			}
			return printList(a, taskColumns, all)
		}})
}

func (a *app) queueSwitch(verb, short string, destructive bool, do func(*apiclient.Client, context.Context, string) (apitypes.Queue, error)) *cobra.Command {
	return a.command(spec{use: verb + " QUEUE", short: short, args: cobra.ExactArgs(1), complete: a.completeQueues, asks: destructive,
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			if destructive {
				if err := a.confirmText(ctx, "queue's name", args[0], "%s queue %s: its tasks wait until it is resumed", verb, args[0]); err != nil {
					return err
				}
			}
			q, err := do(c, ctx, args[0])
			if err != nil {
				return err
			}
			return printOne(a, queueColumns, q)
		}})
}

func (a *app) taskAction(verb, short string, destructive bool, do func(*apiclient.Client, context.Context, string, apitypes.TaskAction) (apitypes.Done, error)) *cobra.Command {
	var t apitypes.TaskAction
	return a.command(spec{use: verb + " QUEUE", short: short, args: cobra.ExactArgs(1), complete: a.completeQueues, asks: destructive,
		flags: func(c *cobra.Command) {
			c.Flags().StringVar(&t.ID, "id", "", "one task")
			c.Flags().StringVar(&t.State, "state", "", "every task in this state: pending, scheduled, retry or archived")
			c.MarkFlagsMutuallyExclusive("id", "state")
			c.MarkFlagsOneRequired("id", "state")
		},
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			if destructive {
				what := "task " + clean(t.ID)
				if t.State != "" {
					what = "every " + t.State + " task"
				}
				if err := a.confirmText(ctx, "queue's name", args[0], "%s %s of queue %s", verb, what, args[0]); err != nil {
					return err
				}
			}
			d, err := do(c, ctx, args[0], t)
			if err != nil {
				return err
			}
			return printOne(a, doneColumns, d)
		}})
}
