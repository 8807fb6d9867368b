package iam_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// kinds are the kinds of things in the account, but for the administrator's.
func (b *bundle) kinds() []string {
	var out []string
	for _, r := range b.w.Inventory(account)[account] {
		if r.ID != "admin" && r.Kind != "access-key" {
			out = append(out, r.Kind)
		}
	}
	slices.Sort(out)
	return out
}

// TestBackDoors makes all that could let somebody in again, finds it in the
// oracle and in the lists, and deletes it.
func TestBackDoors(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, core.Options{}), t.Context()
	c, pem := b.admin, "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"
	oidc := must(c.CreateOpenIDConnectProvider(ctx, &awsiam.CreateOpenIDConnectProviderInput{Url: aws.String("https://id.example.com/a"), ClientIDList: []string{"c"}}))(t).OpenIDConnectProviderArn
	_, err := c.CreateOpenIDConnectProvider(ctx, &awsiam.CreateOpenIDConnectProviderInput{Url: aws.String("https://id.example.com/a")})
	want(t, "a provider twice", err, "EntityAlreadyExists")
	saml := must(c.CreateSAMLProvider(ctx, &awsiam.CreateSAMLProviderInput{Name: aws.String("s"), SAMLMetadataDocument: aws.String(strings.Repeat("x", 1000))}))(t).SAMLProviderArn
	must(c.UploadServerCertificate(ctx, &awsiam.UploadServerCertificateInput{ServerCertificateName: aws.String("web"), CertificateBody: &pem, PrivateKey: aws.String("k")}))(t)
	must(c.CreateAccountAlias(ctx, &awsiam.CreateAccountAliasInput{AccountAlias: aws.String("my-lab")}))(t)
	must(c.UpdateAccountPasswordPolicy(ctx, &awsiam.UpdateAccountPasswordPolicyInput{MinimumPasswordLength: aws.Int32(14)}))(t)
	device := must(c.CreateVirtualMFADevice(ctx, &awsiam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("d")}))(t).VirtualMFADevice.SerialNumber

	wanted := []string{"account-alias", "mfa-device", "oidc-provider", "password-policy", "saml-provider", "server-certificate"}
	if got := b.kinds(); !slices.Equal(got, wanted) {
		t.Fatalf("inventory = %v", got)
	}
	if l := must(c.ListOpenIDConnectProviders(ctx, nil))(t).OpenIDConnectProviderList; len(l) != 1 || *l[0].Arn != *oidc {
		t.Fatalf("OIDC providers = %v", l)
	}
	if l := must(c.ListSAMLProviders(ctx, nil))(t).SAMLProviderList; len(l) != 1 || *l[0].Arn != *saml {
		t.Fatalf("SAML providers = %v", l)
	}
	if l := must(c.ListServerCertificates(ctx, nil))(t).ServerCertificateMetadataList; len(l) != 1 {
		t.Fatalf("certificates = %v", l)
	}
	if l := must(c.ListVirtualMFADevices(ctx, nil))(t).VirtualMFADevices; len(l) != 1 {
		t.Fatalf("devices = %v", l)
	}
	if l := must(c.ListAccountAliases(ctx, nil))(t).AccountAliases; !slices.Equal(l, []string{"my-lab"}) {
		t.Fatalf("aliases = %v", l)
	}
	must(c.DeleteOpenIDConnectProvider(ctx, &awsiam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: oidc}))(t)
	must(c.DeleteSAMLProvider(ctx, &awsiam.DeleteSAMLProviderInput{SAMLProviderArn: saml}))(t)
	must(c.DeleteServerCertificate(ctx, &awsiam.DeleteServerCertificateInput{ServerCertificateName: aws.String("web")}))(t)
	must(c.DeleteAccountAlias(ctx, &awsiam.DeleteAccountAliasInput{AccountAlias: aws.String("my-lab")}))(t)
	must(c.DeleteAccountPasswordPolicy(ctx, nil))(t)
	must(c.DeleteVirtualMFADevice(ctx, &awsiam.DeleteVirtualMFADeviceInput{SerialNumber: device}))(t)
	if got := b.kinds(); len(got) != 0 {
		t.Fatalf("left: %v", got)
	}
	_, err = c.GetAccountPasswordPolicy(ctx, nil)
	want(t, "no password policy", err, "NoSuchEntity")
}

// TestSessionOutlivesItsKey: deleting the key ends no session made with it,
// deleting the user does.
func TestSessionOutlivesItsKey(t *testing.T) {
	t.Parallel()
	b, ctx, u := setup(t, core.Options{}), t.Context(), aws.String("ada")
	_, s := b.user(t, "ada", allowAll)
	own := must(s.GetSessionToken(ctx, nil))(t).Credentials
	_, session := b.clients(*own.AccessKeyId, *own.SecretAccessKey, *own.SessionToken)
	keys := must(b.admin.ListAccessKeys(ctx, &awsiam.ListAccessKeysInput{UserName: u}))(t).AccessKeyMetadata
	must(b.admin.DeleteAccessKey(ctx, &awsiam.DeleteAccessKeyInput{UserName: u, AccessKeyId: keys[0].AccessKeyId}))(t)
	must(session.GetCallerIdentity(ctx, nil))(t)
	must(b.admin.DeleteUserPolicy(ctx, &awsiam.DeleteUserPolicyInput{UserName: u, PolicyName: aws.String("p")}))(t)
	must(b.admin.DeleteUser(ctx, &awsiam.DeleteUserInput{UserName: u}))(t)
	_, err := session.GetCallerIdentity(ctx, nil)
	want(t, "a session of a deleted user", err, "InvalidClientTokenId")
}
