package iamuser_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/iamuser"
	"github.com/kodekloud/kml/internal/identity/labtest"
)

const name = "student"

type bench struct {
	*labtest.Lab
	c  *iam.Client
	id string
}

// open gives an account with a user that has one or more of everything.
func open(t *testing.T) *bench {
	t.Helper()
	l := labtest.Open(t, labtest.Options{})
	b := &bench{l, iam.NewFromConfig(l.Root(l.IDs[0], "us-east-1")), l.IDs[0]}
	ctx, u := t.Context(), aws.String(name)
	b.did(b.c.CreateUser(ctx, &iam.CreateUserInput{UserName: u, PermissionsBoundary: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")}))
	b.did(b.c.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: u, Password: aws.String("Correct-horse-7-battery")}))
	for range 2 {
		b.did(b.c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: u}))
		b.did(b.c.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{UserName: u, ServiceName: aws.String("codecommit.amazonaws.com")}))
	}
	ssh, certificate := b.keys()
	b.did(b.c.UploadSSHPublicKey(ctx, &iam.UploadSSHPublicKeyInput{UserName: u, SSHPublicKeyBody: &ssh}))
	b.did(b.c.UploadSigningCertificate(ctx, &iam.UploadSigningCertificateInput{UserName: u, CertificateBody: &certificate}))
	device, err := b.c.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: u})
	b.did(device, err)
	b.did(b.c.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{UserName: u, SerialNumber: device.VirtualMFADevice.SerialNumber, AuthenticationCode1: aws.String("123456"), AuthenticationCode2: aws.String("654321")}))
	b.did(b.c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: u, PolicyName: aws.String("own"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)}))
	b.did(b.c.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: u, PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")}))
	b.did(b.c.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("class")}))
	b.did(b.c.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("class"), UserName: u}))
	return b
}

func (b *bench) did(_ any, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// keys makes an SSH public key and a certificate.
func (b *bench) keys() (ssh, certificate string) {
	b.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	b.did(nil, err)
	var wire []byte
	for _, part := range [][]byte{[]byte("ssh-rsa"), big.NewInt(int64(key.E)).Bytes(), append([]byte{0}, key.N.Bytes()...)} {
		wire = append(binary.BigEndian.AppendUint32(wire, uint32(len(part))), part...)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	b.did(nil, err)
	return "ssh-rsa " + base64.StdEncoding.EncodeToString(wire), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// left tells what of the user the oracle still knows.
func (b *bench) left() (out []string) {
	for _, r := range b.Left(b.id) {
		if r.Kind != "group" {
			out = append(out, r.Kind+" "+r.ID)
		}
	}
	return out
}

func TestDisarmTakesEveryCredential(t *testing.T) {
	t.Parallel()
	b := open(t)
	for range 2 { // twice is once
		if err := iamuser.Disarm(t.Context(), b.c, name); err != nil {
			t.Fatal(err)
		}
	}
	u, ctx := aws.String(name), t.Context()
	keys, err1 := b.c.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: u})
	special, err2 := b.c.ListServiceSpecificCredentials(ctx, &iam.ListServiceSpecificCredentialsInput{UserName: u})
	ssh, err3 := b.c.ListSSHPublicKeys(ctx, &iam.ListSSHPublicKeysInput{UserName: u})
	certificates, err4 := b.c.ListSigningCertificates(ctx, &iam.ListSigningCertificatesInput{UserName: u})
	mfa, err5 := b.c.ListVirtualMFADevices(ctx, &iam.ListVirtualMFADevicesInput{})
	for _, err := range []error{err1, err2, err3, err4, err5} {
		b.did(nil, err)
	}
	if n := len(keys.AccessKeyMetadata) + len(special.ServiceSpecificCredentials) + len(ssh.SSHPublicKeys) + len(certificates.Certificates) + len(mfa.VirtualMFADevices); n > 0 {
		t.Errorf("%d credentials are left", n)
	}
	if _, err := b.c.GetLoginProfile(ctx, &iam.GetLoginProfileInput{UserName: u}); awsclient.Classify(err) != awsclient.Gone {
		t.Errorf("password: %v", err)
	}
	if _, err := b.c.GetUser(ctx, &iam.GetUserInput{UserName: u}); err != nil {
		t.Errorf("the user went too: %v", err)
	}
}

func TestDeleteKeysButOne(t *testing.T) {
	t.Parallel()
	b := open(t)
	all, err := b.c.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: aws.String(name)})
	b.did(all, err)
	keep := *all.AccessKeyMetadata[1].AccessKeyId
	if err := iamuser.DeleteKeys(t.Context(), b.c, name, keep); err != nil {
		t.Fatal(err)
	}
	if all, err = b.c.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: aws.String(name)}); err != nil || len(all.AccessKeyMetadata) != 1 || *all.AccessKeyMetadata[0].AccessKeyId != keep {
		t.Errorf("%v %v", all.AccessKeyMetadata, err)
	}
}

// TestDeleteFromAnyCrash loses the reply of every operation that a deletion
// makes, and then deletes again; and has every one of them denied, which must not
// count as done.
func TestDeleteFromAnyCrash(t *testing.T) {
	t.Parallel()
	b := open(t)
	before := operations(b)
	if err := iamuser.Delete(t.Context(), b.c, name); err != nil {
		t.Fatal(err)
	}
	if left := b.left(); len(left) > 0 {
		t.Fatalf("left: %v", left)
	}
	if err := iamuser.Delete(t.Context(), b.c, name); err != nil {
		t.Errorf("the second time: %v", err)
	}
	ops := slices.DeleteFunc(operations(b), func(op string) bool { return slices.Contains(before, op) })
	if len(ops) < 15 {
		t.Fatalf("operations: %v", ops)
	}
	for _, op := range ops {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			b.Faults(core.FaultRule{Op: op, Kind: core.FaultError, Code: "AccessDenied", Status: 403})
			if err := iamuser.Delete(t.Context(), b.c, name); awsclient.Classify(err) != awsclient.Denied {
				t.Errorf("denied: %v", err)
			}
			b.Faults(core.FaultRule{Op: op, Kind: core.FaultResetAfter, Times: 1})
			if err := iamuser.Delete(t.Context(), b.c, name); err != nil {
				t.Errorf("lost reply: %v", err)
			}
			left := b.left()
			if op == "DeleteVirtualMFADevice" { // it is nobody's by then: a kind of its own cleans those
				left = slices.DeleteFunc(left, func(s string) bool { return strings.HasPrefix(s, "mfa-device") })
			}
			if len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// operations gives the names of IAM's operations that were called so far.
func operations(b *bench) (out []string) {
	for _, c := range b.Sim.World.Counters() {
		if c.Service == "iam" && c.Account == b.id && !strings.HasPrefix(c.Op, "Get") && !slices.Contains(out, c.Op) {
			out = append(out, c.Op)
		}
	}
	return out
}

func TestDeletePolicyWithVersions(t *testing.T) {
	t.Parallel()
	b := open(t)
	doc := aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	p, err := b.c.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("p"), PolicyDocument: doc})
	b.did(p, err)
	for range 4 {
		b.did(b.c.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: p.Policy.Arn, PolicyDocument: doc, SetAsDefault: true}))
	}
	b.did(b.c.AttachUserPolicy(t.Context(), &iam.AttachUserPolicyInput{UserName: aws.String(name), PolicyArn: p.Policy.Arn}))
	if err := iamuser.DeletePolicy(t.Context(), b.c, *p.Policy.Arn); awsclient.Classify(err) != awsclient.Blocked {
		t.Errorf("while it is attached: %v", err)
	}
	b.did(nil, iamuser.Delete(t.Context(), b.c, name))
	for range 2 {
		if err := iamuser.DeletePolicy(t.Context(), b.c, *p.Policy.Arn); err != nil {
			t.Error(err)
		}
	}
}
