package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

// Inspector is asynq's. It knows only queues that were used since Redis was last
// emptied: one that it does not know is empty.
type Inspector interface {
	Queues() ([]string, error)
	GetQueueInfo(queue string) (*asynq.QueueInfo, error)
	GetTaskInfo(queue, id string) (*asynq.TaskInfo, error)
	PauseQueue(queue string) error
	UnpauseQueue(queue string) error

	ListPendingTasks(queue string, opts ...asynq.ListOption) ([]*asynq.TaskInfo, error)
	ListActiveTasks(queue string, opts ...asynq.ListOption) ([]*asynq.TaskInfo, error)
	ListScheduledTasks(queue string, opts ...asynq.ListOption) ([]*asynq.TaskInfo, error)
	ListRetryTasks(queue string, opts ...asynq.ListOption) ([]*asynq.TaskInfo, error)
	ListArchivedTasks(queue string, opts ...asynq.ListOption) ([]*asynq.TaskInfo, error)
	ListCompletedTasks(queue string, opts ...asynq.ListOption) ([]*asynq.TaskInfo, error)

	RunTask(queue, id string) error
	ArchiveTask(queue, id string) error
	DeleteTask(queue, id string) error
	RunAllScheduledTasks(queue string) (int, error)
	RunAllRetryTasks(queue string) (int, error)
	RunAllArchivedTasks(queue string) (int, error)
	ArchiveAllPendingTasks(queue string) (int, error)
	ArchiveAllScheduledTasks(queue string) (int, error)
	ArchiveAllRetryTasks(queue string) (int, error)
	DeleteAllPendingTasks(queue string) (int, error)
	DeleteAllScheduledTasks(queue string) (int, error)
	DeleteAllRetryTasks(queue string) (int, error)
	DeleteAllArchivedTasks(queue string) (int, error)
}

func (s *Server) queueRoutes() {
	register(s, op{id: "list-queues", method: http.MethodGet, path: "/v1/queues", tag: "Queues", summary: "Sum up the queues", needs: access.QueuesRead}, s.listQueues)
	register(s, op{id: "list-tasks", method: http.MethodGet, path: "/v1/queues/{queue}/tasks", tag: "Queues", summary: "List tasks of a queue", needs: access.QueuesRead,
		detail: "A queue moves while it is read: a page may repeat tasks of the one before, or miss some."}, s.listTasks)
	for name, summary := range map[string]string{"pause": "Hold a queue's tasks back", "resume": "Let a queue's tasks run again"} {
		register(s, op{id: name + "-queue", method: http.MethodPost, path: "/v1/queues/{queue}/" + name, tag: "Queues", summary: summary, needs: access.QueuesWrite},
			func(ctx context.Context, in *struct{ QueuePath }) (*body[apitypes.Queue], error) {
				return s.setPaused(in.Queue, name == "pause")
			})
	}
	s.taskActions()
}

type QueuePath struct {
	Queue string `path:"queue" minLength:"1" maxLength:"64" doc:"name of the queue" example:"cleanup"`
}

// queueNames are the queues that workers serve and those that were used.
func (s *Server) queueNames() (all, used []string, err error) {
	if used, err = s.Inspector.Queues(); err != nil {
		return nil, nil, fmt.Errorf("queues: %w", err)
	}
	all = slices.Concat(used, slices.Collect(maps.Keys(tasks.CriticalQueues)), slices.Collect(maps.Keys(tasks.BulkQueues)))
	slices.Sort(all)
	return slices.Compact(all), used, nil
}

// queueUsed says whether a queue holds anything that asynq knows of; an error if
// there is no such queue.
func (s *Server) queueUsed(name string) (bool, error) {
	all, used, err := s.queueNames()
	if err != nil {
		return false, err
	}
	if !slices.Contains(all, name) {
		return false, fmt.Errorf("queue %s: %w", shorten(name), fleet.ErrNotFound)
	}
	return slices.Contains(used, name), nil
}

func (s *Server) queue(name string, used bool) (apitypes.Queue, error) {
	if !used {
		return apitypes.Queue{Name: name}, nil
	}
	info, err := s.Inspector.GetQueueInfo(name)
	if err != nil {
		return apitypes.Queue{}, fmt.Errorf("queue %s: %w", name, err)
	}
	return toQueue(info), nil
}

func (s *Server) listQueues(context.Context, *struct{}) (*body[apitypes.Page[apitypes.Queue]], error) {
	all, used, err := s.queueNames()
	if err != nil {
		return nil, err
	}
	out := apitypes.Page[apitypes.Queue]{Items: []apitypes.Queue{}}
	for _, name := range all {
		q, err := s.queue(name, slices.Contains(used, name))
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, q)
	}
	return ok(out), nil
}

// setPaused pauses a queue or lets it go on; one that is as it shall be stays so.
func (s *Server) setPaused(name string, paused bool) (*body[apitypes.Queue], error) {
	used, err := s.queueUsed(name)
	if err != nil {
		return nil, err
	}
	if !used {
		return nil, newProblem(http.StatusConflict, "queue_unused", "nothing was ever put into queue "+name, "pause it when something is in it")
	}
	q, err := s.queue(name, true)
	if err != nil || q.Paused == paused {
		return ok(q), err
	}
	set := s.Inspector.UnpauseQueue
	if paused {
		set = s.Inspector.PauseQueue
	}
	failed := set(name)
	// Somebody else may have been faster, which asynq has no error of its own for.
	if q, err = s.queue(name, true); err == nil && q.Paused != paused {
		err = fmt.Errorf("set queue %s paused=%t: %w", name, paused, errors.Join(failed, fleet.ErrConflict))
	}
	return ok(q), err
}

type taskFilter struct {
	QueuePath
	Paged
	State string `query:"state" enum:"pending,active,scheduled,retry,archived,completed" default:"pending"`
}

func (s *Server) listTasks(_ context.Context, in *taskFilter) (*body[apitypes.Page[apitypes.Task]], error) {
	used, err := s.queueUsed(in.Queue)
	if err != nil {
		return nil, err
	}
	number, err := in.number()
	if err != nil {
		return nil, err
	}
	if !used {
		return ok(apitypes.Page[apitypes.Task]{Items: []apitypes.Task{}}), nil
	}
	list := map[string]func(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error){
		"pending": s.Inspector.ListPendingTasks, "active": s.Inspector.ListActiveTasks, "scheduled": s.Inspector.ListScheduledTasks,
		"retry": s.Inspector.ListRetryTasks, "archived": s.Inspector.ListArchivedTasks, "completed": s.Inspector.ListCompletedTasks,
	}[in.State]
	found, err := list(in.Queue, asynq.PageSize(in.Limit), asynq.Page(number))
	if err != nil {
		return nil, fmt.Errorf("tasks of queue %s: %w", in.Queue, err)
	}
	next := ""
	if len(found) == in.Limit {
		next = cursorTo(time.UnixMilli(int64(number+1)), pageCursor)
	}
	return ok(pageOf(found, next, toTask)), nil
}

// pageCursor marks a cursor that holds the number of a page: all that asynq has.
const pageCursor = "page"

func (p Paged) number() (int, error) {
	c, err := p.cursor()
	if err != nil || p.Cursor == "" {
		return 1, err
	}
	const most = 1 << 20
	n := c.At.UnixMilli()
	if c.ID != pageCursor || n < 1 || n > most {
		return 0, &fleet.FieldError{Field: "query.cursor", Value: p.Cursor, Remedy: "give next of the page before, as it was"}
	}
	return int(n), nil
}

// toQueue is a queue as JSON.
func toQueue(q *asynq.QueueInfo) apitypes.Queue {
	return apitypes.Queue{Name: q.Queue, Paused: q.Paused, Pending: q.Pending, Active: q.Active, Scheduled: q.Scheduled, Retry: q.Retry, Archived: q.Archived,
		Completed: q.Completed, Processed: q.Processed, Failed: q.Failed, Oldest: apitypes.Duration(q.Latency)}
}

// toTask is a task as JSON.
func toTask(t *asynq.TaskInfo) apitypes.Task {
	return apitypes.Task{ID: t.ID, Kind: t.Type, State: t.State.String(), Retried: t.Retried, LastError: t.LastErr, NextAt: t.NextProcessAt.UTC(), Payload: string(t.Payload)}
}
