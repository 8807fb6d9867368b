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
	"strings"

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
		func() error { return deleteServiceCredentials(ctx, c, user) },
		func() error {
			pages := iam.NewListSSHPublicKeysPaginator(c, &iam.ListSSHPublicKeysInput{UserName: u})
			return walk(ctx, pages, func(o *iam.ListSSHPublicKeysOutput) []types.SSHPublicKeyMetadata { return o.SSHPublicKeys }, func(x types.SSHPublicKeyMetadata) error {
				return gone(c.DeleteSSHPublicKey(ctx, &iam.DeleteSSHPublicKeyInput{UserName: u, SSHPublicKeyId: x.SSHPublicKeyId}))
			})
		},
		func() error {
			pages := iam.NewListSigningCertificatesPaginator(c, &iam.ListSigningCertificatesInput{UserName: u})
			return walk(ctx, pages, func(o *iam.ListSigningCertificatesOutput) []types.SigningCertificate { return o.Certificates }, func(x types.SigningCertificate) error {
				return gone(c.DeleteSigningCertificate(ctx, &iam.DeleteSigningCertificateInput{UserName: u, CertificateId: x.CertificateId}))
			})
		},
		func() error { return disarmMFA(ctx, c, user) },
	)
}

// DeleteKeys deletes a user's access keys except keep.
func DeleteKeys(ctx context.Context, c *iam.Client, user, keep string) error {
	pages := iam.NewListAccessKeysPaginator(c, &iam.ListAccessKeysInput{UserName: &user})
	return walk(ctx, pages, func(o *iam.ListAccessKeysOutput) []types.AccessKeyMetadata { return o.AccessKeyMetadata }, func(k types.AccessKeyMetadata) error {
		if aws.ToString(k.AccessKeyId) == keep {
			return nil
		}
		return gone(c.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: &user, AccessKeyId: k.AccessKeyId}))
	})
}

// deleteServiceCredentials deletes passwords and keys of single services. The
// SDK has no paginator for them.
func deleteServiceCredentials(ctx context.Context, c *iam.Client, user string) error {
	in := &iam.ListServiceSpecificCredentialsInput{UserName: &user}
	for {
		out, err := c.ListServiceSpecificCredentials(ctx, in)
		if err != nil {
			return gone(0, err)
		}
		var errs []error
		for _, x := range out.ServiceSpecificCredentials {
			errs = append(errs, gone(c.DeleteServiceSpecificCredential(ctx, &iam.DeleteServiceSpecificCredentialInput{UserName: &user, ServiceSpecificCredentialId: x.ServiceSpecificCredentialId})))
		}
		if err := errors.Join(errs...); err != nil || !out.IsTruncated {
			return err
		}
		in.Marker = out.Marker
	}
}

func disarmMFA(ctx context.Context, c *iam.Client, user string) error {
	pages := iam.NewListMFADevicesPaginator(c, &iam.ListMFADevicesInput{UserName: &user})
	return walk(ctx, pages, func(o *iam.ListMFADevicesOutput) []types.MFADevice { return o.MFADevices }, func(d types.MFADevice) error {
		if err := gone(c.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: &user, SerialNumber: d.SerialNumber})); err != nil {
			return err
		}
		// Virtual devices have an ARN; hardware has the maker's serial number, and
		// a security key an ARN of its own, and both are gone when deactivated.
		if !strings.Contains(aws.ToString(d.SerialNumber), ":mfa/") {
			return nil
		}
		return gone(c.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: d.SerialNumber}))
	})
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

type pager[Out any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*iam.Options)) (*Out, error)
}

// walk visits what every page lists; one that cannot be dealt with does not keep
// the others. A list that says the user is gone lists nothing.
func walk[Out, T any](ctx context.Context, p pager[Out], list func(*Out) []T, f func(T) error) error {
	var errs []error
	for p.HasMorePages() {
		out, err := p.NextPage(ctx)
		if err != nil {
			if err := gone(0, err); err != nil {
				errs = append(errs, fmt.Errorf("list: %w", err))
			}
			break
		}
		for _, x := range list(out) {
			errs = append(errs, f(x))
		}
	}
	return errors.Join(errs...)
}
