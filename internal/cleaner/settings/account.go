package settings

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3control"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/cleaner"
)

// none is the value of what a new account does not have.
const none = "none"

// accountPublicAccess: a new account has no block of its own; every bucket has
// one by default.
var accountPublicAccess = Setting{
	Name: "s3.account_public_access", Global: true, Want: none,
	Read: func(ctx context.Context, p cleaner.Place) (string, error) {
		out, err := s3control.NewFromConfig(p.Config).GetPublicAccessBlock(ctx, &s3control.GetPublicAccessBlockInput{AccountId: &p.AccountID})
		switch {
		case awsclient.Code(err) == "NoSuchPublicAccessBlockConfiguration":
			return none, nil
		case err != nil:
			return "", err
		case out.PublicAccessBlockConfiguration == nil:
			return none, nil
		}
		b := out.PublicAccessBlockConfiguration
		return fmt.Sprintf("acls=%t/%t policies=%t/%t", aws.ToBool(b.BlockPublicAcls), aws.ToBool(b.IgnorePublicAcls), aws.ToBool(b.BlockPublicPolicy), aws.ToBool(b.RestrictPublicBuckets)), nil
	},
	Restore: func(ctx context.Context, p cleaner.Place) error {
		_, err := s3control.NewFromConfig(p.Config).DeletePublicAccessBlock(ctx, &s3control.DeletePublicAccessBlockInput{AccountId: &p.AccountID})
		return cleaner.IgnoreGone(err)
	},
}

var passwordPolicy = Setting{
	Name: "iam.password_policy", Global: true, Want: none,
	Read: func(ctx context.Context, p cleaner.Place) (string, error) {
		out, err := iam.NewFromConfig(p.Config).GetAccountPasswordPolicy(ctx, &iam.GetAccountPasswordPolicyInput{})
		switch {
		case awsclient.Code(err) == "NoSuchEntity":
			return none, nil
		case err != nil:
			return "", err
		case out.PasswordPolicy == nil:
			return "", errors.New("IAM gave neither a password policy nor an error")
		}
		return fmt.Sprintf("at least %d characters", aws.ToInt32(out.PasswordPolicy.MinimumPasswordLength)), nil
	},
	Restore: func(ctx context.Context, p cleaner.Place) error {
		_, err := iam.NewFromConfig(p.Config).DeleteAccountPasswordPolicy(ctx, &iam.DeleteAccountPasswordPolicyInput{})
		return cleaner.IgnoreGone(err)
	},
}

var accountAlias = Setting{
	Name: "iam.account_alias", Global: true, Want: none,
	Read: func(ctx context.Context, p cleaner.Place) (string, error) {
		aliases, err := aliasesOf(ctx, iam.NewFromConfig(p.Config))
		if err != nil || len(aliases) == 0 {
			return none, err
		}
		return strings.Join(aliases, ","), nil
	},
	Restore: func(ctx context.Context, p cleaner.Place) error {
		c := iam.NewFromConfig(p.Config)
		aliases, err := aliasesOf(ctx, c)
		if err != nil {
			return err
		}
		for _, a := range aliases {
			_, err := c.DeleteAccountAlias(ctx, &iam.DeleteAccountAliasInput{AccountAlias: &a})
			if err := cleaner.IgnoreGone(err); err != nil {
				return err
			}
		}
		return nil
	},
}

// aliasesOf gives the account's aliases: one at most.
func aliasesOf(ctx context.Context, c *iam.Client) ([]string, error) {
	out, err := c.ListAccountAliases(ctx, &iam.ListAccountAliasesInput{})
	if err != nil {
		return nil, err
	}
	return out.AccountAliases, nil
}

// defaultBusPolicy lets other accounts put events on the bus that stays.
var defaultBusPolicy = Setting{
	Name: "events.default_bus_policy", Want: none,
	Read: func(ctx context.Context, p cleaner.Place) (string, error) {
		out, err := eventbridge.NewFromConfig(p.Config).DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{})
		if err != nil {
			return "", err
		}
		if aws.ToString(out.Policy) == "" {
			return none, nil
		}
		return "a policy", nil
	},
	Restore: func(ctx context.Context, p cleaner.Place) error {
		_, err := eventbridge.NewFromConfig(p.Config).RemovePermission(ctx, &eventbridge.RemovePermissionInput{RemoveAllPermissions: true})
		return cleaner.IgnoreGone(err)
	},
}
