package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(ec2.NewFromConfig, cleaner.Spec[ec2.Client]{
		Kind: "ec2.image", Source: ec2Source,
		List: listImages, Delete: deleteImage,
	}))
}

func listImages(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, ec2.NewDescribeImagesPaginator(c, &ec2.DescribeImagesInput{Owners: []string{"self"}, IncludeDeprecated: aws.Bool(true), IncludeDisabled: aws.Bool(true)}), func(out *ec2.DescribeImagesOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, i := range out.Images {
			if i.State == types.ImageStateDeregistered {
				continue
			}
			r := ec2Resource(i.ImageId, string(i.State), i.Tags)
			r.Name = aws.ToString(i.Name)
			rs = append(rs, r)
		}
		return rs, nil
	})
}

func deleteImage(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	_, err := c.DeregisterImage(ctx, &ec2.DeregisterImageInput{ImageId: &r.ID})
	return err
}
