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
		Kind: "ec2.nat_gateway", Source: ec2Source,
		List: listNATGateways, Delete: deleteNATGateway,
	}))
}

func listNATGateways(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, ec2.NewDescribeNatGatewaysPaginator(c, &ec2.DescribeNatGatewaysInput{}), func(out *ec2.DescribeNatGatewaysOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, g := range out.NatGateways {
			if g.State == types.NatGatewayStateDeleted {
				continue // told of for an hour
			}
			r := ec2Resource(g.NatGatewayId, string(g.State), g.Tags)
			r.CreatedAt = aws.ToTime(g.CreateTime)
			rs = append(rs, r)
		}
		return rs, nil
	})
}

// deleteNATGateway keeps the gateway's address: that is a kind of its own.
func deleteNATGateway(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	if r.State == string(types.NatGatewayStateDeleting) {
		return nil
	}
	_, err := c.DeleteNatGateway(ctx, &ec2.DeleteNatGatewayInput{NatGatewayId: &r.ID})
	return err
}
