// Package iamuser takes IAM users apart in the order that AWS demands. It is
// shared by the fleet's own users (package identity) and by the cleaner of those
// that students made.
//
// Invariants:
//   - Every list is read to its end before anything is concluded from it.
//   - What is gone already is success; nothing else is swallowed.
package iamuser

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kodekloud/kml/internal/awsclient"
)

// Disarm takes all credentials from a user: access keys, login profile,
// service-specific credentials, SSH keys, signing certificates, MFA devices.
func Disarm(ctx context.Context, c *iam.Client, user string) error {
	u := &user
	return inOrder(
		func() error { return DeleteKeys(ctx, c, user, "") },
		func() error { return gone(c.DeleteLoginProfile(ctx, &iam.DeleteLoginProfileInput{UserName: u})) },
		func() error {
			out, err := c.ListServiceSpecificCredentials(ctx, &iam.ListServiceSpecificCredentialsInput{UserName: u})
			return each(err, func() []types.ServiceSpecificCredentialMetadata { return out.ServiceSpecificCredentials }, func(x types.ServiceSpecificCredentialMetadata) error {
				return gone(c.DeleteServiceSpecificCredential(ctx, &iam.DeleteServiceSpecificCredentialInput{UserName: u, ServiceSpecificCredentialId: x.ServiceSpecificCredentialId}))
			})
		},
		func() error {
			out, err := c.ListSSHPublicKeys(ctx, &iam.ListSSHPublicKeysInput{UserName: u})
			return each(err, func() []types.SSHPublicKeyMetadata { return out.SSHPublicKeys }, func(x types.SSHPublicKeyMetadata) error {
				return gone(c.DeleteSSHPublicKey(ctx, &iam.DeleteSSHPublicKeyInput{UserName: u, SSHPublicKeyId: x.SSHPublicKeyId}))
			})
		},
		func() error {
			out, err := c.ListSigningCertificates(ctx, &iam.ListSigningCertificatesInput{UserName: u})
			return each(err, func() []types.SigningCertificate { return out.Certificates }, func(x types.SigningCertificate) error {
				return gone(c.DeleteSigningCertificate(ctx, &iam.DeleteSigningCertificateInput{UserName: u, CertificateId: x.CertificateId}))
			})
		},
		func() error { return disarmMFA(ctx, c, user) },
	)
}

// DeleteKeys deletes a user's access keys except keep.
func DeleteKeys(ctx context.Context, c *iam.Client, user, keep string) error {
	pages := iam.NewListAccessKeysPaginator(c, &iam.ListAccessKeysInput{UserName: &user})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		err = each(err, func() []types.AccessKeyMetadata { return out.AccessKeyMetadata }, func(k types.AccessKeyMetadata) error {
			if aws.ToString(k.AccessKeyId) == keep {
				return nil
			}
			return gone(c.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: &user, AccessKeyId: k.AccessKeyId}))
		})
		if err != nil || out == nil {
			return err
		}
	}
	return nil
}

func disarmMFA(ctx context.Context, c *iam.Client, user string) error {
	pages := iam.NewListMFADevicesPaginator(c, &iam.ListMFADevicesInput{UserName: &user})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		err = each(err, func() []types.MFADevice { return out.MFADevices }, func(d types.MFADevice) error {
			if err := gone(c.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: &user, SerialNumber: d.SerialNumber})); err != nil {
				return err
			}
			return gone(c.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: d.SerialNumber}))
		})
		if err != nil || out == nil {
			return err
		}
	}
	return nil
}

// Delete deletes a user with all that hangs on it. A user that is gone already
// is success.
func Delete(ctx context.Context, c *iam.Client, user string) error {
	u := &user
	return inOrder(
		func() error { return Disarm(ctx, c, user) },
		func() error {
			pages := iam.NewListUserPoliciesPaginator(c, &iam.ListUserPoliciesInput{UserName: u})
			return walk(ctx, pages, func(o *iam.ListUserPoliciesOutput) []string { return o.PolicyNames }, func(name string) error {
				return gone(c.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: u, PolicyName: &name}))
			})
		},
		func() error {
			pages := iam.NewListAttachedUserPoliciesPaginator(c, &iam.ListAttachedUserPoliciesInput{UserName: u})
			return walk(ctx, pages, func(o *iam.ListAttachedUserPoliciesOutput) []types.AttachedPolicy { return o.AttachedPolicies }, func(p types.AttachedPolicy) error {
				return gone(c.DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: u, PolicyArn: p.PolicyArn}))
			})
		},
		func() error {
			pages := iam.NewListGroupsForUserPaginator(c, &iam.ListGroupsForUserInput{UserName: u})
			return walk(ctx, pages, func(o *iam.ListGroupsForUserOutput) []types.Group { return o.Groups }, func(g types.Group) error {
				return gone(c.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{UserName: u, GroupName: g.GroupName}))
			})
		},
		func() error { return gone(c.DeleteUser(ctx, &iam.DeleteUserInput{UserName: u})) },
	)
}

// DeletePolicy deletes a customer managed policy with its versions; it must be
// attached nowhere.
func DeletePolicy(ctx context.Context, c *iam.Client, arn string) error {
	pages := iam.NewListPolicyVersionsPaginator(c, &iam.ListPolicyVersionsInput{PolicyArn: &arn})
	err := walk(ctx, pages, func(o *iam.ListPolicyVersionsOutput) []types.PolicyVersion { return o.Versions }, func(v types.PolicyVersion) error {
		if v.IsDefaultVersion {
			return nil
		}
		return gone(c.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: &arn, VersionId: v.VersionId}))
	})
	if err != nil {
		return err
	}
	return gone(c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &arn}))
}

// gone drops the error of something that is not there any more.
func gone[T any](_ T, err error) error {
	if err != nil && awsclient.Classify(err) == awsclient.Gone {
		return nil
	}
	return err
}

func inOrder(steps ...func() error) error {
	for _, s := range steps {
		if err := s(); err != nil {
			return err
		}
	}
	return nil
}

// each visits what a list gave. A list that says the user is gone lists nothing.
func each[T any](err error, list func() []T, f func(T) error) error {
	if err != nil {
		return gone(0, err)
	}
	var errs []error
	for _, x := range list() {
		errs = append(errs, f(x))
	}
	return errors.Join(errs...)
}

type pager[Out any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*iam.Options)) (*Out, error)
}

func walk[Out, T any](ctx context.Context, p pager[Out], list func(*Out) []T, f func(T) error) error {
	for p.HasMorePages() {
		out, err := p.NextPage(ctx)
		if err != nil {
			if err := gone(0, err); err != nil {
				return fmt.Errorf("list: %w", err)
			}
			return nil
		}
		for _, x := range list(out) {
			if err := f(x); err != nil {
				return err
			}
		}
	}
	return nil
}
