package kinds_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

const (
	trustLambda = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	allowAll    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	readOnly    = "arn:aws:iam::aws:policy/ReadOnlyAccess"
)

func (b *bench) iam() *iam.Client { return iam.NewFromConfig(b.admin) }

func (b *bench) role(name *string) *string {
	r := ok[*iam.CreateRoleOutput](b)(b.iam().CreateRole(b.Context(), &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(trustLambda)}))
	b.must(b.iam().AttachRolePolicy(b.Context(), &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String(readOnly)}))
	b.must(b.iam().PutRolePolicy(b.Context(), &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("own"), PolicyDocument: aws.String(allowAll)}))
	return r.Role.Arn
}

func (b *bench) policy(name *string) *string {
	p := ok[*iam.CreatePolicyOutput](b)(b.iam().CreatePolicy(b.Context(), &iam.CreatePolicyInput{PolicyName: name, PolicyDocument: aws.String(allowAll)}))
	return p.Policy.Arn
}

// userWithParts makes a user with all that must go before it.
func (b *bench) userWithParts(name *string) {
	c, ctx := b.iam(), b.Context()
	b.must(c.CreateUser(ctx, &iam.CreateUserInput{UserName: name}))
	b.must(c.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: name, Password: aws.String("Correct-Horse-7")}))
	b.must(c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name}))
	b.must(c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name}))
	b.must(c.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{UserName: name, ServiceName: aws.String("codecommit.amazonaws.com")}))
	b.must(c.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: name, PolicyArn: aws.String(readOnly)}))
	b.must(c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: name, PolicyName: aws.String("own"), PolicyDocument: aws.String(allowAll)}))
	cert, _ := selfSigned(b)
	b.must(c.UploadSigningCertificate(ctx, &iam.UploadSigningCertificateInput{UserName: name, CertificateBody: &cert}))
}

func selfSigned(b *bench) (cert, key string) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "lab.example.com"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &k.PublicKey, k)
	if err != nil {
		b.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		b.Fatal(err)
	}
	enc := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return enc("CERTIFICATE", der), enc("EC PRIVATE KEY", private)
}

var seedsOfIAM = map[string]seed{
	"iam.user": {make: func(b *bench, n int) {
		for i := range n {
			b.userWithParts(b.name("student", i))
		}
	}},
	// The fleet's own user, which stays, is in the first.
	"iam.group": {make: func(b *bench, n int) {
		for i := range n {
			name := b.name("group", i)
			b.must(b.iam().CreateGroup(b.Context(), &iam.CreateGroupInput{GroupName: name}))
			b.must(b.iam().AttachGroupPolicy(b.Context(), &iam.AttachGroupPolicyInput{GroupName: name, PolicyArn: aws.String(readOnly)}))
			b.must(b.iam().PutGroupPolicy(b.Context(), &iam.PutGroupPolicyInput{GroupName: name, PolicyName: aws.String("own"), PolicyDocument: aws.String(allowAll)}))
			if i == 0 {
				b.must(b.iam().AddUserToGroup(b.Context(), &iam.AddUserToGroupInput{GroupName: name, UserName: aws.String("admin")}))
			}
		}
	}},
	"iam.role": {make: func(b *bench, n int) {
		for i := range n {
			b.role(b.name("role", i))
		}
	}},
	// The first has more versions than one, and hangs on what stays.
	"iam.policy": {make: func(b *bench, n int) {
		for i := range n {
			arn := b.policy(b.name("policy", i))
			if i == 0 {
				b.must(b.iam().CreatePolicyVersion(b.Context(), &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(allowAll), SetAsDefault: true}))
				b.must(b.iam().AttachUserPolicy(b.Context(), &iam.AttachUserPolicyInput{UserName: aws.String("admin"), PolicyArn: arn}))
			}
		}
	}},
	"iam.instance_profile": {make: func(b *bench, n int) {
		role := b.name("host", 0)
		b.role(role)
		for i := range n {
			name := b.name("profile", i)
			b.must(b.iam().CreateInstanceProfile(b.Context(), &iam.CreateInstanceProfileInput{InstanceProfileName: name}))
			b.must(b.iam().AddRoleToInstanceProfile(b.Context(), &iam.AddRoleToInstanceProfileInput{InstanceProfileName: name, RoleName: role}))
		}
	}},
	"iam.mfa_device": {make: func(b *bench, n int) {
		for i := range n {
			b.must(b.iam().CreateVirtualMFADevice(b.Context(), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: b.name("phone", i)}))
		}
	}},
	"iam.oidc_provider": {only: "ListOpenIDConnectProviders has no pages", make: func(b *bench, n int) {
		for i := range n {
			b.must(b.iam().CreateOpenIDConnectProvider(b.Context(), &iam.CreateOpenIDConnectProviderInput{
				Url: aws.String("https://" + *b.name("id", i) + ".example.com"), ClientIDList: []string{"lab"}, ThumbprintList: []string{"9e99a48a9960b14926bb7f3b02e22da2b0ab7280"},
			}))
		}
	}},
	"iam.saml_provider": {only: "ListSAMLProviders has no pages", make: func(b *bench, n int) {
		for i := range n {
			b.must(b.iam().CreateSAMLProvider(b.Context(), &iam.CreateSAMLProviderInput{Name: b.name("saml", i), SAMLMetadataDocument: aws.String(samlMetadata())}))
		}
	}},
	"iam.server_certificate": {make: func(b *bench, n int) {
		for i := range n {
			cert, key := selfSigned(b)
			b.must(b.iam().UploadServerCertificate(b.Context(), &iam.UploadServerCertificateInput{ServerCertificateName: b.name("cert", i), CertificateBody: &cert, PrivateKey: &key}))
		}
	}},
}

// samlMetadata is as long as IAM wants it: 1,000 characters at least.
func samlMetadata() string {
	pad := make([]byte, 1000)
	for i := range pad {
		pad[i] = 'x'
	}
	return `<?xml version="1.0"?><EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com"><!-- ` + string(pad) +
		` --><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/sso"/></IDPSSODescriptor></EntityDescriptor>`
}
