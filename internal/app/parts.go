package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/metrics"
	"github.com/kodekloud/kml/tasks"
)

func byName(orgs []fleet.Organization) map[string]fleet.Organization {
	out := make(map[string]fleet.Organization, len(orgs))
	for _, o := range orgs {
		out[o.Name] = o
	}
	return out
}

// queues reads the queues for the metrics. A queue that nobody has used yet is
// empty; asynq has an error for it that cannot be told from others.
func (a *App) queues(context.Context) ([]metrics.Queue, error) {
	inspector := asynq.NewInspectorFromRedisClient(a.Redis)
	used, err := inspector.Queues()
	if err != nil {
		return nil, fmt.Errorf("queues: %w", err)
	}
	var out []metrics.Queue
	for _, served := range []map[string]int{tasks.CriticalQueues, tasks.BulkQueues} {
		for name := range served {
			if !slices.Contains(used, name) {
				out = append(out, metrics.Queue{Name: name})
				continue
			}
			info, err := inspector.GetQueueInfo(name)
			if err != nil {
				return nil, fmt.Errorf("queue %s: %w", name, err)
			}
			out = append(out, metrics.Queue{Name: name, Pending: info.Pending, Active: info.Active, Scheduled: info.Scheduled,
				Retry: info.Retry, Archived: info.Archived, OldestAge: info.Latency})
		}
	}
	return out, nil
}

// dryRun tells what a full cleaning of an account would do.
func (a *App) dryRun(ctx context.Context, account string) ([]fleet.Evidence, error) {
	planned, err := a.Cleanup.DryRun(ctx, account)
	out := make([]fleet.Evidence, len(planned))
	for i, e := range planned {
		out[i] = fleet.Evidence{Account: account, At: a.Clock.Now().UTC(), Phase: "dry run", Action: e.Action, Kind: e.Kind, Region: e.Region, Resource: e.Resource, Detail: e.Detail}
	}
	return out, err
}
