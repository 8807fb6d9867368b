package iam

import (
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

const maxServiceCreds = 2 // per user and service

// credentialServices take service-specific credentials.
var credentialServices = []string{"codecommit.amazonaws.com", "cassandra.amazonaws.com", "bedrock.amazonaws.com", "logs.amazonaws.com"}

type serviceCredential struct {
	ID, Service, Login, Secret string
	Active                     bool
	Created                    time.Time
}

type serviceCredIn struct {
	UserName, ServiceName, ServiceSpecificCredentialId, Status string
	AllUsers                                                   bool
}

type serviceCredOut struct {
	CreateDate                            core.Time
	ServiceName                           string
	ServiceUserName                       string `xml:",omitempty"`
	ServicePassword                       string `xml:",omitempty" trail:"-"`
	ServiceCredentialAlias                string `xml:",omitempty"`
	ServiceCredentialSecret               string `xml:",omitempty" trail:"-"`
	ServiceSpecificCredentialId, UserName string
	Status                                string
}

type oneServiceCredOut struct{ ServiceSpecificCredential serviceCredOut }

type serviceCredsOut struct {
	ServiceSpecificCredentials members[serviceCredOut]
	IsTruncated                bool
}

// out tells a credential, with its secret only when it was just made.
func (s *serviceCredential) out(u *User, fresh bool) serviceCredOut {
	o := serviceCredOut{CreateDate: core.At(s.Created), ServiceName: s.Service, ServiceSpecificCredentialId: s.ID,
		UserName: u.Name, Status: status(s.Active)}
	apiKey := s.Service == "bedrock.amazonaws.com" || s.Service == "logs.amazonaws.com"
	if apiKey {
		o.ServiceCredentialAlias = s.Login
	} else {
		o.ServiceUserName = s.Login
	}
	if fresh && apiKey {
		o.ServiceCredentialSecret = s.Secret
	} else if fresh {
		o.ServicePassword = s.Secret
	}
	return o
}

func (i *IAM) serviceCredentialOps() []core.Op {
	onSelf := on(i, kindUser, func(in *serviceCredIn) string { return in.UserName })
	return []core.Op{
		core.Handle("CreateServiceSpecificCredential", i.createServiceCred, core.Needs(func(c *core.Call, in *serviceCredIn) []core.Permission {
			return []core.Permission{i.permission(c, kindUser, in.UserName, map[string][]string{"iam:ServiceSpecificCredentialServiceName": {in.ServiceName}})}
		})),
		core.Handle("ListServiceSpecificCredentials", i.listServiceCreds, core.ReadOnly, onSelf),
		core.Handle("UpdateServiceSpecificCredential", func(c *core.Call, in *serviceCredIn) (core.None, error) {
			_, s, err := i.serviceCred(c, in)
			if err == nil {
				s.Active = in.Status == "Active"
			}
			return core.None{}, err
		}, onSelf),
		core.Handle("ResetServiceSpecificCredential", func(c *core.Call, in *serviceCredIn) (*oneServiceCredOut, error) {
			u, s, err := i.serviceCred(c, in)
			if err != nil {
				return nil, err
			}
			s.Secret = i.w.Secret(44)
			return &oneServiceCredOut{s.out(u, true)}, nil
		}, onSelf),
		core.Handle("DeleteServiceSpecificCredential", func(c *core.Call, in *serviceCredIn) (core.None, error) {
			u, s, err := i.serviceCred(c, in)
			if err == nil {
				u.ServiceCreds = slices.DeleteFunc(u.ServiceCreds, func(x *serviceCredential) bool { return x == s })
			}
			return core.None{}, err
		}, onSelf),
	}
}

func (i *IAM) serviceCred(c *core.Call, in *serviceCredIn) (*User, *serviceCredential, error) {
	u, err := i.of(c).user(own(c, in.UserName))
	if err != nil {
		return nil, nil, err
	}
	for _, s := range u.ServiceCreds {
		if s.ID == in.ServiceSpecificCredentialId {
			return u, s, nil
		}
	}
	return nil, nil, notFound("The service specific credential with id %s cannot be found.", in.ServiceSpecificCredentialId)
}

func (i *IAM) createServiceCred(c *core.Call, in *serviceCredIn) (*oneServiceCredOut, error) {
	u, err := i.of(c).user(in.UserName)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(credentialServices, in.ServiceName) {
		return nil, core.Errorf(404, "NotSupportedService", "No such service %s is supported for Service Specific Credentials", in.ServiceName)
	}
	n := 0
	for _, s := range u.ServiceCreds {
		if s.Service == in.ServiceName {
			n++
		}
	}
	if n >= maxServiceCreds {
		return nil, overLimit("ServiceSpecificCredentialsPerUser", maxServiceCreds)
	}
	s := &serviceCredential{ID: i.id("ACCA"), Service: in.ServiceName, Secret: i.w.Secret(44), Active: true, Created: c.Now}
	s.Login = u.Name + "-at-" + c.Account.ID
	if n > 0 {
		s.Login = u.Name + "+1-at-" + c.Account.ID
	}
	u.ServiceCreds = append(u.ServiceCreds, s)
	return &oneServiceCredOut{s.out(u, true)}, nil
}

func (i *IAM) listServiceCreds(c *core.Call, in *serviceCredIn) (*serviceCredsOut, error) {
	users := i.of(c).users.sorted()
	if !in.AllUsers {
		u, err := i.of(c).user(own(c, in.UserName))
		if err != nil {
			return nil, err
		}
		users = []*User{u}
	}
	out := &serviceCredsOut{}
	for _, u := range users {
		for _, s := range u.ServiceCreds {
			if in.ServiceName == "" || strings.EqualFold(in.ServiceName, s.Service) {
				out.ServiceSpecificCredentials = append(out.ServiceSpecificCredentials, s.out(u, false))
			}
		}
	}
	return out, nil
}
