package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/tasks"
)

// enqueue puts a task into its queue and gives its id.
func (f *fleetBench) enqueue(t testing.TB, task *asynq.Task, opts ...asynq.Option) string {
	t.Helper()
	info, err := f.Queue.EnqueueContext(f.ctx, task, opts...)
	must(t, err)
	return info.ID
}

// states counts a queue's tasks.
func (f *fleetBench) states(t testing.TB, name string) string {
	t.Helper()
	p := get[apitypes.Page[apitypes.Queue]](t, f.bench, viewer, "/v1/queues")
	i := slices.IndexFunc(p.Items, func(q apitypes.Queue) bool { return q.Name == name })
	if i < 0 {
		t.Fatalf("no queue %s in %+v", name, p)
	}
	q := p.Items[i]
	return fmt.Sprint("pending ", q.Pending, " scheduled ", q.Scheduled, " retry ", q.Retry, " archived ", q.Archived, " paused ", q.Paused)
}

// After a flush of Redis asynq has forgotten its queues: they are empty.
func TestUnusedQueuesAreEmpty(t *testing.T) {
	t.Parallel()
	f := queued(t)
	const empty = "pending 0 scheduled 0 retry 0 archived 0 paused false"
	all := []string{}
	for _, q := range get[apitypes.Page[apitypes.Queue]](t, f.bench, viewer, "/v1/queues").Items {
		all = append(all, q.Name)
		if got := f.states(t, q.Name); got != empty {
			t.Errorf("%s: %s", q.Name, got)
		}
		path := "/v1/queues/" + q.Name
		if p := get[apitypes.Page[apitypes.Task]](t, f.bench, viewer, path+"/tasks?state=retry"); len(p.Items) != 0 {
			t.Errorf("tasks are %+v", p)
		}
		if d := decode[apitypes.Done](t, f.do(t, operator, http.MethodPost, path+"/delete", apitypes.TaskAction{State: "archived"}), http.StatusOK); d.Changed != 0 {
			t.Errorf("changed %d", d.Changed)
		}
		refused(t, f.do(t, operator, http.MethodPost, path+"/delete", apitypes.TaskAction{ID: "x"}), http.StatusNotFound, "not_found")
		refused(t, f.do(t, operator, http.MethodPost, path+"/pause", nil), http.StatusConflict, "queue_unused")
	}
	for _, name := range []string{tasks.QueueCritical, tasks.QueueFreeze, tasks.QueueTick, tasks.QueueFleet, tasks.QueueCleanup} {
		if !slices.Contains(all, name) {
			t.Errorf("%s is not among %v", name, all)
		}
	}
	for _, what := range []string{"/pause", "/resume", "/retry", "/archive", "/delete"} {
		var body any
		if what != "/pause" && what != "/resume" {
			body = apitypes.TaskAction{State: "retry"}
			if what == "/retry" {
				body = apitypes.TaskAction{State: "archived"}
			}
		}
		refused(t, f.do(t, operator, http.MethodPost, "/v1/queues/none"+what, body), http.StatusNotFound, "not_found")
		refused(t, f.do(t, viewer, http.MethodPost, "/v1/queues/fleet"+what, body), http.StatusForbidden, "forbidden")
	}
	refused(t, f.do(t, viewer, http.MethodGet, "/v1/queues/none/tasks", nil), http.StatusNotFound, "not_found")
}

func TestPauseQueue(t *testing.T) {
	t.Parallel()
	f := queued(t)
	f.enqueue(t, tasks.NewSync("main", t0))
	for _, c := range []struct {
		what   string
		paused bool
	}{{"pause", true}, {"pause", true}, {"resume", false}, {"resume", false}} {
		q := decode[apitypes.Queue](t, f.do(t, operator, http.MethodPost, "/v1/queues/fleet/"+c.what, nil), http.StatusOK)
		if q.Paused != c.paused || q.Pending != 1 {
			t.Errorf("after %s: %+v", c.what, q)
		}
	}
}

func TestListTasks(t *testing.T) {
	t.Parallel()
	f := queued(t)
	var want []string
	for i := range 5 {
		want = append(want, f.enqueue(t, tasks.NewSync(fmt.Sprint("org-", i), t0)))
	}
	late := f.enqueue(t, tasks.NewSync("late", t0), asynq.ProcessAt(time.Now().Add(time.Hour)))
	var got []string
	for cursor, more := "", true; more; {
		p := get[apitypes.Page[apitypes.Task]](t, f.bench, viewer, "/v1/queues/fleet/tasks?limit=2&cursor="+cursor)
		for _, task := range p.Items {
			got = append(got, task.ID)
			if task.Kind != tasks.KindSync || task.State != "pending" || !strings.HasPrefix(task.Payload, `{"org":"org-`) {
				t.Errorf("task is %+v", task)
			}
		}
		cursor, more = p.Next, p.Next != ""
	}
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("tasks are %v, want %v", got, want)
	}
	p := get[apitypes.Page[apitypes.Task]](t, f.bench, viewer, "/v1/queues/fleet/tasks?state=scheduled")
	if len(p.Items) != 1 || p.Items[0].ID != late || p.Items[0].NextAt.IsZero() || p.Next != "" {
		t.Errorf("scheduled are %+v", p)
	}
	foreign := cursorTo(t0, "id")
	for query, field := range map[string]string{"state=odd": "query.state", "cursor=x": "query.cursor", "cursor=" + foreign: "query.cursor"} {
		names(t, refused(t, f.do(t, viewer, http.MethodGet, "/v1/queues/fleet/tasks?"+query, nil), http.StatusUnprocessableEntity, "invalid"), field)
	}
}

func TestActOnTasks(t *testing.T) {
	t.Parallel()
	f := queued(t)
	act := func(what string, on apitypes.TaskAction) answer {
		t.Helper()
		return f.do(t, operator, http.MethodPost, "/v1/queues/fleet/"+what, on)
	}
	changed := func(what string, on apitypes.TaskAction, n int, after string) {
		t.Helper()
		if d := decode[apitypes.Done](t, act(what, on), http.StatusOK); d.Changed != n {
			t.Errorf("%s %+v changed %d, want %d", what, on, d.Changed, n)
		}
		if got := f.states(t, "fleet"); !strings.HasPrefix(got, after) {
			t.Errorf("after %s %+v: %s, want %s", what, on, got, after)
		}
	}
	one := f.enqueue(t, tasks.NewSync("one", t0))
	for i := range 3 {
		f.enqueue(t, tasks.NewSync(fmt.Sprint("late-", i), t0), asynq.ProcessAt(time.Now().Add(time.Hour)))
	}
	refused(t, act("retry", apitypes.TaskAction{ID: one}), http.StatusConflict, "wrong_state")
	changed("archive", apitypes.TaskAction{ID: one}, 1, "pending 0 scheduled 3 retry 0 archived 1")
	refused(t, act("archive", apitypes.TaskAction{ID: one}), http.StatusConflict, "wrong_state")
	changed("retry", apitypes.TaskAction{ID: one}, 1, "pending 1 scheduled 3 retry 0 archived 0")
	changed("archive", apitypes.TaskAction{State: "scheduled"}, 3, "pending 1 scheduled 0 retry 0 archived 3")
	changed("retry", apitypes.TaskAction{State: "archived"}, 3, "pending 4 scheduled 0 retry 0 archived 0")
	changed("delete", apitypes.TaskAction{ID: one}, 1, "pending 3")
	refused(t, act("delete", apitypes.TaskAction{ID: one}), http.StatusNotFound, "not_found")
	changed("archive", apitypes.TaskAction{State: "pending"}, 3, "pending 0 scheduled 0 retry 0 archived 3")
	changed("delete", apitypes.TaskAction{State: "archived"}, 3, "pending 0 scheduled 0 retry 0 archived 0")
	for what, on := range map[string]apitypes.TaskAction{"retry": {}, "archive": {ID: "x", State: "retry"}} {
		names(t, refused(t, act(what, on), http.StatusUnprocessableEntity, "invalid"), "body.id")
	}
	names(t, refused(t, act("retry", apitypes.TaskAction{State: "pending"}), http.StatusUnprocessableEntity, "invalid"), "body.state")
	names(t, refused(t, act("archive", apitypes.TaskAction{State: "archived"}), http.StatusUnprocessableEntity, "invalid"), "body.state")
}
