package core

import (
	"cmp"
	"sort"
	"time"
)

// Event is one CloudTrail management event, in CloudTrail's own field names.
// Source: "CloudTrail record contents for management events".
type Event struct {
	EventVersion       string          `json:"eventVersion"`
	UserIdentity       UserIdentity    `json:"userIdentity"`
	EventTime          string          `json:"eventTime"` // whole seconds, as AWS gives it
	EventSource        string          `json:"eventSource"`
	EventName          string          `json:"eventName"`
	AWSRegion          string          `json:"awsRegion"`
	SourceIPAddress    string          `json:"sourceIPAddress"`
	UserAgent          string          `json:"userAgent"`
	ErrorCode          string          `json:"errorCode,omitempty"`
	ErrorMessage       string          `json:"errorMessage,omitempty"`
	RequestParameters  map[string]any  `json:"requestParameters"`
	ResponseElements   map[string]any  `json:"responseElements"` // null on reads
	RequestID          string          `json:"requestID"`
	EventID            string          `json:"eventID"`
	ReadOnly           bool            `json:"readOnly"`
	Resources          []TrailResource `json:"resources,omitempty"`
	EventType          string          `json:"eventType"`
	ManagementEvent    bool            `json:"managementEvent"`
	RecipientAccountID string          `json:"recipientAccountId"`
	EventCategory      string          `json:"eventCategory"`

	Time      time.Time `json:"-"`
	VisibleAt time.Time `json:"-"`
	Seq       uint64    `json:"-"` // order of happening, for stable paging
	User      string    `json:"-"` // LookupEvents' Username
	KeyID     string    `json:"-"`
}

// UserIdentity says who made a call, as CloudTrail's userIdentity element does.
type UserIdentity struct {
	Type           string          `json:"type"`
	PrincipalID    string          `json:"principalId,omitempty"`
	ARN            string          `json:"arn,omitempty"`
	AccountID      string          `json:"accountId,omitempty"`
	AccessKeyID    string          `json:"accessKeyId,omitempty"`
	UserName       string          `json:"userName,omitempty"`
	SessionContext *SessionContext `json:"sessionContext,omitempty"`
	InvokedBy      string          `json:"invokedBy,omitempty"`
}

// SessionContext is there for temporary credentials.
type SessionContext struct {
	SessionIssuer *SessionIssuer `json:"sessionIssuer,omitempty"`
	Attributes    struct {
		CreationDate     string `json:"creationDate"`
		MFAAuthenticated string `json:"mfaAuthenticated"`
	} `json:"attributes"`
}

// SessionIssuer is the role or user that a session came from.
type SessionIssuer struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
	ARN         string `json:"arn"`
	AccountID   string `json:"accountId"`
	UserName    string `json:"userName"`
}

// Trail is the event history of every account and Region. Lock held.
type Trail struct {
	w   *World
	m   map[[2]string][]*Event
	seq uint64
}

const historyDays = 90

func newTrail(w *World) *Trail { return &Trail{w: w, m: map[[2]string][]*Event{}} }

// Add records an event; it becomes visible after a delay drawn from Options.TrailDelay.
func (t *Trail) Add(account string, e *Event) {
	d := t.w.Options.TrailDelay
	delay := d.Min
	if d.Max > d.Min {
		delay += time.Duration(t.w.Float() * float64(d.Max-d.Min))
	}
	t.seq++
	e.Seq, e.VisibleAt = t.seq, e.Time.Add(delay)
	k := [2]string{account, e.AWSRegion}
	t.m[k] = append(t.m[k], e)
}

// Visible gives the events of an account and Region that can be looked up at
// now, newest first, no older than 90 days.
func (t *Trail) Visible(account, region string, now time.Time) []*Event {
	var out []*Event
	oldest := now.AddDate(0, 0, -historyDays)
	for _, e := range t.m[[2]string{account, region}] {
		if !e.VisibleAt.After(now) && e.Time.After(oldest) {
			out = append(out, e)
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		if !out[i].Time.Equal(out[j].Time) {
			return out[i].Time.After(out[j].Time)
		}
		return out[i].Seq > out[j].Seq
	})
	return out
}

// All gives every event of an account in order of happening, visible or not:
// the oracle's view.
func (t *Trail) All(account string) []*Event {
	var out []*Event
	for k, es := range t.m {
		if k[0] == account {
			out = append(out, es...)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Seq < out[j].Seq })
	return out
}

// record writes the event of a call that came to an end with out or err.
func (c *Call) record(in, out any, err *Error) {
	if c.Op == nil || c.Op.Data || c.Account == nil {
		return
	}
	e := &Event{
		EventVersion: "1.11", UserIdentity: c.Principal.identity(), Time: c.Now,
		EventTime: c.Now.Format("2006-01-02T15:04:05Z"), EventSource: c.Service.Source,
		EventName: cmp.Or(c.Op.TrailName, c.Op.Name), AWSRegion: c.trailRegion(), SourceIPAddress: c.SourceIP,
		UserAgent: c.Request.UserAgent(), RequestParameters: trailMap(in), RequestID: c.RequestID,
		EventID: c.World.UUID(), ReadOnly: c.Op.ReadOnly, Resources: c.TrailResources,
		EventType: "AwsApiCall", ManagementEvent: true, RecipientAccountID: c.Account.ID,
		EventCategory: "Management", User: c.Principal.trailName(), KeyID: c.Principal.AccessKeyID,
	}
	switch {
	case err != nil:
		e.ErrorCode, e.ErrorMessage = "Client."+err.Code, err.Message
		if c.Service.Name != "ec2" {
			e.ErrorCode = err.Code
		}
	case !c.Op.ReadOnly:
		if c.TrailResponse != nil {
			out = c.TrailResponse
		}
		e.ResponseElements = trailMap(out)
	}
	c.World.Trail.Add(c.Account.ID, e)
}

// trailRegion: global services are recorded in us-east-1.
func (c *Call) trailRegion() string {
	if c.Service.Global {
		return "us-east-1"
	}
	return c.Region
}

func (p *Principal) trailName() string {
	if p.Session != nil && p.Session.Name != "" {
		return p.Session.Name
	}
	return p.UserName
}

func (p *Principal) identity() UserIdentity {
	u := UserIdentity{
		Type: p.Type, PrincipalID: p.UserID, ARN: p.ARN, AccountID: p.Account,
		AccessKeyID: p.AccessKeyID, UserName: p.UserName,
	}
	if p.Type == "User" {
		u.Type = "IAMUser"
	}
	if p.Type == "Account" {
		u.Type = "Root"
	}
	if s := p.Session; s != nil {
		sc := &SessionContext{}
		sc.Attributes.CreationDate = s.Issued.UTC().Format("2006-01-02T15:04:05Z")
		sc.Attributes.MFAAuthenticated = "false"
		if s.MFA {
			sc.Attributes.MFAAuthenticated = "true"
		}
		if p.RoleARN != "" {
			u.UserName = ""
			sc.SessionIssuer = &SessionIssuer{
				Type: "Role", PrincipalID: s.RoleID, ARN: p.RoleARN, AccountID: p.Account, UserName: afterLast(p.RoleARN, '/'),
			}
		}
		u.SessionContext, u.InvokedBy = sc, s.InvokedBy
	}
	return u
}
