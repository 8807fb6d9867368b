// Package readiness looks at ready accounts in the background, so that a claim
// needs to trust no more than a stamp in the document: the user is there with
// its boundary and its one key, the boundary denies everything, the policies made
// ahead exist and nothing is attached, the role can be assumed.
//
// Invariants:
//   - The check only reads. An account that is not ready goes to the cleaning,
//     never straight back to the pool.
//   - A call that failed proves nothing: the stamp is left to age, and a stamp
//     that is too old keeps the account from being claimed.
package readiness

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// AWS is what this package needs of awsclient.
type AWS interface {
	Reader(ctx context.Context, t awsclient.Target) (*awsclient.Session, error)
}

// Machine is what this package needs of lifecycle.
type Machine interface {
	Move(ctx context.Context, a *fleet.Account, to fleet.State, reason string, mutate func(*fleet.Account)) (*fleet.Account, error)
	Edit(ctx context.Context, a *fleet.Account, mutate func(*fleet.Account)) (*fleet.Account, error)
}

// Service checks ready accounts.
type Service struct {
	accounts fleet.Accounts
	machine  Machine
	aws      AWS
	clock    clock.Clock
}

// New makes a Service.
func New(accounts fleet.Accounts, machine Machine, aws AWS, clock clock.Clock) *Service {
	return &Service{accounts, machine, aws, clock}
}

// Check looks at a ready account and stamps it, or sends it to the cleaning.
func (s *Service) Check(ctx context.Context, accountID string, epoch int64) error {
	a, err := s.accounts.Get(ctx, accountID)
	if err != nil {
		return fmt.Errorf("readiness of %s: %w", accountID, err)
	}
	if a.State != fleet.UserCreated || a.Epoch != epoch {
		return nil
	}
	why, err := s.look(ctx, a)
	if err != nil {
		return fmt.Errorf("readiness of %s: %w", accountID, err)
	}
	if why != "" {
		_, err = s.machine.Move(ctx, a, fleet.Cleanup, "not ready: "+why, nil)
	} else {
		_, err = s.machine.Edit(ctx, a, func(n *fleet.Account) { n.ReadyAt = s.clock.Now().UTC() })
	}
	if err != nil {
		return fmt.Errorf("readiness of %s: %w", accountID, err)
	}
	return nil
}

// fleetPath is the IAM path of what the fleet makes.
const fleetPath = "/kml/"

// look gives the reason why an account is not ready, or "".
func (s *Service) look(ctx context.Context, a *fleet.Account) (string, error) {
	if a.User == nil || a.SessionID != "" {
		return "its record is not clean", nil
	}
	sess, err := s.aws.Reader(ctx, awsclient.Target{Org: a.Org, AccountID: a.ID, OU: a.OU, Epoch: a.Epoch})
	if err != nil {
		return "", err
	}
	c := iam.NewFromConfig(sess.Config(""))
	user, err := c.GetUser(ctx, &iam.GetUserInput{UserName: &a.User.Name})
	if gone, err := missing(err); gone || err != nil {
		return reason(gone, "the user is gone"), err
	}
	if b := user.User.PermissionsBoundary; b == nil || aws.ToString(b.PermissionsBoundaryArn) != a.User.BoundaryARN {
		return "the user does not carry the boundary", nil
	}
	p, err := c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &a.User.BoundaryARN})
	if gone, err := missing(err); gone || err != nil {
		return reason(gone, "the boundary is gone"), err
	}
	if aws.ToString(p.Policy.DefaultVersionId) != "v1" {
		return "the boundary does not deny everything", nil
	}
	if why, err := s.lookAtKeys(ctx, c, a); why != "" || err != nil {
		return why, err
	}
	return s.lookAtPolicies(ctx, c, a)
}

// lookAtKeys checks that the user has the recorded key and no other.
func (s *Service) lookAtKeys(ctx context.Context, c *iam.Client, a *fleet.Account) (string, error) {
	found := false
	for pages := iam.NewListAccessKeysPaginator(c, &iam.ListAccessKeysInput{UserName: &a.User.Name}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, k := range out.AccessKeyMetadata {
			if aws.ToString(k.AccessKeyId) != a.User.AccessKeyID {
				return "the user has a key that nobody recorded", nil
			}
			found = k.Status == types.StatusTypeActive
		}
	}
	if !found {
		return "the user's key is gone or inactive", nil
	}
	return "", nil
}

// lookAtPolicies checks that nothing is attached yet and that what was made
// ahead is there.
func (s *Service) lookAtPolicies(ctx context.Context, c *iam.Client, a *fleet.Account) (string, error) {
	attached, err := c.ListAttachedUserPolicies(ctx, &iam.ListAttachedUserPoliciesInput{UserName: &a.User.Name})
	if err != nil {
		return "", err
	}
	if len(attached.AttachedPolicies) > 0 {
		return "the user has policies attached already", nil
	}
	inline, err := c.ListUserPolicies(ctx, &iam.ListUserPoliciesInput{UserName: &a.User.Name})
	if err != nil {
		return "", err
	}
	if len(inline.PolicyNames) > 0 {
		return "the user has inline policies", nil
	}
	have := map[string]bool{}
	pages := iam.NewListPoliciesPaginator(c, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, PathPrefix: aws.String(fleetPath)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, p := range out.Policies {
			have[aws.ToString(p.Arn)] = true
		}
	}
	for lt, made := range a.User.Policies {
		for _, arn := range made.ARNs {
			if !have[arn] {
				return "the policies of " + lt + " are gone", nil
			}
		}
	}
	return "", nil
}

func missing(err error) (bool, error) {
	if err != nil && awsclient.Classify(err) == awsclient.Gone {
		return true, nil
	}
	return false, err
}

func reason(gone bool, why string) string {
	if gone {
		return why
	}
	return ""
}
