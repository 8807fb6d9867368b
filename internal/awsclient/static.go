package awsclient

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Static gives a configuration that signs with long-term keys, for probing the
// key of a temporary user. It is bound to no account and needs no lease: what it
// may do is up to the key.
func (p *Provider) Static(keyID, secret, region string) aws.Config {
	cfg := p.config(region, &gate{p: p})
	cfg.Credentials = credentials.NewStaticCredentialsProvider(keyID, secret, "")
	return cfg
}
