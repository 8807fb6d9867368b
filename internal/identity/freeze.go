package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/iamuser"
	"github.com/kodekloud/kml/internal/policy"
)

// Freeze takes all power from the user of an account and from everything that it
// made: version 1 of the boundary becomes the default, a probe with the user's
// own key sees the denial, keys and login go, and every principal that lacks
// the boundary gets it. It can be done again at any time.
//
// While a session of an earlier epoch may still write a dated version (an
// extension under way, or one that died), the freeze holds but is not final: a
// SnoozeError asks for another one.
func (s *Service) Freeze(ctx context.Context, sess *awsclient.Session, a *fleet.Account, lt fleet.LabType) error {
	c := client(sess)
	// Asked before the first write: whoever takes a lease later is refused by the
	// epoch, and whoever has given one back has written before us.
	racing, err := s.openers(ctx, a)
	if err != nil {
		return err
	}
	if err := s.Overwrite(ctx, sess, a); err != nil {
		return err
	}
	if a.User == nil {
		return nil
	}
	if err := s.bindStrangers(ctx, c, a); err != nil {
		return err
	}
	if err := s.probeFrozen(ctx, a, lt); err != nil {
		return err
	}
	if err := iamuser.Disarm(ctx, c, a.User.Name); err != nil {
		return fmt.Errorf("take the credentials of %s: %w", a.User.Name, err)
	}
	// Listed again: what was made between the first list and the freeze.
	if err := s.bindStrangers(ctx, c, a); err != nil || !racing {
		return err
	}
	return fleet.Snooze(openersPoll, "a session that can open the boundary may still act")
}

const openersPoll = 3 * time.Second

// openers says whether a session that writes dated versions may still act.
func (s *Service) openers(ctx context.Context, a *fleet.Account) (bool, error) {
	now, err := s.Accounts.Get(ctx, a.ID)
	if err != nil {
		return false, fmt.Errorf("leases of account %s: %w", a.ID, err)
	}
	for lease, until := range now.Leases {
		opens := strings.HasPrefix(lease, purposeGrant+"-") || strings.HasPrefix(lease, purposeExtend+"-")
		if opens && until.After(s.Clock.Now()) {
			return true, nil
		}
	}
	return false, nil
}

// Refreeze freezes the user of an account again, in the account's present epoch.
func (s *Service) Refreeze(ctx context.Context, a *fleet.Account) error {
	sess, err := s.AWS.Mutator(ctx, target(a), "refreeze")
	if err != nil {
		return fmt.Errorf("session to freeze %s again: %w", a.ID, err)
	}
	return errors.Join(s.Overwrite(ctx, sess, a), closeSession(ctx, sess))
}

// Overwrite makes the boundary's version 1 the default: one call that stops
// everybody who carries it.
func (s *Service) Overwrite(ctx context.Context, sess *awsclient.Session, a *fleet.Account) error {
	if a.User == nil {
		return nil
	}
	_, err := client(sess).SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: &a.User.BoundaryARN, VersionId: aws.String(frozen)})
	if err != nil && awsclient.Classify(err) != awsclient.Gone {
		return fmt.Errorf("freeze account %s: %w", a.ID, err)
	}
	return nil
}

// bindStrangers puts the boundary on every user and role that has none and is
// not AWS's or the fleet's. The lab's policies make such principals impossible;
// this is the belt to those braces.
func (s *Service) bindStrangers(ctx context.Context, c *iam.Client, a *fleet.Account) error {
	users := iam.NewListUsersPaginator(c, &iam.ListUsersInput{})
	for users.HasMorePages() {
		out, err := users.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list users: %w", err)
		}
		for _, u := range out.Users {
			if err := s.bindUser(ctx, c, a, u); err != nil {
				return err
			}
		}
	}
	roles := iam.NewListRolesPaginator(c, &iam.ListRolesInput{})
	for roles.HasMorePages() {
		out, err := roles.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list roles: %w", err)
		}
		for _, r := range out.Roles {
			if err := s.bindRole(ctx, c, a, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) bindUser(ctx context.Context, c *iam.Client, a *fleet.Account, u types.User) error {
	// ListUsers leaves the boundary out: it must be asked for.
	got, err := c.GetUser(ctx, &iam.GetUserInput{UserName: u.UserName})
	if err != nil {
		return ignoreGone(err)
	}
	if bound(got.User.PermissionsBoundary, a) {
		return nil
	}
	_, err = c.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: u.UserName, PermissionsBoundary: &a.User.BoundaryARN})
	return ignoreGone(err)
}

func (s *Service) bindRole(ctx context.Context, c *iam.Client, a *fleet.Account, r types.Role) error {
	if strings.HasPrefix(aws.ToString(r.Path), "/aws-service-role/") || strings.HasPrefix(aws.ToString(r.Path), "/aws-reserved/") ||
		aws.ToString(r.RoleName) == s.Orgs[a.Org].MemberRole || strings.HasPrefix(aws.ToString(r.Path), policy.FleetPath) {
		return nil
	}
	got, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: r.RoleName})
	if err != nil {
		return ignoreGone(err)
	}
	if bound(got.Role.PermissionsBoundary, a) {
		return nil
	}
	_, err = c.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: r.RoleName, PermissionsBoundary: &a.User.BoundaryARN})
	return ignoreGone(err)
}

func bound(b *types.AttachedPermissionsBoundary, a *fleet.Account) bool {
	return b != nil && aws.ToString(b.PermissionsBoundaryArn) == a.User.BoundaryARN
}

func ignoreGone(err error) error {
	if err != nil && awsclient.Classify(err) != awsclient.Gone {
		return fmt.Errorf("bind a principal to the boundary: %w", err)
	}
	return nil
}

// Delete deletes everything of the fleet's own under /kml/ in an account: users
// first, then policies. What earlier epochs left goes too.
func (s *Service) Delete(ctx context.Context, sess *awsclient.Session) error {
	c := client(sess)
	users := iam.NewListUsersPaginator(c, &iam.ListUsersInput{PathPrefix: aws.String(policy.FleetPath)})
	for users.HasMorePages() {
		out, err := users.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the fleet's users: %w", err)
		}
		for _, u := range out.Users {
			if err := iamuser.Delete(ctx, c, aws.ToString(u.UserName)); err != nil {
				return fmt.Errorf("delete user %s: %w", aws.ToString(u.UserName), err)
			}
		}
	}
	policies := iam.NewListPoliciesPaginator(c, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, PathPrefix: aws.String(policy.FleetPath)})
	var errs []error
	for policies.HasMorePages() {
		out, err := policies.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the fleet's policies: %w", err)
		}
		for _, p := range out.Policies {
			if err := iamuser.DeletePolicy(ctx, c, aws.ToString(p.Arn)); err != nil {
				errs = append(errs, fmt.Errorf("delete policy %s: %w", aws.ToString(p.Arn), err))
			}
		}
	}
	return errors.Join(errs...)
}
