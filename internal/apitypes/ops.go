package apitypes

import "time"

// Activity is one line of the activity log.
type Activity struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind" doc:"transition, session, labtype, call, sync"`
	Account string    `json:"account,omitempty"`
	Lab     string    `json:"lab,omitempty"`
	Type    string    `json:"lab_type,omitempty" doc:"lab type"`
	From    string    `json:"from,omitempty"`
	To      string    `json:"to,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Who     string    `json:"who,omitempty"`
	Where   string    `json:"where,omitempty" doc:"address of the caller"`
	What    string    `json:"what,omitempty" doc:"the operation, and what it was done to"`
	Outcome string    `json:"outcome,omitempty" doc:"HTTP status, and the code of a problem"`
}

// Usage is what one lab type did in one organization on one day (UTC), or what
// the asked-for grouping sums up.
type Usage struct {
	Day             string  `json:"day,omitempty" example:"2026-11-21"`
	Type            string  `json:"lab_type,omitempty"`
	Org             string  `json:"organization,omitempty"`
	Labs            int     `json:"labs" doc:"served"`
	Minutes         float64 `json:"minutes" doc:"that they ran"`
	Failed          int     `json:"failed"`
	Expired         int     `json:"expired" doc:"waited in vain"`
	Cancelled       int     `json:"cancelled"`
	Cleanings       int     `json:"cleanings"`
	CleaningMinutes float64 `json:"cleaning_minutes"`
}

// Queue is one of asynq's queues.
type Queue struct {
	Name      string   `json:"name"`
	Paused    bool     `json:"paused"`
	Pending   int      `json:"pending"`
	Active    int      `json:"active"`
	Scheduled int      `json:"scheduled"`
	Retry     int      `json:"retry"`
	Archived  int      `json:"archived"`
	Completed int      `json:"completed"`
	Processed int      `json:"processed_today"`
	Failed    int      `json:"failed_today"`
	Oldest    Duration `json:"oldest" doc:"how long the oldest pending task has waited"`
}

// Task is one task of a queue.
type Task struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	State     string    `json:"state"`
	Retried   int       `json:"retried"`
	LastError string    `json:"last_error,omitempty"`
	NextAt    time.Time `json:"next_at,omitzero"`
	Payload   string    `json:"payload" doc:"ids and plain fields"`
}

// TaskAction is done to one task, or to all of a state.
type TaskAction struct {
	ID    string `json:"id,omitempty" maxLength:"512" doc:"a task's id"`
	State string `json:"state,omitempty" enum:"pending,scheduled,retry,archived" doc:"instead of an id: every task in this state"`
}

// Done says how many were changed.
type Done struct {
	Changed int `json:"changed"`
}

// Version is what runs.
type Version struct {
	Version  string    `json:"version"`
	Go       string    `json:"go"`
	Time     time.Time `json:"time" doc:"the server's clock"`
	Endpoint string    `json:"aws_endpoint,omitempty" doc:"where AWS answers, if it is not AWS itself"`
}

// Check is one check of the server's surroundings.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}
