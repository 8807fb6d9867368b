package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/iamuser"
	"github.com/kodekloud/kml/internal/policy"
)

// Create makes the warm user of an account in state user_creating and moves the
// account into the pool. It can be done again from any point.
func (s *Service) Create(ctx context.Context, accountID string, epoch int64) error {
	a, err := s.Accounts.Get(ctx, accountID)
	if err != nil {
		return fmt.Errorf("create user in %s: %w", accountID, err)
	}
	if a.State != fleet.UserCreating || a.Epoch != epoch {
		return nil
	}
	// Each try raises the version: one that overtakes another deletes the other's
	// key, so the other must not be able to write it any more.
	if a, err = s.Machine.Edit(ctx, a, func(*fleet.Account) {}); err != nil {
		return fmt.Errorf("begin the user of %s: %w", accountID, err)
	}
	sess, err := s.AWS.Mutator(ctx, target(a), "user")
	if err != nil {
		return fmt.Errorf("session for the user of %s: %w", accountID, err)
	}
	user, err := s.make(ctx, client(sess), a)
	if err := errors.Join(err, closeSession(ctx, sess)); err != nil {
		return fmt.Errorf("create user in %s: %w", accountID, err)
	}
	_, err = s.Machine.Move(ctx, a, fleet.UserCreated, "user, boundary and key stand", func(n *fleet.Account) {
		n.User, n.ReadyAt = user, s.Clock.Now().UTC()
	})
	if err != nil {
		return fmt.Errorf("account %s into the pool: %w", accountID, err)
	}
	return nil
}

func (s *Service) make(ctx context.Context, c *iam.Client, a *fleet.Account) (*fleet.User, error) {
	u := &fleet.User{Name: userName(a), Epoch: a.Epoch, MadeAt: s.Clock.Now().UTC(), Policies: map[string]fleet.MadePolicies{}}
	var err error
	if u.BoundaryARN, err = s.makePolicy(ctx, c, a, boundaryName(a), "KML: the permissions boundary of this lab", policy.FrozenBoundary()); err != nil {
		return nil, err
	}
	if u.ARN, err = s.makeUser(ctx, c, a, u); err != nil {
		return nil, err
	}
	if err := s.makeCredentials(ctx, c, a, u); err != nil {
		return nil, err
	}
	ou, _ := orgOU(s.Orgs, a)
	for _, name := range ou.WarmFor {
		lt, err := s.LabTypes.Get(ctx, name)
		if errors.Is(err, fleet.ErrNotFound) {
			return nil, fleet.Permanent(&fleet.FieldError{Field: "warm_for", Value: name, Remedy: "name a lab type that exists"}, "mend the organization's configuration, or apply the lab type")
		}
		if err != nil {
			return nil, fmt.Errorf("make policies ahead: %w", err)
		}
		if u.Policies[name], err = s.makeLabPolicies(ctx, c, a, u, lt); err != nil {
			return nil, err
		}
	}
	return u, nil
}

func orgOU(orgs map[string]fleet.Organization, a *fleet.Account) (fleet.OU, bool) {
	o := orgs[a.Org]
	return o.OU(a.OU)
}

func (s *Service) makeUser(ctx context.Context, c *iam.Client, a *fleet.Account, u *fleet.User) (string, error) {
	out, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: &u.Name, Path: aws.String(policy.FleetPath), PermissionsBoundary: &u.BoundaryARN, Tags: tags(a)})
	if err == nil {
		return aws.ToString(out.User.Arn), nil
	}
	var exists *types.EntityAlreadyExistsException
	if !errors.As(err, &exists) {
		return "", fmt.Errorf("create user %s: %w", u.Name, err)
	}
	got, err := c.GetUser(ctx, &iam.GetUserInput{UserName: &u.Name})
	if err != nil {
		return "", fmt.Errorf("look at user %s: %w", u.Name, err)
	}
	if !ours(got.User.Tags, a) || got.User.PermissionsBoundary == nil || aws.ToString(got.User.PermissionsBoundary.PermissionsBoundaryArn) != u.BoundaryARN {
		return "", fleet.Permanent(fmt.Errorf("user %s exists and is not ours: %w", u.Name, fleet.ErrExists), "look at who made it; clean the account")
	}
	return aws.ToString(got.User.Arn), nil
}

// makePolicy makes a customer managed policy under /kml/; one that an earlier
// try of this epoch made is taken.
func (s *Service) makePolicy(ctx context.Context, c *iam.Client, a *fleet.Account, name, description, doc string) (string, error) {
	out, err := c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: &name, Path: aws.String(policy.FleetPath), Description: &description, PolicyDocument: &doc, Tags: tags(a)})
	if err == nil {
		return aws.ToString(out.Policy.Arn), nil
	}
	var exists *types.EntityAlreadyExistsException
	if !errors.As(err, &exists) {
		return "", fmt.Errorf("create policy %s: %w", name, err)
	}
	arn := "arn:" + s.partition(a) + ":iam::" + a.ID + ":policy" + policy.FleetPath + name
	got, err := c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
	if err != nil {
		return "", fmt.Errorf("look at policy %s: %w", name, err)
	}
	if !ours(got.Policy.Tags, a) {
		return "", fleet.Permanent(fmt.Errorf("policy %s exists and is not ours: %w", name, fleet.ErrExists), "look at who made it; clean the account")
	}
	return arn, nil
}

// makeLabPolicies makes the policies of a lab type, unattached.
func (s *Service) makeLabPolicies(ctx context.Context, c *iam.Client, a *fleet.Account, u *fleet.User, lt fleet.LabType) (fleet.MadePolicies, error) {
	set, err := policy.LabPolicies(s.input(a, lt, u, s.Clock.Now()))
	if err != nil {
		return fleet.MadePolicies{}, fleet.Permanent(err, "shorten the lab type's policy")
	}
	made := fleet.MadePolicies{Digest: set.Digest}
	for _, d := range set.Documents {
		arn, err := s.makePolicy(ctx, c, a, d.Name+"-"+u.Name[4:]+"-"+set.Digest[:8], d.Description, d.JSON)
		if err != nil {
			return fleet.MadePolicies{}, err
		}
		made.ARNs = append(made.ARNs, arn)
	}
	return made, nil
}

// makeCredentials gives the user a password and one access key. Whatever key is
// there was made by a try whose reply or document was lost: it goes first.
func (s *Service) makeCredentials(ctx context.Context, c *iam.Client, a *fleet.Account, u *fleet.User) error {
	password, err := newPassword()
	if err != nil {
		return fmt.Errorf("make a password: %w", err)
	}
	if err := setPassword(ctx, c, u.Name, password); err != nil {
		return err
	}
	if err := iamuser.DeleteKeys(ctx, c, u.Name, ""); err != nil {
		return fmt.Errorf("delete keys that nobody recorded: %w", err)
	}
	key, err := c.CreateAccessKey(awsclient.NoRetry(ctx), &iam.CreateAccessKeyInput{UserName: &u.Name})
	if err != nil {
		return fmt.Errorf("create access key: %w", err)
	}
	u.AccessKeyID = aws.ToString(key.AccessKey.AccessKeyId)
	if u.SecretKey, err = s.Sealer.Seal(aws.ToString(key.AccessKey.SecretAccessKey), sealPurpose(a.ID, a.Epoch)); err != nil {
		return fmt.Errorf("seal the key: %w", err)
	}
	if u.Password, err = s.Sealer.Seal(password, sealPurpose(a.ID, a.Epoch)); err != nil {
		return fmt.Errorf("seal the password: %w", err)
	}
	return nil
}

func setPassword(ctx context.Context, c *iam.Client, user, password string) error {
	_, err := c.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: &user, Password: &password})
	var exists *types.EntityAlreadyExistsException
	if errors.As(err, &exists) {
		_, err = c.UpdateLoginProfile(ctx, &iam.UpdateLoginProfileInput{UserName: &user, Password: &password, PasswordResetRequired: aws.Bool(false)})
	}
	if err != nil {
		return fmt.Errorf("set the console password: %w", err)
	}
	return nil
}

// newPassword gives 24 characters with one of each class that any password
// policy of IAM can demand.
func newPassword() (string, error) {
	classes := []string{"abcdefghijkmnopqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "!@#%^*()_+-=[]{}"}
	b := make([]byte, 24)
	for i := range b {
		set := classes[i%len(classes)]
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(set))))
		if err != nil {
			return "", err
		}
		b[i] = set[n.Int64()]
	}
	return string(b), nil
}
