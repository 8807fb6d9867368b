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
		Kind: "iam.saml_provider", Source: iamSource, Global: true,
		List: listSAMLProviders, Delete: deleteSAMLProvider,
	}))
}

func listSAMLProviders(ctx context.Context, c *iam.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Once(func() ([]cleaner.Resource, error) { // IAM gives them all at once
		out, err := c.ListSAMLProviders(ctx, &iam.ListSAMLProvidersInput{})
		if err != nil {
			return nil, err
		}
		var rs []cleaner.Resource
		for _, p := range out.SAMLProviderList {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(p.Arn), ARN: aws.ToString(p.Arn), CreatedAt: aws.ToTime(p.CreateDate)})
		}
		return rs, nil
	})
}

func deleteSAMLProvider(ctx context.Context, c *iam.Client, r cleaner.Resource) error {
	_, err := c.DeleteSAMLProvider(ctx, &iam.DeleteSAMLProviderInput{SAMLProviderArn: &r.ID})
	return err
}
