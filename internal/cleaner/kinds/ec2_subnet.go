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
		Kind: "ec2.subnet", Source: ec2Source,
		After: []string{"ec2.network_interface", "ec2.instance", "ec2.nat_gateway", "ec2.vpc_endpoint"},
		List:  listSubnets, Delete: deleteSubnet,
	}))
}

func listSubnets(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, ec2.NewDescribeSubnetsPaginator(c, &ec2.DescribeSubnetsInput{}), func(out *ec2.DescribeSubnetsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, s := range out.Subnets {
			r := ec2Resource(s.SubnetId, string(s.State), s.Tags)
			if aws.ToBool(s.DefaultForAz) {
				r.Keep = ofDefaultVPC
			}
			rs = append(rs, r)
		}
		return rs, nil
	})
}

func deleteSubnet(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	_, err := c.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: &r.ID})
	return err
}
