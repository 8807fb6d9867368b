package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(ec2.NewFromConfig, cleaner.Spec[ec2.Client]{
		Kind: "ec2.placement_group", Source: ec2Source,
		After: []string{"ec2.instance"},
		List:  listPlacementGroups, Delete: deletePlacementGroup,
	}))
}

func listPlacementGroups(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Once(func() ([]cleaner.Resource, error) { // EC2 gives them all at once
		out, err := c.DescribePlacementGroups(ctx, &ec2.DescribePlacementGroupsInput{})
		if err != nil {
			return nil, err
		}
		var rs []cleaner.Resource
		for _, g := range out.PlacementGroups {
			if g.State == types.PlacementGroupStateDeleted {
				continue
			}
			rs = append(rs, ec2Resource(g.GroupName, string(g.State), g.Tags)) // deleted by name
		}
		return rs, nil
	})
}

func deletePlacementGroup(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	if r.State == string(types.PlacementGroupStateDeleting) {
		return nil
	}
	_, err := c.DeletePlacementGroup(ctx, &ec2.DeletePlacementGroupInput{GroupName: &r.ID})
	return err
}
