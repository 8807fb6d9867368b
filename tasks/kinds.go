package tasks

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/fleet"
)

// The task kinds.
const (
	KindAssign    = "lab:assign"
	KindMatch     = "lab:match"
	KindStart     = "lab:start"
	KindHandOut   = "lab:handout"
	KindExpire    = "lab:expire"
	KindFreeze    = "cleanup:freeze"
	KindSweep     = "cleanup:sweep"
	KindVerify    = "cleanup:verify"
	KindSettle    = "cleanup:settle"
	KindUser      = "user:create"
	KindUnuser    = "user:delete"
	KindReset     = "account:reset"
	KindSync      = "org:sync"
	KindReadiness = "readiness:check"
	KindDeliver   = "webhook:deliver"
	KindTick      = "tick:" // + the ticker's name
)

// The queues. Critical, Freeze and Tick have slots of their own (a second asynq
// server in the worker): priorities alone would let long cleanings fill them.
const (
	QueueCritical = "critical" // hand-outs: a student waits
	QueueFreeze   = "freeze"   // ends of labs
	QueueTick     = "tick"     // periodic work: what mends the rest must not wait behind it
	QueueFleet    = "fleet"    // users, resets, syncs
	QueueCleanup  = "cleanup"  // sweeps and verifications
	QueueWebhooks = "webhooks" // calls to receivers outside
)

// CriticalQueues are served by the worker's first server, with their weights.
var CriticalQueues = map[string]int{QueueCritical: 3, QueueFreeze: 1, QueueTick: 1}

// BulkQueues are served by its second server.
var BulkQueues = map[string]int{QueueFleet: 2, QueueCleanup: 1, QueueWebhooks: 1}

// How often a worker's asynq servers look. asynq starts a task when it looks:
// every second by default, which is half a second of a student's time. Measured
// by BenchmarkStartLatency in package handlers.
const (
	PollEvery        = 10 * time.Millisecond
	DelayedPollEvery = 250 * time.Millisecond // scheduled and retried tasks
)

// maxRetry is out of reach: attempts are counted in the documents.
const maxRetry = math.MaxInt32

// kind is what is fixed for all tasks of a kind.
type kind struct {
	queue     string
	deadline  time.Duration
	retention time.Duration
}

var kinds = map[string]kind{
	KindAssign:    {QueueCritical, 30 * time.Second, time.Hour},
	KindMatch:     {QueueCritical, 30 * time.Second, 0},
	KindStart:     {QueueCritical, 30 * time.Second, 0},
	KindHandOut:   {QueueCritical, time.Minute, 0},
	KindExpire:    {QueueCritical, 30 * time.Second, 0},
	KindFreeze:    {QueueFreeze, 90 * time.Second, 0},
	KindSweep:     {QueueCleanup, 5 * time.Minute, 0},
	KindVerify:    {QueueCleanup, 5 * time.Minute, 0},
	KindSettle:    {QueueCleanup, 2 * time.Minute, 0},
	KindUser:      {QueueFleet, 2 * time.Minute, 0},
	KindUnuser:    {QueueFleet, 2 * time.Minute, 0},
	KindReset:     {QueueFleet, 5 * time.Minute, 0},
	KindSync:      {QueueFleet, 10 * time.Minute, 0},
	KindReadiness: {QueueFleet, time.Minute, 0},
	KindDeliver:   {QueueWebhooks, 30 * time.Second, 0},
}

// tick is what is fixed for ticks, whatever their name.
var tick = kind{QueueTick, time.Minute, 0}

// kindOf gives what is fixed for a kind.
func kindOf(name string) kind {
	if strings.HasPrefix(name, KindTick) {
		return tick
	}
	return kinds[name]
}

// headerID repeats a task's id where its maker can read it: asynq's options
// cannot be.
const headerID = "id"

// IDOf gives the id that a task of this package carries.
func IDOf(t *asynq.Task) string { return t.Headers()[headerID] }

// QueueOf gives the queue of a kind, "" if there is no such kind.
func QueueOf(name string) string { return kindOf(name).queue }

// Kinds lists the kinds in use, without the ticks.
func Kinds() []string {
	out := make([]string, 0, len(kinds))
	for k := range kinds {
		out = append(out, k)
	}
	return out
}

// Assign asks for a lab. It is the payload of KindAssign.
type Assign struct {
	RequestID string        `json:"request_id"` // idempotency key, chosen by the caller
	LabType   string        `json:"lab_type"`
	Student   string        `json:"student"`
	Duration  time.Duration `json:"duration"`           // nanoseconds
	Purpose   string        `json:"purpose,omitempty"`  // pool; default production
	Patience  time.Duration `json:"patience,omitempty"` // on the waiting list; 0: the fleet's default
	Callback  string        `json:"callback,omitempty"` // webhook URL
	Priority  int           `json:"priority,omitempty"` // before waiting time; 0 (usual) to 9
	NotBefore time.Time     `json:"start_at,omitzero"`  // at a later time: waits for an account from then on
	Booking   string        `json:"booking,omitempty"`  // whose seat the lab takes
}

// AccountStep is the payload of everything that is done to one account.
type AccountStep struct {
	Account string `json:"account"`
	Session string `json:"session,omitempty"` // that holds the account; for the log
	Epoch   int64  `json:"epoch"`
}

// SessionStep is the payload of KindExpire.
type SessionStep struct {
	Session string    `json:"session"`
	EndsAt  time.Time `json:"ends_at"`
}

// Unit is the payload of KindSweep and KindVerify: one piece of a cleaning run.
type Unit = fleet.Unit

// RunStep is the payload of the phases that a run does in one piece.
type RunStep struct {
	Run     string `json:"run"`
	Session string `json:"session,omitempty"` // that was cleaned after; for the log
	Account string `json:"account"`
	Epoch   int64  `json:"epoch"`
}

// Sync is the payload of KindSync.
type Sync struct {
	Org string `json:"org"`
}

// Match is the payload of KindMatch.
type Match struct {
	Pool string `json:"pool"`
}

// Start is the payload of KindStart.
type Start struct {
	Session string    `json:"session"`
	At      time.Time `json:"at"`
}

// Tick is the payload of a tick: its planned time.
type Tick struct {
	At time.Time `json:"at"`
}

// Decode reads a task's payload.
func Decode[T any](t *asynq.Task) (T, error) {
	var v T
	if err := json.Unmarshal(t.Payload(), &v); err != nil {
		return v, fmt.Errorf("payload of %s: %w", t.Type(), err)
	}
	return v, nil
}

// ID joins the parts of a task id.
func ID(kind, entity string, epoch int64, step string, attempt int) string {
	return strings.Join([]string{kind, entity, strconv.FormatInt(epoch, 10), step, strconv.Itoa(attempt)}, "/")
}

// newTask makes a task with all that its kind fixes.
func newTask(name, id string, payload any, opts ...asynq.Option) *asynq.Task {
	b, err := json.Marshal(payload)
	if err != nil {
		panic(fmt.Sprintf("tasks: payload of %s: %v", name, err)) // plain structs of strings and numbers
	}
	k := kindOf(name)
	all := []asynq.Option{asynq.TaskID(id), asynq.Queue(k.queue), asynq.Timeout(k.deadline), asynq.MaxRetry(maxRetry)}
	if k.retention > 0 {
		all = append(all, asynq.Retention(k.retention))
	}
	return asynq.NewTaskWithHeaders(name, b, map[string]string{headerID: id}, append(all, opts...)...)
}

func itoa(n int) string { return strconv.Itoa(n) }
