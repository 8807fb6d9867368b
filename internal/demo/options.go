package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/awssim/simadmin"
	"github.com/kodekloud/kml/internal/fleet"
)

// Options say what class to play.
type Options struct {
	Students int
	Accounts int // that the fleet has; for the report and the wait at the end
	Warm     int // ready accounts that the class begins with
	Seed     uint64
	Faults   bool          // AWS throttles and fails now and then
	IAMDelay time.Duration // of the simulated AWS: how long a change takes to be seen
	// Lab is how long a lab of a student who does not end early lasts.
	Lab time.Duration
	// Beside, if set, runs beside the class and ends before the audit: it breaks
	// things. What it finds out goes into the report.
	Beside func(ctx context.Context, note func(func(*Report))) error
	// Timeout is the end of all patience; default 10 minutes.
	Timeout time.Duration
}

// Validate says what is wrong with the options.
func (o Options) Validate() error {
	switch {
	case o.Students < 1 || o.Students > 2000:
		return &fleet.FieldError{Field: "--students", Value: fmt.Sprint(o.Students), Remedy: "give 1 to 2000"}
	case o.Accounts < 1 || o.Accounts > 2000:
		return &fleet.FieldError{Field: "--accounts", Value: fmt.Sprint(o.Accounts), Remedy: "give 1 to 2000"}
	}
	return nil
}

// Assigner is what the class needs of the fleet beside its queue.
type Assigner interface {
	Reveal(ctx context.Context, sessionID string) (fleet.Credentials, error)
	End(ctx context.Context, sessionID, reason string) error
}

// Fleet is how the class reaches the fleet.
type Fleet struct {
	Queue    *asynq.Client
	API      *apiclient.Client // asked for every other lab; nil: all by the queue
	Sessions fleet.Sessions
	Accounts fleet.Accounts
	Runs     fleet.Cleanings
	Activity fleet.ActivityLog
	Assign   Assigner
	Sim      *simadmin.Client
	Endpoint string // of the simulated AWS
}
