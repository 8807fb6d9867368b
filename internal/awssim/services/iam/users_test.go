package iam_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kodekloud/kml/internal/awssim/core"
)

func TestUserLifecycle(t *testing.T) {
	t.Parallel()
	b, ctx, name := setup(t, core.Options{}), t.Context(), aws.String("ada")
	tags := []types.Tag{{Key: aws.String("lab"), Value: aws.String("x y")}}
	made := must(b.admin.CreateUser(ctx, &awsiam.CreateUserInput{UserName: name, Path: aws.String("/kml/"), Tags: tags}))(t)
	if *made.User.Arn != "arn:aws:iam::111111111111:user/kml/ada" || (*made.User.UserId)[:4] != "AIDA" {
		t.Fatalf("CreateUser = %+v", made.User)
	}
	_, err := b.admin.CreateUser(ctx, &awsiam.CreateUserInput{UserName: aws.String("ADA")})
	want(t, "a name in other case", err, "EntityAlreadyExists")
	got := must(b.admin.GetUser(ctx, &awsiam.GetUserInput{UserName: name}))(t)
	if len(got.User.Tags) != 1 || *got.User.Tags[0].Value != "x y" {
		t.Fatalf("tags = %+v", got.User.Tags)
	}
	listed := must(b.admin.ListUsers(ctx, &awsiam.ListUsersInput{PathPrefix: aws.String("/kml/")}))(t)
	if len(listed.Users) != 1 || listed.Users[0].Tags != nil {
		t.Fatalf("ListUsers tells a subset: %+v", listed.Users)
	}
	self := must(b.admin.GetUser(ctx, &awsiam.GetUserInput{}))(t)
	if *self.User.UserName != "admin" {
		t.Fatalf("GetUser of oneself = %s", *self.User.UserName)
	}
	must(b.admin.UpdateUser(ctx, &awsiam.UpdateUserInput{UserName: name, NewUserName: aws.String("grace")}))(t)
	_, err = b.admin.GetUser(ctx, &awsiam.GetUserInput{UserName: name})
	want(t, "the old name", err, "NoSuchEntity")
	must(b.admin.DeleteUser(ctx, &awsiam.DeleteUserInput{UserName: aws.String("grace")}))(t)
	_, err = b.admin.CreateUser(ctx, &awsiam.CreateUserInput{UserName: aws.String("a/b")})
	want(t, "a bad name", err, "ValidationError")
}

// TestDeleteUserOrder hangs everything on a user and takes it off again: only
// then can it be deleted.
func TestDeleteUserOrder(t *testing.T) {
	t.Parallel()
	b, ctx, u := setup(t, core.Options{}), t.Context(), aws.String("ada")
	c := b.admin
	must(c.CreateUser(ctx, &awsiam.CreateUserInput{UserName: u}))(t)
	refused := func(what string) {
		t.Helper()
		_, err := c.DeleteUser(ctx, &awsiam.DeleteUserInput{UserName: u})
		want(t, "delete with "+what, err, "DeleteConflict")
	}
	must(c.CreateGroup(ctx, &awsiam.CreateGroupInput{GroupName: aws.String("g")}))(t)
	must(c.AddUserToGroup(ctx, &awsiam.AddUserToGroupInput{GroupName: aws.String("g"), UserName: u}))(t)
	refused("group")
	_, err := c.DeleteGroup(ctx, &awsiam.DeleteGroupInput{GroupName: aws.String("g")})
	want(t, "delete a group with members", err, "DeleteConflict")
	must(c.RemoveUserFromGroup(ctx, &awsiam.RemoveUserFromGroupInput{GroupName: aws.String("g"), UserName: u}))(t)

	arn := aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")
	must(c.AttachUserPolicy(ctx, &awsiam.AttachUserPolicyInput{UserName: u, PolicyArn: arn}))(t)
	refused("attached policy")
	must(c.DetachUserPolicy(ctx, &awsiam.DetachUserPolicyInput{UserName: u, PolicyArn: arn}))(t)

	must(c.PutUserPolicy(ctx, &awsiam.PutUserPolicyInput{UserName: u, PolicyName: aws.String("p"), PolicyDocument: aws.String(allowAll)}))(t)
	refused("inline policy")
	must(c.DeleteUserPolicy(ctx, &awsiam.DeleteUserPolicyInput{UserName: u, PolicyName: aws.String("p")}))(t)

	k := must(c.CreateAccessKey(ctx, &awsiam.CreateAccessKeyInput{UserName: u}))(t)
	refused("access key")
	must(c.DeleteAccessKey(ctx, &awsiam.DeleteAccessKeyInput{UserName: u, AccessKeyId: k.AccessKey.AccessKeyId}))(t)

	must(c.CreateLoginProfile(ctx, &awsiam.CreateLoginProfileInput{UserName: u, Password: aws.String("Correct-horse1")}))(t)
	refused("login profile")
	must(c.DeleteLoginProfile(ctx, &awsiam.DeleteLoginProfileInput{UserName: u}))(t)

	d := must(c.CreateVirtualMFADevice(ctx, &awsiam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("d")}))(t).VirtualMFADevice
	must(c.EnableMFADevice(ctx, &awsiam.EnableMFADeviceInput{UserName: u, SerialNumber: d.SerialNumber,
		AuthenticationCode1: aws.String("123456"), AuthenticationCode2: aws.String("654321")}))(t)
	refused("MFA device")
	_, err = c.DeleteVirtualMFADevice(ctx, &awsiam.DeleteVirtualMFADeviceInput{SerialNumber: d.SerialNumber})
	want(t, "delete a device in use", err, "DeleteConflict")
	must(c.DeactivateMFADevice(ctx, &awsiam.DeactivateMFADeviceInput{UserName: u, SerialNumber: d.SerialNumber}))(t)
	must(c.DeleteVirtualMFADevice(ctx, &awsiam.DeleteVirtualMFADeviceInput{SerialNumber: d.SerialNumber}))(t)

	key := must(c.UploadSSHPublicKey(ctx, &awsiam.UploadSSHPublicKeyInput{UserName: u, SSHPublicKeyBody: aws.String("ssh-rsa QUJD ada@x")}))(t)
	refused("SSH key")
	must(c.DeleteSSHPublicKey(ctx, &awsiam.DeleteSSHPublicKeyInput{UserName: u, SSHPublicKeyId: key.SSHPublicKey.SSHPublicKeyId}))(t)

	pem := "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"
	cert := must(c.UploadSigningCertificate(ctx, &awsiam.UploadSigningCertificateInput{UserName: u, CertificateBody: &pem}))(t)
	refused("signing certificate")
	must(c.DeleteSigningCertificate(ctx, &awsiam.DeleteSigningCertificateInput{UserName: u, CertificateId: cert.Certificate.CertificateId}))(t)

	cred := must(c.CreateServiceSpecificCredential(ctx, &awsiam.CreateServiceSpecificCredentialInput{UserName: u, ServiceName: aws.String("codecommit.amazonaws.com")}))(t)
	refused("service-specific credential")
	must(c.DeleteServiceSpecificCredential(ctx, &awsiam.DeleteServiceSpecificCredentialInput{UserName: u,
		ServiceSpecificCredentialId: cred.ServiceSpecificCredential.ServiceSpecificCredentialId}))(t)

	must(c.DeleteUser(ctx, &awsiam.DeleteUserInput{UserName: u}))(t)
	_, err = c.DeleteUser(ctx, &awsiam.DeleteUserInput{UserName: u})
	want(t, "delete twice", err, "NoSuchEntity")
}

func TestPaging(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{}), t.Context()
	for n := range 7 {
		must(b.admin.CreateGroup(ctx, &awsiam.CreateGroupInput{GroupName: aws.String(fmt.Sprintf("g%d", n))}))(t)
	}
	var names []string
	p := awsiam.NewListGroupsPaginator(b.admin, &awsiam.ListGroupsInput{MaxItems: aws.Int32(3)})
	for pages := 1; p.HasMorePages(); pages++ {
		page := must(p.NextPage(ctx))(t)
		for _, g := range page.Groups {
			names = append(names, *g.GroupName)
			// Deleting what was listed must not make the next page skip anything.
			must(b.admin.DeleteGroup(ctx, &awsiam.DeleteGroupInput{GroupName: g.GroupName}))(t)
		}
		if pages > 3 {
			t.Fatal("more than three pages")
		}
	}
	if len(names) != 7 {
		t.Fatalf("listed %v", names)
	}
	_, err := b.admin.ListGroups(ctx, &awsiam.ListGroupsInput{Marker: aws.String("!")})
	want(t, "a marker no list gave", err, "ValidationError")
	_, err = b.admin.ListGroups(ctx, &awsiam.ListGroupsInput{MaxItems: aws.Int32(1001)})
	want(t, "MaxItems over 1000", err, "ValidationError")
}

func TestKeys(t *testing.T) {
	t.Parallel()
	b, ctx, u := setup(t, core.Options{}), t.Context(), aws.String("ada")
	_, s := b.user(t, "ada", "")
	must(s.GetCallerIdentity(ctx, nil))(t)
	second := must(b.admin.CreateAccessKey(ctx, &awsiam.CreateAccessKeyInput{UserName: u}))(t).AccessKey
	_, err := b.admin.CreateAccessKey(ctx, &awsiam.CreateAccessKeyInput{UserName: u})
	want(t, "a third key", err, "LimitExceeded")
	_, s2 := b.clients(*second.AccessKeyId, *second.SecretAccessKey, "")
	must(s2.GetCallerIdentity(ctx, nil))(t)
	used := must(b.admin.GetAccessKeyLastUsed(ctx, &awsiam.GetAccessKeyLastUsedInput{AccessKeyId: second.AccessKeyId}))(t)
	if *used.UserName != "ada" || *used.AccessKeyLastUsed.ServiceName != "sts" || *used.AccessKeyLastUsed.Region != "eu-west-1" {
		t.Fatalf("last used = %+v", used.AccessKeyLastUsed)
	}
	must(b.admin.UpdateAccessKey(ctx, &awsiam.UpdateAccessKeyInput{UserName: u, AccessKeyId: second.AccessKeyId, Status: types.StatusTypeInactive}))(t)
	_, err = s2.GetCallerIdentity(ctx, nil)
	want(t, "an inactive key", err, "InvalidClientTokenId")
	must(b.admin.UpdateAccessKey(ctx, &awsiam.UpdateAccessKeyInput{UserName: u, AccessKeyId: second.AccessKeyId, Status: types.StatusTypeActive}))(t)
	must(s2.GetCallerIdentity(ctx, nil))(t)
	must(b.admin.DeleteAccessKey(ctx, &awsiam.DeleteAccessKeyInput{UserName: u, AccessKeyId: second.AccessKeyId}))(t)
	_, err = s2.GetCallerIdentity(ctx, nil)
	want(t, "a deleted key", err, "InvalidClientTokenId")
}

func TestPassword(t *testing.T) {
	t.Parallel()
	b, ctx, u := setup(t, core.Options{}), t.Context(), aws.String("ada")
	c, _ := b.user(t, "ada", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ChangePassword","Resource":"arn:aws:iam::*:user/${aws:username}"}]}`)
	_, err := b.admin.CreateLoginProfile(ctx, &awsiam.CreateLoginProfileInput{UserName: u, Password: aws.String("short")})
	want(t, "a weak password", err, "PasswordPolicyViolation")
	must(b.admin.CreateLoginProfile(ctx, &awsiam.CreateLoginProfileInput{UserName: u, Password: aws.String("First-one1"), PasswordResetRequired: true}))(t)
	_, err = c.ChangePassword(ctx, &awsiam.ChangePasswordInput{OldPassword: aws.String("wrong"), NewPassword: aws.String("Second-one2")})
	want(t, "a wrong old password", err, "AccessDenied")
	must(c.ChangePassword(ctx, &awsiam.ChangePasswordInput{OldPassword: aws.String("First-one1"), NewPassword: aws.String("Second-one2")}))(t)
	b.w.Do(func() {
		if b.iam.SignIn(account, "ada", "First-one1", b.w.Clock.Now()) || !b.iam.SignIn(account, "ada", "Second-one2", b.w.Clock.Now()) {
			t.Error("the console must take the new password and not the old")
		}
	})
	must(b.admin.DeleteLoginProfile(ctx, &awsiam.DeleteLoginProfileInput{UserName: u}))(t)
	b.w.Do(func() {
		if b.iam.SignIn(account, "ada", "Second-one2", b.w.Clock.Now()) {
			t.Error("signed in without a login profile")
		}
	})
}
