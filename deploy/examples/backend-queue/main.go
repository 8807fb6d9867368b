// Command backend-queue is a backend that shares the fleet's Redis, and asks for
// the labs of a class as tasks: they are accepted even while no server runs. What
// becomes of them it learns by callback, webhook or event stream. In a terminal:
// make run. In another, with the Redis that it names:
//
//	export KML_REDIS_ADDR=127.0.0.1:6379
//	go run ./deploy/examples/backend-queue ada grace edsger
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/tasks"
)

func main() {
	students := os.Args[1:]
	if len(students) == 0 {
		students = []string{"ada", "grace", "edsger"}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	queue := asynq.NewClient(asynq.RedisClientOpt{Addr: cmp.Or(os.Getenv("KML_REDIS_ADDR"), "127.0.0.1:6379")})
	err := class(ctx, queue, "ec2-tuesday", students)
	if err = errors.Join(err, queue.Close()); err != nil {
		log.Fatal(err)
	}
}

// class enqueues a request for each student. Its id makes it once, however often
// the class is asked for.
func class(ctx context.Context, queue *asynq.Client, name string, students []string) error {
	for _, student := range students {
		task, err := tasks.NewAssign(tasks.Assign{RequestID: name + "/" + student, LabType: "ec2-basics", Student: student, Duration: time.Hour})
		if err != nil {
			return err
		}
		if _, err := queue.EnqueueContext(ctx, task); err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
			return fmt.Errorf("lab of %s: %w", student, err)
		}
		fmt.Printf("%s: requested as %s\n", student, tasks.IDOf(task))
	}
	return nil
}
