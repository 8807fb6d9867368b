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
	// Credentials go whatever the probe says: one that cannot be made must not
	// leave a key behind.
	err = s.probeFrozen(ctx, a, lt)
	if derr := iamuser.Disarm(ctx, c, a.User.Name); derr != nil {
		err = errors.Join(err, fmt.Errorf("take the credentials of %s: %w", a.User.Name, derr))
	}
	if err != nil {
		return err
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

// bindStrangers puts the boundary on every user and role that carries another
// one or none and is not AWS's or the fleet's. The lab's policies make such
// principals impossible; this is the belt to those braces.
func (s *Service) bindStrangers(ctx context.Context, c *iam.Client, a *fleet.Account) error {
	// The lists of users and roles leave the boundary out; this one tells it.
	pages := iam.NewGetAccountAuthorizationDetailsPaginator(c, &iam.GetAccountAuthorizationDetailsInput{
		Filter: []types.EntityType{types.EntityTypeUser, types.EntityTypeRole}})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list users and roles: %w", err)
		}
		for _, u := range out.UserDetailList {
			if bound(u.PermissionsBoundary, a) {
				continue
			}
			_, err := c.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: u.UserName, PermissionsBoundary: &a.User.BoundaryARN})
			if err := ignoreGone(err); err != nil {
				return err
			}
		}
		for _, r := range out.RoleDetailList {
			if bound(r.PermissionsBoundary, a) || s.keeps(a, r) {
				continue
			}
			_, err := c.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: r.RoleName, PermissionsBoundary: &a.User.BoundaryARN})
			if err := ignoreGone(err); err != nil {
				return err
			}
		}
	}
	return nil
}

// keeps says whether a role is AWS's or the fleet's, which no boundary may bind.
func (s *Service) keeps(a *fleet.Account, r types.RoleDetail) bool {
	for _, path := range []string{"/aws-service-role/", "/aws-reserved/", policy.FleetPath} {
		if strings.HasPrefix(aws.ToString(r.Path), path) {
			return true
		}
	}
	name := aws.ToString(r.RoleName)
	return name == s.Orgs[a.Org].MemberRole || name == organizationRole
}

// organizationRole is what Organizations makes in every account that it makes,
// whether or not the fleet comes in by it. Bound to a lab's boundary it would be
// locked for good, since it is never deleted and the boundary could not be.
const organizationRole = "OrganizationAccountAccessRole"

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
// first, then policies. What earlier epochs left goes too. Each list is read to
// its end before anything of it goes, since what goes would shift the pages.
func (s *Service) Delete(ctx context.Context, sess *awsclient.Session) error {
	c := client(sess)
	var users, policies []string
	for pages := iam.NewListUsersPaginator(c, &iam.ListUsersInput{PathPrefix: aws.String(policy.FleetPath)}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the fleet's users: %w", err)
		}
		for _, u := range out.Users {
			users = append(users, aws.ToString(u.UserName))
		}
	}
	for _, u := range users {
		if err := iamuser.Delete(ctx, c, u); err != nil {
			return fmt.Errorf("delete user %s: %w", u, err)
		}
	}
	for pages := iam.NewListPoliciesPaginator(c, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, PathPrefix: aws.String(policy.FleetPath)}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the fleet's policies: %w", err)
		}
		for _, p := range out.Policies {
			policies = append(policies, aws.ToString(p.Arn))
		}
	}
	var errs []error
	for _, p := range policies {
		if err := iamuser.DeletePolicy(ctx, c, p); err != nil {
			errs = append(errs, fmt.Errorf("delete policy %s: %w", p, err))
		}
	}
	return errors.Join(errs...)
}
