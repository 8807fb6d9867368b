package identity

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/policy"
)

const (
	// linkLife is for how long AWS takes a link, whatever the session's length.
	linkLife = 15 * time.Minute
	// Bounds of a federated session of an IAM user.
	shortestFederation = 15 * time.Minute
	longestFederation  = 36 * time.Hour
	maxSessionPolicies = 10
	signInTime         = 15 * time.Second
	maxSignInAnswer    = 64 << 10
)

// SignInLink makes a link that opens the AWS console for the student of an
// active lab, and tells until when it can be used. The link is a secret: it is in
// no error and in no log. Errors: fleet.ErrEnded if the lab is over;
// fleet.ErrInvalid if the lab type has no console.
//
// The link stands for a federated session of the student's own user. Such a
// session lasts 15 minutes at least, so it may outlast the lab; that lets nobody
// in. What a session may do is the intersection of the session policies with the
// policies and the boundary of the user, an explicit deny in any of them wins,
// and they are evaluated on each call (IAM User Guide: Permissions boundaries for
// IAM entities; Permissions for GetFederationToken). The boundary denies
// everything from the lab's end on, and at once when the lab is frozen.
func (s *Service) SignInLink(ctx context.Context, session *fleet.Session) (link string, expires time.Time, err error) {
	a, err := s.Accounts.Get(ctx, session.AccountID)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("account of session %s: %w", session.ID, err)
	}
	lt, err := s.LabTypes.Revision(ctx, session.LabType, session.LabTypeRevision)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("link for session %s: %w", session.ID, err)
	}
	now := s.Clock.Now().UTC()
	switch {
	case a.State != fleet.InUse || a.SessionID != session.ID || a.User == nil || !a.EndsAt.After(now):
		return "", time.Time{}, fmt.Errorf("link for session %s: %w", session.ID, fleet.ErrEnded)
	case !lt.Console:
		return "", time.Time{}, &fleet.FieldError{Field: "lab_type", Value: lt.Name, Remedy: "it has no console; use the access key, or apply it with console: true"}
	}
	c, err := s.federate(ctx, a, lt, min(max(a.EndsAt.Sub(now), shortestFederation), longestFederation))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("link for session %s: %w", session.ID, err)
	}
	signIn, console := s.endpoints(a)
	token, err := s.signInToken(ctx, signIn, c)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("link for session %s: %w", session.ID, err)
	}
	query := url.Values{"Action": {"login"}, "Issuer": {"kml"}, "Destination": {console + "console/home?region=" + lt.Regions[0]}, "SigninToken": {token}}
	expires = now.Add(linkLife)
	if a.EndsAt.Before(expires) {
		expires = a.EndsAt
	}
	return signIn + "/federation?" + query.Encode(), expires, nil
}

// federate makes the session, by the user's own key as AWS demands, with the
// policies that the fleet attached to the user as session policies.
func (s *Service) federate(ctx context.Context, a *fleet.Account, lt fleet.LabType, d time.Duration) (*types.Credentials, error) {
	secret, err := s.secret(a)
	if err != nil {
		return nil, err
	}
	arns, err := s.attached(ctx, a)
	if err != nil {
		return nil, err
	}
	out, err := sts.NewFromConfig(s.AWS.Static(a.User.AccessKeyID, secret, lt.Regions[0])).GetFederationToken(ctx, &sts.GetFederationTokenInput{
		Name: &a.User.Name, PolicyArns: arns, DurationSeconds: aws.Int32(int32(d / time.Second))})
	if err != nil {
		return nil, fmt.Errorf("federated session of %s: %w", a.User.Name, err)
	}
	return out.Credentials, nil
}

// attached lists the fleet's policies of the user: what was attached, whatever
// would be rendered today.
func (s *Service) attached(ctx context.Context, a *fleet.Account) (arns []types.PolicyDescriptorType, err error) {
	sess, err := s.AWS.Reader(ctx, target(a))
	if err != nil {
		return nil, fmt.Errorf("session to read the user of %s: %w", a.ID, err)
	}
	defer func() { err = errors.Join(err, closeSession(ctx, sess)) }()
	pages := iam.NewListAttachedUserPoliciesPaginator(client(sess), &iam.ListAttachedUserPoliciesInput{UserName: &a.User.Name, PathPrefix: aws.String(policy.FleetPath)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("policies of %s: %w", a.User.Name, err)
		}
		for _, p := range out.AttachedPolicies {
			arns = append(arns, types.PolicyDescriptorType{Arn: p.PolicyArn})
		}
	}
	if n := len(arns); n == 0 || n > maxSessionPolicies {
		return nil, fmt.Errorf("user %s has %d policies of the fleet's, a session takes 1 to %d: %w", a.User.Name, n, maxSessionPolicies, fleet.ErrInvalid)
	}
	return arns, nil
}

// endpoints are where links are made and where they lead, of the account's
// partition.
func (s *Service) endpoints(a *fleet.Account) (signIn, console string) {
	signIn, console = "https://signin.aws.amazon.com", "https://console.aws.amazon.com/"
	switch s.partition(a) {
	case "aws-us-gov":
		signIn, console = "https://signin.amazonaws-us-gov.com", "https://console.amazonaws-us-gov.com/"
	case "aws-cn":
		signIn, console = "https://signin.amazonaws.cn", "https://console.amazonaws.cn/"
	}
	return strings.TrimSuffix(cmp.Or(s.SignInURL, signIn), "/"), console
}

// signInToken trades the session for a token. SessionDuration is left out, as it
// has to be for a session of GetFederationToken.
func (s *Service) signInToken(ctx context.Context, signIn string, c *types.Credentials) (string, error) {
	session, err := json.Marshal(map[string]string{"sessionId": aws.ToString(c.AccessKeyId),
		"sessionKey": aws.ToString(c.SecretAccessKey), "sessionToken": aws.ToString(c.SessionToken)})
	if err != nil {
		return "", fmt.Errorf("sign-in token: %w", err)
	}
	query := url.Values{"Action": {"getSigninToken"}, "Session": {string(session)}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, signIn+"/federation?"+query.Encode(), nil)
	if err != nil {
		return "", &fleet.FieldError{Field: "aws.signin_url", Value: signIn, Remedy: "give the address of the sign-in endpoint"}
	}
	resp, err := s.HTTP.Do(req)
	if err != nil {
		return "", fmt.Errorf("sign-in endpoint %s: %w", signIn, withoutURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSignInAnswer))
	if err != nil {
		return "", fmt.Errorf("sign-in endpoint %s: %w", signIn, err)
	}
	var out struct{ SigninToken string }
	if resp.StatusCode != http.StatusOK || json.Unmarshal(body, &out) != nil || out.SigninToken == "" {
		return "", fmt.Errorf("sign-in endpoint %s gave no token: HTTP status %d", signIn, resp.StatusCode)
	}
	return out.SigninToken, nil
}

// withoutURL takes the URL out of an error: it holds the session's secrets.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
