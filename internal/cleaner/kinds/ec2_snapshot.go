package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(ec2.NewFromConfig, cleaner.Spec[ec2.Client]{
		Kind: "ec2.snapshot", Source: ec2Source,
		After: []string{"ec2.image"},
		List:  listSnapshots, Delete: deleteSnapshot,
	}))
}

func listSnapshots(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, ec2.NewDescribeSnapshotsPaginator(c, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}}), func(out *ec2.DescribeSnapshotsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, s := range out.Snapshots {
			r := ec2Resource(s.SnapshotId, string(s.State), s.Tags)
			r.CreatedAt = aws.ToTime(s.StartTime)
			rs = append(rs, r)
		}
		return rs, nil
	})
}

func deleteSnapshot(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	_, err := c.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: &r.ID})
	return err
}
