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
		Kind: "ec2.volume", Source: ec2Source,
		After: []string{"ec2.instance"},
		List:  listVolumes, Delete: deleteVolume,
	}))
}

func listVolumes(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, ec2.NewDescribeVolumesPaginator(c, &ec2.DescribeVolumesInput{}), func(out *ec2.DescribeVolumesOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, v := range out.Volumes {
			if v.State == types.VolumeStateDeleted {
				continue
			}
			r := ec2Resource(v.VolumeId, string(v.State), v.Tags)
			r.CreatedAt = aws.ToTime(v.CreateTime)
			rs = append(rs, r)
		}
		return rs, nil
	})
}

func deleteVolume(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	if r.State == string(types.VolumeStateDeleting) {
		return nil
	}
	_, err := c.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &r.ID})
	return err
}
