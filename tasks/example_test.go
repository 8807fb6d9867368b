package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/redisdev"
	"github.com/kodekloud/kml/tasks"
)

// A backend that shares the fleet's Redis requests labs for a class. Asking twice
// with one id is asking once.
func ExampleAssign() {
	store, err := redisdev.Start(context.Background(), redisdev.Config{}) // in place of the fleet's Redis
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = store.Close() }() // what it held is gone with it
	queue := asynq.NewClient(asynq.RedisClientOpt{Addr: store.Addr()})
	defer func() { _ = queue.Close() }() // nothing is under way

	for _, student := range []string{"ada", "grace", "ada"} {
		task, err := tasks.NewAssign(tasks.Assign{RequestID: "class-7/" + student, LabType: "ec2-basics", Student: student, Duration: time.Hour})
		if err != nil {
			log.Fatal(err)
		}
		switch info, err := queue.Enqueue(task); {
		case errors.Is(err, asynq.ErrTaskIDConflict):
			fmt.Println(student, "is asked for already")
		case err != nil:
			log.Fatal(err)
		default:
			fmt.Println(student, "waits on queue", info.Queue)
		}
	}
	// Output:
	// ada waits on queue critical
	// grace waits on queue critical
	// ada is asked for already
}

// A request that cannot be right says which field is wrong.
func ExampleAssign_Validate() {
	err := tasks.Assign{RequestID: "class-7/ada", LabType: "ec2-basics", Student: "ada"}.Validate()
	var field *fleet.FieldError
	if errors.As(err, &field) {
		fmt.Println(field.Field+":", field.Remedy)
	}
	// Output: duration: give a positive duration, such as 1h
}
