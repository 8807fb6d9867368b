package iam

import (
	"crypto/md5" //nolint:gosec // IAM's fingerprint of a public key is an MD5
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

const maxSSHKeys, maxSigning = 5, 2

func blob(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

type sshKey struct {
	ID, Body, Fingerprint string
	Active                bool
	Uploaded              time.Time
}

type signingCertificate struct {
	ID, Body string
	Active   bool
	Uploaded time.Time
}

type sshOut struct {
	UserName, SSHPublicKeyId string
	Fingerprint              string `xml:",omitempty"`
	SSHPublicKeyBody         string `xml:",omitempty"`
	Status                   string
	UploadDate               core.Time
}

type sshIn struct{ UserName, SSHPublicKeyId, SSHPublicKeyBody, Encoding, Status string }

type oneSSHOut struct{ SSHPublicKey sshOut }

type sshListOut struct {
	SSHPublicKeys members[sshOut]
	Truncation
}

type signingIn struct{ UserName, CertificateId, CertificateBody, Status string }

type signingOut struct {
	UserName, CertificateId, CertificateBody, Status string
	UploadDate                                       core.Time
}

type oneSigningOut struct{ Certificate signingOut }

type signingListOut struct {
	Certificates members[signingOut]
	Truncation
}

func (i *IAM) credentialOps() []core.Op {
	onSSH := on(i, kindUser, func(in *sshIn) string { return in.UserName })
	onCert := on(i, kindUser, func(in *signingIn) string { return in.UserName })
	return []core.Op{
		core.Handle("UploadSSHPublicKey", i.uploadSSH, onSSH),
		core.Handle("GetSSHPublicKey", func(c *core.Call, in *sshIn) (*oneSSHOut, error) {
			u, k, err := i.sshKey(c, in)
			if err != nil {
				return nil, err
			}
			return &oneSSHOut{k.out(u)}, nil
		}, core.ReadOnly, onSSH),
		core.Handle("ListSSHPublicKeys", func(c *core.Call, in *userListIn) (*sshListOut, error) {
			u, err := i.of(c).user(own(c, in.UserName))
			if err != nil {
				return nil, err
			}
			page, more, err := cut(u.SSH, func(k *sshKey) string { return k.ID }, in.Paging)
			return &sshListOut{each(page, func(k *sshKey) sshOut {
				return sshOut{UserName: u.Name, SSHPublicKeyId: k.ID, Status: status(k.Active), UploadDate: core.At(k.Uploaded)}
			}), more}, err
		}, core.ReadOnly, on(i, kindUser, (*userListIn).name)),
		core.Handle("UpdateSSHPublicKey", func(c *core.Call, in *sshIn) (core.None, error) {
			_, k, err := i.sshKey(c, in)
			if err == nil {
				k.Active = in.Status == "Active"
			}
			return core.None{}, err
		}, onSSH),
		core.Handle("DeleteSSHPublicKey", func(c *core.Call, in *sshIn) (core.None, error) {
			u, k, err := i.sshKey(c, in)
			if err == nil {
				u.SSH = slices.DeleteFunc(u.SSH, func(x *sshKey) bool { return x == k })
			}
			return core.None{}, err
		}, onSSH),
		core.Handle("UploadSigningCertificate", i.uploadSigning, onCert),
		core.Handle("ListSigningCertificates", func(c *core.Call, in *userListIn) (*signingListOut, error) {
			u, err := i.of(c).user(own(c, in.UserName))
			if err != nil {
				return nil, err
			}
			page, more, err := cut(u.Certificates, func(k *signingCertificate) string { return k.ID }, in.Paging)
			return &signingListOut{each(page, func(k *signingCertificate) signingOut { return k.out(u) }), more}, err
		}, core.ReadOnly, on(i, kindUser, (*userListIn).name)),
		core.Handle("UpdateSigningCertificate", func(c *core.Call, in *signingIn) (core.None, error) {
			_, k, err := i.signing(c, in)
			if err == nil {
				k.Active = in.Status == "Active"
			}
			return core.None{}, err
		}, onCert),
		core.Handle("DeleteSigningCertificate", func(c *core.Call, in *signingIn) (core.None, error) {
			u, k, err := i.signing(c, in)
			if err == nil {
				u.Certificates = slices.DeleteFunc(u.Certificates, func(x *signingCertificate) bool { return x == k })
			}
			return core.None{}, err
		}, onCert),
	}
}

func (k *sshKey) out(u *User) sshOut {
	return sshOut{u.Name, k.ID, k.Fingerprint, k.Body, status(k.Active), core.At(k.Uploaded)}
}

func (k *signingCertificate) out(u *User) signingOut {
	return signingOut{u.Name, k.ID, k.Body, status(k.Active), core.At(k.Uploaded)}
}

func (i *IAM) sshKey(c *core.Call, in *sshIn) (*User, *sshKey, error) {
	u, err := i.of(c).user(own(c, in.UserName))
	if err != nil {
		return nil, nil, err
	}
	for _, k := range u.SSH {
		if k.ID == in.SSHPublicKeyId {
			return u, k, nil
		}
	}
	return nil, nil, notFound("The Public Key with id %s cannot be found.", in.SSHPublicKeyId)
}

func (i *IAM) uploadSSH(c *core.Call, in *sshIn) (*oneSSHOut, error) {
	u, err := i.of(c).user(in.UserName)
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(in.SSHPublicKeyBody)
	if len(fields) < 2 || fields[0] != "ssh-rsa" {
		return nil, core.Errorf(400, "InvalidPublicKey", "The public key is malformed or otherwise invalid.")
	}
	raw, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return nil, core.Errorf(400, "UnrecognizedPublicKeyEncoding", "The public key encoding format is unsupported or unrecognized.")
	}
	for _, k := range u.SSH {
		if k.Body == in.SSHPublicKeyBody {
			return nil, core.Errorf(400, "DuplicateSSHPublicKey", "The SSH public key is already associated with the specified IAM user.")
		}
	}
	if len(u.SSH) >= maxSSHKeys {
		return nil, overLimit("SSHPublicKeysPerUser", maxSSHKeys)
	}
	sum := md5.Sum(raw) //nolint:gosec // a fingerprint, not a safeguard
	k := &sshKey{ID: i.id("APKA"), Body: in.SSHPublicKeyBody, Fingerprint: strings.ReplaceAll(fmt.Sprintf("% x", sum), " ", ":"), Active: true, Uploaded: c.Now}
	u.SSH = append(u.SSH, k)
	slices.SortFunc(u.SSH, func(a, b *sshKey) int { return strings.Compare(a.ID, b.ID) })
	return &oneSSHOut{k.out(u)}, nil
}

func (i *IAM) signing(c *core.Call, in *signingIn) (*User, *signingCertificate, error) {
	u, err := i.of(c).user(own(c, in.UserName))
	if err != nil {
		return nil, nil, err
	}
	for _, k := range u.Certificates {
		if k.ID == in.CertificateId {
			return u, k, nil
		}
	}
	return nil, nil, notFound("The Certificate with id %s cannot be found.", in.CertificateId)
}

func (i *IAM) uploadSigning(c *core.Call, in *signingIn) (*oneSigningOut, error) {
	u, err := i.of(c).user(own(c, in.UserName))
	if err != nil {
		return nil, err
	}
	if b, _ := pem.Decode([]byte(in.CertificateBody)); b == nil || b.Type != "CERTIFICATE" {
		return nil, core.Errorf(400, "MalformedCertificate", "Unable to parse certificate. Please ensure the certificate is in PEM format.")
	}
	if len(u.Certificates) >= maxSigning {
		return nil, overLimit("CertificatesPerUser", maxSigning)
	}
	k := &signingCertificate{ID: i.w.Base32(32), Body: in.CertificateBody, Active: true, Uploaded: c.Now}
	u.Certificates = append(u.Certificates, k)
	slices.SortFunc(u.Certificates, func(a, b *signingCertificate) int { return strings.Compare(a.ID, b.ID) })
	return &oneSigningOut{k.out(u)}, nil
}
