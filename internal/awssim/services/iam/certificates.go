package iam

import (
	"cmp"
	"encoding/pem"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

const maxServerCertificates = 20

type serverCertificate struct {
	ARN, ID, Name, Path string
	Body, Chain         string
	Uploaded            time.Time
	Tags                tagSet
}

type uploadCertificateIn struct {
	Path, ServerCertificateName, CertificateBody, CertificateChain string

	PrivateKey string `trail:"-"`
	Tags       []tag
}

type certificateIn struct{ ServerCertificateName string }

type certificateMetadata struct {
	Path, ServerCertificateName, ServerCertificateId, Arn string
	UploadDate, Expiration                                core.Time
}

type certificateUploadedOut struct {
	ServerCertificateMetadata certificateMetadata
	Tags                      members[tag] `xml:",omitempty"`
}

type certificateOut struct {
	ServerCertificateMetadata certificateMetadata
	CertificateBody           string
	CertificateChain          string       `xml:",omitempty"`
	Tags                      members[tag] `xml:",omitempty"`
}

type oneCertificateOut struct{ ServerCertificate certificateOut }

type certificatesOut struct {
	ServerCertificateMetadataList members[certificateMetadata]
	Truncation
}

func (s *serverCertificate) metadata() certificateMetadata {
	return certificateMetadata{s.Path, s.Name, s.ID, s.ARN, core.At(s.Uploaded), core.At(s.Uploaded.AddDate(1, 0, 0))}
}

func (a *account) certificate(name string) (*serverCertificate, error) {
	if s := a.certs.get(name); s != nil {
		return s, nil
	}
	return nil, notFound("The Server Certificate with name %s cannot be found.", name)
}

func (i *IAM) certificateOps() []core.Op {
	onCert := core.On(func(c *core.Call, in *certificateIn) string {
		if s := i.of(c).certs.get(in.ServerCertificateName); s != nil {
			return s.ARN
		}
		return entityARN(c.Account.ID, "server-certificate", "/", in.ServerCertificateName)
	})
	return []core.Op{
		core.Handle("UploadServerCertificate", i.uploadCertificate, core.Needs(func(c *core.Call, in *uploadCertificateIn) []core.Permission {
			return []core.Permission{{Resource: entityARN(c.Account.ID, "server-certificate", in.Path, in.ServerCertificateName), Context: requestTags(in.Tags)}}
		})),
		core.Handle("GetServerCertificate", func(c *core.Call, in *certificateIn) (*oneCertificateOut, error) {
			s, err := i.of(c).certificate(in.ServerCertificateName)
			if err != nil {
				return nil, err
			}
			return &oneCertificateOut{certificateOut{s.metadata(), s.Body, s.Chain, members[tag](s.Tags)}}, nil
		}, core.ReadOnly, onCert),
		core.Handle("ListServerCertificates", func(c *core.Call, in *listIn) (*certificatesOut, error) {
			all := under(i.of(c).certs.sorted(), in.PathPrefix, func(s *serverCertificate) string { return s.Path })
			page, more, err := cut(all, func(s *serverCertificate) string { return strings.ToLower(s.Name) }, in.Paging)
			return &certificatesOut{each(page, (*serverCertificate).metadata), more}, err
		}, core.ReadOnly, core.On(func(c *core.Call, in *listIn) string { return listARN(c, "server-certificate", in.PathPrefix) })),
		core.Handle("DeleteServerCertificate", func(c *core.Call, in *certificateIn) (core.None, error) {
			s, err := i.of(c).certificate(in.ServerCertificateName)
			if err == nil {
				i.of(c).certs.drop(s.Name)
			}
			return core.None{}, err
		}, onCert),
	}
}

func (i *IAM) uploadCertificate(c *core.Call, in *uploadCertificateIn) (*certificateUploadedOut, error) {
	v := (&check{}).name("ServerCertificateName", in.ServerCertificateName, 128).path("Path", in.Path).
		required("CertificateBody", in.CertificateBody).required("PrivateKey", in.PrivateKey)
	tags, err := tagSet(nil).with(in.Tags)
	if err := firstError(v.err, err); err != nil {
		return nil, err
	}
	if b, _ := pem.Decode([]byte(in.CertificateBody)); b == nil || b.Type != "CERTIFICATE" {
		return nil, core.Errorf(400, "MalformedCertificate", "Unable to parse certificate. Please ensure the certificate is in PEM format.")
	}
	a := i.of(c)
	if a.certs.get(in.ServerCertificateName) != nil {
		return nil, exists("The Server Certificate with name %s already exists.", in.ServerCertificateName)
	}
	if a.certs.len() >= maxServerCertificates {
		return nil, overLimit("ServerCertificatesPerAccount", maxServerCertificates)
	}
	s := &serverCertificate{ID: i.id("ASCA"), Name: in.ServerCertificateName, Path: cmp.Or(in.Path, "/"), Body: in.CertificateBody,
		Chain: in.CertificateChain, Uploaded: c.Now, Tags: tags}
	s.ARN = entityARN(a.id, "server-certificate", s.Path, s.Name)
	a.certs.put(s.Name, s)
	return &certificateUploadedOut{s.metadata(), members[tag](tags)}, nil
}
