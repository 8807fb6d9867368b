package sts

import (
	"maps"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/iam"
)

type assumeIn struct {
	RoleArn, RoleSessionName, Policy, ExternalId, SourceIdentity string

	PolicyArns        []arnIn
	Tags              []tag
	TransitiveTagKeys []string
	DurationSeconds   *int
}

type assumedUser struct{ AssumedRoleId, Arn string }

type assumeOut struct {
	Credentials      credentialsOut
	AssumedRoleUser  assumedUser
	PackedPolicySize *int   `xml:",omitempty"`
	SourceIdentity   string `xml:",omitempty"`
}

// assumeNeeds: the role, and apart from it the right to tag or name the session.
func assumeNeeds(_ *core.Call, in *assumeIn) []core.Permission {
	ctx := tagContext(map[string][]string{"sts:RoleSessionName": {in.RoleSessionName}}, in.Tags)
	for key, value := range map[string]string{"sts:ExternalId": in.ExternalId, "sts:SourceIdentity": in.SourceIdentity} {
		if value != "" {
			ctx[key] = []string{value}
		}
	}
	if len(in.TransitiveTagKeys) > 0 {
		ctx["sts:TransitiveTagKeys"] = in.TransitiveTagKeys
	}
	needs := []core.Permission{{Action: "sts:AssumeRole", Resource: in.RoleArn, Context: ctx}}
	if len(in.Tags) > 0 {
		needs = append(needs, core.Permission{Action: "sts:TagSession", Resource: in.RoleArn, Context: ctx})
	}
	if in.SourceIdentity != "" {
		needs = append(needs, core.Permission{Action: "sts:SetSourceIdentity", Resource: in.RoleArn, Context: ctx})
	}
	return needs
}

func (s *STS) assumeRole(c *core.Call, in *assumeIn) (*assumeOut, error) {
	if c.Principal.Type == "Account" {
		return nil, denied("Roles may not be assumed by root accounts.")
	}
	if err := checkName("roleSessionName", in.RoleSessionName); err != nil {
		return nil, err
	}
	role, err := s.iam.AssumableRole(in.RoleArn, c.Now)
	if err != nil {
		return nil, denied("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", c.Principal.ARN, in.RoleArn)
	}
	life, err := roleLifetime(c, in.DurationSeconds, role.MaxSession)
	if err != nil {
		return nil, err
	}
	session := core.Session{Kind: iam.SessionRole, Name: in.RoleSessionName, Issued: c.Now, Expires: c.Now.Add(life)}
	percent, err := s.attach(&session, role.Account, grants{in.Policy, in.PolicyArns, in.Tags})
	if err != nil {
		return nil, err
	}
	inherited := s.iam.TransitiveTags(c.Principal)
	passedOn, err := transitive(session.Tags, in.TransitiveTagKeys, inherited)
	if err != nil {
		return nil, err
	}
	maps.Copy(session.Tags, inherited)
	creds := s.iam.Mint(role, session, passedOn)
	c.TrailResources = []core.TrailResource{{ARN: in.RoleArn, AccountID: role.Account, Type: "AWS::IAM::Role"}}
	s.recordForOwner(c, in, role)
	o := &assumeOut{Credentials: out(creds), SourceIdentity: in.SourceIdentity, AssumedRoleUser: assumedUser{
		role.ID + ":" + in.RoleSessionName,
		"arn:aws:sts::" + role.Account + ":assumed-role/" + role.Name + "/" + in.RoleSessionName}}
	if percent > 0 {
		o.PackedPolicySize = &percent
	}
	return o, nil
}

// roleLifetime: at most what the role allows, and an hour for chained sessions
// whatever the role allows. The default is an hour.
func roleLifetime(c *core.Call, asked *int, longest time.Duration) (time.Duration, error) {
	life, err := lifetime(asked, time.Hour, 12*time.Hour)
	switch {
	case err != nil:
		return 0, err
	case c.Principal.RoleARN != "" && life > time.Hour:
		return 0, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	case life > longest:
		return 0, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return life, nil
}

// transitive gives the tags that sessions chained from the new one inherit: its
// own transitive ones and those it inherited. An inherited one cannot be set anew.
func transitive(own map[string]string, keys []string, inherited map[string]string) (map[string]string, error) {
	out := maps.Clone(inherited)
	if out == nil {
		out = map[string]string{}
	}
	for k := range own {
		for i := range inherited {
			if strings.EqualFold(k, i) {
				return nil, core.Errorf(400, "InvalidParameterValue", "Tag key %s is transitive in the calling session and cannot be set again", k)
			}
		}
	}
	for _, k := range keys {
		v, ok := own[k]
		if !ok {
			return nil, core.Errorf(400, "InvalidParameterValue", "Transitive tag key %s is not among the session tags", k)
		}
		out[k] = v
	}
	return out, nil
}

// recordForOwner writes the event into the history of the role's account too:
// CloudTrail records a cross-account AssumeRole on both sides.
func (s *STS) recordForOwner(c *core.Call, in *assumeIn, role *iam.Role) {
	if role.Account == c.Account.ID {
		return
	}
	s.w.Trail.Add(role.Account, &core.Event{
		EventVersion: "1.11", Time: c.Now, EventTime: c.Now.Format("2006-01-02T15:04:05Z"),
		UserIdentity: core.UserIdentity{Type: "AWSAccount", PrincipalID: c.Principal.UserID, AccountID: c.Account.ID},
		EventSource:  "sts.amazonaws.com", EventName: "AssumeRole", AWSRegion: c.Region, SourceIPAddress: c.SourceIP,
		UserAgent: c.Request.UserAgent(), RequestID: c.RequestID, EventID: s.w.UUID(), ReadOnly: true,
		RequestParameters: map[string]any{"roleArn": in.RoleArn, "roleSessionName": in.RoleSessionName},
		Resources:         c.TrailResources, EventType: "AwsApiCall", ManagementEvent: true,
		RecipientAccountID: role.Account, EventCategory: "Management",
	})
}
