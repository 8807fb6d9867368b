package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
)

// taskAction is what can be done to tasks: to one, or to all of a state. A state
// that is not there does not admit it.
type taskAction struct {
	name, summary string
	one           func(i Inspector, queue, id string) error
	all           map[string]func(i Inspector, queue string) (int, error)
}

var taskActions = []taskAction{
	{"retry", "Let tasks run now", Inspector.RunTask, map[string]func(Inspector, string) (int, error){
		"scheduled": Inspector.RunAllScheduledTasks, "retry": Inspector.RunAllRetryTasks, "archived": Inspector.RunAllArchivedTasks}},
	{"archive", "Put tasks aside", Inspector.ArchiveTask, map[string]func(Inspector, string) (int, error){
		"pending": Inspector.ArchiveAllPendingTasks, "scheduled": Inspector.ArchiveAllScheduledTasks, "retry": Inspector.ArchiveAllRetryTasks}},
	{"delete", "Delete tasks", Inspector.DeleteTask, map[string]func(Inspector, string) (int, error){
		"pending": Inspector.DeleteAllPendingTasks, "scheduled": Inspector.DeleteAllScheduledTasks, "retry": Inspector.DeleteAllRetryTasks, "archived": Inspector.DeleteAllArchivedTasks}},
}

func (s *Server) taskActions() {
	for _, a := range taskActions {
		register(s, op{id: a.name + "-tasks", method: http.MethodPost, path: "/v1/queues/{queue}/" + a.name, tag: "Queues", summary: a.summary, needs: access.QueuesWrite, limit: dryRunLimit,
			detail: "One by its id, or all in a state. Whatever the fleet still needs is enqueued again by its sweepers."},
			func(_ context.Context, in *struct {
				QueuePath
				Body apitypes.TaskAction
			}) (*body[apitypes.Done], error) {
				n, err := s.actOnTasks(a, in.Queue, in.Body)
				return ok(apitypes.Done{Changed: n}), err
			})
	}
}

func (s *Server) actOnTasks(a taskAction, queue string, on apitypes.TaskAction) (int, error) {
	if (on.ID == "") == (on.State == "") {
		return 0, &fleet.FieldError{Field: "body.id", Value: on.ID, Remedy: "give either the id of a task or a state"}
	}
	used, err := s.queueUsed(queue)
	if err != nil {
		return 0, err
	}
	if on.ID != "" {
		return s.actOnTask(a, queue, on.ID, used)
	}
	all, ok := a.all[on.State]
	switch {
	case !ok:
		return 0, &fleet.FieldError{Field: "body.state", Value: on.State, Remedy: "tasks in this state cannot be meant by " + a.name}
	case !used:
		return 0, nil
	}
	n, err := all(s.Inspector, queue)
	if err != nil {
		return 0, fmt.Errorf("%s %s tasks of %s: %w", a.name, on.State, queue, err)
	}
	return n, nil
}

func (s *Server) actOnTask(a taskAction, queue, id string, used bool) (int, error) {
	missing := fmt.Errorf("task %s in queue %s: %w", shorten(id), queue, fleet.ErrNotFound)
	if !used {
		return 0, missing
	}
	err := a.one(s.Inspector, queue, id)
	if err == nil {
		return 1, nil
	}
	if errors.Is(err, asynq.ErrTaskNotFound) || errors.Is(err, asynq.ErrQueueNotFound) {
		return 0, missing
	}
	// asynq has no error of its own for a task in a state that does not admit it.
	if info, ierr := s.Inspector.GetTaskInfo(queue, id); ierr == nil && a.all[info.State.String()] == nil {
		return 0, newProblem(http.StatusConflict, "wrong_state", "the task is "+info.State.String(), "choose what fits its state")
	}
	return 0, fmt.Errorf("%s task %s of %s: %w", a.name, shorten(id), queue, err)
}
