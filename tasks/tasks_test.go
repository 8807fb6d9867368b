package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	goredis "github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/redisdev"
	"github.com/kodekloud/kml/tasks"
)

var t0 = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const secret = "THE-SECRET"

// queue is a Redis with asynq's client and inspector.
type queue struct {
	redis   goredis.UniversalClient
	client  *asynq.Client
	inspect *asynq.Inspector
}

func setup(t *testing.T) queue {
	t.Helper()
	store, err := redisdev.Start(t.Context(), redisdev.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r := goredis.NewClient(&goredis.Options{Addr: store.Addr()})
	t.Cleanup(func() {
		if err := errors.Join(r.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	return queue{r, asynq.NewClientFromRedisClient(r), asynq.NewInspectorFromRedisClient(r)}
}

func (q queue) enqueue(t *testing.T, task *asynq.Task) *asynq.TaskInfo {
	t.Helper()
	info, err := q.client.EnqueueContext(t.Context(), task)
	if err != nil {
		t.Fatalf("enqueue %s: %v", task.Type(), err)
	}
	return info
}

func assignment() tasks.Assign {
	return tasks.Assign{RequestID: "class-7/ann", LabType: "ec2-basics", Student: "ann", Duration: time.Hour}
}

func account(state fleet.State) *fleet.Account {
	sealed := fleet.Sealed{KeyID: "k1", Data: []byte(secret)}
	return &fleet.Account{ID: "000000000001", Email: secret, State: state, Epoch: 4, Attempts: 1, SessionID: "s1", LastFailure: secret, Reason: secret,
		User: &fleet.User{Name: "kml-4", AccessKeyID: secret, SecretKey: sealed, Password: sealed}}
}

func run(phase fleet.CleaningPhase) *fleet.CleaningRun {
	return &fleet.CleaningRun{ID: "000000000001/4", AccountID: "000000000001", Epoch: 4, Phase: phase, Round: 1, Regions: []string{"us-east-1", "eu-west-1"}, Error: secret,
		Plan: []fleet.PlannedWave{{Services: []fleet.PlannedService{{Service: "ec2", Kinds: []string{"ec2.instance"}}, {Service: "iam", Global: true, Kinds: []string{"iam.role"}}}},
			{Services: []fleet.PlannedService{{Service: "ec2", Kinds: []string{"ec2.vpc"}}}}}}
}

// everything is a task of every kind, by kind.
func everything(t *testing.T) map[string]*asynq.Task {
	t.Helper()
	request, err := tasks.NewAssign(assignment())
	if err != nil {
		t.Fatal(err)
	}
	all := []*asynq.Task{request, tasks.NewMatch(fleet.Production.Pool(), t0), tasks.NewStart("s1", t0), tasks.NewExpire("s1", time.Now(), 0), tasks.NewSync("org", t0), tasks.NewDeliver("wh_1.session.s1.3", 2, t0),
		tasks.NewReadiness(account(fleet.UserCreated)), tasks.NewTick("match", t0, time.Second)}
	for _, s := range fleet.States {
		if task := tasks.ForAccount(account(s)); task != nil {
			all = append(all, task)
		}
	}
	for _, p := range []fleet.CleaningPhase{fleet.PhaseSweep, fleet.PhaseVerify, fleet.PhaseSettle, fleet.PhaseUser} {
		all = append(all, tasks.ForRun(run(p))...)
	}
	out := map[string]*asynq.Task{}
	for _, task := range all {
		kind := task.Type()
		if strings.HasPrefix(kind, tasks.KindTick) {
			kind = tasks.KindTick + "*"
		}
		out[kind] = task
	}
	return out
}

// The table of the package comment is what a backend reads: it is what happens.
func TestTableOfTheDocumentation(t *testing.T) {
	t.Parallel()
	f, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(f.Doc.Text(), "what it does\n")
	if !found {
		t.Fatal("no table")
	}
	q, all := setup(t), everything(t)
	for line := range strings.Lines(strings.TrimSpace(table)) {
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		columns := slices.DeleteFunc(strings.Split(rest, "  "), func(s string) bool { return strings.TrimSpace(s) == "" })
		if len(columns) != 4 {
			t.Fatalf("%d columns in %q", len(columns), line)
		}
		task := all[kind]
		if task == nil {
			t.Errorf("there is no %s", kind)
			continue
		}
		delete(all, kind)
		info := q.enqueue(t, task)
		got := []string{info.Queue, words(info.Timeout), words(info.Retention)}
		if strings.HasPrefix(kind, tasks.KindTick) {
			got[2] = fmt.Sprint(int(info.Retention/time.Second), " periods") // of one second
		}
		for i := range got {
			if want := strings.TrimSpace(columns[i]); got[i] != want {
				t.Errorf("%s: column %d says %q, it is %q", kind, i+2, want, got[i])
			}
		}
		if info.ID != tasks.IDOf(task) || info.Queue != tasks.QueueOf(task.Type()) {
			t.Errorf("%s: id %q queue %q, told %q %q", kind, info.ID, info.Queue, tasks.IDOf(task), tasks.QueueOf(task.Type()))
		}
		if _, critical := tasks.CriticalQueues[info.Queue]; !critical && tasks.BulkQueues[info.Queue] == 0 {
			t.Errorf("%s: nobody serves queue %s", kind, info.Queue)
		}
		if info.MaxRetry < 1<<30 {
			t.Errorf("%s: asynq gives up after %d tries", kind, info.MaxRetry)
		}
	}
	if len(all) > 0 {
		t.Errorf("not in the table: %v", all)
	}
	if n := len(tasks.Kinds()); n != len(everything(t))-1 {
		t.Errorf("%d kinds, %d tasks", n, len(everything(t))-1)
	}
}

func words(d time.Duration) string {
	switch {
	case d == 0:
		return "none"
	case d%time.Hour == 0:
		return fmt.Sprint(int(d/time.Hour), " h")
	case d%time.Minute == 0:
		return fmt.Sprint(int(d/time.Minute), " min")
	}
	return fmt.Sprint(int(d/time.Second), " s")
}

// Everything that Redis holds after every kind was enqueued, made from documents
// that are full of secrets, is free of them.
func TestNoSecretInRedis(t *testing.T) {
	t.Parallel()
	q := setup(t)
	for _, task := range everything(t) {
		q.enqueue(t, task)
	}
	keys, err := q.redis.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) < len(tasks.Kinds()) {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	for _, k := range keys {
		if held, err := q.held(t.Context(), k); err != nil || held == "" || strings.Contains(held, secret) {
			t.Errorf("key %s holds a secret, or %v", k, err)
		}
	}
}

// held is everything that a key holds.
func (q queue) held(ctx context.Context, key string) (string, error) {
	kind, err := q.redis.Type(ctx, key).Result()
	if err != nil {
		return "", err
	}
	switch kind {
	case "hash":
		v, err := q.redis.HGetAll(ctx, key).Result()
		return fmt.Sprint(v), err
	case "list":
		v, err := q.redis.LRange(ctx, key, 0, -1).Result()
		return fmt.Sprint(v), err
	case "set":
		v, err := q.redis.SMembers(ctx, key).Result()
		return fmt.Sprint(v), err
	case "zset":
		v, err := q.redis.ZRange(ctx, key, 0, -1).Result()
		return fmt.Sprint(v), err
	}
	return q.redis.Get(ctx, key).Result()
}

// A payload has room for ids, times and plain request fields only.
func TestPayloadFieldsArePlain(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{"request_id": true, "pool": true, "priority": true, "start_at": true, "booking": true, "lab_type": true, "student": true, "duration": true, "purpose": true, "patience": true, "callback": true,
		"delivery": true, "attempt": true,
		"account": true, "epoch": true, "session": true, "ends_at": true, "run": true, "org": true, "at": true,
		"phase": true, "round": true, "wave": true, "service": true, "region": true}
	for kind, task := range everything(t) {
		var fields map[string]any
		if err := json.Unmarshal(task.Payload(), &fields); err != nil {
			t.Fatal(err)
		}
		for f := range fields {
			if !allowed[f] {
				t.Errorf("%s carries %q", kind, f)
			}
		}
	}
}

func TestSameRequestConflicts(t *testing.T) {
	t.Parallel()
	q := setup(t)
	for n, change := range []func(*tasks.Assign){nil, nil, func(a *tasks.Assign) { a.Student = "bob" }} {
		a := assignment()
		if change != nil {
			change(&a)
		}
		task, err := tasks.NewAssign(a)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = q.client.EnqueueContext(t.Context(), task); errors.Is(err, asynq.ErrTaskIDConflict) != (n > 0) {
			t.Fatalf("request %d: %v", n, err)
		}
	}
}

func TestAssignNamesTheBadField(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*tasks.Assign){
		"request_id": func(a *tasks.Assign) { a.RequestID = "" },
		"lab_type":   func(a *tasks.Assign) { a.LabType = strings.Repeat("x", 257) },
		"student":    func(a *tasks.Assign) { a.Student = "" },
		"duration":   func(a *tasks.Assign) { a.Duration = 0 },
		"patience":   func(a *tasks.Assign) { a.Patience = -1 },
		"priority":   func(a *tasks.Assign) { a.Priority = 10 },
		"booking":    func(a *tasks.Assign) { a.Booking = strings.Repeat("x", 257) },
		"callback":   func(a *tasks.Assign) { a.Callback = "file:///etc/passwd" },
	} {
		a := assignment()
		change(&a)
		_, err := tasks.NewAssign(a)
		var bad *fleet.FieldError
		if !errors.As(err, &bad) || bad.Field != field || bad.Remedy == "" || !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// Every state that somebody must act in has a task; its id changes with the
// epoch, the state and the attempt, and with nothing else.
func TestForAccount(t *testing.T) {
	t.Parallel()
	moves := map[fleet.State]string{fleet.UserCreating: tasks.KindUser, fleet.Assigning: tasks.KindHandOut, fleet.Cleanup: tasks.KindFreeze,
		fleet.AssigningFailed: tasks.KindFreeze, fleet.UserDeleted: tasks.KindReset}
	ids := map[string]bool{}
	for _, s := range fleet.States {
		a := account(s)
		task := tasks.ForAccount(a)
		if (task == nil) != (moves[s] == "") || task != nil && task.Type() != moves[s] {
			t.Fatalf("%s: %v", s, task)
		}
		if task == nil {
			continue
		}
		p, err := tasks.Decode[tasks.AccountStep](task)
		if err != nil || p.Account != a.ID || p.Epoch != a.Epoch {
			t.Fatalf("%s: payload %+v, %v", s, p, err)
		}
		for _, change := range []func(*fleet.Account){func(*fleet.Account) {}, func(a *fleet.Account) { a.Attempts++ }, func(a *fleet.Account) { a.Epoch++ }} {
			b := account(s)
			change(b)
			id := tasks.IDOf(tasks.ForAccount(b))
			if ids[id] {
				t.Fatalf("%s: id %s was used", s, id)
			}
			ids[id] = true
			b.Version, b.ReadyAt, b.NextTry, b.Reason = 99, t0, t0, "other"
			if other := tasks.IDOf(tasks.ForAccount(b)); other != id {
				t.Fatalf("%s: %s and %s for one try", s, id, other)
			}
		}
	}
}

func TestNextTryIsKept(t *testing.T) {
	t.Parallel()
	q := setup(t)
	a := account(fleet.Cleanup)
	a.NextTry = time.Now().Add(time.Hour)
	if info := q.enqueue(t, tasks.ForAccount(a)); info.State != asynq.TaskStateScheduled || info.NextProcessAt.Unix() != a.NextTry.Unix() {
		t.Fatalf("%v at %v", info.State, info.NextProcessAt)
	}
}

// Whatever a run's document says, somebody has a task for it: the run's own or
// the account's. A unit that is done has none, unless all are.
func TestSomebodyDrivesEveryRun(t *testing.T) {
	t.Parallel()
	phases := []fleet.CleaningPhase{fleet.PhaseFreeze, fleet.PhasePlan, fleet.PhaseSweep, fleet.PhaseVerify, fleet.PhaseSettle, fleet.PhaseUser, fleet.PhaseReset}
	rapid.Check(t, func(t *rapid.T) {
		r := run(rapid.SampledFrom(phases).Draw(t, "phase"))
		r.Wave, r.Round = rapid.IntRange(0, 1).Draw(t, "wave"), rapid.IntRange(1, 3).Draw(t, "round")
		r.Dirty, r.Attempts = []string{"ec2"}, rapid.IntRange(0, 3).Draw(t, "attempts")
		r.Units = map[string]fleet.UnitResult{}
		units := fleet.Units(r)
		open := map[string]bool{}
		for _, u := range units {
			if rapid.Bool().Draw(t, u.Key()) {
				r.Units[u.Key()] = fleet.UnitResult{Verdict: fleet.Clean}
			} else {
				open[u.Key()] = true
			}
		}
		got := tasks.ForRun(r)
		switch r.Phase {
		case fleet.PhaseFreeze, fleet.PhasePlan:
			if len(got) != 0 || tasks.ForAccount(account(fleet.Cleanup)) == nil {
				t.Fatalf("the account's task drives it, not %v", got)
			}
		case fleet.PhaseReset:
			if len(got) != 0 || tasks.ForAccount(account(fleet.UserDeleted)) == nil {
				t.Fatalf("the account's task drives it, not %v", got)
			}
		case fleet.PhaseSweep, fleet.PhaseVerify:
			if len(open) == 0 {
				if len(got) != 1 {
					t.Fatalf("all is done, the run has not moved on, and there are %d tasks", len(got))
				}
				return
			}
			ids := map[string]bool{}
			for _, task := range got {
				u, err := tasks.Decode[tasks.Unit](task)
				if err != nil || !open[u.Key()] || !slices.ContainsFunc(units, func(v fleet.Unit) bool { return reflect.DeepEqual(u, v) }) {
					t.Fatalf("unit %+v, %v", u, err)
				}
				ids[tasks.IDOf(task)] = true
			}
			if len(ids) != len(open) {
				t.Fatalf("%d tasks for %d units", len(ids), len(open))
			}
		default:
			if len(got) != 1 {
				t.Fatalf("%d tasks", len(got))
			}
		}
	})
}

// A backend needs an asynq client and this package, nothing else.
func ExampleNewAssign() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	redis, err := redisdev.Start(ctx, redisdev.Config{}) // the fleet's Redis
	if err != nil {
		fmt.Println(err)
		return
	}
	defer redis.Close()

	client := asynq.NewClient(asynq.RedisClientOpt{Addr: redis.Addr()})
	defer client.Close()
	for range 2 { // the second time because the first reply was lost, say
		task, err := tasks.NewAssign(tasks.Assign{RequestID: "class-7/ann", LabType: "ec2-basics", Student: "ann@example.com", Duration: time.Hour})
		if err != nil {
			fmt.Println(err) // names the field and the remedy
			return
		}
		info, err := client.EnqueueContext(ctx, task)
		switch {
		case errors.Is(err, asynq.ErrTaskIDConflict):
			fmt.Println("known already: it will be served once")
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println("enqueued on", info.Queue)
		}
	}
	// Output:
	// enqueued on critical
	// known already: it will be served once
}
