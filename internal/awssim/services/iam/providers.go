package iam

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

const maxProviders = 100

type oidcProvider struct {
	ARN, URL    string // URL without scheme
	Clients     []string
	Thumbprints []string
	Created     time.Time
	Tags        tagSet
}

type samlProvider struct {
	ARN, Name, Metadata string
	Created             time.Time
	Tags                tagSet
}

type createOIDCIn struct {
	Url                          string
	ClientIDList, ThumbprintList []string
	Tags                         []tag
}

type oidcIn struct {
	OpenIDConnectProviderArn, ClientID string
	ThumbprintList                     []string
}

type oidcCreatedOut struct {
	OpenIDConnectProviderArn string
	Tags                     members[tag] `xml:",omitempty"`
}

type oidcOut struct {
	Url                          string
	ClientIDList, ThumbprintList members[string]
	CreateDate                   core.Time
	Tags                         members[tag] `xml:",omitempty"`
}

type arnOut struct{ Arn string }

type oidcListOut struct{ OpenIDConnectProviderList members[arnOut] }

type createSAMLIn struct {
	Name, SAMLMetadataDocument string

	Tags []tag
}

type samlIn struct{ SAMLProviderArn, SAMLMetadataDocument string }

type samlCreatedOut struct {
	SAMLProviderArn string
	Tags            members[tag] `xml:",omitempty"`
}

type samlOut struct {
	SAMLMetadataDocument   string
	CreateDate, ValidUntil core.Time
	Tags                   members[tag] `xml:",omitempty"`
}

type samlEntry struct {
	Arn                    string
	ValidUntil, CreateDate core.Time
}

type samlListOut struct{ SAMLProviderList members[samlEntry] }

func (p *samlProvider) validUntil() core.Time { return core.At(p.Created.AddDate(100, 0, 0)) }

func (a *account) oidcProvider(arn string) (*oidcProvider, error) {
	for _, p := range a.oidc.m {
		if p.ARN == arn {
			return p, nil
		}
	}
	return nil, notFound("OpenIDConnect Provider not found for arn %s", arn)
}

func (a *account) samlProvider(arn string) (*samlProvider, error) {
	if p := a.saml.get(afterLast(arn)); p != nil && p.ARN == arn {
		return p, nil
	}
	return nil, notFound("Manifest not found for arn %s", arn)
}

func (i *IAM) providerOps() []core.Op {
	onOIDC := core.On(func(_ *core.Call, in *oidcIn) string { return in.OpenIDConnectProviderArn })
	onSAML := core.On(func(_ *core.Call, in *samlIn) string { return in.SAMLProviderArn })
	change := func(f func(p *oidcProvider, in *oidcIn)) func(*core.Call, *oidcIn) (core.None, error) {
		return func(c *core.Call, in *oidcIn) (core.None, error) {
			p, err := i.of(c).oidcProvider(in.OpenIDConnectProviderArn)
			if err == nil {
				f(p, in)
			}
			return core.None{}, err
		}
	}
	return []core.Op{
		core.Handle("CreateOpenIDConnectProvider", i.createOIDC, core.Needs(func(c *core.Call, in *createOIDCIn) []core.Permission {
			return []core.Permission{{Resource: oidcARN(c, in.Url), Context: requestTags(in.Tags)}}
		})),
		core.Handle("GetOpenIDConnectProvider", func(c *core.Call, in *oidcIn) (*oidcOut, error) {
			p, err := i.of(c).oidcProvider(in.OpenIDConnectProviderArn)
			if err != nil {
				return nil, err
			}
			return &oidcOut{p.URL, p.Clients, p.Thumbprints, core.At(p.Created), members[tag](p.Tags)}, nil
		}, core.ReadOnly, onOIDC),
		core.Handle("ListOpenIDConnectProviders", func(c *core.Call, _ *core.None) (*oidcListOut, error) {
			return &oidcListOut{each(i.of(c).oidc.sorted(), func(p *oidcProvider) arnOut { return arnOut{p.ARN} })}, nil
		}, core.ReadOnly),
		core.Handle("AddClientIDToOpenIDConnectProvider", change(func(p *oidcProvider, in *oidcIn) {
			if !slices.Contains(p.Clients, in.ClientID) {
				p.Clients = append(p.Clients, in.ClientID)
			}
		}), onOIDC),
		core.Handle("RemoveClientIDFromOpenIDConnectProvider", change(func(p *oidcProvider, in *oidcIn) {
			p.Clients = slices.DeleteFunc(p.Clients, func(s string) bool { return s == in.ClientID })
		}), onOIDC),
		core.Handle("UpdateOpenIDConnectProviderThumbprint", change(func(p *oidcProvider, in *oidcIn) {
			p.Thumbprints = in.ThumbprintList
		}), onOIDC),
		core.Handle("DeleteOpenIDConnectProvider", func(c *core.Call, in *oidcIn) (core.None, error) {
			p, err := i.of(c).oidcProvider(in.OpenIDConnectProviderArn)
			if err == nil {
				i.of(c).oidc.drop(p.URL)
			}
			return core.None{}, err
		}, onOIDC),
		core.Handle("CreateSAMLProvider", i.createSAML, core.Needs(func(c *core.Call, in *createSAMLIn) []core.Permission {
			return []core.Permission{{Resource: c.GlobalARN("iam", "saml-provider/"+in.Name), Context: requestTags(in.Tags)}}
		})),
		core.Handle("GetSAMLProvider", func(c *core.Call, in *samlIn) (*samlOut, error) {
			p, err := i.of(c).samlProvider(in.SAMLProviderArn)
			if err != nil {
				return nil, err
			}
			return &samlOut{p.Metadata, core.At(p.Created), p.validUntil(), members[tag](p.Tags)}, nil
		}, core.ReadOnly, onSAML),
		core.Handle("ListSAMLProviders", func(c *core.Call, _ *core.None) (*samlListOut, error) {
			return &samlListOut{each(i.of(c).saml.sorted(), func(p *samlProvider) samlEntry {
				return samlEntry{p.ARN, p.validUntil(), core.At(p.Created)}
			})}, nil
		}, core.ReadOnly),
		core.Handle("UpdateSAMLProvider", func(c *core.Call, in *samlIn) (*samlCreatedOut, error) {
			p, err := i.of(c).samlProvider(in.SAMLProviderArn)
			if err != nil {
				return nil, err
			}
			p.Metadata = in.SAMLMetadataDocument
			return &samlCreatedOut{SAMLProviderArn: p.ARN}, nil
		}, onSAML),
		core.Handle("DeleteSAMLProvider", func(c *core.Call, in *samlIn) (core.None, error) {
			p, err := i.of(c).samlProvider(in.SAMLProviderArn)
			if err == nil {
				i.of(c).saml.drop(p.Name)
			}
			return core.None{}, err
		}, onSAML),
	}
}

func oidcARN(c *core.Call, rawURL string) string {
	return c.GlobalARN("iam", "oidc-provider/"+bareURL(rawURL))
}

func bareURL(s string) string { return strings.TrimSuffix(strings.TrimPrefix(s, "https://"), "/") }

func (i *IAM) createOIDC(c *core.Call, in *createOIDCIn) (*oidcCreatedOut, error) {
	u, err := url.Parse(in.Url)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, invalid("Invalid Open ID Connect Provider URL")
	}
	tags, err := tagSet(nil).with(in.Tags)
	if err != nil {
		return nil, err
	}
	a := i.of(c)
	if a.oidc.get(bareURL(in.Url)) != nil {
		return nil, exists("Provider with url %s already exists.", in.Url)
	}
	if a.oidc.len() >= maxProviders {
		return nil, overLimit("OpenIdConnectProvidersPerAccount", maxProviders)
	}
	p := &oidcProvider{ARN: oidcARN(c, in.Url), URL: bareURL(in.Url), Clients: in.ClientIDList, Thumbprints: in.ThumbprintList, Created: c.Now, Tags: tags}
	a.oidc.put(p.URL, p)
	return &oidcCreatedOut{p.ARN, members[tag](tags)}, nil
}

func (i *IAM) createSAML(c *core.Call, in *createSAMLIn) (*samlCreatedOut, error) {
	v := (&check{}).name("Name", in.Name, 128)
	tags, err := tagSet(nil).with(in.Tags)
	if err := firstError(v.err, err); err != nil {
		return nil, err
	}
	if len(in.SAMLMetadataDocument) < 1000 { // AWS's documented minimum
		return nil, invalid("1 validation error detected: Value at 'sAMLMetadataDocument' failed to satisfy constraint: Member must have length greater than or equal to 1000")
	}
	a := i.of(c)
	if a.saml.get(in.Name) != nil {
		return nil, exists("SAMLProvider with name %s already exists", in.Name)
	}
	if a.saml.len() >= maxProviders {
		return nil, overLimit("SAMLProvidersPerAccount", maxProviders)
	}
	p := &samlProvider{ARN: c.GlobalARN("iam", "saml-provider/"+in.Name), Name: in.Name, Metadata: in.SAMLMetadataDocument, Created: c.Now, Tags: tags}
	a.saml.put(p.Name, p)
	return &samlCreatedOut{p.ARN, members[tag](tags)}, nil
}
