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
		Kind: "iam.server_certificate", Source: iamSource, Global: true,
		List: listServerCertificates, Delete: deleteServerCertificate,
	}))
}

func listServerCertificates(ctx context.Context, c *iam.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, iam.NewListServerCertificatesPaginator(c, &iam.ListServerCertificatesInput{}), func(out *iam.ListServerCertificatesOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, s := range out.ServerCertificateMetadataList {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(s.ServerCertificateName), ARN: aws.ToString(s.Arn), CreatedAt: aws.ToTime(s.UploadDate), Keep: kept(aws.ToString(s.Path))})
		}
		return rs, nil
	})
}

func deleteServerCertificate(ctx context.Context, c *iam.Client, r cleaner.Resource) error {
	_, err := c.DeleteServerCertificate(ctx, &iam.DeleteServerCertificateInput{ServerCertificateName: &r.ID})
	return err
}
