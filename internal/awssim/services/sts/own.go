package sts

import (
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/iam"
)

// Longest lives of sessions that a user or the root user makes of itself.
const (
	longestOwn  = 36 * time.Hour
	longestRoot = time.Hour
	standardOwn = 12 * time.Hour
)

type tokenIn struct {
	DurationSeconds *int
	SerialNumber    string
	TokenCode       string `trail:"-"`
}

type tokenOut struct{ Credentials credentialsOut }

func ownLifetime(c *core.Call, asked *int) (time.Duration, error) {
	if c.Principal.Type == "Account" {
		return lifetime(asked, longestRoot, longestRoot)
	}
	return lifetime(asked, standardOwn, longestOwn)
}

// userID is "" for the root user.
func userID(c *core.Call) string {
	if c.Principal.Type == "Account" {
		return ""
	}
	return c.Principal.UserID
}

// sessionToken needs no permission, only a long-term key. The session survives
// the key it was made with: it ends with the user or by a policy ("Disabling
// permissions for temporary security credentials").
func (s *STS) sessionToken(c *core.Call, in *tokenIn) (*tokenOut, error) {
	if c.Principal.Session != nil {
		return nil, denied("Cannot call GetSessionToken with session credentials")
	}
	life, err := ownLifetime(c, in.DurationSeconds)
	if err != nil {
		return nil, err
	}
	mfa := in.SerialNumber != "" || in.TokenCode != ""
	if mfa && !s.iam.HasMFA(c.Account.ID, userID(c), in.SerialNumber, in.TokenCode) {
		return nil, denied("MultiFactorAuthentication failed with invalid MFA one time pass code.")
	}
	creds := s.iam.MintOwn(c.Account.ID, userID(c), core.Session{
		Kind: iam.SessionToken, Issued: c.Now, Expires: c.Now.Add(life), SourceKey: c.Principal.AccessKeyID, MFA: mfa})
	return &tokenOut{out(creds)}, nil
}

type federationIn struct {
	Name, Policy    string
	PolicyArns      []arnIn
	Tags            []tag
	DurationSeconds *int
}

type federatedUser struct{ FederatedUserId, Arn string }

type federationOut struct {
	Credentials      credentialsOut
	FederatedUser    federatedUser
	PackedPolicySize *int `xml:",omitempty"`
}

func federationNeeds(c *core.Call, in *federationIn) []core.Permission {
	arn := "arn:aws:sts::" + c.Account.ID + ":federated-user/" + in.Name
	ctx := tagContext(map[string][]string{}, in.Tags)
	needs := []core.Permission{{Action: "sts:GetFederationToken", Resource: arn, Context: ctx}}
	if len(in.Tags) > 0 {
		needs = append(needs, core.Permission{Action: "sts:TagSession", Resource: arn, Context: ctx})
	}
	return needs
}

// federationToken gives a session no more than both the user and the session
// policies allow, and nothing when there are none.
func (s *STS) federationToken(c *core.Call, in *federationIn) (*federationOut, error) {
	if c.Principal.Session != nil {
		return nil, denied("Cannot call GetFederationToken with session credentials")
	}
	if len(in.Name) > 32 {
		return nil, invalid("1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: Member must have length less than or equal to 32", in.Name)
	}
	if err := checkName("name", in.Name); err != nil {
		return nil, err
	}
	life, err := ownLifetime(c, in.DurationSeconds)
	if err != nil {
		return nil, err
	}
	session := core.Session{Kind: iam.SessionFederation, Name: in.Name, Issued: c.Now, Expires: c.Now.Add(life), SourceKey: c.Principal.AccessKeyID}
	percent, err := s.attach(&session, c.Account.ID, grants{in.Policy, in.PolicyArns, in.Tags})
	if err != nil {
		return nil, err
	}
	creds := s.iam.MintOwn(c.Account.ID, userID(c), session)
	o := &federationOut{Credentials: out(creds), FederatedUser: federatedUser{
		c.Account.ID + ":" + in.Name, "arn:aws:sts::" + c.Account.ID + ":federated-user/" + in.Name}}
	if percent > 0 {
		o.PackedPolicySize = &percent
	}
	return o, nil
}
