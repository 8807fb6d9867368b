package apitypes

import "time"

// LabRequest asks for a lab.
type LabRequest struct {
	Type      string    `json:"lab_type" minLength:"1" maxLength:"64" doc:"lab type" example:"ec2-basics"`
	Student   string    `json:"student" minLength:"1" maxLength:"256" doc:"whoever works in the lab, as the platform names them" example:"ada@example.org"`
	Duration  Duration  `json:"duration" maxLength:"32" doc:"from the hand-out to the end; at most what the lab type allows" example:"1h30m"`
	Callback  string    `json:"callback,omitempty" format:"uri" maxLength:"2000" doc:"URL that is told of the lab's events, signed by Standard Webhooks"`
	Priority  int       `json:"priority,omitempty" minimum:"0" maximum:"9" doc:"goes before waiting time; 0 is usual"`
	StartAt   time.Time `json:"start_at,omitzero" doc:"at a later time: the lab waits for an account from then on"`
	Purpose   string    `json:"purpose,omitempty" enum:"production,development,testing" doc:"default production"`
	Patience  Duration  `json:"patience,omitempty" maxLength:"32" doc:"how long to wait for an account; default: the fleet's" example:"10m"`
	Booking   string    `json:"booking,omitempty" maxLength:"64" doc:"booking whose seat the lab takes"`
	RequestID string    `json:"request_id,omitempty" maxLength:"128" pattern:"^[A-Za-z0-9._:@/-]*$" doc:"asking twice with one id is asking once; default: the Idempotency-Key, or a new one"`
}

// Lab is one lab of one student.
type Lab struct {
	ID          string    `json:"id"`
	RequestID   string    `json:"request_id"`
	Type        string    `json:"lab_type"`
	Student     string    `json:"student"`
	Owner       string    `json:"owner,omitempty"`
	State       string    `json:"state" enum:"scheduled,waiting,assigning,active,ended,expired,cancelled,failed"`
	Reason      string    `json:"reason,omitempty" doc:"why it is in its state"`
	Duration    Duration  `json:"duration"`
	Priority    int       `json:"priority"`
	Purpose     string    `json:"purpose"`
	Booking     string    `json:"booking,omitempty"`
	Account     string    `json:"account,omitempty" doc:"AWS account id"`
	Callback    string    `json:"callback,omitempty"`
	RequestedAt time.Time `json:"requested_at"`
	StartAt     time.Time `json:"start_at,omitzero"`
	WaitUntil   time.Time `json:"wait_until,omitzero" doc:"end of patience on the waiting list"`
	ReadyBy     time.Time `json:"ready_by,omitzero" doc:"of a waiting lab: when an account is expected"`
	StartedAt   time.Time `json:"started_at,omitzero" doc:"when its credentials began to work"`
	EndsAt      time.Time `json:"ends_at,omitzero" doc:"when AWS begins to deny everything"`
	EndedAt     time.Time `json:"ended_at,omitzero"`
	Version     int64     `json:"version"`
}

// Final says whether nothing more will happen to the lab.
func (l Lab) Final() bool {
	switch l.State {
	case "ended", "expired", "cancelled", "failed":
		return true
	}
	return false
}

// Settled says whether waiting for the lab's assignment is over.
func (l Lab) Settled() bool { return l.State == "active" || l.Final() }

// Credentials are a student's way in.
type Credentials struct {
	Account         string    `json:"account"`
	Regions         []string  `json:"regions" nullable:"false"`
	AccessKeyID     string    `json:"access_key_id,omitempty"`
	SecretAccessKey string    `json:"secret_access_key,omitempty"`
	ConsoleURL      string    `json:"console_url,omitempty"`
	UserName        string    `json:"user_name,omitempty"`
	Password        string    `json:"password,omitempty"`
	EndsAt          time.Time `json:"ends_at"`
	EndpointURL     string    `json:"endpoint_url,omitempty" doc:"where AWS answers, if it is not AWS itself"`
}

// String hides the secrets.
func (c Credentials) String() string { return "credentials of account " + c.Account + " (hidden)" }

// GoString hides the secrets.
func (c Credentials) GoString() string { return c.String() }

// SignInLink opens the AWS console without a password.
type SignInLink struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at" doc:"the link is good until then; the console session ends with the lab"`
}

// String hides the link.
func (l SignInLink) String() string { return "sign-in link (hidden)" }

// GoString hides the link.
func (l SignInLink) GoString() string { return l.String() }

// Extension moves a lab's end.
type Extension struct {
	By Duration `json:"by" maxLength:"32" example:"30m" doc:"how much later the lab ends"`
}

// LabEnd ends a lab now.
type LabEnd struct {
	Reason string `json:"reason,omitempty" maxLength:"500" doc:"why; kept with the lab"`
}

// Evidence is one line of what a cleaning planned, called, deleted or verified.
type Evidence struct {
	At       time.Time `json:"at"`
	Phase    string    `json:"phase"`
	Action   string    `json:"action" doc:"planned, frozen, stopped, deleted, kept, blocked, verified, failed, restored"`
	Kind     string    `json:"kind,omitempty"`
	Region   string    `json:"region,omitempty"`
	Resource string    `json:"resource,omitempty"`
	Detail   string    `json:"detail,omitempty"`
}

// Cleaning is one cleaning of an account.
type Cleaning struct {
	ID        string    `json:"id"`
	Account   string    `json:"account"`
	Lab       string    `json:"lab,omitempty"`
	Type      string    `json:"lab_type,omitempty" doc:"lab type"`
	Reason    string    `json:"reason"`
	Full      bool      `json:"full" doc:"every kind in every Region"`
	Phase     string    `json:"phase"`
	Round     int       `json:"round"`
	StartedAt time.Time `json:"started_at"`
	FrozenAt  time.Time `json:"frozen_at,omitzero"`
	DoneAt    time.Time `json:"done_at,omitzero"`
	Error     string    `json:"error,omitempty"`
}

// CleaningEvidence is a cleaning with all its lines.
type CleaningEvidence struct {
	Cleaning
	Evidence []Evidence `json:"evidence" nullable:"false"`
}
