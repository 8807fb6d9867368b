package apitypes

import "time"

// Account is one AWS account of the fleet.
type Account struct {
	ID          string             `json:"id"`
	Name        string             `json:"name,omitempty"`
	Org         string             `json:"organization"`
	OU          string             `json:"ou"`
	Purpose     string             `json:"purpose"`
	State       string             `json:"state"`
	Since       time.Time          `json:"since"`
	Reason      string             `json:"reason,omitempty"`
	Epoch       int64              `json:"epoch"`
	Version     int64              `json:"version"`
	Lab         string             `json:"lab,omitempty"`
	Type        string             `json:"lab_type,omitempty" doc:"lab type of that lab"`
	Booking     string             `json:"booking,omitempty" doc:"that it is held for"`
	EndsAt      time.Time          `json:"ends_at,omitzero"`
	Attempts    int                `json:"attempts,omitempty" doc:"tries of the present step"`
	NextTry     time.Time          `json:"next_try,omitzero"`
	Failures    int                `json:"failures"`
	LastFailure string             `json:"last_failure,omitempty"`
	Cleaning    string             `json:"cleaning,omitempty" doc:"the cleaning in progress, or the last one"`
	ReadyAt     time.Time          `json:"ready_at,omitzero" doc:"last readiness check that passed"`
	SweptAt     time.Time          `json:"swept_at,omitzero" doc:"last full sweep that proved it empty"`
	RestedSince time.Time          `json:"rested_since,omitzero"`
	Drain       string             `json:"drain,omitempty" doc:"who wants it out of the fleet, and why"`
	Leaving     bool               `json:"leaving,omitempty" doc:"it left the configured OUs"`
	Quotas      map[string]float64 `json:"quotas,omitempty"`
}

// Transition is one step of an account's history.
type Transition struct {
	At     time.Time `json:"at"`
	From   string    `json:"from"`
	To     string    `json:"to"`
	Reason string    `json:"reason"`
	Lab    string    `json:"lab,omitempty"`
}

// CleanOrder orders a cleaning.
type CleanOrder struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500"`
	Full   bool   `json:"full,omitempty" doc:"every kind in every Region, no trust in the trail"`
}

// DryRun is what a cleaning would do.
type DryRun struct {
	Account  string     `json:"account"`
	Evidence []Evidence `json:"evidence" nullable:"false" doc:"in order"`
}

// Organization is an AWS organization of the fleet.
type Organization struct {
	Name              string         `json:"name"`
	ManagementAccount string         `json:"management_account"`
	MemberRole        string         `json:"member_role"`
	OUs               []OU           `json:"ous" nullable:"false"`
	Denied            []string       `json:"denied,omitempty" doc:"accounts that are never touched"`
	Accounts          map[string]int `json:"accounts" doc:"number of accounts by state"`
}

// OU is an organizational unit.
type OU struct {
	ID       string         `json:"id"`
	Purpose  string         `json:"purpose"`
	Warm     int            `json:"warm" doc:"accounts kept ready"`
	WarmFor  []string       `json:"warm_for,omitempty" doc:"lab types whose policies are made ahead"`
	Accounts map[string]int `json:"accounts" doc:"number of accounts by state"`
}

// Accepted says that something was enqueued and will be done.
type Accepted struct {
	Accepted bool   `json:"accepted"`
	Detail   string `json:"detail"`
}

// PoolStatus is the pool of one OU.
type PoolStatus struct {
	Org      string `json:"organization"`
	OU       string `json:"ou"`
	Purpose  string `json:"purpose"`
	Target   int    `json:"target" doc:"accounts kept ready"`
	Ready    int    `json:"ready" doc:"warm, and held for nobody"`
	Held     int    `json:"held" doc:"ready, and held for a booking"`
	Creating int    `json:"creating" doc:"users being made"`
	InUse    int    `json:"in_use"`
	Cleaning int    `json:"cleaning"`
	Resting  int    `json:"resting" doc:"clean, without a user"`
	Failed   int    `json:"failed"`
	Total    int    `json:"total"`
	Version  int64  `json:"version" doc:"of the target; 0 is the configuration's"`
}

// Pool is all pools, and who waits for them.
type Pool struct {
	OUs      []PoolStatus   `json:"ous" nullable:"false"`
	Waiting  map[string]int `json:"waiting" doc:"labs that wait, by purpose"`
	Forecast []Forecast     `json:"forecast" nullable:"false"`
}

// Forecast is what is expected of a purpose's accounts.
type Forecast struct {
	Purpose string    `json:"purpose"`
	At      time.Time `json:"at"`
	Free    int       `json:"free" doc:"accounts that nothing is expected to need then; negative: too few"`
	Booked  int       `json:"booked" doc:"seats of bookings at that time"`
	Busy    int       `json:"busy" doc:"labs that run or are cleaned after then, as far as known"`
}

// Target is a target of warm accounts.
type Target struct {
	Warm int `json:"warm" minimum:"0" maximum:"10000" doc:"accounts kept ready"`
}
