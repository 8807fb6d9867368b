package handlers_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/redisdev"
	"github.com/kodekloud/kml/tasks"
)

// BenchmarkStartLatency measures from the enqueueing to the handler, on an idle
// worker that polls as ours does and, beside it, on one with asynq's defaults.
func BenchmarkStartLatency(b *testing.B) {
	for _, c := range []struct {
		name string
		poll time.Duration
	}{{"tuned", tasks.PollEvery}, {"asynq-default", 0}} {
		b.Run(c.name, func(b *testing.B) { startLatency(b, c.poll) })
	}
}

func startLatency(b *testing.B, poll time.Duration) {
	store, err := redisdev.Start(context.Background(), redisdev.Config{})
	if err != nil {
		b.Fatal(err)
	}
	opt := asynq.RedisClientOpt{Addr: store.Addr()}
	client := asynq.NewClient(opt)
	started := make(chan time.Time, 1)
	server := asynq.NewServer(opt, asynq.Config{Concurrency: 4, Queues: tasks.CriticalQueues, TaskCheckInterval: poll, LogLevel: asynq.FatalLevel})
	if err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		started <- time.Now()
		return nil
	})); err != nil {
		b.Fatal(err)
	}
	defer func() {
		server.Shutdown()
		if err := client.Close(); err != nil {
			b.Error(err)
		}
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	}()
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		task, err := tasks.NewAssign(tasks.Assign{RequestID: fmt.Sprint(i), LabType: "x", Student: "s", Duration: time.Hour})
		if err != nil {
			b.Fatal(err)
		}
		from := time.Now()
		if _, err := client.Enqueue(task); err != nil {
			b.Fatal(err)
		}
		took = append(took, (<-started).Sub(from))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
