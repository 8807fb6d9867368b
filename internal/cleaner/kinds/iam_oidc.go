package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(iam.NewFromConfig, cleaner.Spec[iam.Client]{
		Kind: "iam.oidc_provider", Source: iamSource, Global: true,
		List: listOIDCProviders, Delete: deleteOIDCProvider,
	}))
}

func listOIDCProviders(ctx context.Context, c *iam.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Once(func() ([]cleaner.Resource, error) { // IAM gives them all at once
		out, err := c.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
		if err != nil {
			return nil, err
		}
		var rs []cleaner.Resource
		for _, p := range out.OpenIDConnectProviderList {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(p.Arn), ARN: aws.ToString(p.Arn)})
		}
		return rs, nil
	})
}

func deleteOIDCProvider(ctx context.Context, c *iam.Client, r cleaner.Resource) error {
	_, err := c.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: &r.ID})
	return err
}
