package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

// A worker that is told to end gives the task in its hands back: it comes again,
// and no failure is counted.
func TestWorkerGivesBack(t *testing.T) {
	t.Parallel()
	a, parts := open(t)
	org := parts.Sim.Seeded.Organizations[0]
	acct := &fleet.Account{ID: org.Units[0].Accounts[0], Org: org.Name, OU: org.Units[0].ID, Purpose: fleet.Production,
		State: fleet.UserCreating, Version: 1, Epoch: 1, Since: time.Now().UTC(), SweptAt: time.Now().UTC()}
	if err := a.DB.Accounts().Insert(t.Context(), acct); err != nil {
		t.Fatal(err)
	}
	parts.Sim.World.SetFaults([]core.FaultRule{{ID: "hang", Service: "iam", Kind: core.FaultTimeout}})
	task := tasks.ForAccount(acct)
	if _, err := a.Queue.EnqueueContext(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	stop := run(t, a.Worker)
	awaitHits(t, parts.Sim.World, 1)
	stop()
	info, err := asynq.NewInspectorFromRedisClient(a.Redis).GetTaskInfo(tasks.QueueOf(task.Type()), tasks.IDOf(task))
	if err != nil {
		t.Fatal(err)
	}
	// Pending would mean that the task did not heed its context and asynq's
	// patience ran out.
	if info.State != asynq.TaskStateRetry || info.Retried != 0 {
		t.Errorf("the task is %v after %d retries: %s", info.State, info.Retried, info.LastErr)
	}
	got, err := a.DB.Accounts().Get(t.Context(), acct.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.State != fleet.UserCreating || got.Attempts != 0 || got.Failures != 0 || got.LastFailure != "" {
		t.Errorf("counted as a failure: %s, %d attempts, %d failures: %s", got.State, got.Attempts, got.Failures, got.LastFailure)
	}
	run(t, a.Worker) // another one takes it up
	awaitHits(t, parts.Sim.World, 2)
}

// awaitHits waits until the first fault rule hit so many calls.
func awaitHits(t *testing.T, w *core.World, n int) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(wait); w.Faults()[0].Hits < n; {
		select {
		case <-deadline:
			t.Fatalf("the task did not come to AWS %d times", n)
		case <-tick.C:
		}
	}
}

// A part that is not there stops the role with a line that says which.
func TestOpenNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	a, parts := open(t)
	c := a.Config
	c.Redis.Addr = "127.0.0.1:1"
	if _, err := Open(t.Context(), c, a.Log, &parts.Base); err == nil || !strings.Contains(err.Error(), "KML_REDIS_ADDR") {
		t.Errorf("without Redis: %v", err)
	}
	c = a.Config
	c.LabTypesDir = t.TempDir() + "/none"
	if _, err := Open(t.Context(), c, a.Log, &parts.Base); err == nil || !strings.Contains(err.Error(), c.LabTypesDir) {
		t.Errorf("without lab types: %v", err)
	}
}

func TestAll(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	ended := make(chan string, 3)
	until := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			<-ctx.Done()
			ended <- name
			return nil
		}
	}
	started := make(chan struct{})
	fails := func(context.Context) error {
		<-started
		return cause
	}
	go close(started)
	if err := All(t.Context(), until("a"), fails, until("b")); !errors.Is(err, cause) {
		t.Errorf("one failed: %v", err)
	}
	if len(ended) != 2 {
		t.Errorf("All came back with %d of 2 others ended", len(ended))
	}
	<-ended
	<-ended
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if err := All(ctx, until("a"), until("b")); err != nil || len(ended) != 2 {
		t.Errorf("told to end: %v, %d of 2 ended", err, len(ended))
	}
}
