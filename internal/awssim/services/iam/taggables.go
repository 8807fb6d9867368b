package iam

import "github.com/kodekloud/kml/internal/awssim/core"

func asIs(_ *core.Call, arn string) string { return arn }

func (i *IAM) taggables() []taggable {
	holder := func(k kind) func(*account, string) (*tagSet, error) {
		return func(a *account, name string) (*tagSet, error) {
			h, err := a.holder(k, name)
			if err != nil {
				return nil, err
			}
			return &h.Tags, nil
		}
	}
	republish := func(k kind) func(*core.Call, string) {
		return func(c *core.Call, name string) {
			if h, err := i.of(c).holder(k, name); err == nil {
				i.republish(c.Now, h)
			}
		}
	}
	return []taggable{
		{suffix: "User", list: "ListUserTags", key: func(in *tagIn) string { return in.UserName },
			find: holder(kindUser), after: republish(kindUser),
			arn: func(c *core.Call, n string) string { return i.holderARN(c, kindUser, n) }},
		{suffix: "Role", list: "ListRoleTags", key: func(in *tagIn) string { return in.RoleName },
			find: holder(kindRole), after: republish(kindRole),
			arn: func(c *core.Call, n string) string { return i.holderARN(c, kindRole, n) }},
		{suffix: "Policy", list: "ListPolicyTags", key: func(in *tagIn) string { return in.PolicyArn }, arn: asIs,
			find: func(a *account, arn string) (*tagSet, error) {
				p, err := a.ownPolicy(arn)
				if err != nil {
					return nil, err
				}
				return &p.Tags, nil
			}},
		{suffix: "InstanceProfile", list: "ListInstanceProfileTags", key: func(in *tagIn) string { return in.InstanceProfileName },
			arn: i.profileARN,
			find: func(a *account, name string) (*tagSet, error) {
				p, err := a.profile(name)
				if err != nil {
					return nil, err
				}
				return &p.Tags, nil
			}},
		{suffix: "MFADevice", list: "ListMFADeviceTags", key: func(in *tagIn) string { return in.SerialNumber }, arn: asIs,
			find: func(a *account, serial string) (*tagSet, error) {
				d, err := a.device(serial)
				if err != nil {
					return nil, err
				}
				return &d.Tags, nil
			}},
		{suffix: "OpenIDConnectProvider", list: "ListOpenIDConnectProviderTags", arn: asIs,
			key: func(in *tagIn) string { return in.OpenIDConnectProviderArn },
			find: func(a *account, arn string) (*tagSet, error) {
				p, err := a.oidcProvider(arn)
				if err != nil {
					return nil, err
				}
				return &p.Tags, nil
			}},
		{suffix: "SAMLProvider", list: "ListSAMLProviderTags", key: func(in *tagIn) string { return in.SAMLProviderArn }, arn: asIs,
			find: func(a *account, arn string) (*tagSet, error) {
				p, err := a.samlProvider(arn)
				if err != nil {
					return nil, err
				}
				return &p.Tags, nil
			}},
		{suffix: "ServerCertificate", list: "ListServerCertificateTags",
			key: func(in *tagIn) string { return in.ServerCertificateName },
			arn: func(c *core.Call, n string) string { return c.GlobalARN("iam", "server-certificate/"+n) },
			find: func(a *account, name string) (*tagSet, error) {
				s, err := a.certificate(name)
				if err != nil {
					return nil, err
				}
				return &s.Tags, nil
			}},
	}
}
