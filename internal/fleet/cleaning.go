package fleet

import "time"

// CleaningPhase is how far a cleaning run is.
type CleaningPhase string

// The phases, in order.
const (
	PhaseFreeze CleaningPhase = "freeze" // boundary switched, keys and login gone, running things stopped
	PhasePlan   CleaningPhase = "plan"   // trail read, units made
	PhaseSweep  CleaningPhase = "sweep"  // wave after wave
	PhaseVerify CleaningPhase = "verify" // listed again; what is left goes round again
	PhaseSettle CleaningPhase = "settle" // late CloudTrail events waited for
	PhaseUser   CleaningPhase = "user"   // user deleted
	PhaseReset  CleaningPhase = "reset"  // account settings restored and verified
	PhaseDone   CleaningPhase = "done"
)

// CleaningRun is the document of one cleaning of one account. Its units are
// set once each; the write that completes a wave makes the next one due.
type CleaningRun struct {
	ID        string `bson:"_id"` // account/epoch
	AccountID string `bson:"account_id"`
	Org       string `bson:"org"`
	Epoch     int64  `bson:"epoch"`
	SessionID string `bson:"session_id,omitempty"`
	LabType   string `bson:"lab_type,omitempty"`
	// LabTypeRevision is the one that the account was handed out with.
	LabTypeRevision int64         `bson:"lab_type_revision,omitempty"`
	Full            bool          `bson:"full"` // every kind in every Region, no trust in the trail
	Reason          string        `bson:"reason"`
	Version         int64         `bson:"version"`
	Writes          []string      `bson:"writes"`
	Phase           CleaningPhase `bson:"phase"`
	// Round counts sweeps of all waves, from 1; Wave is the one in progress, from 0.
	Round      int       `bson:"round"`
	Wave       int       `bson:"wave"`
	StartedAt  time.Time `bson:"started_at"`
	PhaseSince time.Time `bson:"phase_since"`
	FrozenAt   time.Time `bson:"frozen_at,omitempty"`
	DoneAt     time.Time `bson:"done_at,omitempty"`
	// NextTry delays the next round or the end of the settle time.
	NextTry  time.Time `bson:"next_try,omitempty"`
	Attempts int       `bson:"attempts"` // of the current phase

	Regions []string `bson:"regions"` // every Region the lab could reach
	// Plan is the kinds to clean, by wave; each kind once.
	Plan []PlannedWave `bson:"plan,omitempty"`
	// Because says why a service is planned: "trail" or "lab type" or "full".
	Because map[string]string `bson:"because,omitempty"`
	// Units are done pieces of work by key (see UnitKey); set once.
	Units map[string]UnitResult `bson:"units,omitempty"`
	// Dirty names the services that the last verification found not clean; from
	// the second round on only they are swept. All are verified again.
	Dirty []string `bson:"dirty,omitempty"`
	// MarkedAt is when the markers were seen in every Region's history.
	MarkedAt time.Time `bson:"marked_at,omitempty"`
	// Settled says that late events were waited for, or need not be.
	Settled bool   `bson:"settled,omitempty"`
	Error   string `bson:"error,omitempty"`
}

// PlannedWave is what is swept together: service to its kinds.
type PlannedWave struct {
	Services []PlannedService `bson:"services"`
}

// PlannedService is the kinds of one service in one wave.
type PlannedService struct {
	Service string   `bson:"service"`
	Global  bool     `bson:"global"`
	Kinds   []string `bson:"kinds"`
}

// UnitResult is the outcome of one unit (sweep or verify of a service in a
// Region in a round).
type UnitResult struct {
	Verdict Verdict   `bson:"verdict"`
	Listed  int       `bson:"listed"`
	Deleted int       `bson:"deleted"`
	Kept    int       `bson:"kept"`
	Left    int       `bson:"left"`
	Calls   int       `bson:"calls"`
	Error   string    `bson:"error,omitempty"`
	At      time.Time `bson:"at"`
}

// Verdict is what is known after a look.
type Verdict string

// The verdicts. Only Clean is clean: a list that failed is Unknown.
const (
	Clean     Verdict = "clean"
	Remaining Verdict = "remaining"
	Unknown   Verdict = "unknown"
)

// Evidence is one line of what a cleaning planned, called, deleted or verified.
type Evidence struct {
	ID       string    `bson:"_id"` // run/round/phase/service/region/kind/resource: writing twice is writing once
	RunID    string    `bson:"run_id"`
	Account  string    `bson:"account"`
	At       time.Time `bson:"at"`
	Phase    string    `bson:"phase"`
	Action   string    `bson:"action"` // planned, frozen, stopped, deleted, kept, blocked, verified, failed, restored
	Kind     string    `bson:"kind,omitempty"`
	Region   string    `bson:"region,omitempty"`
	Resource string    `bson:"resource,omitempty"`
	Detail   string    `bson:"detail,omitempty"`
}
